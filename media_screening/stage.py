"""The steps of a screening: what each cost, and what it decided."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of a screening: what it cost, and what it decided.

    Attributes:
        cpu_s: Of this process, all its threads, and of the programs it ran.
        pictures: How many it decoded or looked at.
    """

    name: str
    elapsed_s: float
    cpu_s: float
    pictures: int
    decided: str


@dataclass(frozen=True, slots=True)
class _Cost:
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    @classmethod
    def so_far(cls) -> _Cost:
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return cls(time.monotonic(), sum(usage.ru_utime + usage.ru_stime for usage in usages))

    def __add__(self, other: _Cost) -> _Cost:
        return _Cost(self.elapsed_s + other.elapsed_s, self.cpu_s + other.cpu_s)

    def __sub__(self, other: _Cost) -> _Cost:
        return _Cost(self.elapsed_s - other.elapsed_s, self.cpu_s - other.cpu_s)


class StageLog:
    """Takes down the stages as they end."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._began = _Cost.so_far()
        self._aside: dict[str, _Cost] = {}
        self._elsewhere = _Cost()  # of what was spent since then, what is counted to later stages

    def end(self, name: str, decided: str, pictures: int = 0) -> None:
        """End a stage; what was done for it during others is counted to it, and not to them."""
        now = _Cost.so_far()
        spent = now - self._began - self._elsewhere + self._aside.pop(name, _Cost())
        self.stages.append(
            Stage(
                name=name,
                elapsed_s=round(spent.elapsed_s, 4),
                cpu_s=round(spent.cpu_s, 4),
                pictures=pictures,
                decided=decided,
            )
        )
        self._began, self._elsewhere = now, _Cost()

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """Count what is done here to a stage that ends later."""
        began = _Cost.so_far()
        try:
            yield
        finally:
            spent = _Cost.so_far() - began
            self._elsewhere += spent
            self._aside[name] = self._aside.get(name, _Cost()) + spent
