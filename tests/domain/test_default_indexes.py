"""The functions behind the default indexes work wherever PostgreSQL calls them: in ANALYZE, REINDEX, CREATE INDEX, restores."""

import pytest
from django.db import connection

from tests import cast

pytestmark = pytest.mark.django_db


def test_entries_are_computed_whatever_the_search_path_is() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        cursor.execute("""SELECT public.documents_terms(7, 'Doc', '{"A": 1, "a": ["X", {"B": 2, "b": 3}]}', '{}', '{}')::text""")
        assert cursor.fetchone() == ('{"7": {"a": [1, "x", {"b": [2, 3]}]}, "7d": "doc", "7i": {}, "7s": {}}',)
        cursor.execute("""SELECT length(public.documents_words(7, '{"A": "two words"}'))""")
        assert cursor.fetchone() == (3,)
        cursor.execute("SELECT array_length(public.documents_lineage_terms(7, 'a', NULL, NULL, NULL, NULL, NULL, NULL), 1)")
        assert cursor.fetchone() == (7,)


def test_tables_are_analyzed_and_indexes_rebuilt() -> None:
    api = cast.api()
    collection = cast.collection(api)
    assert api.post(f"/v1/collections/{collection}/documents", {"B": "x", "b": ["y"]}).status_code == 200
    with connection.cursor() as cursor:
        for statement in ("ANALYZE documents_document", "ANALYZE documents_lineagestep", "REINDEX TABLE documents_document"):
            cursor.execute(statement)
