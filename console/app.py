"""The console's pages and its JSON, as one ASGI application.

It reads and never writes; whoever runs it decides where it listens. Pages work without a script:
the one there is only brings a page that is being read up to date.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from console.errors import BadQuestion
from console.growth import chart
from console.history import revisions_of
from console.metrics import Counted
from console.page import Pages
from console.pair import pairs_of
from console.question import Question, parse_question
from console.security import Guard
from console.tally import Tally, count_before, tally_alerts
from console.timeline import timelines
from contracts import wire
from contracts.alert import Alert
from contracts.ids import AlertId
from store.album import AlbumFolder
from store.alert import AlertPage, get_alert, list_alerts
from store.clock import Clock, SystemClock
from store.dead_letter import count_dead_letters, list_dead_letters
from store.decision import list_decisions

STATIC = Path(__file__).parent / "static"
DEAD_LETTERS_SHOWN = 100


def create_app(
    engine: Engine,
    *,
    hosts: Iterable[str] = (),
    clock: Clock | None = None,
    pictures: AlbumFolder | None = None,
) -> ASGIApp:
    """Make the application.

    Args:
        engine: A migrated database.
        hosts: Names that the console goes by, beside ``localhost`` and its addresses.
        clock: What "3 min ago" is counted from.
        pictures: Of matches, by alert; None if none are kept on this machine.
    """
    console = Console(engine, clock or SystemClock(), pictures)
    app = Starlette(
        routes=[
            Route("/", console.alerts_page, name="alerts"),
            Route("/alerts/{alert_id}", console.alert_page, name="alert"),
            Route("/alerts/{alert_id}/pictures/{number:int}.jpg", console.picture),
            Route("/dead-letters", console.dead_letters_page, name="dead_letters"),
            Route("/api/alerts", console.alerts_json),
            Route("/api/alerts/{alert_id}", console.alert_json),
            Route("/healthz", console.health),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        exception_handlers={
            BadQuestion: console.refused,
            HTTPException: console.failed,
            Exception: console.failed,
        },
    )
    # Around all of it: a page that failed is guarded and counted too.
    return Counted(Guard(app, hosts=hosts))


class Console:
    """The endpoints. They are plain functions, so that Starlette runs them on its threads."""

    def __init__(self, engine: Engine, clock: Clock, pictures: AlbumFolder | None) -> None:
        self._engine = engine
        self._pictures = pictures
        self._pages = Pages(clock)

    def alerts_page(self, request: Request) -> Response:
        """The list, newest first."""
        question = parse_question(request.query_params)
        with self._engine.connect() as connection:
            page, tally = _ask(connection, question)
            context = {
                "question": question,
                "page": page,
                "tally": tally,
                "before": count_before(connection, question),
                "dead_letters": count_dead_letters(connection),
            }
        return self._pages.render("alerts.html", request, context)

    def alert_page(self, request: Request) -> Response:
        """One alert, with all that is known of it."""
        alert_id = AlertId(request.path_params["alert_id"])
        with self._engine.connect() as connection:
            alert = _existing(get_alert(connection, alert_id))
            context = {
                "alert": alert,
                "chart": chart(alert.growth),
                "timelines": timelines(alert.matches),
                "pairs": pairs_of(self._pictures, alert_id),
                "decisions": list_decisions(connection, alert_id=alert_id),
                "revisions": revisions_of(connection, alert_id),
                "dead_letters": count_dead_letters(connection),
            }
        return self._pages.render("alert.html", request, context)

    def picture(self, request: Request) -> Response:
        """A frame of an upload beside its reference's; made by a media worker, of pixels alone."""
        found = None
        if self._pictures is not None:
            found = self._pictures.picture(
                request.path_params["alert_id"], request.path_params["number"]
            )
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such picture any more.")
        return Response(found, media_type="image/jpeg")

    def dead_letters_page(self, request: Request) -> Response:
        """What could not be handled. The messages themselves may be personal data: not here."""
        with self._engine.connect() as connection:
            context = {
                "letters": list_dead_letters(connection, limit=DEAD_LETTERS_SHOWN),
                "dead_letters": count_dead_letters(connection),
            }
        return self._pages.render("dead_letters.html", request, context)

    def alerts_json(self, request: Request) -> Response:
        """The list for machines; ``next`` is the address of the page after, or null."""
        question = parse_question(request.query_params)
        with self._engine.connect() as connection:
            page, tally = _ask(connection, question)
        following = question.address("/api/alerts", after=page.after) if page.after else None
        if following and question.limit != Question().limit:
            following += f"&limit={question.limit}"
        body: dict[str, Any] = {
            "alerts": page.alerts,
            "total": tally.total(question),
            "next": following,
        }
        return Response(wire.encode(body), media_type="application/json")

    def alert_json(self, request: Request) -> Response:
        """One alert, as on the wire."""
        with self._engine.connect() as connection:
            alert = get_alert(connection, AlertId(request.path_params["alert_id"]))
        return Response(wire.encode(_existing(alert)), media_type="application/json")

    def health(self, _request: Request) -> Response:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            return JSONResponse(
                {"status": "down", "reason": f"SQL: {type(error).__name__}"},
                status_code=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        return JSONResponse({"status": "ok"})

    async def refused(self, request: Request, error: Exception) -> Response:
        """Say what was wrong with an address."""
        return self._error(request, HTTPStatus.BAD_REQUEST, str(error))

    async def failed(self, request: Request, error: Exception) -> Response:
        """Say that there is no such page, or that it could not be made."""
        if not isinstance(error, HTTPException):
            reason = "The console could not answer. Its log says why; `doorstaff doctor` may too."
            return self._error(request, HTTPStatus.INTERNAL_SERVER_ERROR, reason)
        response = self._error(request, HTTPStatus(error.status_code), error.detail)
        response.headers.update(error.headers or {})
        return response

    def _error(self, request: Request, status: HTTPStatus, reason: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": reason}, status_code=status)
        context = {"status": status, "reason": reason}
        return self._pages.render("error.html", request, context, status_code=status)


def _ask(connection: Any, question: Question) -> tuple[AlertPage, Tally]:
    page = list_alerts(
        connection,
        kind=question.kind,
        status=question.status,
        action=question.action,
        campaign_id=question.campaign,
        after=question.after,
        limit=question.limit,
    )
    return page, tally_alerts(connection, question.campaign)


def _existing(alert: Alert | None) -> Alert:
    if alert is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, "There is no such alert. It may be of another database."
        )
    return alert
