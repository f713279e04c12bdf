"""What stops a stream.

StreamError
├── BrokerUnavailable   no broker answers, or it refuses the topics
├── TopicMismatch       a topic has other partitions than the settings say
├── ServiceAway         Redis or SQL failed for longer than a worker waits
├── StageFailed         an agent could not handle a chunk; nothing of it was acknowledged
└── UnreadableSnapshot  a snapshot of state is missing a part, damaged, or too large
"""

from __future__ import annotations

import traceback
from pathlib import Path

from aiokafka.errors import KafkaError


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


class ServiceAway(StreamError):  # noqa: N818 -- named for what is wrong
    """Redis or SQL failed for longer than a worker waits.

    Attributes:
        service: Which.
        setting: The setting that says where it is.
    """

    def __init__(
        self, what: str, *, service: str, setting: str, seconds: float, reason: str
    ) -> None:
        super().__init__(
            f"{what}: {service} ({setting}) has failed for {seconds:.0f} s: {reason}. Nothing of it"
            " is acknowledged: start the worker again when the service is back"
        )
        self.service = service
        self.setting = setting


class StageFailed(StreamError):  # noqa: N818 -- named for what is wrong
    """An agent could not handle a chunk; nothing of it was acknowledged.

    What a fault of our own says may quote an event, so only its kind and place are told.

    Attributes:
        stage: The agent's name.
    """

    def __init__(self, stage: str, cause: Exception) -> None:
        if isinstance(cause, StreamError):
            told = str(cause)
        elif isinstance(cause, KafkaError | OSError):
            told = f"Kafka (DOORSTAFF_KAFKA_URL): {type(cause).__name__}: {cause}"
        else:
            told = f"{type(cause).__name__}{place_of(cause)}"
        super().__init__(f"{stage}: {told}")
        self.stage = stage


class UnreadableSnapshot(StreamError):  # noqa: N818 -- named for what is wrong
    """A snapshot of state cannot be read, or not be made: the topic is read instead."""


_ON_THE_WAY = {"reader", "scorer"}
"""Modules of ``detectors`` that only call the others."""


def place_of(error: BaseException) -> str:
    """Where it was raised, as `` in DETECTOR (FILE:LINE)``; without a detector only the place."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    paths = [Path(frame.filename) for frame in frames]
    called = [path.stem for path in paths if path.parent.name == "detectors"]
    detectors = [name for name in called if name not in _ON_THE_WAY] or called[-1:]
    detector = f" in {detectors[0]}" if detectors else ""
    return f"{detector} ({paths[-1].name}:{frames[-1].lineno})"
