"""What people say of accounts: a CSV of labels, and decisions.

The CSV has the columns ``account_id`` and ``label``, and perhaps ``thread`` or others, which are
not read. ``fraud``, ``spam``, ``bad``, ``ban``, ``suspend``, ``1``, ``true``, ``yes`` are bad;
``ok``, ``ham``, ``honest``, ``good``, ``approve``, ``legit``, ``legitimate``, ``mark_vip``, ``0``,
``false``, ``no`` are good.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from contracts.event import Decision
from contracts.ids import AccountId
from tuning.errors import InvalidLabels

BAD = frozenset({"fraud", "spam", "bad", "ban", "suspend", "1", "true", "yes"})
GOOD = frozenset(
    {
        *("ok", "ham", "honest", "good", "approve", "legit", "legitimate"),
        *("mark_vip", "0", "false", "no"),
    }
)

Labels = dict[AccountId, bool]
"""Whether an account is bad."""


def read_labels(path: Path) -> Labels:
    """Read a file of labels; of two for one account the later line counts.

    Raises:
        InvalidLabels: A line, or the whole, that is no such file.
    """
    labels: Labels = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            for row in rows:
                account_id, label = row.get("account_id"), (row.get("label") or "").strip().lower()
                if not account_id:
                    raise InvalidLabels(path, rows.line_num, "it needs account_id and label")
                if label not in BAD | GOOD:
                    known = f"bad are {', '.join(sorted(BAD))}; good are {', '.join(sorted(GOOD))}"
                    raise InvalidLabels(path, rows.line_num, f"{label!r} is no label: {known}")
                labels[AccountId(account_id)] = label in BAD
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidLabels(path, 1, f"cannot be read: {error}") from None
    if not labels:
        raise InvalidLabels(path, 1, "no labels in it: account_id,label and a line an account")
    return labels


def labels_of(decisions: Iterable[Decision]) -> Labels:
    """What decisions say: a ban or a suspension is bad, an approval or a VIP good.

    Args:
        decisions: The oldest first; the last one on an account counts.
    """
    labels: Labels = {}
    for decision in decisions:
        if decision.action in BAD | GOOD:
            labels.update(dict.fromkeys(decision.account_ids, decision.action in BAD))
    return labels
