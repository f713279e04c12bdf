"""What was answered about a file, kept so that a run that was broken off goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import media_screening

Row = dict[str, Any]


class Answers:
    """Answers about files by those who were asked, in a file of one JSON object a line.

    An answer holds for the state of the code that gave it (``code``); the last one stands.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[str, str], Row] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._rows[row["who"], row["file"]] = row

    def find(self, who: str, file: str, *, code: str | None) -> Row | None:
        """An earlier answer; with ``code``, only if that state of the code gave it."""
        row = self._rows.get((who, file))
        return row if row is not None and code in {None, row["code"]} else None

    def keep(self, who: str, file: str, *, code: str, **answer: object) -> Row:
        """Keep an answer; it is on disk when this returns."""
        row = {"who": who, "file": file, "code": code, **answer}
        self._rows[who, file] = row
        with self._path.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(row) + "\n")
        return row


_BESIDE = ("sound", "exchange", "fence", "queue", "worker", "retroactive", "policy", "evidence")


def screening_code() -> str:
    """A short name for the state of the code that bears on what is found in a picture."""
    folder = Path(media_screening.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if not path.relative_to(folder).parts[0].startswith(_BESIDE):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
