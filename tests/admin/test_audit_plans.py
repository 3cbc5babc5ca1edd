"""The audit of staff that is limited to namespaces costs what a page shows, however much others did since."""

from datetime import date
from typing import Any

import pytest

from mixpeek_site import sql
from namespaces.admin import history
from namespaces.admin.history import Asked
from tests.domain.test_document_plans import rows_read

pytestmark = pytest.mark.django_db

MINE, OTHERS = (7, 8), 9


@pytest.fixture(autouse=True)
def _entries() -> None:
    """Of two namespaces in turns, then twice as many of another one."""
    for numbers, entries in (("CASE mod(n, 2) WHEN 0 THEN 7 ELSE 8 END", 2000), (str(OTHERS), 4000)):
        sql.run(
            "INSERT INTO namespaces_auditentry (at, user_number, username, namespace_number, namespace_name, kind, subject,"
            f" action, changes) SELECT now(), 1, 'u', {numbers}, 'n', CASE mod(n, 3) WHEN 0 THEN 'object' ELSE 'document' END,"
            f" n::text, 'changed', '{{}}' FROM generate_series(1, {entries}) n"
        )
    sql.run("ANALYZE namespaces_auditentry")


def test_it_is_read_by_namespace_whatever_the_statistics_say() -> None:
    before = rows_read("namespaces_auditentry")
    assert len(history.entries(frozenset(MINE), Asked(), limit=10)) == 10
    assert rows_read("namespaces_auditentry") - before < 100


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"older_than": 1500},
        {"newer_than": 1500},
        {"newer_than": 0},
        {"older_than": 0},
        {"older_than": 300, "newer_than": 200},
        {"asked": Asked(kind="object")},
        {"asked": Asked(namespace_id=8, since=date(2020, 1, 1))},
        {"asked": Asked(namespace_id=OTHERS)},
    ],
)
def test_it_is_the_same_as_everyone_s_without_the_others(asked: dict[str, Any]) -> None:
    first = min(row[0] for row in sql.rows("SELECT min(id) FROM namespaces_auditentry"))
    moved = {name: first + value if isinstance(value, int) and value else value for name, value in asked.items()}
    given = {"asked": Asked(), **moved}
    mine = history.entries(frozenset(MINE), limit=25, **given)
    everything = history.entries(None, limit=10_000, **given)
    expected = [entry for entry in everything if entry.namespace_id in MINE]
    assert mine == (expected[-25:] if "newer_than" in asked else expected[:25])
