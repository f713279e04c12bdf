"""Every detector's own examples, positive and negative."""

from __future__ import annotations

import pytest

from contracts.ruleset import default_ruleset
from detectors.example import Example
from detectors.first_link import FirstLink
from detectors.identity import Identity
from detectors.learned import Learned
from detectors.lettering import Lettering
from detectors.link_spam import LinkSpam
from detectors.prohibited import Prohibited
from detectors.text_model import bundled_model
from detectors.vip import VipTraits

RULESET = default_ruleset()
Detector = FirstLink | Identity | Learned | Lettering | LinkSpam | Prohibited | VipTraits
DETECTORS: tuple[Detector, ...] = (
    Identity(RULESET),
    LinkSpam(RULESET),
    Lettering(RULESET),
    FirstLink(RULESET),
    Prohibited(RULESET),
    Learned(RULESET, bundled_model()),
    VipTraits(RULESET),
)


@pytest.mark.parametrize(
    ("detector", "example"),
    [
        pytest.param(detector, example, id=f"{type(detector).__name__}-{number}")
        for detector in DETECTORS
        for number, example in enumerate(detector.examples)
    ],
)
def test_finds_exactly_what_the_example_says(detector: Detector, example: Example) -> None:
    findings = detector.observe(example.event)
    assert tuple(finding.code for finding in findings) == example.codes, findings


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: type(detector).__name__)
def test_has_examples_of_both_kinds(detector: Detector) -> None:
    assert any(example.codes for example in detector.examples)
    assert any(not example.codes for example in detector.examples)


def test_every_priced_code_has_an_example() -> None:
    prefixes = ("link.", "contact.", "identity.", "text.", "vip.")
    priced = {code for code in RULESET.signals if code.startswith(prefixes)}
    shown = {
        code for detector in DETECTORS for example in detector.examples for code in example.codes
    }
    listed = {"link.blocked_domain", "identity.blocked_mailbox"}  # the default ruleset blocks none
    assert priced - listed == shown
