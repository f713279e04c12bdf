"""What can go wrong in media screening.

MediaScreeningError
├── Rejected              this is not a video that can be screened; trying again changes nothing
│   ├── NotAVideo         a picture, sound, text, or no media at all
│   ├── CutOff            the file ends before its video does
│   │   └── Damaged       much of it cannot be decoded
│   └── OverLimit         too many bytes or pixels, too long, too hungry
├── ScreeningFailed       it could not be tried
│   ├── SourceUnavailable the upload is missing, unreadable, or its address is not allowed
│   ├── DecoderFailed     ffmpeg is missing, or ended with an error
│   └── TimeLimit         it took longer than it may
├── WorkerStuck           screenings hang on in a worker that gave up on them long ago
├── InvalidFingerprint    packed bytes that are not a fingerprint
├── ReferenceExists       a reference with this id exists
└── ReferenceUnknown      there is no reference with this id
"""

from __future__ import annotations


class MediaScreeningError(Exception):
    """Media screening could not do what it was asked.

    Attributes:
        reason: One line for people, without file paths or personal data.
    """

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason or (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(self.reason)


class Rejected(MediaScreeningError):  # noqa: N818 -- the verdict's own word
    """This is not a video that can be screened."""


class NotAVideo(Rejected):
    """This is not a video."""


class CutOff(Rejected):
    """The file is cut off: it ends before its video does."""


class Damaged(CutOff):
    """Much of the video cannot be decoded."""


class OverLimit(Rejected):
    """The upload is over a limit."""


class ScreeningFailed(MediaScreeningError):  # noqa: N818 -- named for what happened
    """The upload could not be screened.

    Attributes:
        passing: Whether trying again may help.
    """

    passing = True


class SourceUnavailable(ScreeningFailed):
    """The upload cannot be read.

    Attributes:
        passing: False for what no second try mends: a missing file, a forbidden address.
    """

    def __init__(self, reason: str | None = None, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


class DecoderFailed(ScreeningFailed):
    """The decoder ended with an error."""


class TimeLimit(ScreeningFailed):
    """The screening took longer than it may."""


class WorkerStuck(MediaScreeningError):  # noqa: N818 -- named for what is wrong
    """Several screenings hang and cannot be ended: this worker has to be started again."""


class InvalidFingerprint(MediaScreeningError, ValueError):  # noqa: N818 -- names what came in
    """These bytes are not a packed fingerprint."""


class ReferenceExists(MediaScreeningError):  # noqa: N818 -- named for what is wrong
    """A reference with this id exists."""


class ReferenceUnknown(MediaScreeningError):  # noqa: N818 -- named for what is wrong
    """There is no reference with this id."""
