"""The pages of ``docs/reference`` that are written from the code.

``python -m doorstaff.reference docs/reference`` writes them; a test holds what is committed against
what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

import console.metrics
import media_screening.metrics
import streams.metrics
from console.sentence import sentence
from contracts.event import Event, Signup
from contracts.ids import Code
from contracts.ruleset import Ruleset, default_ruleset, window_text
from contracts.verdict import Reason
from detectors.example import Example
from detectors.first_link import FirstLink
from detectors.identity import Identity
from detectors.learned import Learned
from detectors.lettering import Lettering
from detectors.link_spam import LinkSpam
from detectors.prohibited import Prohibited
from detectors.vip import VipTraits
from doorstaff.cli import app
from doorstaff.settings import Settings
from sinks.metrics import SinkMetrics
from streams.topic import HOUR_MS, Topics

MAX_EXAMPLE_CHARS = 90
DETECTORS = (LinkSpam, Lettering, Identity, FirstLink, Prohibited, Learned, VipTraits)
_ALSO_AS_IT_IS = frozenset({"DATABASE_URL"})
_VALUES = {Path: "FILE", int: "N"}


def settings_page() -> str:
    """Every setting: name, default, unit, help."""
    rows = [
        (
            f"`{_variable(name)}`",
            _default(field.default),
            _unit(field.json_schema_extra),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "doorstaff/settings.py",
        "Doorstaff reads its settings from the environment. An empty default means: not set.\n"
        "`DATABASE_URL` also goes by `DOORSTAFF_DATABASE_URL`. A setting that cannot be used stops"
        " the start, with its name, what it was, and what would do.",
        _table(("setting", "default", "unit", "what it is for"), rows),
    )


def metrics_page() -> str:
    """Every Prometheus metric, by the process that has it."""
    of_sinks = vars(SinkMetrics(CollectorRegistry())).values()
    sections = [
        ("Stream workers: the stream", _metrics(vars(streams.metrics).values())),
        ("Stream workers: delivery to sinks", _metrics(of_sinks)),
        ("Media workers", _metrics(vars(media_screening.metrics).values())),
        ("Console", _metrics(vars(console.metrics).values())),
    ]
    return _page(
        "Metrics",
        "the metrics.py of streams/, sinks/, media_screening/ and console/",
        "Each `doorstaff worker`, `doorstaff media worker` and `doorstaff console` serves"
        " `/metrics` and `/healthz` on `DOORSTAFF_HOST`, port"
        " `DOORSTAFF_METRICS_PORT`. The usual metrics of a Python process come with them."
        " The console serves `/healthz` on its own port too.",
        *(
            f"## {title}\n\n{_table(('metric', 'type', 'labels', 'meaning'), rows)}"
            for title, rows in sections
        ),
    )


def topics_page() -> str:
    """Every topic: what travels on it, its key, partitions and retention."""
    topics = Topics()
    names = {
        getattr(topics, name): member.__doc__
        for name, member in vars(Topics).items()
        if isinstance(member, property)
    }
    rows = [
        (
            f"`{spec.name}`",
            names[spec.name] or "",
            spec.carries,
            spec.key,
            f"{spec.partitions}",
            f"{spec.retention_ms // HOUR_MS} h",
        )
        for spec in topics.specs()
    ]
    return _page(
        "Topics",
        "streams/topic.py",
        "Workers and `doorstaff send` make the topics that are missing, with"
        " `DOORSTAFF_REPLICATION` replicas, and leave those that are there as they are. Names,"
        " partitions and retention are shown with the default settings"
        " (`DOORSTAFF_TOPIC_PREFIX`, `DOORSTAFF_PARTITIONS`, `DOORSTAFF_RETENTION_HOURS`).",
        _table(("topic", "goes", "carries", "key", "partitions", "kept"), rows),
        "Every message is one JSON object, but for the packs between agents, which share messages"
        " in MessagePack (`streams/pack.py`). [The schemas of what travels](../schema/) say which"
        " fields it has.",
    )


def command_line_page() -> str:
    """Every command, with its arguments and options."""
    return _page(
        "Command line",
        "doorstaff/commands/",
        "`doorstaff COMMAND --help` says the same. Exit codes: 0 done, 1 it could not be done, and"
        " why is told on standard error, 2 wrong usage.",
        *_commands(typer.main.get_command(app), "doorstaff"),
    )


def signals_page() -> str:
    """Every code that the default ruleset prices."""
    rules = default_ruleset()
    thresholds = rules.thresholds
    velocity = [
        (
            f"`{rule.code}`",
            f"`{rule.facet}`",
            window_text(rule.window),
            ", ".join(f"{level.at_least} {rule.measure}: {level.points}" for level in rule.levels),
            f"`{rule.group}`",
            "yes" if rule.ties else "no",
        )
        for rule in rules.velocity
    ]
    groups = [
        (
            f"`{name}`",
            str(cap),
            "hold" if cap >= thresholds.hold else "review" if cap >= thresholds.review else "allow",
        )
        for name, cap in rules.groups.items()
    ]
    return _page(
        "Signals",
        "contracts/default_ruleset.yaml and the detectors' own examples",
        f"Points, groups and modes are those of the ruleset that ships, `{rules.version}`. From a"
        f" risk of {thresholds.review} on an account is for review, from {thresholds.hold} on it is"
        " held. How points add up is told in [How scoring works](../explanation/"
        "how-scoring-works.md); every field in [The ruleset](ruleset.md).",
        "## What one event says by itself\n\n"
        + _table(("code", "points", "group", "mode", "what it says", "for example"), _own(rules)),
        "## How many accounts share a facet\n\n"
        + _table(("code", "facet", "window", "points", "group", "ties a campaign"), velocity),
        "A signal of velocity has as evidence the `facet`, the level that was reached in the"
        " `window` (`accounts: 10` for ten or more), and `since` when the burst lasts. Where that"
        " is an estimate it says `estimated`, and its `error`.",
        "## Groups\n\nWhat a group's signals come to at most, and what that alone would do:\n\n"
        + _table(("group", "cap", "alone at most"), groups),
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "topics.md": topics_page,
    "command-line.md": command_line_page,
    "signals.md": signals_page,
}


def write(folder: Path) -> None:
    """Write every page into a folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


def _own(rules: Ruleset) -> Iterator[tuple[str, ...]]:
    examples = [example for kind in DETECTORS for example in kind.examples]
    for code, rule in rules.signals.items():
        yield (
            f"`{code}`",
            str(rule.points),
            f"`{rule.group}`",
            rule.mode,
            sentence(Reason(code=code, points=rule.points)).text,
            _example(code, examples),
        )


def _example(code: Code, examples: Iterable[Example]) -> str:
    found = next((example for example in examples if code in example.codes), None)
    if found is None:
        return ""
    told = _told(found.event)
    cut = told if len(told) <= MAX_EXAMPLE_CHARS else f"{told[:MAX_EXAMPLE_CHARS]}…"
    return "`` " + cut.replace("\u200b", "\\u200b") + " ``"


def _told(event: Event) -> str:
    if isinstance(event, Signup):
        fields = ("email", "name", "organization", "website", "bio")
        return ", ".join(
            f"{field}: {value}" for field in fields if (value := getattr(event, field))
        )
    return f"{getattr(event, 'kind', event.type)}: {getattr(event, 'text', '')}"


def _metrics(values: Iterable[object]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for metric in values:
        if isinstance(metric, MetricWrapperBase):
            (described,) = metric.describe()
            suffix = "_total" if described.type == "counter" else ""
            labels = ", ".join(f"`{name}`" for name in metric._labelnames)
            meaning = described.documentation.rstrip(".")
            rows.append((f"`{described.name}{suffix}`", described.type, labels, meaning))
    return rows


def _commands(command: Any, path: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")
        return
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    options = [one for one in command.params if one.opts[0].startswith("-") and not one.hidden]
    usage = " ".join([path, *map(_argument, arguments), *(["[OPTIONS]"] if options else [])])
    yield f"## `{usage}`\n\n{(command.help or '').strip()}"
    rows = [(f"`{_argument(one)}`", _help(one), "") for one in arguments]
    rows += [(f"`{_option(one)}`", _help(one), _default(one.default)) for one in options]
    if rows:
        yield _table(("", "what it is for", "default"), rows)


def _argument(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()) + ("..." if argument.nargs < 0 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    name = str(option.opts[0])
    if option.is_flag:
        return name
    return f"{name} {_VALUES.get(option.type_descriptor.annotation, 'TEXT')}"


def _help(parameter: Any) -> str:
    needed = " Required." if parameter.required and parameter.opts[0].startswith("-") else ""
    return f"{parameter.help or ''}{needed}"


def _variable(name: str) -> str:
    shown = name.upper()
    return shown if shown in _ALSO_AS_IT_IS else f"DOORSTAFF_{shown}"


def _default(value: object) -> str:
    if value is None or value == "" or value is False:
        return ""
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{str(value).lower() if value is True else value}`"


def _unit(extra: object) -> str:
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _page(title: str, source: str, *parts: str) -> str:
    note = f"<!-- Written from {source} by `python -m doorstaff.reference docs/reference`. -->"
    return "\n\n".join([f"# {title}", note, *parts]) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
