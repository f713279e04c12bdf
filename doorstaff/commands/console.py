"""``doorstaff console``: the trust team's web app."""

from __future__ import annotations

from urllib.parse import urlsplit

import typer

from console.app import create_app
from console.server import address_of, listen, make_server
from doorstaff.database import open_home_database
from doorstaff.errors import ServiceUnavailable
from doorstaff.evidence import evidence_folders
from doorstaff.logging import configure_logging
from doorstaff.monitoring import Monitoring, join
from doorstaff.settings import Settings, load_settings

_ANY = {"0.0.0.0", "::"}


def console() -> None:
    """Show alerts and dead letters in the browser, until Ctrl-C."""
    settings = load_settings()
    configure_logging(settings.log_level)
    engine = open_home_database(settings)
    try:
        try:
            listener = listen(settings.host, settings.console_port)
        except OSError as error:
            msg = (
                f"the console cannot listen on {join(settings.host, settings.console_port)}"
                f" ({error.strerror}); set DOORSTAFF_HOST or DOORSTAFF_CONSOLE_PORT, 0 for any"
            )
            raise ServiceUnavailable(msg) from None
        app = create_app(
            engine, hosts=console_hosts(settings), pictures=evidence_folders(settings)[0]
        )
        server = make_server(app)
        with (
            listener,
            Monitoring(
                settings.host, settings.metrics_port, healthy=lambda: server.started
            ) as monitoring,
        ):
            typer.echo(f"Console at {address_of(listener)} (Ctrl-C stops it)")
            typer.echo(f"Metrics at {monitoring.url}/metrics")
            server.run(sockets=[listener])
        typer.echo("Console stopped")
    finally:
        engine.dispose()


def console_hosts(settings: Settings) -> set[str]:
    """Names that the console goes by: the address it listens on, and the one people use."""
    names = {settings.host, urlsplit(settings.resolved_console_url).hostname or ""}
    return names - _ANY - {""}
