"""What writes and reads of many documents touch in a large collection, before and after its first ANALYZE."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from documents import aggregation, filters
from documents.listing import statistics
from documents.payload_indexes import declare, registry
from documents.services import many
from mixpeek_site import sql
from namespaces.models import Namespace
from tests import cast
from tests.cast import Api
from tests.payload_indexes import build
from tests.unanalyzed import forget_statistics

LARGE = 12_000
TIMES = 8  # PostgreSQL may plan a prepared statement without its parameters from the sixth time on
NAMES = [f"doc_{n}" for n in range(0, LARGE, LARGE // 20)]


@pytest.fixture
def api(db: None) -> Api:
    return cast.api()


@pytest.fixture(params=["before ANALYZE", "after ANALYZE"])
def collection(request: pytest.FixtureRequest, api: Api) -> str:
    forget_statistics()
    made = cast.collection(api)
    sql.run(
        "WITH made AS (INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload,"
        " internal_metadata, system, source_blobs, document_blobs, version, created_at, updated_at)"
        " SELECT gen_random_uuid(), c.namespace_id, c.id, 'doc_' || n, jsonb_build_object('n', n, 'rare', n / 5), '{}', '{}',"
        " '[]', '[]', 1, now(), now() FROM namespaces_collection c, generate_series(0, %s::integer) n WHERE c.public_id = %s"
        " RETURNING namespace_id, collection_id)"
        " INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
        " SELECT namespace_id, collection_id, count(*) FROM made GROUP BY 1, 2",
        (LARGE - 1, made),
    )
    if request.param == "after ANALYZE":
        sql.run("ANALYZE documents_document")
    statistics.forget()
    return made


def read(verb: Callable[[], Any]) -> tuple[int, int]:
    """Documents that a verb's statements read, by scans of the whole table and through indexes."""

    def so_far() -> tuple[int, int]:
        row = sql.one("SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'documents_document'")
        assert row is not None
        return row[0], row[1]

    before = so_far()
    verb()
    after = so_far()
    return after[0] - before[0], after[1] - before[1]


def test_named_documents_are_looked_up_one_by_one(api: Api, collection: str) -> None:
    place: dict[str, Any] = {"scope": api.scope, "collection": collection}
    updates = [many.read_update(name, {"a": 1, "source_blobs": []}) for name in NAMES]
    for verb in (
        partial(many.documents_by_ids, api.scope, NAMES),
        partial(many.update_documents, updates=updates, **place),
        partial(many.delete_documents, document_ids=NAMES, bounds=many.Bounds(dry_run=True), **place),
        partial(many.delete_documents, document_ids=NAMES, **place),
    ):
        for _ in range(TIMES):
            scanned, looked_up = read(verb)
            assert scanned == 0, verb
            assert looked_up <= 4 * len(NAMES), verb


def test_rare_matches_are_found_through_the_index(api: Api, collection: str) -> None:
    place: dict[str, Any] = {"scope": api.scope, "collection": collection}
    for number in range(TIMES):
        node = filters.read_filters({"rare": number}, ("body", "filters"), writing=True)
        assert node is not None
        read(partial(many.update_matching, node=node, parts={"payload": "{}"}, bounds=many.Bounds(dry_run=True), **place))
        for verb in (
            partial(many.update_matching, node=node, parts={"payload": '{"a": 1}'}, **place),
            partial(many.delete_matching, node=node, **place),
        ):
            scanned, looked_up = read(verb)
            assert scanned == 0, verb
            assert looked_up <= 40


def test_rare_matches_are_counted_and_grouped_through_the_index(api: Api, collection: str) -> None:
    for number in range(TIMES):
        asked = {"rare": number}
        node = filters.read_filters(asked, ("body", "filters"))
        grouped = aggregation.read_aggregation(
            {"group_by": [{"field": "n"}], "aggregations": [{"function": "count", "alias": "count"}], "filters": asked}
        )
        read(partial(aggregation.count, api.scope, collection, node))
        for verb in (
            partial(aggregation.count, api.scope, collection, node),
            partial(aggregation.aggregate, api.scope, collection, grouped),
        ):
            scanned, looked_up = read(verb)
            assert scanned == 0, verb
            assert looked_up <= 40
    assert aggregation.count(api.scope, collection, node) == (collection, 5)
    assert aggregation.aggregate(api.scope, collection, grouped).total == 5


def test_a_range_of_a_declared_field_is_found_through_its_index(api: Api, collection: str) -> None:
    declare(Namespace.objects.get(public_id=api.namespace).pk, [{"field_name": "n", "type": "integer"}])
    build()
    registry.forget()
    node = filters.read_filters({"field": "n", "operator": "lt", "value": 5}, ("body", "filters"))
    assert node is not None
    verb = partial(many.delete_matching, scope=api.scope, collection=collection, node=node, bounds=many.Bounds(dry_run=True))
    read(verb)  # which counts what the index has, and remembers it
    scanned, looked_up = read(verb)
    registry.forget()
    assert scanned == 0
    assert looked_up < 100
