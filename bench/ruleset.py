"""The bench's ruleset: the one that ships, but for three windows on each of so many facets."""

from __future__ import annotations

from pathlib import Path

from contracts.ruleset import Level, Ruleset, VelocityRule, default_ruleset, window_text

WINDOWS_SECONDS = (600, 3_600, 86_400)
COMPOUND = {"ip_agent": ("ip", "user_agent")}

FACETS = (
    "device",
    "ip",
    "subnet",
    "email_stem",
    "payment",
    "link_domain",
    "user_agent",
    "email_domain",
    "email_shape",
    "country",
    "phone",
    "ip_agent",
)
"""In the order in which the bench adds them; the first six are what each signup is counted by."""

COUNTED = 6

_TIES = {"device": (4, 10), "payment": (4, 10), "email_stem": (4, 12), "link_domain": (5, 15)}
_SHARED_BY_MANY = (5_000, 20_000)
"""Accounts on one address or browser: carriers' and the popular ones stay quiet."""


def bench_ruleset(facets: int = COUNTED) -> Ruleset:
    """Rules for the first so many facets, each in the three windows."""
    shipped = default_ruleset()
    kinds = FACETS[:facets]
    rules = tuple(_rule(kind, seconds) for kind in kinds for seconds in WINDOWS_SECONDS)
    content = shipped.model_dump(mode="json", exclude_defaults=True)
    content["version"] = f"bench-{facets}"
    content["velocity"] = [rule.model_dump(mode="json", exclude_none=True) for rule in rules]
    content["facets"] = {name: parts for name, parts in COMPOUND.items() if name in kinds}
    return Ruleset.model_validate(content)


def write(ruleset: Ruleset, path: Path) -> Path:
    """As a file that a worker reads; JSON is YAML."""
    path.write_text(ruleset.model_dump_json(exclude_defaults=True))
    return path


def _rule(kind: str, seconds: int) -> VelocityRule:
    first, second = _TIES.get(kind, _SHARED_BY_MANY)
    return VelocityRule(
        code=f"velocity.{kind}.{window_text(seconds)}",
        facet=kind,
        window=seconds,
        levels=(Level(at_least=first, points=45), Level(at_least=second, points=85)),
        group="device" if kind in _TIES else "network",
        ties=kind in _TIES,
    )
