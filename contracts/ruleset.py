"""The versioned thresholds, points, lists and modes; read from YAML, errors named by line."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from contracts.errors import InvalidRuleset
from contracts.event import PostKind
from contracts.ids import Action, Code, Mode

MAX_WINDOW_SECONDS = 30 * 86_400
MAX_LATENESS_SECONDS = 3_600

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def window_seconds(text: object) -> object:
    """Read ``90s``, ``10m``, ``24h``, ``7d``; a bare number is seconds."""
    if isinstance(text, str) and (parts := re.fullmatch(r"(\d{1,9})([smhd])", text)):
        return int(parts[1]) * _UNIT_SECONDS[parts[2]]
    if isinstance(text, str):
        msg = "a window is a number and a unit: 90s, 10m, 24h or 7d"
        raise ValueError(msg)
    return text


def window_text(seconds: int) -> str:
    """Write a window as rules do: the largest unit that leaves a whole number, 24h for a day."""
    for unit in ("d", "h", "m"):
        whole = seconds % _UNIT_SECONDS[unit] == 0
        if whole and seconds >= _UNIT_SECONDS[unit] and (unit, seconds) != ("d", 86_400):
            return f"{seconds // _UNIT_SECONDS[unit]}{unit}"
    return f"{seconds}s"


WrittenWindow = (
    Annotated[int, Field(ge=1, le=MAX_WINDOW_SECONDS)]
    | Annotated[str, Field(pattern=r"^[0-9]{1,9}[smhd]$")]
)
"""A window as a ruleset file gives it."""

Points = Annotated[int, Field(ge=-100, le=100)]
Domains = Annotated[
    tuple[str, ...],
    AfterValidator(lambda names: tuple(sorted({name.lower().strip(".") for name in names}))),
]


FacetKind = Literal[
    "device",
    "ip",
    "subnet",
    "email_stem",
    "email_domain",
    "email_shape",
    "payment",
    "phone",
    "user_agent",
    "country",
    "link_domain",
]
"""The kinds of facets that are made of events; compound ones are named by the ruleset."""

FACET_KINDS: frozenset[str] = frozenset(get_args(FacetKind))

TextFacetKind = Literal["contact", "near_text", "text_template", "title_template"]
"""The kinds of facets that are made of what an event says. A text has several of each, so they are
parts of no compound facet."""

TEXT_FACET_KINDS: frozenset[str] = frozenset(get_args(TextFacetKind))

Industry = Literal[
    "adult",
    "cheating",
    "counterfeits",
    "engagement",
    "gambling",
    "medicines",
    "money",
    "piracy",
    "services",
    "weapons",
]
"""What a platform's terms of service may prohibit; each has a list of phrases."""

VIP = Code("vip.organizer")
"""The signal of an account that looks like a large organizer."""

LEARNED = Code("text.learned")
"""The learned text signal, which no ruleset can make strong enough to hold an account alone."""

Measure = Literal["accounts", "events", "distinct", "new_account_share", "surprise", "fresh"]
"""What a velocity rule counts.

- ``accounts``: distinct accounts.
- ``events``: events, each once.
- ``distinct``: distinct values of another facet kind (``of``) among the events.
- ``new_account_share``: of the accounts, how many of a hundred were new (less than a day old) at
  their event; counted from ``min_accounts`` accounts on.
- ``surprise``: how improbable so many accounts are by the facet's own and its kind's usual rate, in
  bits: at 20, a facet like this one gets there by chance in one window of a million; counted from
  ``min_accounts`` accounts on.
- ``fresh``: distinct accounts, while nobody has seen the facet before the window.
"""


class Part(BaseModel):
    """A part of a ruleset. Unlike on the wire, an unknown field is an error: a typing slip."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Thresholds(Part):
    """From which risk on an account is reviewed, and held."""

    review: Annotated[int, Field(ge=1, le=100)] = 40
    hold: Annotated[int, Field(ge=1, le=100)] = 80

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.hold < self.review:
            msg = "hold must not be below review"
            raise ValueError(msg)
        return self


CompoundName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
CompoundParts = Annotated[tuple[FacetKind, ...], Field(min_length=2, max_length=4)]


class Level(Part):
    """From so many on, so many points."""

    at_least: Annotated[int, Field(ge=1, le=1_000_000)]
    """Of what the rule measures: accounts, events, values, percent or bits."""
    points: Points


class VelocityRule(Part):
    """How much of something comes with one facet within a window."""

    code: Code
    facet: str
    """A facet kind, or the name of a compound facet."""
    window: Annotated[
        int,
        BeforeValidator(window_seconds, json_schema_input_type=WrittenWindow),
        Field(ge=1, le=MAX_WINDOW_SECONDS),
    ]
    """Length in seconds."""
    measure: Measure = "accounts"
    of: FacetKind | None = None
    """With ``distinct``: the kind whose values are counted."""
    min_accounts: Annotated[int, Field(ge=2, le=1_000_000)] = 4
    """With ``new_account_share`` and ``surprise``: accounts below which the rule is silent."""
    watched_for: Annotated[
        int,
        BeforeValidator(window_seconds, json_schema_input_type=WrittenWindow),
        Field(gt=MAX_LATENESS_SECONDS, le=MAX_WINDOW_SECONDS),
    ] = 14 * 86_400
    """With ``fresh``: how long the stream must have been watched before the window, in seconds."""
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    group: str
    ties: bool = False
    """Whether accounts that share the facet, once it fired, are one campaign."""
    mode: Mode = "live"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        reached = [level.at_least for level in self.levels]
        if reached != sorted(set(reached)):
            msg = "levels must rise in at_least"
            raise ValueError(msg)
        if self.measure == "accounts" and reached[0] < 2:  # noqa: PLR2004 -- one shares nothing
            msg = "a level of accounts is at least 2: one account shares nothing"
            raise ValueError(msg)
        if self.measure == "new_account_share" and reached[-1] > 100:  # noqa: PLR2004 -- percent
            msg = "a level of new_account_share is a percentage, at most 100"
            raise ValueError(msg)
        if self.measure == "fresh" and self.window <= MAX_LATENESS_SECONDS:
            msg = "the window of what is fresh is longer than an hour, which an event may be late"
            raise ValueError(msg)
        if (self.of is not None) != (self.measure == "distinct"):
            msg = "`of` names what is counted by the measure `distinct`, and goes with no other"
            raise ValueError(msg)
        return self

    def level_for(self, measured: float) -> int:
        """How many of the levels are reached by so much."""
        reached = 0
        for level in self.levels:
            if measured < level.at_least:
                break
            reached += 1
        return reached


class SignalRule(Part):
    """What a detector's finding is worth."""

    points: Points
    group: str
    mode: Mode = "live"


class Density(Part):
    """From how many links, and how many a hundred words, a text is dense with links."""

    links: Annotated[int, Field(ge=1)]
    links_per_100_words: Annotated[float, Field(gt=0)]


class Lists(Part):
    """Names added to, or taken from, the bundled lists."""

    blocked_domains: Domains = ()
    allowed_domains: Domains = ()
    """Never a facet and never a reason: platforms, maps, social networks."""
    own_domains: Domains = ()
    """The platform's own: never a facet and never a reason, and what poses as them is found."""
    shorteners: Domains = ()
    disposable_mail_domains: Domains = ()


class Vip(Part):
    """From what on an account looks like a large organizer, and what is forgiven it."""

    traits: Annotated[int, Field(ge=1, le=7)] = 3
    """How many of: institution, own domain, name like it, and those below."""
    past_events: Annotated[int, Field(ge=1)] = 20
    tickets_sold: Annotated[int, Field(ge=1)] = 5_000
    account_days: Annotated[int, Field(ge=1)] = 365
    domain_days: Annotated[int, Field(ge=1)] = 730
    spared: tuple[str, ...] = ()
    """Groups whose points do not hold a VIP, unless those of the others bring a review."""


class Ruleset(Part):
    """One version of everything that the trust team may turn."""

    version: Annotated[str, Field(min_length=1, max_length=64)]
    thresholds: Thresholds = Thresholds()
    groups: dict[str, Annotated[int, Field(ge=0, le=100)]]
    """Cap of each group's points."""
    facets: dict[CompoundName, CompoundParts] = {}
    """Compound facets: the values of several kinds that one event shows together."""
    lateness: Annotated[
        int,
        BeforeValidator(window_seconds, json_schema_input_type=WrittenWindow),
        Field(ge=0, le=MAX_LATENESS_SECONDS),
    ] = 120
    """By how many seconds an event may come later than a newer one and still count."""
    velocity: tuple[VelocityRule, ...] = ()
    signals: dict[Code, SignalRule] = {}
    density: dict[PostKind, Density] = {}
    lists: Lists = Lists()
    prohibited: tuple[Industry, ...] = ()
    """What the terms of service do not allow to be sold."""
    first_link_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """How soon after its signup an account's link is suspicious."""
    vip: Vip | None = None
    """Nobody is a VIP without it."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        problems: list[InitErrorDetails] = []
        codes: set[Code] = set()
        for index, rule in enumerate(self.velocity):
            if rule.code in codes:
                problems.append(_problem(f"{rule.code} is given twice", "velocity", index, "code"))
            codes.add(rule.code)
            if rule.facet not in {*FACET_KINDS, *TEXT_FACET_KINDS, *self.facets}:
                known = ", ".join([*get_args(FacetKind), *get_args(TextFacetKind), *self.facets])
                message = f"no facet is called {rule.facet}; there are {known}"
                problems.append(_problem(message, "velocity", index, "facet"))
        problems += [
            _problem(f"{name} is a facet kind already", "facets", name)
            for name in self.facets
            if name in FACET_KINDS | TEXT_FACET_KINDS
        ]
        uses: list[tuple[str, str, int | str]] = [
            *((rule.group, "velocity", index) for index, rule in enumerate(self.velocity)),
            *((rule.group, "signals", code) for code, rule in self.signals.items()),
        ]
        problems += [
            _problem(f"{group} has no cap under groups", part, step, "group")
            for group, part, step in uses
            if group not in self.groups
        ]
        if self.vip is not None:
            problems += [
                _problem(f"{group} has no cap under groups", "vip", "spared", index)
                for index, group in enumerate(self.vip.spared)
                if group not in self.groups
            ]
        learned = self.signals.get(LEARNED)
        if learned is not None and learned.points >= self.thresholds.hold <= self.groups.get(
            learned.group, 0
        ):
            message = "what was learned must not hold an account alone: fewer points than hold"
            problems.append(_problem(message, "signals", LEARNED, "points"))
        if problems:
            raise ValidationError.from_exception_data(type(self).__name__, problems)
        return self

    def action_for(self, risk: int) -> Action:
        """What a risk of 0 to 100 comes to."""
        if risk >= self.thresholds.hold:
            return "hold"
        return "review" if risk >= self.thresholds.review else "allow"


def _problem(message: str, *path: int | str) -> InitErrorDetails:
    """A problem of the whole, told at the place that makes it one."""
    kind = PydanticCustomError("ruleset", "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=path, input=None)


def parse_ruleset(text: str, *, name: str = "ruleset") -> Ruleset:
    """Read a ruleset from YAML.

    Args:
        text: The YAML.
        name: What error lines call it, usually the file's name.

    Raises:
        InvalidRuleset: One line a problem, each with its line in the file.
    """
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidRuleset((f"{name}:{line}: not YAML: {error.problem}",)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidRuleset((f"{name}:{line}: not YAML: {error.reason}",)) from None
    except (YAMLError, ValueError) as error:  # 2026-13-45 is no date
        raise InvalidRuleset((f"{name}:1: not YAML: {error}".partition("\n")[0],)) from None
    except RecursionError:
        raise InvalidRuleset((f"{name}:1: nested too deep",)) from None
    if not isinstance(document, dict):
        problem = "a ruleset is a mapping that begins with `version:`"
        raise InvalidRuleset((f"{name}:1: {problem}",))
    try:
        return Ruleset.model_validate(_plain(document))
    except RecursionError:  # an anchor inside itself
        raise InvalidRuleset((f"{name}:1: nested too deep",)) from None
    except ValidationError as error:
        problems = tuple(
            f"{name}:{_line(document, problem['loc'])}: "
            f"{'.'.join(str(step) for step in problem['loc']) or 'ruleset'}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False)
        )
        raise InvalidRuleset(problems) from None


def read_ruleset(path: Path) -> Ruleset:
    """Read a ruleset file.

    Raises:
        InvalidRuleset: Also where the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRuleset((f"{path}: cannot be read: {error}",)) from None
    return parse_ruleset(text, name=str(path))


def default_ruleset_text() -> str:
    """The ruleset that ships, as written."""
    return resources.files("contracts").joinpath("default_ruleset.yaml").read_text("utf-8")


def default_ruleset() -> Ruleset:
    """The ruleset that ships."""
    return parse_ruleset(default_ruleset_text(), name="default_ruleset.yaml")


def _plain(node: Any) -> Any:
    """Strip the round-trip types, which keep lines, from what they hold."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return str(node)


def _line(document: Any, path: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``path`` that stands in the file, from 1."""
    node, line = document, 1
    for step in path:
        try:
            position = node.lc.item(step) if isinstance(step, int) else node.lc.key(step)
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        line = position[0] + 1
    return line
