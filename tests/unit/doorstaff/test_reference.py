"""The reference that is committed is the one that the code makes."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import console
import contracts.ruleset
import media_screening
import sinks
import streams
from contracts.event import PostKind
from contracts.ruleset import Part, Ruleset, default_ruleset
from doorstaff.reference import PAGES, metrics_page, write
from streams.topic import Topics

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes(name: str) -> None:
    how = "run `python -m doorstaff.reference docs/reference` and commit what changed"
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), how


def test_writing_makes_every_page(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)


def test_every_metric_that_some_module_makes_is_listed() -> None:
    for package in (console, media_screening, sinks, streams):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    page = metrics_page()
    for metric in REGISTRY.collect():
        if metric.name.startswith("doorstaff_"):
            assert re.search(rf"`{metric.name}(_total)?`", page), metric.name


def test_every_topic_is_listed() -> None:
    page = PAGES["topics.md"]()
    assert all(f"`{spec.name}`" in page for spec in Topics().specs())


def test_the_ruleset_page_names_every_field() -> None:
    page = (REFERENCE / "ruleset.md").read_text(encoding="utf-8")
    parts = [
        part
        for part in vars(contracts.ruleset).values()
        if isinstance(part, type) and issubclass(part, Part)
    ]
    assert Ruleset in parts
    for part in parts:
        for field in part.model_fields:
            assert f"`{field}`" in page, f"{part.__name__}.{field}"


def test_the_ruleset_page_names_every_facet_and_kind_of_post() -> None:
    page = (REFERENCE / "ruleset.md").read_text(encoding="utf-8")
    facets = {rule.facet for rule in default_ruleset().velocity}
    for name in (*facets, *PostKind.__args__):  # type: ignore[attr-defined] # a Literal's values
        assert f"`{name}`" in page, name
