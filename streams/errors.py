"""What stops a stream.

StreamError
├── BrokerUnavailable   no broker answers, or it refuses the topics
└── StageFailed         an agent could not handle a chunk; nothing of it was acknowledged
"""

from __future__ import annotations


class StreamError(Exception):
    """The stream cannot go on."""


class BrokerUnavailable(StreamError):  # noqa: N818 -- named for what is wrong
    """The broker does not answer, or does not do what was asked.

    Attributes:
        bootstrap: The address that was tried.
    """

    def __init__(self, bootstrap: str, reason: str) -> None:
        super().__init__(f"Kafka at {bootstrap}: {reason}")
        self.bootstrap = bootstrap


class StageFailed(StreamError):  # noqa: N818 -- named for what is wrong
    """An agent could not handle a chunk; nothing of it was acknowledged.

    Attributes:
        stage: The agent's name.
    """

    def __init__(self, stage: str, cause: Exception) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}: {cause}")
        self.stage = stage
