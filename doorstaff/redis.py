"""The Redis that the settings name."""

from __future__ import annotations

from redis.asyncio import Redis

from doorstaff.errors import InvalidSettings


def open_redis(url: str) -> Redis:
    """A client; it connects when it is first used.

    Raises:
        InvalidSettings: The address cannot be read.
    """
    try:
        return Redis.from_url(url)
    except ValueError:
        message = "DOORSTAFF_REDIS_URL: must be redis://HOST:PORT/DB"
        raise InvalidSettings(message) from None
