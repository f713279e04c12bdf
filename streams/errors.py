"""What stops a stream.

StreamError
├── BrokerUnavailable   no broker answers, or it refuses the topics
├── TopicMismatch       a topic has other partitions than the settings say
├── StageFailed         an agent could not handle a chunk; nothing of it was acknowledged
└── UnreadableSnapshot  a snapshot of state is missing a part, damaged, or too large
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


class TopicMismatch(StreamError):  # noqa: N818 -- named for what is wrong
    """A topic between the agents has other partitions than the settings say.

    Attributes:
        topic: Its name.
        has: Its partitions.
        wanted: What the settings say.
    """

    def __init__(self, topic: str, *, has: int, wanted: int) -> None:
        super().__init__(
            f"topic {topic} has {has} partitions, the settings say {wanted}: set"
            f" DOORSTAFF_PARTITIONS to what it has, or another DOORSTAFF_TOPIC_PREFIX"
        )
        self.topic = topic
        self.has = has
        self.wanted = wanted


class StageFailed(StreamError):  # noqa: N818 -- named for what is wrong
    """An agent could not handle a chunk; nothing of it was acknowledged.

    Attributes:
        stage: The agent's name.
    """

    def __init__(self, stage: str, cause: Exception) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}: {cause}")
        self.stage = stage


class UnreadableSnapshot(StreamError):  # noqa: N818 -- named for what is wrong
    """A snapshot of state cannot be read, or not be made: the topic is read instead."""
