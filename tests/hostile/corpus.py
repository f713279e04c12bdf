"""The whole table: each hostile file, and how its screening is to end."""

from __future__ import annotations

from tests.hostile import bomb, matroska, mp4, name, odd, pretence
from tests.hostile.case import Case

CASES: tuple[Case, ...] = (
    *pretence.CASES,
    *mp4.CASES,
    *matroska.CASES,
    *bomb.CASES,
    *odd.CASES,
    *name.CASES,
)
