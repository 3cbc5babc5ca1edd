"""`POST …/documents/batch`: named documents each with a patch of its own, or all that filters match (contract section 7)."""

from decimal import Decimal
from typing import Any

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Response

committed = pytest.mark.django_db(transaction=True)

NEW = {"metadata": {"status": "new"}}
IS_NEW = {"field": "metadata.status", "operator": "eq", "value": "new"}


def batch(documents: Documents, body: Any, query: str = "") -> Response:
    return documents.api.post(f"{documents.path}/batch{query}", body)


def update(documents: Documents, *updates: tuple[str, Any], query: str = "") -> Any:
    body = {"updates": [{"document_id": document_id, "update_data": data} for document_id, data in updates]}
    response = batch(documents, body, query)
    assert response.status_code == 200, response
    return response.json()


def errors(answer: Any) -> list[str | None]:
    return [result["error"] for result in answer["results"]]


def filtered(documents: Documents, data: Any, filters: Any = IS_NEW, query: str = "") -> Response:
    return batch(documents, {"filters": filters, "update_data": data}, query)


# Named documents ------------------------------------------------------------------------------------------------------


def test_each_document_gets_its_own_patch(documents: Documents) -> None:
    first, second, third = (documents.new({"n": n, "metadata": {"kept": n, "gone": n}}) for n in range(3))
    answer = update(
        documents,
        (first, {"metadata": {"added": 1, "gone": None}}),
        (second, {"metadata.gone.deep": True, "n": None}),
        (third, {"internal_metadata": {"ingestion_status": "DONE"}, "content_hash": "x"}),
    )
    assert answer == {
        "updated_count": 3,
        "failed_count": 0,
        "results": [{"document_id": name, "success": True, "error": None} for name in (first, second, third)],
        "message": "Updated 3 of 3.",
    }
    assert documents.fields(first) == {"n": 0, "metadata": {"kept": 0, "added": 1}}
    assert documents.fields(second) == {"metadata": {"kept": 1, "gone": {"deep": True}}}
    assert documents.fields(third) == {"n": 2, "metadata": {"kept": 2, "gone": 2}}
    assert documents.internal(third)["metadata"] == {"ingestion_status": "DONE"}
    assert documents.internal(third)["content_hash"] == "x"


def test_what_is_not_there_is_reported_and_the_rest_is_written(documents: Documents) -> None:
    elsewhere = Documents(documents.api, cast.collection(documents.api)).new({"a": 1})
    foreign_api = cast.api()
    foreign = Documents(foreign_api, cast.collection(foreign_api)).new({"a": 1})
    made = documents.new()
    answer = update(documents, *[(name, {"a": 2}) for name in ("doc_missing", elsewhere, foreign, "", "a b", made)])
    assert (answer["updated_count"], answer["failed_count"]) == (1, 5)
    assert [result["success"] for result in answer["results"]] == [False] * 5 + [True]
    assert errors(answer)[1] == f"Document {elsewhere} was not found in collection {documents.collection}."
    assert documents.fields(made) == {"a": 2}
    assert foreign_api.get(f"/v1/documents/{foreign}").json()["a"] == 1
    assert documents.api.get(f"/v1/documents/{elsewhere}").json()["a"] == 1


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"_unknown": 1}, "update_data._unknown"),
        ({"a": 1, "a.b": 2}, "update_data.a.b"),
        ({"internal_metadata": 1}, "update_data.internal_metadata"),
        ({"vectors": {"v": ["x"]}}, "vectors.v"),
        ({"source_type": "sky"}, "update_data.source_type"),
        ({"document_id": "doc_other"}, "an id can't be changed"),
        ({"collection_id": "col_other"}, "collection_id"),
        ({"_internal": {"unknown": 1}}, "update_data._internal.unknown"),
    ],
)
def test_what_is_wrong_with_one_leaves_the_others(documents: Documents, data: Any, place: str) -> None:
    first, second = documents.new(), documents.new()
    answer = update(documents, (first, data), (second, {"a": 1}))
    assert [result["success"] for result in answer["results"]] == [False, True]
    assert place in str(errors(answer)[0])
    assert (documents.fields(first), documents.fields(second)) == ({}, {"a": 1})


def test_an_id_given_twice_gets_both_in_their_order(documents: Documents) -> None:
    first, second = documents.new({"t": {"old": 1}}), documents.new()
    before = documents.get(first)["_internal"]["updated_at"]
    answer = update(
        documents,
        (first, {"t": 1, "n": 1}),
        (second, {"n": 1}),
        (first, {"t": {"x": 1}, "n": None}),
        (first, {"document_id": "doc_other"}),
        (first, {"t.y": 2}),
    )
    assert (answer["updated_count"], answer["failed_count"]) == (4, 1)
    assert documents.fields(first) == {"t": {"x": 1, "y": 2}}
    assert documents.get(first)["_internal"]["updated_at"] > before


def test_its_own_collection_may_be_named_by_id_and_by_name(documents: Documents) -> None:
    made = documents.new()
    other = cast.collection(documents.api, "films")
    named = Documents(documents.api, "films")
    inside = named.new()
    assert errors(update(documents, (made, {"collection_id": documents.collection, "a": 1}))) == [None]
    assert errors(update(named, (inside, {"collection_id": other, "a": 1}), (inside, {"collection_id": "films"}))) == [None] * 2
    assert documents.fields(made) == named.fields(inside) == {"a": 1}


@pytest.mark.pgvector
def test_blobs_are_set_and_vectors_written(documents: Documents) -> None:
    blob = {"field": "f", "url": "https://example.org/x"}
    first = documents.new({"document_blobs": [blob], "vectors": {"old": [1], "gone": [1]}})
    second = documents.new({"document_blobs": [blob], "source_blobs": [{"k": 1}]})
    changed = {"vectors": {"old": [0.5, 2], "gone": None, "multi": [[1, 2], [3, 4]]}, "document_blobs": []}
    sparse = {"feature_extractor_id": "e", "vectors": {"s": {"indices": [1, 2**40], "values": [0.5, 1.5]}}}
    answer = update(documents, (first, changed), (second, {"features": [sparse], "source_blobs": [{"k": 2}]}))
    assert errors(answer) == [None, None]
    shown = documents.get(first, "?return_vectors=true")
    assert shown["vectors"] == {"multi": [[1, 2], [3, 4]], "old": [0.5, 2]}
    assert shown["document_blobs"] == []
    shown = documents.get(second, "?return_vectors=true")
    assert shown["vectors"] == {"s": {"indices": [1, 2**40], "values": [0.5, 1.5]}}
    assert shown["document_blobs"] == [blob]
    assert shown["_internal"]["source_blobs"] == [{"k": 2}]


EXACT: Any = {
    "quotes": "\"'\\ {a,b} NULL \n\t %s %% $1",
    "NULL": [None, "NULL", [], {}, ""],
    "numbers": [2**64 + 1, Decimal("0.1000000000000000055"), 10**40, -0.5],
    "é😀": {'a"b\\': "\u2028"},
}


def test_values_arrive_as_they_were_sent(documents: Documents) -> None:
    made = [documents.new({"status": "new"}) for _ in range(3)]
    update(documents, *[(name, EXACT) for name in made[:2]])
    filtered(documents, EXACT, {"document_id": made[2]})
    for name in made:
        assert cast.compact(documents.fields(name)) == cast.compact({"status": "new", **EXACT})


def test_every_write_makes_a_new_version(documents: Documents) -> None:
    made, untouched = documents.new(), documents.new()
    tags = [documents.api.get(documents.url(name)).headers["ETag"] for name in (made, untouched)]
    update(documents, (made, {}))
    assert documents.api.get(documents.url(made), If_None_Match=tags[0]).status_code == 200
    assert documents.api.get(documents.url(untouched), If_None_Match=tags[1]).status_code == 304


def test_what_would_be_too_large_fails_alone(documents: Documents, settings: Any) -> None:
    names = [documents.new({"text": "x" * (9_000 if n in (3, 11, 12) else 10)}) for n in range(16)]
    settings.MAX_DOCUMENT_BYTES = 10_000
    answer = update(documents, *[(name, {"more": "y" * 2_000}) for name in names], (names[0], {"blob": "z" * 20_000}))
    failed = [number for number, error in enumerate(errors(answer)) if error]
    assert failed == [3, 11, 12, 16]
    assert "10000 bytes" in str(errors(answer)[3])
    assert ["more" in documents.fields(name) for name in names] == [number not in (3, 11, 12) for number in range(16)]


def test_blobs_that_are_too_large_fail_alone(documents: Documents, settings: Any) -> None:
    first, second = documents.new(), documents.new()
    settings.MAX_DOCUMENT_BYTES = 1_000
    answer = update(documents, (first, {"source_blobs": [{"x": "y" * 2_000}]}), (second, {"a": 1}))
    assert [result["success"] for result in answer["results"]] == [False, True]


def test_a_document_that_was_read_is_accepted_back(documents: Documents) -> None:
    parent = documents.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    child = documents.new({"source_document_id": parent, "a": [1, {"b": None}]})
    for version in ("native", "v1", "v2"):
        shown = documents.get(child, f"?schema_version={version}")
        assert errors(update(documents, (child, shown))) == [None]
    after = documents.get(child)
    after["_internal"]["updated_at"] = documents.get(parent)["_internal"]["updated_at"]
    assert documents.lineage(child)["root_object_id"] == "obj_1"


def test_lineage_moves_a_document_with_all_below_it(documents: Documents) -> None:
    old, new = (documents.new({"source_object_id": f"obj_{n}", "root_bucket_id": "b"}) for n in range(2))
    child = documents.new({"source_document_id": old})
    leaf = documents.new({"source_document_id": child})
    answer = update(
        documents,
        (child, {"a": 1}),
        (child, {"source_document_id": new, "a": 2}),
        (leaf, {"b": 1}),
        (child, {"a": 3}),
        (new, {"source_document_id": leaf}),  # a cycle
    )
    assert [result["success"] for result in answer["results"]] == [True, True, True, True, False]
    assert "own ancestor" in str(errors(answer)[4])
    assert documents.fields(child) == {"a": 3}
    assert documents.fields(leaf) == {"b": 1}
    assert documents.lineage(leaf)["root_object_id"] == "obj_1"


@pytest.fixture
def many(documents: Documents) -> list[str]:
    return [documents.new({"n": n}) for n in range(40)]


@committed
def test_the_statements_do_not_grow_with_the_documents(documents: Documents, many: list[str]) -> None:
    documents.list()
    counts = []
    for names in (many[:2], many):
        with statements() as sent:
            update(documents, *[(name, {"a.b": 1, "content_hash": "x"}) for name in names], ("doc_missing", {}))
        counts.append(sent.counts)
    # Which are there, under their locks; what changes in them. The key besides.
    assert counts == [(2, 0, 4), (2, 0, 4)]


@pytest.mark.pgvector
@committed
def test_nor_with_their_lineage_and_vectors(documents: Documents, many: list[str]) -> None:
    shown = [documents.get(name, "?schema_version=v1") for name in many]
    for names in (shown[:2], shown):
        with statements() as sent:
            answer = update(documents, *[(one["document_id"], {**one, "vectors": {"v": [1], "w": None}}) for one in names])
        assert answer["failed_count"] == 0
        assert sent.counts == (5, 0, 4)


@committed
def test_one_too_large_costs_some_statements_more(documents: Documents, many: list[str], settings: Any) -> None:
    documents.patch(many[7], {"text": "x" * 9_000})
    settings.MAX_DOCUMENT_BYTES = 10_000
    with statements() as sent:
        assert update(documents, *[(name, {"more": "y" * 2_000}) for name in many])["failed_count"] == 1
    assert len(sent.data) < 20


def test_a_thousand_are_accepted_and_no_more(documents: Documents) -> None:
    made = documents.new()
    body = [{"document_id": f"doc_{n}", "update_data": {"n": n}} for n in range(999)]
    mine = {"document_id": made, "update_data": {"n": 1}}
    assert batch(documents, {"updates": [*body, mine]}).json()["updated_count"] == 1
    refused = batch(documents, {"updates": [*body, mine, mine]})
    assert (refused.status_code, refused.faults) == (422, ["body.updates"])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body"),
        ({"updates": None, "filters": None, "update_data": None}, "body"),
        ({"updates": []}, "body.updates"),
        ({"updates": {}}, "body.updates"),
        ({"updates": [1]}, "body.updates.0"),
        ({"updates": [{"update_data": {}}]}, "body.updates.0.document_id"),
        ({"updates": [{"document_id": 1, "update_data": {}}]}, "body.updates.0.document_id"),
        ({"updates": [{"document_id": "x"}]}, "body.updates.0.update_data"),
        ({"updates": [{"document_id": "x", "update_data": []}]}, "body.updates.0.update_data"),
        ({"updates": [{"document_id": "x", "update_data": {}, "data": 1}]}, "body.updates.0.data"),
        ({"updates": [{"document_id": "x", "update_data": {}}], "update_data": {"a": 1}}, "body.update_data"),
        ({"updates": [{"document_id": "x", "update_data": {}}], "filters": IS_NEW}, "body.filters"),
        ({"filters": IS_NEW}, "body.update_data"),
        ({"update_data": {"a": 1}}, "body.filters"),
        ({"filters": IS_NEW, "update_data": [1]}, "body.update_data"),
        ({"documents": []}, "body.documents"),
    ],
)
def test_a_body_that_is_neither_of_the_two_is_refused(documents: Documents, body: Any, place: str) -> None:
    response = batch(documents, body)
    assert (response.status_code, response.faults) == (422, [place])


def test_it_needs_the_permission_to_write(documents: Documents) -> None:
    reader = Documents(documents.api.key(Permission.READ), documents.collection)
    assert batch(reader, {"updates": [{"document_id": "x", "update_data": {}}]}).status_code == 403
    writer = Documents(documents.api.key(Permission.WRITE), documents.collection)
    assert errors(update(writer, (documents.new(), {"a": 1}))) == [None]


@pytest.mark.parametrize(
    "body", [{"updates": [{"document_id": "x", "update_data": {}}]}, {"filters": IS_NEW, "update_data": NEW}]
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_unknown_collection_is_not_found(documents: Documents, body: Any, query: str) -> None:
    foreign_api = cast.api()
    for collection in ("col_unknown", cast.collection(foreign_api)):
        assert batch(Documents(documents.api, collection), body, query).status_code == 404


# Bounds ---------------------------------------------------------------------------------------------------------------


def test_a_dry_run_of_named_documents_writes_nothing(documents: Documents, settings: Any) -> None:
    parent = documents.new({"source_object_id": "obj_1"})
    large, small = documents.new({"text": "x" * 9_000}), documents.new()
    before = [documents.get(name) for name in (parent, large, small)]
    settings.MAX_DOCUMENT_BYTES = 10_000
    more = {"more": "y" * 2_000}
    updates = ((large, more), (small, more), (small, {"source_document_id": parent}), ("doc_missing", more))
    answer = update(documents, *updates, query="?dry_run=true")
    assert answer["message"] == "Dry run: 2 of 4 would be updated; nothing was written."
    assert [documents.get(name) for name in (parent, large, small)] == before
    assert update(documents, *updates)["results"] == answer["results"]


def test_no_more_documents_are_touched_than_allowed(documents: Documents) -> None:
    first, second = documents.new(), documents.new()
    patches = ((first, {"a": 1}), (second, {"a": 1}), (first, {"b": 1}), ("doc_missing", {"a": 1}))
    body = {"updates": [{"document_id": document_id, "update_data": data} for document_id, data in patches]}
    for query in ("?max_affected=1", "?max_affected=0", "?max_affected=1&dry_run=true"):
        refused = batch(documents, body, query)
        assert (refused.status_code, refused.error) == (409, "ConflictError")
        assert refused.json()["error"]["details"] == {"matched": 2, "max_affected": int(query[14])}
    assert documents.fields(first) == documents.fields(second) == {}
    assert update(documents, *patches, query="?max_affected=2")["updated_count"] == 3


@pytest.mark.parametrize("query", ["max_affected=x", "max_affected=-1", "max_affected=1.5", "dry_run=maybe", "max_affectd=1"])
def test_bounds_that_are_none_are_refused(documents: Documents, query: str) -> None:
    response = batch(documents, {"filters": IS_NEW, "update_data": {"a": 1}}, f"?{query}")
    assert (response.status_code, response.faults) == (422, [f"query.{query.partition('=')[0]}"])


# All that match -------------------------------------------------------------------------------------------------------


def test_all_that_match_are_patched(documents: Documents) -> None:
    matching = [documents.new({**NEW, "n": n}) for n in range(3)]
    other = documents.new({"metadata": {"status": "old"}})
    elsewhere = Documents(documents.api, cast.collection(documents.api))
    untouched = elsewhere.new(NEW)
    response = filtered(documents, {"metadata.status": "old", "n": None, "internal_metadata": {"s": 1}, "source_blobs": [{}]})
    assert response.json() == {"updated_count": 3, "failed_count": 0, "results": [], "message": "Updated 3 documents."}
    for name in matching:
        assert documents.fields(name) == {"metadata": {"status": "old"}}
        assert documents.internal(name)["metadata"] == {"s": 1}
        assert documents.internal(name)["source_blobs"] == [{}]
    assert "metadata" not in documents.internal(other)
    assert elsewhere.fields(untouched) == NEW
    assert filtered(documents, {"a": 1}).json()["updated_count"] == 0


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"root_object_id": "obj_1"}, ["child", "root"]),
        ({"NOT": {"field": "n", "operator": "eq", "value": 1}}, ["child", "root"]),
        ({"field": "t", "operator": "regex", "value": "^a+$"}, ["root"]),
        ({"collection_id": "here", "document_id": "plain"}, []),
        ({"AND": [{"document_id": "plain"}, {"created_at": {"x": 1}}]}, []),
    ],
)
def test_filters_are_those_of_lists(documents: Documents, filters: Any, expected: list[str]) -> None:
    documents.new({"document_id": "root", "source_object_id": "obj_1", "t": "aaa"})
    documents.new({"document_id": "child", "source_document_id": "root", "t": "b"})
    documents.new({"document_id": "plain", "n": 1})
    assert filtered(documents, {"hit": True}, filters).json()["updated_count"] == len(expected)
    assert [name for name in ("child", "plain", "root") if "hit" in documents.fields(name)] == expected


@pytest.mark.parametrize(
    "filters",
    [None, {}, {"AND": []}, {"AND": [{}]}, {"case_sensitive": True}, {"must": None}, {"must": []}, {"NOT": None}, {"OR": [None]}],
)
def test_filters_that_say_nothing_are_refused(documents: Documents, filters: Any) -> None:
    made = documents.new(NEW)
    response = filtered(documents, {"a": 1}, filters)
    assert response.status_code == 422
    assert response.faults[0].startswith("body.filters")
    assert documents.fields(made) == NEW


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_regular_expression_that_is_none_is_refused(documents: Documents, query: str) -> None:
    made = documents.new(NEW)
    response = filtered(documents, {"a": 1}, {"field": "metadata.status", "operator": "regex", "value": "(new"}, query)
    assert (response.status_code, response.faults) == (422, ["body.filters.value"])
    assert documents.fields(made) == NEW


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "body.update_data"),
        ({"_score": 1}, "body.update_data"),
        ({"document_id": "doc_x"}, "body.update_data.document_id"),
        ({"collection_id": "col_x"}, "body.update_data.collection_id"),
        ({"_internal": {"created_at": "2020-01-01T00:00:00Z"}}, "body.update_data._internal.created_at"),
        ({"_internal.document_id": "doc_x"}, "body.update_data._internal.document_id"),
        ({"source_document_id": "doc_x"}, "body.update_data"),
        ({"lineage": {"root_object_id": "obj_x"}}, "body.update_data"),
        ({"vectors": {"v": [1]}}, "body.update_data"),
        ({"features": [{"feature_extractor_id": "x"}]}, "body.update_data"),
        ({"_nothing": 1}, "body.update_data._nothing"),
        ({"a": 1, "a.b": 1}, "body.update_data.a.b"),
        (None, "body.update_data"),
    ],
)
def test_what_not_all_of_them_can_be_given_is_refused(documents: Documents, data: Any, place: str) -> None:
    made = documents.new(NEW)
    response = filtered(documents, data)
    assert (response.status_code, response.faults) == (422, [place])
    assert documents.fields(made) == NEW


def test_one_that_would_be_too_large_stops_all(documents: Documents, settings: Any) -> None:
    large, small = documents.new({**NEW, "text": "x" * 9_000}), documents.new(NEW)
    before = documents.get(small)
    settings.MAX_DOCUMENT_BYTES = 10_000
    response = filtered(documents, {"more": "y" * 2_000})
    assert (response.status_code, response.error) == (413, "PayloadTooLargeError")
    assert documents.get(small) == before
    assert "more" not in documents.fields(large)


def test_a_dry_run_counts(documents: Documents) -> None:
    made = documents.new(NEW)
    documents.new()
    before = documents.get(made)
    answer = filtered(documents, {"a": 1}, query="?dry_run=true").json()
    assert answer["message"] == "Dry run: 1 document would be updated; nothing was written."
    assert answer["updated_count"] == 1
    assert documents.get(made) == before


def test_more_than_allowed_are_not_touched(documents: Documents) -> None:
    made = [documents.new(NEW) for _ in range(3)]
    before = [documents.get(name) for name in made]
    for query in ("?max_affected=2", "?max_affected=2&dry_run=true"):
        assert filtered(documents, {"a": 1}, query=query).status_code == 409
    assert [documents.get(name) for name in made] == before
    assert filtered(documents, {"a": 1}, query="?max_affected=3").json()["updated_count"] == 3


@committed
def test_all_that_match_are_one_statement_in_a_transaction(documents: Documents) -> None:
    for _ in range(5):
        documents.new(NEW)
    filtered(documents, {"a": 1}, query="?dry_run=true")  # how large the collection is, is remembered
    with statements() as sent:
        filtered(documents, {"a": 1})
    # How long it may take is the other one.
    assert sent.counts == (2, 0, 2)
