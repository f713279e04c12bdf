"""Pages from templates: everything that is put into one is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from console import moment
from console.question import KINDS, STATUSES
from console.sentence import sentence
from contracts.event import from_epoch_ms
from contracts.ids import ACTIONS
from store.clock import Clock

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """Renders the templates, each with the time at which it is read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "exact": moment.exact,
            "lasting": moment.length,
            "offset": moment.offset,
            "sentence": sentence,
        }
        self._environment.globals |= {
            "filters": (("kind", KINDS), ("status", STATUSES), ("action", ACTIONS[::-1])),
        }

    def render(
        self, name: str, request: Request, context: Mapping[str, Any], *, status_code: int = 200
    ) -> HTMLResponse:
        """Make a page."""
        now = from_epoch_ms(self._clock.now_ms())
        page = self._environment.get_template(name).render(
            {
                "dead_letters": 0,
                "here": request.url.path,
                "ago": lambda at: moment.ago(at, now=now),
                **context,
            }
        )
        return HTMLResponse(page, status_code=status_code)
