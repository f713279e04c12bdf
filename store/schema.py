"""Every SQL table, in one place. SQLite and PostgreSQL read the same statements.

Times are milliseconds since the Unix epoch: SQLite has no zone-aware time of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives only an INTEGER PRIMARY KEY a number of its own.
RowId = BigInteger().with_variant(Integer(), "sqlite")

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("risk", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("account_count", Integer, nullable=False),
    Column("campaign_id", String(64)),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("reach", JSON(none_as_null=True)),
    Index("ix_alerts_updated_at_ms", "updated_at_ms"),
)
"""The newest revision of each alert; ``body`` is the alert as on the wire.

``reach``: how far it had come at its furthest, see ``store.alert``; null is that of ``body``.
"""

alert_campaigns = Table(
    "alert_campaigns",
    metadata,
    Column("campaign_id", String(64), primary_key=True),
    Column("alert_id", String(64), primary_key=True),
)
"""Which alerts tell of the campaign that a verdict names, by any revision of theirs."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("sink", String(64), nullable=False),
    Column("alert_id", String(64), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("leased_until_ms", BigInteger, nullable=False, default=0),
    Column("last_error", Text, nullable=False, default=""),
    Column("finished_at_ms", BigInteger),
    UniqueConstraint("sink", "alert_id", "revision"),
    Index("ix_deliveries_due", "sink", "status", "due_at_ms"),
)
"""The outbox: what each sink has still to get.

``status``: ``due``, ``done``, ``failed``, or ``superseded`` by a newer revision.
"""

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(256), primary_key=True),
    Column("occurred_at_ms", BigInteger, nullable=False),
    Column("action", String(16), nullable=False),
    Column("reviewer", String(256), nullable=False),
    Column("reason", Text, nullable=False),
    Column("alert_id", String(64)),
    Column("account_ids", JSON, nullable=False),
    Index("ix_decisions_occurred_at_ms", "occurred_at_ms"),
    Index("ix_decisions_alert_id", "alert_id"),
)

rulesets = Table(
    "rulesets",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("version", String(128), nullable=False, unique=True),
    Column("published_at_ms", BigInteger, nullable=False),
    Column("published_by", String(256), nullable=False),
    Column("note", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""Published rulesets, as written; the newest is the live one."""

knowledge = Table(
    "knowledge",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("updated_by", String(256), nullable=False),
)
"""Lists of names, and the text model, in place of those that ship; see ``store.knowledge``."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("topic", String(256), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary, nullable=False),
    Column("failed_at_ms", BigInteger, nullable=False),
    Column("retried_at_ms", BigInteger),
    Column("digest", String(64), nullable=False, unique=True),
)
"""``digest``: what makes two dead letters one, see ``store.dead_letter``."""

references = Table(
    "media_references",  # REFERENCES is a word of SQL's own
    metadata,
    Column("reference_id", String(128), primary_key=True),
    Column("title", Text, nullable=False),
    Column("enabled", Integer, nullable=False, default=1),
    Column("duration_s", Float, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source", Text, nullable=False, default=""),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)
"""Works known to be pirated. ``changed_at_ms`` rises with each change, so that workers see it."""

reference_fingerprints = Table(
    "media_reference_fingerprints",
    metadata,
    Column(
        "reference_id",
        String(128),
        ForeignKey("media_references.reference_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("algorithm", String(16), primary_key=True),
    Column("frames", LargeBinary, nullable=False),
)
"""All frames of a reference by one algorithm, packed by ``fingerprinting.fingerprint``."""

library_revision = Table(
    "media_library_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
"""One row, whose number rises with each change of what uploads are held against."""

reference_digests = Table(
    "media_reference_digests",
    metadata,
    Column("digest", String(128), primary_key=True),
    Column(
        "reference_id",
        String(128),
        ForeignKey("media_references.reference_id", ondelete="CASCADE"),
        primary_key=True,
    ),
)
"""Files that are known to show a work, as ``md5:HEX``."""

match_policies = Table(
    "media_match_policies",
    metadata,
    Column(
        "reference_id",
        String(128),
        ForeignKey("media_references.reference_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("body", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("changed_by", String(256), nullable=False),
)
"""What is to come of a match; a reference without a row has the policy that is the default."""

disputes = Table(
    "media_disputes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("reference_id", String(128), nullable=False),
    Column("upload_id", String(256), nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("opened_by", String(256), nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(16), nullable=False, default="open"),
    Column("closed_at_ms", BigInteger),
    Column("closed_by", String(256)),
    Column("note", Text, nullable=False, default=""),
    Index("ix_media_disputes_reference_id", "reference_id"),
)
"""Objections to matches; they outlive the reference. ``outcome``: see ``contracts.dispute``."""

excluded_intervals = Table(
    "media_excluded_intervals",
    metadata,
    Column("id", RowId, primary_key=True),
    Column(
        "reference_id",
        String(128),
        ForeignKey("media_references.reference_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_media_excluded_intervals_reference_id", "reference_id"),
)
"""Seconds of a reference that are no evidence: its studio's logo, a clip from elsewhere."""

negatives = Table(
    "media_negatives",
    metadata,
    Column("id", RowId, primary_key=True),
    Column(
        "reference_id", String(128), ForeignKey("media_references.reference_id", ondelete="CASCADE")
    ),
    Column("title", Text, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("frames", LargeBinary, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Index("ix_media_negatives_reference_id", "reference_id"),
)
"""Pictures that are no evidence, of one reference or, where that is null, of any."""

upload_fingerprints = Table(
    "media_upload_fingerprints",
    metadata,
    Column("upload_id", String(256), primary_key=True),
    Column("account_id", String(256), nullable=False),
    Column("event_id", String(256), nullable=False),
    Column("algorithm", String(16), primary_key=True),
    Column("occurred_at_ms", BigInteger, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("frames", LargeBinary, nullable=False),
    Index("ix_media_upload_fingerprints_occurred_at_ms", "occurred_at_ms"),
)
"""Fingerprints of past uploads, so that a later reference can be matched against them."""

upload_stills = Table(
    "media_upload_stills",
    metadata,
    Column("upload_id", String(256), primary_key=True),
    Column("occurred_at_ms", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    Index("ix_media_upload_stills_occurred_at_ms", "occurred_at_ms", "upload_id"),
)
"""What a new reference is searched for in first: a few of an upload's hashes, 32 bytes each."""

retroactive_jobs = Table(
    "media_retroactive_jobs",
    metadata,
    Column("reference_id", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("uploads_done", BigInteger, nullable=False, default=0),
    Column("uploads_found", BigInteger, nullable=False, default=0),
    Column("leased_until_ms", BigInteger, nullable=False, default=0),
    Column("lease", String(64), nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("finished_at_ms", BigInteger),
    Column("last_error", Text, nullable=False, default=""),
    Index("ix_media_retroactive_jobs_state", "state", "requested_at_ms"),
)
"""New references that past uploads are held against, and how far that has come.

``state``: ``due``, ``done``, ``failed`` or ``cancelled``. Uploads made before ``at_ms`` are done.
"""

state_snapshots = Table(
    "state_snapshots",
    metadata,
    Column("stage", String(64), primary_key=True),
    Column("topic", String(256), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("snapshot_id", String(32), nullable=False),
    Column("basis", String(64), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    Column("last_digest", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("codec", String(16), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""The newest whole snapshot of each stage's state of a partition, see ``store.snapshot``."""

state_snapshot_chunks = Table(
    "state_snapshot_chunks",
    metadata,
    Column("snapshot_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("written_at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_state_snapshot_chunks_written_at_ms", "written_at_ms"),
)
"""What snapshots are made of; one that no snapshot names is not finished, or left over."""
