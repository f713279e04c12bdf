"""What an account's posts say: the worst of them counts, in whatever order they were heard of."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import AccountId, Code, EventId
from contracts.ruleset import default_ruleset
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.ledger import Ledger
from detectors.saying import MAX_SAYING
from detectors.scorer import Scorer
from tests.traffic import START_MS, post, ruleset, signup

POINTS = {"text.a": 10, "text.b": 15, "link.c": 15, "link.d": 30, "link.e": 25, "other.f": 35}
GROUPS = {"text": 20, "link": 40, "other": 100}
RULES = ruleset(groups=GROUPS)
ACCOUNT = AccountId("a")

Written = tuple[int, frozenset[str], bool]
"""Second, codes, and whether what it says lasts."""


def signals(number: int, written: Written) -> list[Signal]:
    at_s, codes, lasts = written
    return [
        Signal(
            code=Code(code),
            points=POINTS[code],
            group=code.partition(".")[0],
            account_id=ACCOUNT,
            event_id=EventId(f"e{number}"),
            occurred_at_ms=START_MS + at_s * 1_000,
            lasts=lasts,
        )
        for code in sorted(codes)
    ]


def heard(ledger: Ledger, events: Sequence[tuple[int, Written]]) -> dict[EventId, Verdict]:
    """The newest verdict on each."""
    newest: dict[EventId, Verdict] = {}
    for number, written in events:
        at_ms = START_MS + written[0] * 1_000
        own = signals(number, written)
        for verdict in ledger.settle(EventId(f"e{number}"), ACCOUNT, at_ms, own):
            newest[verdict.event_id] = verdict
    return newest


def risk_of(codes: frozenset[str]) -> int:
    by_group = dict.fromkeys(GROUPS, 0)
    for code in codes:
        by_group[code.partition(".")[0]] += POINTS[code]
    return min(100, sum(min(points, GROUPS[group]) for group, points in by_group.items()))


def truth(events: Sequence[tuple[int, Written]]) -> dict[EventId, int]:
    in_order = sorted((written[0], f"e{number}", written) for number, written in events)
    risks = {}
    for at, (_, event_id, _) in enumerate(in_order):
        so_far = [written for _, _, written in in_order[: at + 1]]
        lasting = frozenset[str]().union(*(codes for _, codes, lasts in so_far if lasts))
        said = [codes for _, codes, lasts in so_far if not lasts] or [frozenset()]
        risks[EventId(event_id)] = max(risk_of(lasting | codes) for codes in said)
    return risks


WRITTEN = st.tuples(
    st.integers(0, 20),
    st.frozensets(st.sampled_from(sorted(POINTS)), max_size=4),
    st.sampled_from([False, False, False, True]),
)


@given(st.lists(WRITTEN, min_size=1, max_size=14), st.integers(0, 1 << 32))
def test_the_worst_post_counts_in_any_order(written: list[Written], seed: int) -> None:
    events = list(enumerate(written))
    expected = truth(events)
    in_order = sorted(events, key=lambda one: (one[1][0], f"e{one[0]}"))
    standing = heard(Ledger(RULES), in_order)
    assert {event_id: one.risk for event_id, one in standing.items()} == expected
    random.Random(seed).shuffle(events)
    assert heard(Ledger(RULES), [*events, *events[:3]]) == standing


@given(st.lists(WRITTEN, min_size=1, max_size=10), st.integers(0, 9))
def test_a_ledger_goes_on_from_its_snapshot(written: list[Written], cut: int) -> None:
    events = list(enumerate(written))
    whole, before, after = Ledger(RULES), Ledger(RULES), Ledger(RULES)
    heard(before, events[:cut])
    for piece in before.snapshot():
        after.load(piece)
    assert heard(after, events[cut:]).items() <= heard(whole, events).items()


def test_hundreds_of_posts_are_kept_in_little_room() -> None:
    ledger = Ledger(RULES)
    chance = random.Random(7)
    codes = sorted(POINTS)
    events = [
        (number, (number, frozenset(chance.sample(codes, chance.randint(0, 4))), False))
        for number in range(2_000)
    ]
    heard(ledger, events)
    (kept,) = ledger._accounts.values()
    assert len({signal.event_id for signal in kept}) <= MAX_SAYING


DEFAULT = default_ruleset()
SHORT = "Slides: https://bit.ly/abc. "
ODD = "Streamed from http://93.184.216.34/live as ever. "
TALK = (
    "Join us for an evening of talks about how a city can grow trees, with speakers from five"
    " countries, coffee in between and a walk along the river afterwards. "
)


def test_weak_signs_on_pages_of_one_account_do_not_add_up() -> None:
    scorer = Scorer(DEFAULT)
    pages = [
        post(number, at_s=number * 900, account="big", text=f"{number}. {sign}{TALK * 3}")
        for number, sign in enumerate((SHORT, ODD, "zoom at hxxps://zoom.us/j/1. ") * 40)
    ]
    verdicts = scorer.score_all(pages).verdicts
    assert {verdict.action for verdict in verdicts} == {"allow"}
    assert len(verdicts[-1].reasons) > 1


def test_weak_signs_on_one_page_do() -> None:
    signs = f"{SHORT}{ODD}Write to us on hxxps://trees.example.net/x. {TALK}"
    (verdict,) = Scorer(DEFAULT).score(post(1, text=signs)).verdicts
    assert verdict.action == "review"


def test_what_an_account_says_of_itself_adds_up_with_each_page() -> None:
    for about in (
        signup(1, account="a", email="x@mailinator.com"),
        post(1, account="a", kind="profile", text="hxxps://trees.example.net/x"),
    ):
        scorer = Scorer(DEFAULT)
        assert scorer.score(about).verdicts[0].action == "allow"
        (verdict,) = scorer.score(post(2, at_s=60, account="a", text=SHORT + ODD)).verdicts
        assert verdict.action == "review"
