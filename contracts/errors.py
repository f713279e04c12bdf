"""What can be wrong with what travels.

ContractError
├── InvalidEvent      a message that is not one of our events
├── InvalidRuleset    a ruleset file that cannot be used
├── InvalidTextModel  a file that holds no text model of this version
└── InvalidNameList   a file that holds no list of names
"""

from __future__ import annotations


class ContractError(ValueError):
    """Something that came in does not keep its contract."""


class InvalidEvent(ContractError):  # noqa: N818 -- it names what came in, as the dead letters do
    """The message is not an event.

    Attributes:
        reason: What was wrong and what would do; free of the values that came in, which may
            be personal data.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidRuleset(ContractError):  # noqa: N818 -- as above
    """The ruleset cannot be used.

    Attributes:
        problems: One line each, ``FILE:LINE: where: what was wrong``.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidTextModel(ContractError):  # noqa: N818 -- as above
    """The file is no text model of this version.

    Attributes:
        reason: What was wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"no text model: {reason}; `doorstaff tune --fit` writes one")
        self.reason = reason


class InvalidNameList(ContractError):  # noqa: N818 -- as above
    """The file holds no list of names.

    Attributes:
        problems: One line each, ``FILE:LINE: what was wrong``.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
