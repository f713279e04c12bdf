from __future__ import annotations

from tests.databases import database_url, engine, postgres_server

__all__ = ["database_url", "engine", "postgres_server"]
