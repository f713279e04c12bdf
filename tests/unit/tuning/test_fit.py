"""Fitting the text model: it tells apart what can be told apart, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import EventModel
from contracts.ids import AccountId
from detectors.text_model import bundled_model, model_text
from tests.traffic import post
from tuning.errors import NothingToLearn
from tuning.fit import LabelledText, cross_validated, fit_model, labelled, threshold_for
from tuning.learning import MIN_TEXTS, learn
from tuning.made_text import made_texts, slots, templates

WARES = ("vases", "clocks", "lamps", "chairs", "rugs")


def texts(count: int = 40) -> list[LabelledText]:
    return [
        labelled(
            post(
                n,
                text=f"I sell {WARES[n % 5]}, buy them now" if n % 2 else f"I like {WARES[n % 5]}",
            ),
            is_spam=bool(n % 2),
            group=f"g{n % 10}",
        )
        for n in range(count)
    ]


def test_it_tells_them_apart_and_does_so_again() -> None:
    known = texts()
    model = fit_model(known, name="m", trained_on="t", threshold=0.0)
    assert [model.logit(text.words) > 0 for text in known] == [text.is_spam for text in known]
    assert model_text(fit_model(known, name="m", trained_on="t", threshold=0.0)) == model_text(
        model
    )


def test_nothing_is_judged_by_what_has_seen_its_group() -> None:
    told = [
        LabelledText(words=[f"word{n % 4}".encode()], is_spam=n % 4 < 2, group=f"g{n % 4}")
        for n in range(40)
    ]
    logits = cross_validated(told, folds=4)
    seen = fit_model(told, name="m", trained_on="t", threshold=0.0)
    assert all((seen.logit(text.words) > 0) == text.is_spam for text in told)
    # By words that only its own group has, nothing can be known of a text.
    right = np.mean([(logit > 0) == text.is_spam for logit, text in zip(logits, told, strict=True)])
    assert right < 0.6


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 0.5),
)
def test_no_more_than_the_share_is_called_spam(
    scored: list[tuple[float, bool]], share: float
) -> None:
    logits = np.array([logit for logit, _ in scored])
    labels = np.array([float(bad) for _, bad in scored])
    threshold = threshold_for(logits, labels, max_false_share=share)
    honest = logits[labels == 0]
    assert (honest >= threshold).sum() <= share * max(len(honest), 1)


def test_learns_from_labelled_accounts_alone() -> None:
    events: list[EventModel] = [
        post(
            n,
            account=f"a{n}",
            text=f"I sell {WARES[n % 5]}, buy now" if n % 2 else f"I like {WARES[n % 5]}",
        )
        for n in range(60)
    ]
    labels = {AccountId(f"a{n}"): bool(n % 2) for n in range(50)}
    model, fitted = learn(events, labels, name="own", before=bundled_model(), max_false_share=0.0)
    assert fitted.texts == (25, 25)
    assert (model.name, model.trained_on) == ("own", "25 texts of bad accounts and 25 of good ones")
    assert fitted.before[1] < 1
    assert {word for word, _ in fitted.words} & {"sell", "buy", "now"}


def test_too_few_are_told() -> None:
    events: list[EventModel] = [post(1, account="a1", text="I sell vases")]
    with pytest.raises(NothingToLearn, match=f"1 texts of bad .* needs {MIN_TEXTS} of each"):
        learn(
            events, {AccountId("a1"): True}, name="m", before=bundled_model(), max_false_share=0.0
        )


def test_made_texts_are_the_same_each_time_and_leave_no_slot_open() -> None:
    once, again = made_texts(each=1), made_texts(each=1)
    assert once == again
    assert len(once) == len(templates("spam")) + len(templates("honest"))
    assert not any(b"{" in word for text in once for word in text.words)
    assert all(values for values in slots().values())


def test_the_model_that_ships_tells_the_templates_apart() -> None:
    model = bundled_model()
    found = [
        (model.logit(text.words) >= model.threshold, text.is_spam)
        for text in made_texts(each=1, seed=9)
    ]
    spam = [marked for marked, is_spam in found if is_spam]
    honest = [marked for marked, is_spam in found if not is_spam]
    assert np.mean(spam) > 0.6
    assert np.mean(honest) < 0.02
