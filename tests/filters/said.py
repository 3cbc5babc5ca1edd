"""What PostgreSQL says of the strings of a case, asked beforehand in three statements."""

from collections.abc import Iterator
from typing import Any

from mixpeek_site import sql
from tests.filters.evaluator import iso
from tests.filters.store import Record


class Answers:
    """tests.filters.evaluator.Said for all strings in some documents and some filters."""

    def __init__(self, records: list[Record], filters: list[Any]) -> None:
        asked = [text for filter in filters for text in strings(filter)]
        times = {iso(record[name]) for record in records for name in ("created_at", "updated_at")}
        texts = sorted({*times, *(text for record in records for text in strings(record))})
        every = sorted({*texts, *asked})
        self._lower: dict[str, str] = dict(sql.rows("SELECT t, lower(t) FROM unnest(%s::text[]) AS s(t)", (every,)))
        conditions = [one for filter in filters for one in dicts(filter)]
        patterns, words = (
            sorted({one["value"] for one in conditions if one.get("operator") == operator}) for operator in ("regex", "text")
        )
        crossed = "FROM unnest(%s::text[]) AS s(t), unnest(%s::text[]) AS a(v)"
        self._matches = {
            (text, value): (folded, exact)
            for text, value, folded, exact in sql.rows(f"SELECT t, v, t ~* v, t ~ v {crossed}", (texts, patterns))
        }
        self._words = {
            (text, value): found
            for text, value, found in sql.rows(
                f"SELECT t, v, to_tsvector('simple', t) @@ plainto_tsquery('simple', v) {crossed}", (texts, words)
            )
        }

    def lower(self, text: str) -> str:
        return str(self._lower[text])

    def matches(self, text: str, pattern: str, case_sensitive: bool) -> bool:
        return bool(self._matches[text, pattern][case_sensitive])

    def has_words(self, text: str, words: str) -> bool:
        return bool(self._words[text, words])


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from dicts(inner)
