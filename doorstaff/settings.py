"""Every setting, in one table: name, default, unit, help.

Read from the environment as ``DOORSTAFF_<NAME>``; ``DATABASE_URL`` also goes by that name alone,
as hosting platforms give it. ``docs/reference/settings.md`` is written from this file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from doorstaff.errors import InvalidSettings

SinkName = Literal["console", "jsonl", "redis", "kafka", "slack", "solutions", "webhook"]


_BROKER = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?")


def _comma_separated(text: object) -> object:
    if isinstance(text, str):
        return tuple(name.strip() for name in text.split(",") if name.strip())
    return text


def _brokers(text: str) -> str:
    brokers = [broker.strip() for broker in text.split(",") if broker.strip()]
    if not all(_BROKER.fullmatch(broker) for broker in brokers):
        msg = "must be host:port, several separated by commas"
        raise ValueError(msg)
    return ",".join(brokers)


class Settings(BaseSettings):
    """What Doorstaff is told by its environment."""

    model_config = SettingsConfigDict(
        env_prefix="DOORSTAFF_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(Path(".doorstaff"), description="Folder of all that this machine keeps.")

    kafka_url: Annotated[str, AfterValidator(_brokers)] = Field(
        "",
        description="Brokers as host:port, comma-separated. Empty: `up` and `demo` start the"
        " embedded broker.",
    )
    redis_url: str = Field(
        "", description="redis://host:port/db. Empty: `up` and `demo` start the embedded Valkey."
    )
    database_url: str = Field(
        "",
        validation_alias=AliasChoices("DATABASE_URL", "DOORSTAFF_DATABASE_URL"),
        description="SQLAlchemy URL: sqlite:///FILE or postgresql://… Empty: doorstaff.db in HOME.",
    )

    topic_prefix: str = Field("doorstaff.", description="What every topic's name begins with.")
    partitions: int = Field(
        8,
        ge=1,
        le=1_024,
        description="Partitions of each topic that is made.",
        json_schema_extra={"unit": "partitions"},
    )
    replication: int = Field(
        1,
        ge=1,
        le=9,
        description="Replicas of each topic that is made.",
        json_schema_extra={"unit": "brokers"},
    )
    retention_hours: int = Field(
        168,
        ge=1,
        description="How long topics keep their messages.",
        json_schema_extra={"unit": "h"},
    )
    session_timeout_seconds: float = Field(
        6.0,
        ge=2,
        description="Silence after which a worker's partitions go to another. The embedded broker"
        " takes half of it to form a group.",
        json_schema_extra={"unit": "s"},
    )
    snapshot_every_seconds: float = Field(
        300.0,
        ge=1,
        description="How often a worker keeps a snapshot of each partition's state in SQL; more"
        " often where a restart would have much to do over again.",
        json_schema_extra={"unit": "s"},
    )
    window_budget_mib: int = Field(
        512,
        ge=16,
        description="Memory that a worker's windows may take. Past it, the facets longest unseen"
        " are counted by estimate, and the evidence says so.",
        json_schema_extra={"unit": "MiB"},
    )
    ruleset: Path | None = Field(
        None,
        description="Ruleset file. Empty: the newest published one, else the one that ships.",
    )

    sinks: Annotated[tuple[SinkName, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        ("console",), description="Where alerts go besides SQL, comma-separated."
    )
    routes: str = Field(
        "",
        description="Which alerts a sink gets, as `sink=kind:action,…;…`, with * for any:"
        " `slack=campaign:hold,media:*;jsonl=*:*`. A sink that is not named gets all; where"
        " there is the sink solutions, it gets `vip` and the others get the rest.",
    )
    jsonl_path: Path | None = Field(
        None, description="File of the jsonl sink. Empty: alerts.jsonl in HOME."
    )
    redis_alert_stream: str = Field(
        "doorstaff:alerts", description="Redis stream of the redis sink."
    )
    slack_webhook_url: SecretStr | None = Field(
        None, description="Incoming webhook of the slack sink."
    )
    slack_pictures_url: HttpUrl | None = Field(
        None,
        description="Where Slack's servers reach the console's pictures of matches, to show one"
        " in the message. Empty: a link to them.",
    )
    solutions_webhook_url: SecretStr | None = Field(
        None, description="Incoming webhook (Slack) of the solutions sink, for alerts on VIPs."
    )
    webhook_url: HttpUrl | None = Field(None, description="Address of the webhook sink.")
    webhook_secret: SecretStr | None = Field(
        None, description="Signing secret of the webhook sink, `whsec_…` (Standard Webhooks)."
    )

    host: str = Field(
        "127.0.0.1", description="Address that the console, metrics and health listen on."
    )
    console_port: int = Field(8710, ge=0, le=65_535, description="Port of the console; 0 for any.")
    console_url: str = Field(
        "",
        description="The console's address as people reach it, for links in alerts. Empty:"
        " http://HOST:CONSOLE_PORT.",
    )
    metrics_port: int = Field(
        0, ge=0, le=65_535, description="Port of /metrics and /healthz; 0 for any free one."
    )

    media_folder: Path | None = Field(
        None,
        description="Uploads given as files must lie in this folder. Empty: any file that the"
        " worker can read.",
    )
    media_max_bytes: int = Field(
        8 * 1024**3,
        ge=1,
        description="Largest upload that is screened.",
        json_schema_extra={"unit": "bytes"},
    )
    media_max_seconds: float = Field(
        6 * 3600.0,
        gt=0,
        description="Longest upload that is screened.",
        json_schema_extra={"unit": "s"},
    )
    media_timeout_seconds: float = Field(
        900.0,
        gt=0,
        description="Time that one screening may take.",
        json_schema_extra={"unit": "s"},
    )
    media_lease_seconds: float = Field(
        60.0,
        ge=1,
        description="Silence after which a media worker's job goes to another.",
        json_schema_extra={"unit": "s"},
    )
    media_max_attempts: int = Field(
        3, ge=1, description="Times that one upload is tried.", json_schema_extra={"unit": "tries"}
    )
    media_sound: Literal["off", "plain", "speeds"] = Field(
        "speeds",
        description="Whether sound is listened to: `off`; `plain` for sound at its own pitch;"
        " `speeds` for sound sped up or shifted in pitch too, 0.8 to 1.25 times, at three times"
        " the cost.",
    )
    media_keep_fingerprints: bool = Field(
        True,
        description="Keep the fingerprints of uploads in SQL, so that later references can be"
        " matched against them.",
    )

    media_keep_days: float = Field(
        365.0,
        gt=0,
        description="How long fingerprints of uploads are kept, from the time of the upload.",
        json_schema_extra={"unit": "days"},
    )
    media_retroactive_days: float = Field(
        90.0,
        ge=0,
        description="A new reference is held against uploads of so many days past; 0 for none.",
        json_schema_extra={"unit": "days"},
    )
    media_prohibited: bool = Field(
        False,
        description="Look at uploads' frames for prohibited content, for people to review. Needs"
        " `pip install 'doorstaff[prohibited]'`.",
    )
    media_prohibited_every_seconds: float = Field(
        5.0,
        ge=0.5,
        description="Seconds between the frames that are looked at for prohibited content.",
        json_schema_extra={"unit": "s"},
    )
    media_prohibited_score: float = Field(
        0.6,
        gt=0,
        le=1,
        description="How sure the model must be of prohibited content before a person is asked.",
        json_schema_extra={"unit": "0 to 1"},
    )
    media_evidence_mib: int = Field(
        1_024,
        ge=0,
        description="Room for pictures of matches below HOME, upload beside reference; the oldest"
        " go first. 0 keeps none.",
        json_schema_extra={"unit": "MiB"},
    )
    media_evidence_days: float = Field(
        90.0,
        gt=0,
        description="How long pictures of matches are kept.",
        json_schema_extra={"unit": "days"},
    )
    media_key_pictures_mib: int = Field(
        4_096,
        ge=0,
        description="Room for the references' key pictures below HOME, about 6 MiB a work; the"
        " oldest go first, and matches with their works then show the upload alone. 0 keeps none.",
        json_schema_extra={"unit": "MiB"},
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )

    @property
    def resolved_database_url(self) -> str:
        """The SQL address, with the default spelled out."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'doorstaff.db'}"

    @property
    def resolved_console_url(self) -> str:
        """The console's address as people reach it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.console_url or f"http://{host}:{self.console_port}").rstrip("/")


def load_settings(**overrides: object) -> Settings:
    """Read the environment.

    Raises:
        InvalidSettings: Names each bad setting, what it was, and what would do.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        raise InvalidSettings.of(error) from None
