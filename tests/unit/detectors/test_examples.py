"""Every detector's own examples, positive and negative."""

from __future__ import annotations

import pytest

from contracts.ruleset import default_ruleset
from detectors.example import Example
from detectors.identity import Identity
from detectors.link_spam import LinkSpam
from detectors.wording import Wording

RULESET = default_ruleset()
DETECTORS = (Identity(RULESET), LinkSpam(RULESET), Wording(RULESET))


@pytest.mark.parametrize(
    ("detector", "example"),
    [
        pytest.param(detector, example, id=f"{type(detector).__name__}-{number}")
        for detector in DETECTORS
        for number, example in enumerate(detector.examples)
    ],
)
def test_finds_exactly_what_the_example_says(
    detector: Identity | LinkSpam | Wording, example: Example
) -> None:
    findings = detector.observe(example.event)
    assert tuple(finding.code for finding in findings) == example.codes, findings


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: type(detector).__name__)
def test_has_examples_of_both_kinds(detector: Identity | LinkSpam | Wording) -> None:
    assert any(example.codes for example in detector.examples)
    assert any(not example.codes for example in detector.examples)


def test_every_priced_code_has_an_example() -> None:
    prefixes = ("link.", "contact.", "identity.", "text.")
    priced = {code for code in RULESET.signals if code.startswith(prefixes)}
    shown = {
        code for detector in DETECTORS for example in detector.examples for code in example.codes
    }
    listed = {"link.blocked_domain", "identity.blocked_mailbox"}  # the default ruleset blocks none
    assert priced - listed == shown
