"""The library follows SQL: what others add, change and remove is searched or not, at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from contracts.ids import AccountId, ReferenceId, UploadId
from contracts.match_policy import MatchPolicy
from contracts.screening import Match
from media_screening.alignment.exclusion import SAME_PICTURE_BITS
from media_screening.fingerprinting.fingerprint import ALGORITHM
from media_screening.index.folder import IndexFolder
from media_screening.judgement import judged
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from store.clock import ManualClock
from store.exclusion import ExclusionStore
from store.policy import PolicyRecord, PolicyStore
from store.reference import ReferenceStore
from tests.unit.media_screening.hashes import drift, fingerprint, noisy

FILM = ReferenceId("film")
FRAMES = drift(1, 400, step_bits=8)
UPLOAD = fingerprint(np.concatenate([drift(2, 30), noisy(3, FRAMES[80:240:2], 10), drift(4, 30)]))


def add(library: ReferenceLibrary, name: str = "film", seed: int = 1) -> None:
    library.add(
        fingerprint(drift(seed, 400, step_bits=8), step_s=0.125),
        title=f"The {name}",
        sha256=f"{seed:064d}",
        reference_id=ReferenceId(name),
    )


def found(library: ReferenceLibrary) -> list[str]:
    return [match.reference_id for match in Screener(library).match(UPLOAD)]


@pytest.mark.parametrize("folder", [True, False])
def test_what_others_do_is_followed(store: ReferenceStore, tmp_path: Path, folder: bool) -> None:
    kept = IndexFolder(tmp_path / "index") if folder else None
    clock = ManualClock(1)
    ours = ReferenceLibrary(store, folder=kept, clock=clock)
    theirs = ReferenceLibrary(store, folder=kept, clock=clock)

    def now() -> list[str]:
        changed = ours.refresh()
        assert not ours.refresh()
        assert changed
        return found(ours)

    assert now() == []
    add(theirs)
    add(theirs, "other", 9)
    assert now() == ["film"]
    theirs.set_enabled(FILM, enabled=False)
    assert now() == []
    assert len(ours) == 1
    theirs.set_enabled(FILM, enabled=True)
    assert now() == ["film"]
    theirs.remove(FILM)
    assert now() == []
    add(theirs)
    assert now() == ["film"]
    if folder:
        assert len(list((tmp_path / "index").iterdir())) == 2


def test_a_start_reads_the_folder_and_not_the_frames(
    store: ReferenceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = IndexFolder(tmp_path / "index")
    add(ReferenceLibrary(store, folder=folder))
    read: list[str] = []
    whole = ReferenceStore.fingerprint

    def counted(self: ReferenceStore, reference_id: ReferenceId, algorithm: str) -> bytes | None:
        read.append(reference_id)
        return whole(self, reference_id, algorithm)

    monkeypatch.setattr(ReferenceStore, "fingerprint", counted)
    library = ReferenceLibrary(store, folder=folder)
    library.refresh()
    assert read == []
    assert found(library) == ["film"]
    assert found(library) == ["film"]
    assert read == ["film"]


def test_where_sql_fails_in_between_the_next_refresh_goes_on(
    store: ReferenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(ReferenceLibrary(store))
    library = ReferenceLibrary(store)
    with monkeypatch.context() as patched:
        patched.setattr(ReferenceStore, "fingerprint", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.refresh()
    assert library.refresh()
    assert found(library) == ["film"]


def test_frames_are_let_go_when_too_many_are_held(
    store: ReferenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media_screening.reference.FINGERPRINTS_HELD_BYTES", 40_000)
    library = ReferenceLibrary(store)
    for seed in range(5):
        add(library, f"film-{seed}", seed + 1)
    for _ in range(2):
        for seed in range(5):
            reference = library.get(ReferenceId(f"film-{seed}"))
            assert reference is not None
            np.testing.assert_array_equal(
                reference.fingerprint.pdq, drift(seed + 1, 400, step_bits=8)
            )
    assert len(library._loaded) < 3


def test_excluded_seconds_and_pictures_are_no_evidence(
    store: ReferenceStore, engine: Engine
) -> None:
    library, excluded = ReferenceLibrary(store), ExclusionStore(engine)
    add(library)

    def now() -> list[str]:
        library.refresh()
        return found(library)

    assert now() == ["film"]
    number = excluded.add_interval(FILM, start_s=8, end_s=32, reason="a clip", at_ms=10)
    assert number is not None
    assert now() == []
    excluded.remove_interval(number, at_ms=20)
    assert now() == ["film"]
    shown = fingerprint(FRAMES[80:240])
    for whose in (FILM, None):
        number = excluded.add_negative(
            reference_id=whose,
            title="clip",
            algorithm=ALGORITHM,
            frames=shown.pack(),
            at_ms=30,
        )
        assert number is not None
        assert now() == []
        excluded.remove_negative(number, at_ms=40)
        assert now() == ["film"]
    assert SAME_PICTURE_BITS > 10


def test_matches_are_judged_by_the_policy_of_their_work(
    store: ReferenceStore, engine: Engine
) -> None:
    library, policies = ReferenceLibrary(store), PolicyStore(engine)
    add(library)
    matches = Screener(library).match(UPLOAD)
    outcome = Outcome(status="match", duration_s=UPLOAD.duration_s, matches=matches)
    assert judged(outcome, library) == outcome

    def under(policy: MatchPolicy, account: str = "anna") -> Outcome:
        record = PolicyRecord(reference_id=FILM, policy=policy, changed_at_ms=1, changed_by="mara")
        assert policies.set(record)
        library.refresh()
        return judged(outcome, library, account_id=AccountId(account), upload_id=UploadId("u"))

    assert under(MatchPolicy(action="review")).action == "review"
    own = MatchPolicy(allowed_accounts=(AccountId("anna"),))
    passed = under(own)
    assert (passed.status, passed.matches) == ("clean", ())
    assert passed.reason.endswith("of film let pass: the account is allowed to show it")
    assert under(own, "ben").status == "match"
    cut = Outcome(status="match", reason="cut off", duration_s=9.0, matches=matches)
    assert judged(cut, library, account_id=AccountId("anna")).status == "rejected"


def test_sound_alone_is_for_review_unless_the_policy_asks_for_it(
    store: ReferenceStore, library: ReferenceLibrary
) -> None:
    add(library)
    (seen,) = Screener(library).match(UPLOAD)
    heard = replace(seen, by="sound")

    def action(*matches: Match) -> tuple[str, str]:
        outcome = judged(Outcome(status="match", duration_s=60.0, matches=matches), library)
        return outcome.status, outcome.action

    def policy(**changed: Any) -> None:
        record = PolicyRecord(
            reference_id=FILM, policy=MatchPolicy(**changed), changed_at_ms=1, changed_by="mara"
        )
        assert PolicyStore(store.engine).set(record)
        library.refresh()

    assert action(heard) == ("match", "review")
    assert action(seen) == ("match", "hold")
    assert action(heard, seen) == ("match", "hold")
    assert action(replace(seen, by="both")) == ("match", "hold")
    policy(evidence="sound")
    assert action(heard) == ("match", "hold")
    assert action(seen)[0] == "clean"
    policy(evidence="both")
    assert action(heard)[0] == action(seen)[0] == "clean"
    assert action(heard, seen) == ("match", "hold")
    policy(action="review")
    assert action(heard) == action(seen) == ("match", "review")
