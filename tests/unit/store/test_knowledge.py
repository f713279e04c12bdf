"""Lists and the model in SQL: the newest of a name, until it is forgotten."""

from __future__ import annotations

from sqlalchemy import Engine

from store.knowledge import all_knowledge, forget_knowledge, keep_knowledge


def test_a_newer_text_takes_the_place_of_the_older(engine: Engine) -> None:
    with engine.begin() as connection:
        for now_ms, body in ((1_000, "one"), (2_000, "two")):
            keep_knowledge(
                connection, name="shorteners", body=body, now_ms=now_ms, updated_by="kim"
            )
        keep_knowledge(connection, name="a", body="three", now_ms=3, updated_by="lee")
        first, second = all_knowledge(connection)
        assert (first.name, first.body, first.updated_by) == ("a", "three", "lee")
        assert (second.body, second.updated_at.timestamp()) == ("two", 2)
        assert forget_knowledge(connection, name="shorteners")
        assert not forget_knowledge(connection, name="shorteners")
        assert [one.name for one in all_knowledge(connection)] == ["a"]
