"""``dot com`` behind a Latin name, in the words and letters of other languages."""

from __future__ import annotations

import re

_DOTS = (
    "\u062f\u0648\u062a",  # Arabic, and the full stop of Arabic and Persian
    "\u0646\u0642\u0637\u0629",
    "\u062f\u0627\u062a",
    "\u0646\u0642\u0637\u0647",
    "\u0921\u0949\u091f",  # Hindi
    "\ub2f7",  # Korean
    "\u30c9\u30c3\u30c8",  # Japanese
    "\u05e0\u05e7\u05d5\u05d3\u05d4",  # Hebrew
    "\u0e14\u0e2d\u0e17",  # Thai
    "\u0434\u043e\u0442",  # Russian
    "\u03c4\u03b5\u03bb\u03b5\u03af\u03b1",  # Greek
)
_COMS = (
    "\u0643\u0648\u0645",
    "\u06a9\u0627\u0645",
    "\u0915\u0949\u092e",
    "\ucef4",
    "\u30b3\u30e0",
    "\u05e7\u05d5\u05dd",
    "\u0e04\u0e2d\u0e21",
    "\u043a\u043e\u043c",
    "\u03ba\u03bf\u03bc",
)
_DOT_COM = re.compile(rf"(?<=[a-z0-9])[ .]?(?:{'|'.join(_DOTS)}) ?(?:{'|'.join(_COMS)})", re.I)

foreign_com = re.compile("|".join(_COMS), re.I)
"""A hint that a text may hold it."""


def foreign_dot_coms(text: str) -> tuple[str, int]:
    """Write each as ``.com``, and count them."""
    return _DOT_COM.subn(".com", text)
