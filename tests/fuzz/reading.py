"""Feed the reader whatever libFuzzer thinks of: no exception, and no text over its time.

    python -m tests.fuzz.reading CORPUS [-max_total_time=3600]
    python -m tests.fuzz.reading --slow FOLDER

Needs ``atheris`` (``pip install atheris``; it has wheels for Linux alone, so it is none of the
developers' tools). An input is a recipe: each byte is a piece of markup, disguise or number, or a
character, and the first two say whether and how often the whole is repeated. What took more than
``SUSPECTED_S`` is kept in CORPUS/slow; under a fuzzer everything is several times as slow, so
``--slow`` times those again without it and says which took more than ``MAX_S`` of CPU.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import get_args

from contracts.event import Post, PostKind, Signup
from contracts.ruleset import default_ruleset

MAX_S = 0.2
SUSPECTED_S = 0.5
MAX_CHARS = 1_000_000
REPEATED_FROM = 250
"""First bytes from here on have the whole repeated: long texts take long."""
PIECES = tuple(
    json.loads(line)
    for line in Path(__file__).with_name("pieces.txt").read_text("utf-8").splitlines()
)
KINDS = get_args(PostKind)


def text_of(recipe: bytes) -> str:
    """The text that a recipe stands for, at most ``MAX_CHARS``."""
    if len(recipe) < 2:
        return ""
    once = "".join(PIECES[byte] if byte < len(PIECES) else chr(byte) for byte in recipe[2:])
    times = 1 << recipe[1] % 20 if recipe[0] >= REPEATED_FROM else 1
    return (once * min(times, MAX_CHARS // max(len(once), 1)))[:MAX_CHARS]


def read_all(text: str, reader: object, kind: PostKind) -> float:
    """Read a text as a post and as a signup; the CPU seconds of the slower one."""
    common = {"event_id": "e", "account_id": "a", "occurred_at": "2026-01-01T00:00:00Z"}
    line = text[:2_048]
    post = Post.model_validate({**common, "kind": kind, "title": line, "text": "", "links": [line]})
    signup = Signup.model_validate(
        {
            **common,
            "device_id": "d",
            "email": line,
            "name": line,
            "organization": line,
            "phone": line,
        }
        | {"website": line}
    )
    slowest = 0.0
    for event in (
        post.model_copy(update={"text": text}),
        signup.model_copy(update={"bio": text}),
    ):
        begun = time.process_time()
        reader.read(event)  # type: ignore[attr-defined]
        slowest = max(slowest, time.process_time() - begun)
    return slowest


def time_again(folder: Path) -> int:
    """Time what was slow under the fuzzer without it; how many are over ``MAX_S``."""
    from detectors.reader import Reader  # noqa: PLC0415 -- the fuzzer instruments its own import

    reader, over = Reader(default_ruleset()), 0
    for path in sorted(folder.iterdir()):
        recipe = path.read_bytes()
        text = text_of(recipe)
        taken = min(read_all(text, reader, "comment") for _ in range(3))
        over += taken > MAX_S
        print(f"{path.name} {len(text)} characters {taken:.3f} s {text[:60]!r}")
    print(f"{over} over {MAX_S} s of CPU")
    return over


def main() -> None:
    if sys.argv[1:2] == ["--slow"]:
        sys.exit(1 if time_again(Path(sys.argv[2])) else 0)
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415 -- only for the fuzzing

    with atheris.instrument_imports(include=["detectors"]):
        from detectors.reader import Reader  # noqa: PLC0415 -- instrumented here

    reader = Reader(default_ruleset())
    slow = Path(next(name for name in sys.argv[1:] if not name.startswith("-"))) / "slow"
    slow.mkdir(parents=True, exist_ok=True)

    def one(recipe: bytes) -> None:
        text = text_of(recipe)
        kind: PostKind = KINDS[len(recipe) % len(KINDS)]
        if read_all(text, reader, kind) > SUSPECTED_S:
            (slow / hashlib.sha256(recipe).hexdigest()[:16]).write_bytes(recipe)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
