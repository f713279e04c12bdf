"""``lists``, ``model`` and ``tune``: what they say, keep and write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.event import Decision
from contracts.ruleset import default_ruleset_text
from doorstaff.database import open_home_database
from doorstaff.knowledge import choose_knowledge, knowledge_of
from doorstaff.settings import load_settings
from store.decision import save_decision
from store.knowledge import keep_knowledge
from tests.traffic import START, post
from tests.unit.doorstaff.test_cli import Run, run

__all__ = ["run"]

WARES = ("vases", "clocks", "lamps", "chairs", "rugs")


def write_posts(folder: Path, count: int = 60) -> Path:
    file = folder / "posts.jsonl"
    events = [
        post(
            n,
            at_s=n,
            account=f"a{n}",
            kind="comment",
            text=f"I sell {WARES[n % 5]}, buy now" if n % 2 else f"I like {WARES[n % 5]}",
        )
        for n in range(count)
    ]
    file.write_text("\n".join(event.model_dump_json() for event in events), "utf-8")
    return file


def write_labels(folder: Path, count: int = 60) -> Path:
    file = folder / "labels.csv"
    rows = [f"a{n},{'spam' if n % 2 else 'ham'}" for n in range(count)]
    file.write_text("\n".join(["account_id,label", *rows]), "utf-8")
    return file


def test_points_are_proposed_and_nothing_is_changed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    texts = ("On telegram @cash_king{0} or https://bit.ly/x{0}", "At http://93.184.216.34/{0}")
    wares = "We sell {} and {} and more, to see in our hall of {} every day from nine on."
    events = [
        post(
            n,
            at_s=n * 3_600,
            account=f"a{n}",
            text=f"{texts[n % 2].format(n)} {wares.format(*WARES[n % 3 : n % 3 + 3])}",
        )
        for n in range(60)
    ]
    file.write_text("\n".join(event.model_dump_json() for event in events), "utf-8")
    rules = tmp_path / "rules.yaml"
    rules.write_text(default_ruleset_text(), "utf-8")
    before = rules.read_bytes()
    told = run("tune", file, "--labels", write_labels(tmp_path), "--ruleset", rules, "--points")
    assert told.code == 0
    assert "as they are" in told.out
    assert "all of them" in told.out
    assert "On accounts not fitted to: " in told.out
    assert rules.read_bytes() == before
    few = run("tune", file, "--labels", write_labels(tmp_path, 4), "--points")
    assert (few.code, "2 bad accounts and 2 good ones" in few.err) == (1, True)


def test_lists_are_shown_with_their_origin(run: Run) -> None:
    shown = run("lists", "show")
    assert shown.code == 0
    (line,) = [line for line in shown.out.splitlines() if line.startswith("shorteners ")]
    assert "Origin: " in line
    assert "Date: 20" in line
    assert "bit.ly" in run("lists", "show", "shorteners").out
    assert "mailinator.com" in run("lists", "show", "disposable_mail_domains").out
    unknown = run("lists", "show", "nothing")
    assert (unknown.code, "there is no list 'nothing'; there are allowed" in unknown.err) == (
        1,
        True,
    )


def test_a_list_is_updated_taken_and_reset(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "blocked_domains.txt"
    file.write_text("# ours\nEvil.example # since May\n", "utf-8")
    updated = run("lists", "update", file)
    assert "blocked_domains: 1 names, 1 new, 0 gone" in updated.out
    assert choose_knowledge(load_settings()).names == {"blocked_domains": {"evil.example"}}
    posts = tmp_path / "posts.jsonl"
    posts.write_text(
        post(1, kind="comment", text="see https://evil.example/x").model_dump_json(), "utf-8"
    )
    verdicts = tmp_path / "verdicts.jsonl"
    assert run("replay", posts, "--verdicts", verdicts).code == 0
    reasons = json.loads(verdicts.read_text("utf-8"))["reasons"]
    blocked = next(one for one in reasons if one["code"] == "link.blocked_domain")
    assert blocked["evidence"]["entries"] == ["evil.example"]
    assert "is the one that ships again" in run("lists", "reset", "blocked_domains").out
    assert choose_knowledge(load_settings()).names == {}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("shorteners", "not a domain\n", ":1: 'not a domain' is not a domain"),
        ("prohibited_money", "money*\n", "is not a phrase with a whole word"),
        ("shorteners", "# nothing\n", "no names in it"),
    ],
)
def test_what_is_no_list_is_refused(
    run: Run, tmp_path: Path, name: str, text: str, told: str
) -> None:
    file = tmp_path / "names.txt"
    file.write_text(text, "utf-8")
    refused = run("lists", "update", file, "--list", name)
    assert refused.code == 1
    assert told in refused.err


def test_what_is_kept_and_cannot_be_used_stops_the_start(run: Run) -> None:
    assert run("lists", "show").code == 0
    engine = open_home_database(load_settings())
    with engine.begin() as connection:
        keep_knowledge(connection, name="text_model", body="{}", now_ms=1, updated_by="kim")
    with pytest.raises(Exception, match="`model reset`"):
        knowledge_of(engine)
    engine.dispose()
    assert run("model", "reset").code == 0
    assert "default-1 (ships with Doorstaff)" in run("model", "show").out


def test_tune_sweeps_fits_and_reports(run: Run, tmp_path: Path) -> None:
    posts, labels = write_posts(tmp_path), write_labels(tmp_path)
    page, model = tmp_path / "page.html", tmp_path / "own.json"
    ran = run("tune", posts, "--labels", labels, "--report", page, "--fit", model)
    assert ran.code == 0, ran.err
    assert "60, 60 labelled, 30 of them bad" in ran.out
    assert "<- now" in ran.out
    assert "30 texts of bad accounts, 30 of good ones" in ran.out
    assert page.read_text("utf-8").count("<svg") == 4
    assert run("model", "publish", model).code == 0
    assert "own (published" in run("model", "show").out
    known = choose_knowledge(load_settings())
    assert known.text_model.name == "own"
    again = run("tune", posts, "--labels", labels)
    (now,) = [line.split() for line in again.out.splitlines() if "<- now" in line]
    assert now[1] == "30"  # all of the spam, by what was learned
    assert run("replay", posts, "--model", tmp_path / "nothing.json").code == 1


def test_decisions_are_labels_too(run: Run, tmp_path: Path) -> None:
    posts = write_posts(tmp_path)
    bare = run("tune", posts)
    assert (bare.code, "no labels" in bare.err) == (1, True)
    assert run("lists", "show").code == 0
    engine = open_home_database(load_settings())
    with engine.begin() as connection:
        for action, odd in (("ban", 1), ("approve", 0)):
            decision = {
                "decision_id": action,
                "occurred_at": START,
                "account_ids": [f"a{n}" for n in range(60) if n % 2 == odd],
                "action": action,
                "reviewer": "kim",
            }
            save_decision(connection, Decision.model_validate(decision))
    engine.dispose()
    assert "60 labelled, 30 of them bad" in run("tune", posts).out


def test_tune_does_not_overwrite_what_it_reads(run: Run, tmp_path: Path) -> None:
    posts, labels = write_posts(tmp_path), write_labels(tmp_path)
    for option in ("--report", "--fit"):
        for read in (posts, labels):
            assert run("tune", posts, "--labels", labels, option, read).code == 2


def test_too_few_texts_teach_nothing(run: Run, tmp_path: Path) -> None:
    posts, labels = write_posts(tmp_path, 6), write_labels(tmp_path, 6)
    ran = run("tune", posts, "--labels", labels, "--fit", tmp_path / "own.json")
    assert ran.code == 1
    assert "3 texts of bad accounts and 3 of good ones" in ran.err
