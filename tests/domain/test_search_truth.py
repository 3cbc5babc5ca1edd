"""Searches find what brute force finds, through an HNSW index that is really used (docs/decisions/0025)."""

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import mul
from typing import Any

import pytest
from django.db import connection

from documents import vector_indexes
from documents.filters import read_filters
from documents.listing import Partition, Places, Question
from documents.listing.statistics import forget as forget_statistics
from documents.models import VectorIndex
from documents.searching import Search, Wanted, read_vector, search
from documents.searching.planning import LEAST_CANDIDATES
from documents.vector_indexes.expressions import definition, index_name
from mixpeek_site import ids, jsonio, sql
from tests import cast
from tests.cast import Api
from tests.server import remove_committed

pytestmark = [pytest.mark.django_db, pytest.mark.pgvector]

DIMENSIONS = 32
SHARES = (0.5, 0.05, 0.01)
KINDS = ("random", "near", "far")
Vector = list[float]


@dataclass(frozen=True)
class Planted:
    """Clustered vectors by the number of their document; queries, most from one cluster; which documents each field keeps."""

    api: Api
    collection: str
    vectors: list[Vector]
    queries: list[Vector]
    kept: dict[str, set[int]]

    def nearest(self, query: Vector, kept: set[int], limit: int = 10) -> list[int]:
        """Brute force, by cosine: all vectors have the length 1."""
        return sorted(kept, key=lambda number: -dot(query, self.vectors[number]))[:limit]

    def asked(self, query: Vector, filters: Any = None, **more: Any) -> Search:
        question = Question(Places(self.collection), read_filters(filters, ()), **more)
        return Search(question, Wanted(read_vector(query, ()), ()))

    def found(self, query: Vector, filters: Any = None, limit: int = 10, offset: int = 0, **more: Any) -> list[int]:
        page = search(self.api.scope, self.asked(query, filters, **more), limit=limit, offset=offset, max_bytes=1 << 26)
        return [int(row.document.document_id.removeprefix("doc_")) for row in page.rows]


def dot(one: Vector, other: Vector) -> float:
    return float(sum(map(mul, one, other)))


def unit(vector: Vector) -> Vector:
    length = dot(vector, vector) ** 0.5
    return [number / length for number in vector]


def planted_vectors(count: int) -> tuple[list[Vector], list[Vector]]:
    chance = random.Random(7)
    centres = [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(20)]

    def around(centre: Vector) -> Vector:
        return unit([number + chance.gauss(0, 0.5) for number in centre])

    asked = (*[centres[0]] * 12, *centres[1:])
    return [around(chance.choice(centres)) for _ in range(count)], [around(centre) for centre in asked]


@pytest.fixture(scope="module", params=[3_000, pytest.param(30_000, marks=pytest.mark.full)])
def planted(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Planted]:
    count = request.param
    vectors, queries = planted_vectors(count)
    near = sorted(range(count), key=lambda number: -dot(queries[0], vectors[number]))
    shuffled = random.Random(1).sample(range(count), count)
    orders = dict(zip(KINDS, (shuffled, near, near[::-1]), strict=True))
    kept = {
        f"{kind}_{share * 1000:.0f}": set(orders[kind][: int(count * share)]) for kind, share in itertools.product(KINDS, SHARES)
    }
    with django_db_blocker.unblock():
        api = cast.api()
        declared = [{"name": "way", "dimensions": DIMENSIONS}]
        collection = cast.collection(api, vector_indexes=declared)
        fill(collection, vectors, kept)
        yield Planted(api, collection, vectors, queries, kept)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {index_name(VectorIndex.objects.get().pk)}")
        remove_committed()
        forget()


def fill(collection: str, vectors: list[Vector], kept: dict[str, set[int]]) -> None:
    row = sql.one("SELECT namespace_id, id FROM namespaces_collection WHERE public_id = %s", (collection,))
    assert row is not None
    keys = [ids.new_uuid7() for _ in vectors]
    payloads = [jsonio.dumps({name: number in those for name, those in kept.items()}) for number in range(len(vectors))]
    sql.run(
        "INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,"
        " source_blobs, document_blobs, version, created_at, updated_at) SELECT d.id, %s, %s, 'doc_' || d.number, d.payload,"
        " '{}', '{}', '[]', '[]', 1, now(), now()"
        " FROM unnest(%s::uuid[], %s::jsonb[], %s::integer[]) AS d (id, payload, number)",
        (*row, keys, payloads, list(range(len(vectors)))),
    )
    sql.run(
        "INSERT INTO documents_feature (namespace_id, collection_id, document_id, name, kind, embedding)"
        " SELECT %s, %s, f.id, 'way', 'dense', f.vector::vector FROM unnest(%s::uuid[], %s::text[]) AS f (id, vector)",
        (*row, keys, [str(vector) for vector in vectors]),
    )
    sql.run("INSERT INTO documents_documentcount (namespace_id, collection_id, delta) VALUES (%s, %s, %s)", (*row, len(vectors)))
    index = VectorIndex.objects.get()
    sql.run(definition(index.pk, row[1], "way", DIMENSIONS, "cosine").replace("CONCURRENTLY ", ""))
    VectorIndex.objects.update(state="ready")
    for table in ("documents_document", "documents_feature"):
        sql.run(f"VACUUM ANALYZE {table}")
    forget()


def forget() -> None:
    vector_indexes.forget()
    forget_statistics()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Those of searches, as they are sent."""
    found: list[tuple[str, Any]] = []
    rows = sql.rows

    def noted(statement: str, params: Any = ()) -> list[sql.Row]:
        if " near AS " in statement:
            found.append((statement, list(params)))
        return rows(statement, params)

    monkeypatch.setattr(sql, "rows", noted)
    return found


def plan(statement: str, params: Any) -> str:
    return "\n".join(row[0] for row in sql.run(f"EXPLAIN (COSTS OFF) {statement}", params).fetchall())


def recall(planted: Planted, name: str | None) -> float:
    kept = planted.kept[name] if name else set(range(len(planted.vectors)))
    wanted = found = 0
    for query in planted.queries:
        truth = planted.nearest(query, kept)
        answered = planted.found(query, {name: True} if name else None)
        assert len(answered) == len(truth), f"{name}: {len(answered)} of {len(truth)}"
        wanted += len(truth)
        found += len(set(truth) & set(answered))
    return found / wanted


@pytest.mark.parametrize("share", [None, *SHARES])
@pytest.mark.parametrize("kind", KINDS)
def test_searches_find_what_brute_force_finds(planted: Planted, kind: str, share: float | None) -> None:
    assert recall(planted, f"{kind}_{share * 1000:.0f}" if share else None) >= 0.95


def test_the_index_is_used(planted: Planted, statements: list[tuple[str, Any]]) -> None:
    name = index_name(VectorIndex.objects.get().pk)
    for filters in (None, {"random_500": True}):
        planted.found(planted.queries[0], filters)
        [(statement, params)] = statements
        assert f"Index Scan using {name}" in plan(statement, params)
        statements.clear()


def test_what_it_sets_ends_with_the_statement(planted: Planted) -> None:
    """On a connection of its own, for the test's is in a transaction, to whose end it lasts."""

    def search_and_look() -> list[Any]:
        try:
            planted.found(planted.queries[0])
            return [sql.one(f"SHOW hnsw.{name}") for name in ("ef_search", "iterative_scan")]
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        assert pool.submit(search_and_look).result() == [("40",), ("off",)]


def test_a_narrow_filter_is_compared_exactly(planted: Planted, statements: list[tuple[str, Any]]) -> None:
    name = "random_10"
    for query in planted.queries[:3]:
        assert planted.found(query, {name: True}) == planted.nearest(query, planted.kept[name])
        assert "hnsw" not in statements[-1][0]


def test_where_the_nearest_do_not_pass_all_that_pass_are_compared(planted: Planted, statements: list[tuple[str, Any]]) -> None:
    """Half of the documents, and none of them among those that the index gives."""
    name = "far_500"
    assert planted.found(planted.queries[0], {name: True}) == planted.nearest(planted.queries[0], planted.kept[name])
    assert ["hnsw" in statement for statement, _ in statements] == [True, False]


def test_deep_pages_and_long_ones_are_exact(planted: Planted) -> None:
    query, count = planted.queries[1], len(planted.vectors)
    truth = planted.nearest(query, set(range(count)), count)
    assert planted.found(query, limit=1000) == truth[:1000]
    assert planted.found(query, limit=5, offset=2900) == truth[2900:2905]


def test_pages_of_an_index_follow_one_another(planted: Planted) -> None:
    query = planted.queries[2]
    whole = planted.found(query, limit=60)
    assert [number for offset in range(0, 60, 20) for number in planted.found(query, limit=20, offset=offset)] == whole


def test_partitions_divide_the_documents(planted: Planted) -> None:
    query = planted.queries[3]
    parts = [planted.found(query, limit=10, partition=Partition(number, 3)) for number in range(3)]
    truth = planted.nearest(query, set(range(len(planted.vectors))), 10)
    assert len(set(truth) & {number for part in parts for number in part}) >= 9
    assert len({number for part in parts for number in part}) == 30


def test_rows_that_were_deleted_do_not_take_the_place_of_others(planted: Planted) -> None:
    """More than the index is asked for at once: the scan goes on."""
    query = planted.queries[4]
    gone = planted.nearest(query, set(range(len(planted.vectors))), LEAST_CANDIDATES + 50)
    sql.run(
        "DELETE FROM documents_feature f USING documents_document d WHERE d.id = f.document_id AND d.document_id = ANY(%s)",
        ([f"doc_{number}" for number in gone],),
    )
    truth = planted.nearest(query, set(range(len(planted.vectors))) - set(gone))
    assert len(set(planted.found(query)) & set(truth)) >= 9
