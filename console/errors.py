"""What can be wrong with a request.

ConsoleError
└── BadQuestion   the address asks for something that there is not
"""

from __future__ import annotations


class ConsoleError(Exception):
    """The console cannot answer."""


class BadQuestion(ConsoleError):  # noqa: N818 -- named for what is wrong
    """The address asks for something that there is not.

    Attributes:
        reason: What, and what would do.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
