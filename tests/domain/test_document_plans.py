"""Statements on one document find it by its id, also before the first ANALYZE: a new collection is not read as a whole.

Connections keep plans: those here are made while the table is empty.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from documents import services
from documents.inputs import read_patch, read_replace
from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from tests import cast
from tests.unanalyzed import forget_statistics

pytestmark = pytest.mark.django_db

DOCUMENTS = 3000


def rows_read(table: str = "documents_document") -> int:
    """Rows of a table that this transaction has read through indexes or from the table itself so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch + (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))"
            " FROM pg_index WHERE indrelid = relid) FROM pg_stat_xact_user_tables WHERE relname = %s",
            (table,),
        )
        return int(cursor.fetchone()[0])


def fill(api: cast.Api, collection: str) -> None:
    sql.run(
        "INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,"
        " source_blobs, document_blobs, version, created_at, updated_at)"
        " SELECT gen_random_uuid(), c.namespace_id, c.id, 'doc_' || n, '{}', '{}', '{}', '[]', '[]', 1, now(), now()"
        " FROM namespaces_collection c, generate_series(1, %s) AS n WHERE c.public_id = %s",
        (DOCUMENTS, collection),
    )


def test_one_document_is_read_to_answer_for_one() -> None:
    api = cast.api()
    collection = cast.collection(api)
    target: dict[str, Any] = {"scope": api.scope, "collection": collection}
    calls: tuple[Callable[[str], Any], ...] = (
        lambda document: api.get(f"/v1/collections/{collection}/documents/{document}"),
        lambda document: api.get(f"/v1/collections/{collection}/documents/{document}/lineage"),
        lambda document: services.patch_document(**target, document_id=document, given=read_patch({"a": 1}, document)),
        lambda document: services.replace_document(**target, document_id=document, given=read_replace({"a": 1}, document)),
        lambda document: services.json_patch_document(**target, document_id=document, operations=[]),
        lambda document: services.delete_document(**target, document_id=document),
    )
    forget_statistics()
    for call in calls * 8:  # a plan is kept from the sixth time on
        with suppress(NotFoundError):
            call("doc_0")
    fill(api, collection)
    for number, call in enumerate(calls, 500):
        before = rows_read()
        call(f"doc_{number}")
        assert rows_read() - before < 100, number
