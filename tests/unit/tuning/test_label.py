"""Labels: from a file, and from decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event import Decision
from contracts.ids import AccountId, EventId
from tests.traffic import START
from tuning.errors import InvalidLabels
from tuning.label import labels_of, read_labels


def test_reads_both_kinds_by_any_of_their_names(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("label,account_id,more\nfraud,a,1\nHAM,b,2\napprove,c,3\nspam,b,4\n", "utf-8")
    assert read_labels(file) == {"a": True, "b": True, "c": False}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no labels in it"),
        ("account_id,label\n", "no labels in it"),
        ("account,label\na,spam\n", "it needs account_id and label"),
        ("account_id,label\na,spam\nb,perhaps\n", ":3: 'perhaps' is no label"),
    ],
)
def test_what_is_none_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(InvalidLabels, match=told):
        read_labels(file)


def test_the_last_decision_on_an_account_counts() -> None:
    actions = ("ban", "approve", "escalate", "suspend")
    decisions = [
        Decision.model_validate(
            {
                "decision_id": EventId(f"d{number}"),
                "occurred_at": START,
                "account_ids": [AccountId("a"), AccountId(f"b{number}")],
                "action": action,
                "reviewer": "kim",
            }
        )
        for number, action in enumerate(actions)
    ]
    assert labels_of(decisions) == {"a": True, "b0": True, "b1": False, "b3": True}
