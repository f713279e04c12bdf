"""`doorstaff media reference import` and `export`: hash lists as others keep them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from contracts.ids import ReferenceId, derived_id
from doorstaff.library import open_store, search_past
from doorstaff.settings import Settings, load_settings
from media_screening.alignment.phash_match import PHASH_ALGORITHM
from media_screening.exchange.hash_list import ListedWork, ListFormat, frames_of
from media_screening.exchange.imagehash import ImageHash
from media_screening.exchange.threatexchange import ThreatExchange
from media_screening.exchange.vpdq import Vpdq
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from store.clock import SystemClock
from store.reference import ReferenceRecord, ReferenceStore

FORMATS = ("vpdq", "threatexchange", "imagehash")

FormatOption = Annotated[
    str, typer.Option("--format", help="vpdq, threatexchange (also HMA's) or imagehash.")
]


def import_list(
    file: Annotated[Path, typer.Argument(help="A hash list.")],
    list_format: FormatOption,
    title: Annotated[
        str, typer.Option(help="What its works are called; the file's name if not given.")
    ] = "",
    every_seconds: Annotated[
        float, typer.Option(min=0.01, help="What lies between hashes of imagehash, in seconds.")
    ] = 1.0,
) -> None:
    """Add the works of a hash list, without their videos.

    Lines that cannot be taken are told by number and reason, and the others are taken. A work that
    is there already is left as it is. Exit code 1 if nothing could be taken.
    """
    settings = load_settings()
    form = _form(list_format, every_seconds=every_seconds)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = form.read(lines)
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    for line in found.bad:
        typer.echo(f"{file}:{line.number}: {line.reason}", err=True)
    added = known = 0
    with open_store(settings) as store:
        for work in found.works:
            if _add(store, work, file=file, title=title or file.stem, settings=settings):
                added += 1
            else:
                known += 1
    typer.echo(f"{added} added, {known} known already, {len(found.bad)} lines not taken")
    if not found.works:
        raise typer.Exit(1)


def export_list(
    list_format: FormatOption,
    references: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Which; all if not given.")
    ] = None,
) -> None:
    """Print references as a hash list. vpdq and imagehash hold one work a file."""
    form = _form(list_format, every_seconds=1.0)
    with open_store(load_settings()) as store:
        records = store.all()
        if references:
            by_id = {str(record.reference_id): record for record in records}
            for unknown in (one for one in references if one not in by_id):
                _fail(f"there is no reference {unknown}")
            records = tuple(by_id[one] for one in references)
        if form.name != ThreatExchange.name and len(records) != 1:
            _fail(f"a list of {form.name} holds one work: name one, of {len(records)}")
        for line in form.write([_listed(store, record) for record in records]):
            typer.echo(line)


def _form(name: str, *, every_seconds: float) -> ListFormat:
    forms: dict[str, ListFormat] = {
        form.name: form
        for form in (Vpdq(), ThreatExchange(), ImageHash(every_seconds=every_seconds))
    }
    if name not in forms:
        message = f"{name!r} must be one of {', '.join(FORMATS)}"
        raise typer.BadParameter(message, param_hint="--format")
    return forms[name]


def _add(
    store: ReferenceStore, work: ListedWork, *, file: Path, title: str, settings: Settings
) -> bool:
    """Keep one work under a name made of what the list has of it; False if it is there already."""
    fingerprint = work.fingerprint()
    packed = fingerprint.pack()
    sha256 = hashlib.sha256(packed + "\n".join(work.digests).encode()).hexdigest()
    now_ms = SystemClock().now_ms()
    record = ReferenceRecord(
        reference_id=ReferenceId(derived_id("list", sha256)),
        title=f"{title}: {work.name}" if work.name else title,
        enabled=True,
        duration_s=fingerprint.duration_s,
        sha256=sha256,
        source=file.name,
        added_at_ms=now_ms,
        changed_at_ms=now_ms,
    )
    algorithm = ALGORITHM if work.has_pdq else PHASH_ALGORITHM
    if not store.add(record, {algorithm: packed} if work.frames else {}, digests=work.digests):
        return False
    if work.has_pdq:
        search_past(store, record.reference_id, days=settings.media_retroactive_days)
    return True


def _listed(store: ReferenceStore, record: ReferenceRecord) -> ListedWork:
    packed = store.fingerprint(record.reference_id, ALGORITHM) or store.fingerprint(
        record.reference_id, PHASH_ALGORITHM
    )
    return ListedWork(
        name=record.reference_id,
        frames=frames_of(Fingerprint.unpack(packed)) if packed is not None else (),
        digests=store.digests_of(record.reference_id),
    )


def _fail(reason: str) -> NoReturn:
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(1)
