"""Many patterns looked for in one pass over a text, in time linear in its length.

``re`` tries one pattern after another, and at every place anew; RE2 makes one automaton of all of
them (docs/decisions/0110). It knows neither look-behind nor look-ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import re2

MAX_BYTES = 64 << 20
"""What the automaton may grow to as texts bring it to new states; past that it begins anew."""

SHORT_BYTES = 160
"""Beginning a pass costs as much as so many bytes of it."""
TOGETHER = 16


class Automaton:
    """Tells which of some patterns a text has.

    Args:
        patterns: In RE2's syntax; ``^`` and ``$`` stand for the ends of lines. None may need
            something of a line before it, or forbid it.
    """

    __slots__ = ("_match",)

    def __init__(self, patterns: Iterable[str]) -> None:
        options = re2.Options()
        options.max_mem = MAX_BYTES
        together = re2.Set.SearchSet(options)
        for pattern in patterns:
            together.Add(f"(?m){pattern}")
        together.Compile()
        self._match = together.Match

    def found(self, text: bytes) -> Sequence[int]:
        """The numbers of the patterns that stand anywhere in a text, in no order.

        Args:
            text: In UTF-8; bytes that are none match no character.
        """
        return self._match(text) or ()

    def found_in_each(self, texts: Sequence[bytes]) -> list[Sequence[int]]:
        """The same of several texts; for less where most are short and have nothing.

        Short ones are searched some at a time, as lines of one text, and one by one only where that
        has something (R. Dorfman, "The detection of defective members of large populations", Annals
        of Mathematical Statistics 14(4), 1943).
        """
        match = self._match
        found: list[Sequence[int]] = [()] * len(texts)
        suspects = [at for at, text in enumerate(texts) if len(text) > SHORT_BYTES]
        short = [at for at, text in enumerate(texts) if 0 < len(text) <= SHORT_BYTES]
        for begin in range(0, len(short), TOGETHER):
            some = short[begin : begin + TOGETHER]
            if match(b"\n".join([texts[at] for at in some])):
                suspects += some
        for at in suspects:
            found[at] = match(texts[at]) or ()
        return found
