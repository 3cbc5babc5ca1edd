"""`vector_indexes` of collections, `vector_configs` of namespaces: what may be declared, and which vectors are refused then."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from documents import vector_indexes
from documents.features import extension
from documents.models import VectorIndex
from documents.vector_indexes import building, registry
from namespaces.models import Collection, Namespace
from tests import cast
from tests.api.statements import statements
from tests.cast import Api, Response

pytestmark = pytest.mark.django_db

URI = "mixpeek://text_extractor@v1/embedding"
PENDING = {"dimensions": 3, "metric": "cosine", "state": "pending"}


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    vector_indexes.forget()


def declare(api: Api, collection: str, *declared: dict[str, Any]) -> Response:
    return api.patch(f"/v1/collections/{collection}", {"vector_indexes": list(declared)})


def shown(api: Api, collection: str) -> list[dict[str, Any]]:
    return list(api.get(f"/v1/collections/{collection}").json()["vector_indexes"])


def configure(api: Api, *declared: dict[str, Any]) -> Response:
    return api.patch(f"/v1/namespaces/{api.namespace}", {"vector_configs": list(declared)})


def documents(collection: str) -> str:
    return f"/v1/collections/{collection}/documents"


def registered() -> list[tuple[str, int, str, str]]:
    return list(VectorIndex.objects.values_list("name", "dimensions", "metric", "type"))


# Declaring ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ({"name": "a", "dimensions": 3}, ("a", 3, "cosine", "hnsw")),
        ({"name": "a", "dimensions": 3, "metric": "l2", "type": "exact", "mine": "x"}, ("a", 3, "l2", "exact")),
        ({"name": "a", "feature_uri": URI, "type": "hnsw", "index": {"dimension": 3, "metric": "dot"}}, ("a", 3, "dot", "hnsw")),
        ({"feature_uri": URI, "dimensions": 3}, ("embedding", 3, "cosine", "hnsw")),
        ({"name": "a", "dimensions": 3, "metric": "Euclidean"}, ("a", 3, "l2", "hnsw")),
        ({"name": "a%'\\b", "dimensions": 16_000, "type": "exact"}, ("a%'\\b", 16_000, "cosine", "exact")),
    ],
)
def test_what_was_sent_is_shown_with_what_holds_by_default(api: Api, declared: Any, stored: Any) -> None:
    made = api.post("/v1/collections", {"collection_name": "c", "source": {"type": "none"}, "vector_indexes": [declared]})
    assert made.status_code == 200, made
    assert registered() == [stored]
    [index] = made.json()["vector_indexes"]
    assert {name: index[name] for name in declared if name != "index"} == {k: v for k, v in declared.items() if k != "index"}
    assert (index["name"], index["index"]["dimensions"], index["index"]["metric"], index["type"]) == stored
    assert shown(api, "c") == [index]
    again = declare(api, "c", index)
    assert again.json()["vector_indexes"] == [index], "what was read may be written back"


@pytest.mark.parametrize(
    ("declared", "place"),
    [
        ({"dimensions": 3}, "name"),
        ({"name": "", "dimensions": 3}, "name"),
        ({"name": "a" * 513, "dimensions": 3}, "name"),
        ({"name": "a\0", "dimensions": 3}, "name"),
        ({"name": "a"}, "dimensions"),
        ({"name": "a", "dimensions": 0}, "dimensions"),
        ({"name": "a", "dimensions": 16_001, "type": "exact"}, "dimensions"),
        ({"name": "a", "dimensions": 2_001}, "type"),
        ({"name": "a", "dimensions": 3, "type": "ivfflat"}, "type"),
        ({"name": "a", "dimensions": 3, "metric": "manhattan"}, "metric"),
        ({"name": "a", "dimensions": 3, "index": {"dimensions": 4}}, "index.dimensions"),
        ({"name": "a", "dimensions": 3, "index": []}, "index"),
        ({"name": "a", "dimensions": 3, "feature_uri": ""}, "feature_uri"),
        ({"name": "fine", "dimensions": 4}, "name"),
    ],
)
def test_what_can_not_be_declared_is_422_at_its_place(api: Api, collection: str, declared: Any, place: str) -> None:
    response = declare(api, collection, {"name": "fine", "dimensions": 3}, declared)
    assert response.status_code in (400, 422) if "\0" in str(declared) else response.status_code == 422, response
    assert response.faults[0].startswith(f"body.vector_indexes.1.{place}")
    assert registered() == []
    assert shown(api, collection) == []


def test_a_collection_declares_at_most_16(api: Api, collection: str) -> None:
    response = declare(api, collection, *({"name": f"v{n}", "dimensions": 3} for n in range(17)))
    assert response.faults == ["body.vector_indexes"]


def test_the_database_has_only_so_many_hnsw_indexes(api: Api, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_INDEXES", 1)
    assert declare(api, cast.collection(api), {"name": "a", "dimensions": 3}).status_code == 200
    assert declare(api, collection, {"name": "a", "dimensions": 3}).faults == ["vector_indexes.0.type"]
    assert declare(api, collection, {"name": "a", "dimensions": 3, "type": "exact"}).status_code == 200


def test_what_stays_the_same_keeps_its_index_and_what_changes_gets_another(api: Api, collection: str) -> None:
    declare(api, collection, {"name": "a", "dimensions": 3}, {"name": "b", "dimensions": 3}, {"name": "c", "dimensions": 3})
    before = dict(VectorIndex.objects.values_list("name", "pk"))
    declare(api, collection, {"name": "b", "dimensions": 4}, {"name": "a", "dimensions": 3, "feature_uri": URI})
    after = dict(VectorIndex.objects.values_list("name", "pk"))
    assert after == {"a": before["a"], "b": after["b"]}
    assert after["b"] != before["b"]
    assert VectorIndex.objects.get(name="a").feature_uri == URI
    api.patch(f"/v1/collections/{collection}", {"vector_indexes": None})
    assert (registered(), shown(api, collection)) == ([], [])


def test_a_namespaces_configs_hold_where_a_collection_declares_nothing(api: Api, collection: str) -> None:
    assert configure(api, {"name": "a", "dimension": 3, "metric": "l2"}, {"name": "b", "dimension": 3}).status_code == 200
    declare(api, collection, {"name": "b", "dimensions": 4, "type": "exact"})
    row = Collection.objects.get(public_id=collection)
    found = vector_indexes.declared(row.namespace_id, [row.pk])
    assert {name: (each.dimensions, each.metric, each.type, each.ready) for (_, name), each in found.items()} == {
        "a": (3, "l2", "exact", False),
        "b": (4, "cosine", "exact", False),
    }


@pytest.mark.parametrize(
    ("declared", "place"),
    [
        ({"name": "a"}, "dimension"),
        ({"name": "a", "dimension": 3, "metric": "x"}, "metric"),
        ({"name": "a", "dimension": 0}, "dimension"),
        ({"dimension": 3}, "name"),
    ],
)
def test_a_config_that_can_not_be_is_422_at_its_place(api: Api, declared: Any, place: str) -> None:
    body = {"namespace_name": "other", "vector_configs": [declared]}
    assert api.post("/v1/namespaces", body).faults == [f"body.vector_configs.0.{place}"]


@pytest.mark.django_db(transaction=True)
def test_collections_say_in_lists_how_far_their_indexes_are(api: Api) -> None:
    cast.collection(api, "one", vector_indexes=[{"name": "a", "dimensions": 3}])
    cast.collection(api, "two")
    with statements() as sent:
        listed = api.post("/v1/collections/list", {}).json()["results"]
    assert sum("documents_vectorindex" in statement for statement in sent.data) == 1
    assert {each["collection_name"]: [index["index"] for index in each["vector_indexes"]] for each in listed} == {
        "one": [PENDING if extension.available() else {**PENDING, "state": "failed", "error": extension.ABSENT}],
        "two": [],
    }


@pytest.mark.no_pgvector
def test_without_the_extension_a_declaration_says_what_is_missing(api: Api, collection: str) -> None:
    response = declare(api, collection, {"name": "a", "dimensions": 3}, {"name": "b", "dimensions": 3, "type": "exact"})
    assert response.status_code == 200
    for each in shown(api, collection):
        assert each["index"]["state"] == "failed"
        assert "pgvector" in each["index"]["error"]


@pytest.mark.no_pgvector
def test_without_the_extension_housekeeping_says_so_once(api: Api, collection: str) -> None:
    declare(api, collection, {"name": "a", "dimensions": 3})
    VectorIndex.objects.update(state="ready", error=None)  # as if the extension had been there
    [line] = building.Builder()._prepare()
    assert "pgvector" in line
    assert "pgvector" in shown(api, collection)[0]["index"]["error"]
    builder = building.Builder()
    assert (list(builder._prepare()), builder._is_due()) == ([], False)


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def declared(api: Api, collection: str) -> str:
    """A collection whose vectors `a` have three dimensions."""
    assert declare(api, collection, {"name": "a", "dimensions": 3}).status_code == 200
    return collection


def refused(response: Response, *places: str) -> bool:
    message = response.json()["error"]["details"]["validation_errors"][0]["message"]
    assert "must have 3 dimensions" in message, response
    assert "not 2" in message, response
    return (response.status_code, response.faults) == (422, list(places))


TWO_FEATURES = [{"feature_extractor_id": "e"}, {"feature_extractor_id": "f", "vectors": {"a": [1, 2]}}]
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"vectors": {"a": [1, 2]}}, ["body.vectors.a"]),
    ({"vectors": {"x": [1, 2]}, "features": TWO_FEATURES}, ["body.features.1.vectors.a"]),
    ({"features": [{"feature_extractor_id": "a", "vectors": [1, 2]}]}, ["body.features.0.vectors"]),
]


@pytest.mark.pgvector
@pytest.mark.parametrize(("body", "places"), WRONG)
def test_another_dimension_is_422_at_its_place_and_nothing_is_written(
    api: Api, declared: str, body: Any, places: list[str]
) -> None:
    at = documents(declared)
    assert refused(api.post(at, body), *places)
    assert refused(api.post(at, {"document_id": "d", **body}), *places)
    assert api.post(at, {"document_id": "d", "vectors": {"a": [1, 2, 3], "x": [1]}, "n": 1}).status_code == 200
    assert refused(api.put(f"{at}/d", {"n": 2, **body}), *places)
    assert refused(api.patch(f"{at}/d", {"n": 2, **body}), *places)
    stored = api.get(f"{at}/d?return_vectors=true").json()
    assert (stored["n"], stored["vectors"]) == (1, {"a": [1, 2, 3], "x": [1]})


@pytest.mark.pgvector
def test_in_a_batch_only_the_wrong_ones_are_refused(api: Api, declared: str) -> None:
    at = documents(declared)
    for name in ("one", "two", "three"):
        api.post(at, {"document_id": name})
    vectors = {"one": [1, 2], "two": [1, 2, 3], "three": None}
    updates = [{"document_id": name, "update_data": {"n": 1, "vectors": {"a": value}}} for name, value in vectors.items()]
    answer = api.post(f"{at}/batch", {"updates": updates}).json()
    assert [each["success"] for each in answer["results"]] == [False, True, True], answer
    assert "must have 3 dimensions" in str(answer["results"][0])
    assert "n" not in api.get(f"{at}/one").json()
    assert api.get(f"{at}/two?return_vectors=true").json()["vectors"] == {"a": [1, 2, 3]}


@pytest.mark.pgvector
def test_a_namespaces_dimension_is_checked_but_not_where_a_collection_declares_its_own(api: Api, collection: str) -> None:
    configure(api, {"name": "a", "dimension": 3})
    assert refused(api.post(documents(collection), {"vectors": {"a": [1, 2]}}), "body.vectors.a")
    declare(api, collection, {"name": "a", "dimensions": 2})
    assert api.post(documents(collection), {"vectors": {"a": [1, 2]}}).status_code == 200


@pytest.mark.pgvector
def test_other_names_and_other_kinds_of_vectors_are_not_checked(api: Api, declared: str) -> None:
    vectors = {"b": [1], "c": {"indices": [1], "values": [1]}}
    assert api.post(documents(declared), {"vectors": vectors}).status_code == 200
    assert api.post(documents(declared), {"vectors": {"a": {"indices": [1, 9], "values": [1, 2]}}}).status_code == 200
    assert api.post(documents(cast.collection(api)), {"vectors": {"a": [1]}}).status_code == 200


@pytest.mark.pgvector
@pytest.mark.django_db(transaction=True)
def test_the_check_is_one_statement_for_documents_with_vectors_and_none_for_others(api: Api, declared: str) -> None:
    at = documents(declared)
    api.post(at, {"document_id": "d", "vectors": {"a": [1, 2, 3]}})
    with statements() as without:
        api.post(at, {"n": 1})
    with statements() as one:
        api.post(at, {"vectors": {"a": [1, 2, 3], "b": [1]}})
    checks = [sum("documents_declared_dimensions" in each for each in sent.data) for sent in (without, one)]
    assert checks == [0, 1]


@pytest.mark.pgvector
@pytest.mark.parametrize("dimensions", [2, 524, 525, 1000])
def test_a_declaration_over_vectors_of_another_dimension_is_409_and_says_how_many(
    api: Api, collection: str, dimensions: int
) -> None:
    at = documents(collection)
    for length in (dimensions, dimensions, dimensions + 1):
        assert api.post(at, {"vectors": {"a": [0.5] * length}, "text": "x" * 3000}).status_code == 200
    refusal = declare(api, collection, {"name": "a", "dimensions": dimensions})
    assert (refusal.status_code, refusal.error) == (409, "ConflictError")
    assert refusal.json()["error"]["details"] == {
        "collection_id": collection,
        "name": "a",
        "dimensions": dimensions,
        "other_vectors": 1,
        "other_dimensions": dimensions + 1,
    }
    assert declare(api, collection, {"name": "a", "dimensions": dimensions + 1}).json()["error"]["details"]["other_vectors"] == 2
    assert (registered(), shown(api, collection)) == ([], [])
    assert configure(api, {"name": "a", "dimension": dimensions}).status_code == 409
    assert Namespace.objects.get(public_id=api.namespace).config == {}


@pytest.mark.pgvector
def test_a_declaration_is_not_dropped_where_the_namespaces_would_not_hold_then(api: Api, collection: str) -> None:
    configure(api, {"name": "a", "dimension": 3})
    declare(api, collection, {"name": "a", "dimensions": 2})
    api.post(documents(collection), {"vectors": {"a": [1, 2]}})
    assert declare(api, collection).status_code == 409
    assert configure(api).status_code == 200
    assert declare(api, collection).status_code == 200


@pytest.mark.pgvector
def test_many_vectors_of_a_configured_name_get_an_index(api: Api, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MANY", 2)
    configure(api, {"name": "a", "dimension": 3, "metric": "dot"})
    few = cast.collection(api)
    for place in (collection, collection, few):
        api.post(documents(place), {"vectors": {"a": [1, 2, 3]}})
    lines = list(building.Builder()._prepare())
    assert [collection in line for line in lines] == [True]
    assert list(building.Builder()._prepare()) == []
    [index] = shown(api, collection)
    assert (index["name"], index["type"], index["source"]) == ("a", "hnsw", "namespace")
    assert index["index"] == {**PENDING, "metric": "dot", "size_bytes": None} or index["index"] == {**PENDING, "metric": "dot"}
    assert shown(api, few) == []
    [config] = api.get(f"/v1/namespaces/{api.namespace}").json()["vector_configs"]
    assert config == {"name": "a", "dimension": 3, "metric": "dot", "indexes": {"pending": 1}}
    assert declare(api, collection, index).json()["vector_indexes"] == [index], "it stays the namespace's"
    assert configure(api, config).json()["vector_configs"] == [config]
    configure(api, {"name": "a", "dimension": 3, "metric": "l2"})
    assert shown(api, collection) == []


@pytest.mark.pgvector
def test_in_an_upsert_only_the_wrong_ones_fail(api: Api, declared: str) -> None:
    at, upsert = documents(declared), f"/v1/namespaces/{api.namespace}/documents/upsert"
    for name in ("old", "other"):
        api.post(at, {"document_id": name, "n": 0, "vectors": {"a": [0, 0, 0]}})
    vectors = {"old": [1, 2], "other": [1, 2, 3], "new": [1, 2], "good": [1, 2, 3]}
    given = [{"document_id": name, "vectors": {"a": value}, "payload": {"n": 1}} for name, value in vectors.items()]
    answer = api.post(upsert, {"documents": given, "collection_id": declared}).json()
    assert [each["status"] for each in answer["results"]] == ["failed", "updated", "failed", "created"]
    assert "must have 3 dimensions" in str(answer["results"][0])
    assert "must have 3 dimensions" in str(answer["results"][2])
    stored = api.get(f"{at}/old?return_vectors=true").json()
    assert (stored["n"], stored["vectors"]) == (0, {"a": [0, 0, 0]})
    assert api.get(f"{at}/new").status_code == 404


@pytest.mark.pgvector
@pytest.mark.parametrize("on_conflict", ["fail", "skip", "replace", "merge"])
def test_an_import_leaves_out_the_wrong_lines(api: Api, declared: str, tmp_path: Path, on_conflict: str) -> None:
    api.post(documents(declared), {"document_id": "old", "n": 0, "vectors": {"a": [0, 0, 0]}})
    lines = [
        {"document_id": "old", "n": 1, "vectors": {"a": [1, 2]}},
        {"document_id": "wrong", "vectors": {"a": [1, 2]}},
        {"document_id": "child", "source_document_id": "wrong", "source_collection_id": declared, "vectors": {"a": [1, 2, 3]}},
        {"document_id": "right", "vectors": {"a": [1, 2, 3], "b": [1]}},
    ]
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    where = ("--namespace", str(api.namespace), "--collection", declared, "--organization", api.scope.organization_public_id)
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit):
        call_command("import_documents", str(file), *where, "--on-conflict", on_conflict, stdout=out, stderr=err)
    stored = {name: api.get(f"{documents(declared)}/{name}?return_vectors=true").json() for name in ("old", "child", "right")}
    assert {name: each["vectors"]["a"] for name, each in stored.items()} == {
        "old": [0, 0, 0],
        "child": [1, 2, 3],
        "right": [1, 2, 3],
    }, err.getvalue()
    assert api.get(f"{documents(declared)}/wrong").status_code == 404
    expected = "2 imported, 1 skipped, 1 failed" if on_conflict == "skip" else "2 imported, 2 failed"
    assert expected in out.getvalue().replace("0 replaced, ", "").replace("0 merged, ", ""), out.getvalue()
