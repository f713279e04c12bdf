"""Many patterns looked for in one pass over a text, in time linear in its length.

``re`` tries one pattern after another, and at every place anew; RE2 makes one automaton of all of
them (docs/decisions/0110). It knows neither look-behind nor look-ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import re2

MAX_BYTES = 64 << 20
"""What the automaton may grow to as texts bring it to new states; past that it begins anew."""


class Automaton:
    """Tells which of some patterns a text has.

    Args:
        patterns: In RE2's syntax.
    """

    __slots__ = ("_match",)

    def __init__(self, patterns: Iterable[str]) -> None:
        options = re2.Options()
        options.max_mem = MAX_BYTES
        together = re2.Set.SearchSet(options)
        for pattern in patterns:
            together.Add(pattern)
        together.Compile()
        self._match = together.Match

    def found(self, text: bytes) -> Sequence[int]:
        """The numbers of the patterns that stand anywhere in a text, in no order.

        Args:
            text: In UTF-8; bytes that are none match no character.
        """
        return self._match(text) or ()
