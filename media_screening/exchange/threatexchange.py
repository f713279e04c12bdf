"""ThreatExchange's and HMA's lists: a signal a line, of a file (MD5) or of a video (vPDQ).

Three forms are told apart line by line:

- the CSV of ``threatexchange dataset -P --csv``: ``collab,signal_type,signal_str,category,tags``,
  which is also what is written;
- HMA's sample lists: ``hash,id,time,tags``, without a header;
- JSON objects, one a line, as the ThreatExchange API's ``threat_updates`` gives them:
  ``{"id", "indicator", "type", "should_delete", "descriptors": {"data": [{"status", "tags"}]}}``.

A vPDQ signal is a JSON list of ``hash,quality,seconds`` (``VpdqCompactFeature``). The sources are
python-threatexchange's ``cli/dataset_cmd.py``, ``extensions/vpdq/vpdq_util.py`` and
``exchanges/impl/fb_threatexchange_api.py``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from media_screening.exchange.hash_list import (
    BadLine,
    HashList,
    ListedFrame,
    ListedWork,
    listed_frame,
)

HEADER = ("collab", "signal_type", "signal_str", "category", "tags")

_MD5 = re.compile(r"[0-9a-f]{32}")
_PDQ = re.compile(r"[0-9a-f]{64}")
_VPDQ_TYPES = frozenset({"vpdq", "video_vpdq", "hash_vpdq", "hash_video_vpdq"})
_MD5_TYPES = frozenset({"md5", "video_md5", "hash_md5", "hash_video_md5", "video_hash_md5"})
_PDQ_TYPES = frozenset({"pdq", "hash_pdq"})
_FEATURE_COLUMNS = 3


class ThreatExchange:
    """Any number of works a file, each known by its file or by its frames."""

    name = "threatexchange"

    def read(self, lines: Iterable[str]) -> HashList:
        """Take every line that is a signal of a video and is said to be one to match."""
        works: list[ListedWork] = []
        bad: list[BadLine] = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.strip() == ",".join(HEADER):
                continue
            try:
                works.append(_work(line.rstrip("\r\n"), number))
            except ValueError as error:
                bad.append(BadLine(number=number, reason=str(error)))
        return HashList(works=tuple(works), bad=tuple(bad))

    def write(self, works: Sequence[ListedWork]) -> Iterator[str]:
        """A line for the frames of each work, and one for each MD5 of a file."""
        yield ",".join(HEADER)
        for work in works:
            features = [
                f"{frame.pdq.hex()},{frame.quality},{frame.time_s:.3f}"
                for frame in work.frames
                if frame.pdq
            ]
            if features:
                yield _line(work, "vpdq", json.dumps(features))
            for digest in work.digests:
                kind, _, digits = digest.partition(":")
                if kind == "md5":
                    yield _line(work, "video_md5", digits)


def _line(work: ListedWork, kind: str, signal: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(
        ("doorstaff", kind, signal, "POSITIVE_CLASS", work.name)
    )
    return out.getvalue()


def _work(line: str, number: int) -> ListedWork:
    if line.lstrip().startswith("{"):
        return _of_update(line)
    try:
        (columns,) = csv.reader([line], strict=True)
    except csv.Error as error:
        reason = f"no CSV: {error}"
        raise ValueError(reason) from None
    first = columns[0].strip().lower()
    if _MD5.fullmatch(first) or _PDQ.fullmatch(first):
        name = columns[1] if len(columns) > 1 else ""
        return _signal("md5" if _MD5.fullmatch(first) else "pdq", first, name=name)
    if len(columns) < len(HEADER):
        reason = f"{','.join(HEADER)} were expected, or a hash in front"
        raise ValueError(reason)
    collab, kind, signal, category, tags = columns[: len(HEADER)]
    if category.upper() in {"NEGATIVE_CLASS", "NON_MALICIOUS"}:
        reason = f"its category is {category}: not to be matched"
        raise ValueError(reason)
    return _signal(kind, signal, name=tags if collab == "doorstaff" else f"{collab} {number}")


def _of_update(line: str) -> ListedWork:
    try:
        update = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f"no JSON: {error}"
        raise ValueError(reason) from None
    if not isinstance(update.get("indicator"), str) or not isinstance(update.get("type"), str):
        reason = "indicator and type were expected"
        raise ValueError(reason)
    if update.get("should_delete"):
        reason = "it was withdrawn (should_delete)"
        raise ValueError(reason)
    descriptors = _descriptors(update)
    if descriptors and all(one.get("status") == "NON_MALICIOUS" for one in descriptors):
        reason = "its status is NON_MALICIOUS: not to be matched"
        raise ValueError(reason)
    return _signal(update["type"], update["indicator"], name=str(update.get("id", "")))


def _descriptors(update: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    held = update.get("descriptors")
    data = held.get("data") if isinstance(held, dict) else None
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def _signal(kind: str, signal: str, *, name: str) -> ListedWork:
    kind = kind.strip().lower()
    if kind in _MD5_TYPES:
        digits = signal.strip().lower()
        if not _MD5.fullmatch(digits):
            reason = "an MD5 of 32 hex digits was expected"
            raise ValueError(reason)
        return ListedWork(name=name or digits, digests=(f"md5:{digits}",))
    if kind in _VPDQ_TYPES:
        return ListedWork(name=name, frames=_features(signal))
    if kind in _PDQ_TYPES:
        reason = "a single picture's PDQ: a video is known by several frames"
        raise ValueError(reason)
    reason = f"signals of type {kind!r} say nothing of a video's pictures or file"
    raise ValueError(reason)


def _features(signal: str) -> tuple[ListedFrame, ...]:
    try:
        features = json.loads(signal)
    except (ValueError, RecursionError):
        features = None
    if isinstance(features, dict):  # vPDQ's older form, by the frame's number
        features = [
            f"{one.get('hash')},{one.get('quality')},{one.get('timestamp')}"
            for one in features.values()
            if isinstance(one, dict)
        ]
    if not isinstance(features, list) or not features:
        reason = "a JSON list of hash,quality,seconds was expected"
        raise ValueError(reason)
    frames = []
    for at, feature in enumerate(features):
        columns = str(feature).split(",")
        try:
            if len(columns) != _FEATURE_COLUMNS:
                reason = "hash,quality,seconds were expected"
                raise ValueError(reason)
            frames.append(listed_frame(*columns))
        except ValueError as error:
            reason = f"frame {at}: {error}"
            raise ValueError(reason) from None
    return tuple(frames)
