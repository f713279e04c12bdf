"""What the detectors know besides the ruleset: lists of names, and the learned text model.

Both ship with Doorstaff, and either can be replaced while it stays as it is: ``doorstaff lists
update`` and ``doorstaff model publish`` keep newer ones in SQL, and whoever builds a ``Reader``
hands them over. Nothing here is read from a disk while events are scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.lists import bundled
from detectors.text_model import TextModel, bundled_model


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Names and a model in place of those that ship.

    Attributes:
        names: Whole lists by name, in place of the bundled ones.
        model: In place of the bundled one; None for that.
    """

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    model: TextModel | None = None

    def names_of(self, name: str) -> frozenset[str]:
        """The entries of a list."""
        known = self.names.get(name)
        return bundled(name) if known is None else known

    @property
    def text_model(self) -> TextModel:
        """The model to judge texts by."""
        return self.model or bundled_model()


BUNDLED = Knowledge()
"""What ships."""
