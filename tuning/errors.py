"""What can go wrong in tuning.

TuningError
├── InvalidLabels    a file of labels that cannot be used
├── NothingToLearn   too few labelled texts of either kind
└── TooFewLabels     too few labelled accounts of either kind
"""

from __future__ import annotations

from pathlib import Path


class TuningError(Exception):
    """Tuning cannot do what it was asked."""


class InvalidLabels(TuningError):  # noqa: N818 -- named for what is wrong
    """The file of labels cannot be used.

    Attributes:
        path: The file.
        line: From 1.
        reason: What was wrong and what would do.
    """

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class NothingToLearn(TuningError):  # noqa: N818 -- as above
    """Too few labelled texts of either kind.

    Attributes:
        spam: How many there are of labelled accounts that are bad.
        honest: And of those that are good.
    """

    def __init__(self, *, spam: int, honest: int, needed: int) -> None:
        super().__init__(
            f"{spam} texts of bad accounts and {honest} of good ones are labelled; a model needs"
            f" {needed} of each: add labels, or posts to the recording"
        )
        self.spam = spam
        self.honest = honest


class TooFewLabels(TuningError):  # noqa: N818 -- as above
    """Too few labelled accounts of either kind.

    Attributes:
        bad: How many accounts of the recording are labelled bad.
        good: And good.
    """

    def __init__(self, *, bad: int, good: int, needed: int) -> None:
        super().__init__(
            f"{bad} bad accounts and {good} good ones of the recording are labelled; to fit points"
            f" takes {needed} of each"
        )
        self.bad = bad
        self.good = good
