"""POST /v1/features/search, the public contract's search over several collections (docs/search.md)."""

from collections.abc import Sequence
from typing import Any

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api, Response

EAST, NORTH = [1, 0], [0, 1]
URI = "mixpeek://text_extractor@v1/embedding"


def search(api: Api, **body: Any) -> Response:
    return api.post("/v1/features/search", body)


def near(api: Api, vector: Sequence[float], **body: Any) -> list[tuple[str, float]]:
    """Ids and scores, in the answer's order."""
    response = search(api, query={"input_mode": "vector", "vector": vector}, **body)
    assert response.status_code == 200, response
    return [(each["document_id"], float(each["_score"])) for each in response.json()["results"]]


def ids(api: Api, vector: Sequence[float], **body: Any) -> list[str]:
    return [document_id for document_id, _ in near(api, vector, **body)]


@pytest.fixture
def rooms(api: Api) -> tuple[Documents, Documents]:
    """Two collections: hall (a_1, a_2) and attic (b_1, b_2), alternately nearer to the east, by the vector `embedding`."""
    hall, attic = Documents(api, cast.collection(api, "hall")), Documents(api, cast.collection(api, "attic"))
    for documents, name, vector in ((hall, "a_1", EAST), (attic, "b_1", [2, 1]), (hall, "a_2", [1, 1]), (attic, "b_2", NORTH)):
        documents.create({"document_id": name, "text": f"room {name}", "kind": name[0], "vectors": {"embedding": vector}})
    return hall, attic


Rooms = tuple[Documents, Documents]


@pytest.mark.pgvector
def test_collections_are_merged_by_score(api: Api, rooms: Rooms) -> None:
    assert ids(api, EAST) == ["a_1", "b_1", "a_2", "b_2"]
    assert ids(api, EAST, top_k=2) == ["a_1", "b_1"]
    assert ids(api, EAST, collection_identifiers=["attic"]) == ["b_1", "b_2"]
    assert ids(api, EAST, collection_identifiers=[rooms[0].collection, "attic"], filters={"kind": "a"}) == ["a_1", "a_2"]


@pytest.mark.pgvector
def test_documents_have_their_score_under_both_names(api: Api, rooms: Rooms) -> None:
    rooms[0].patch("a_1", {"score": "my own"})
    first, second = search(api, query={"vector": EAST}, top_k=2).json()["results"]
    assert (first["_score"], first["score"]) == (1, "my own")
    assert second["score"] == second["_score"]


@pytest.mark.pgvector
def test_a_feature_uri_is_a_declared_one_or_a_name_or_ends_in_one(api: Api, rooms: Rooms) -> None:
    indexes = [{"name": "by_model", "dimensions": 2, "type": "exact", "feature_uri": URI}]
    declared = Documents(api, cast.collection(api, "declared", vector_indexes=indexes))
    declared.create({"document_id": "c_1", "vectors": {"by_model": [3, 0], "embedding": NORTH}})
    named = Documents(api, cast.collection(api, "named"))
    named.create({"document_id": "d_1", "vectors": {URI: [4, 0.1], "embedding": NORTH}})
    assert ids(api, EAST, top_k=3)[:3] == ["a_1", "c_1", "d_1"]
    assert ids(api, EAST, feature_uri="other://x/embedding", collection_identifiers=["hall"]) == ["a_1", "a_2"]
    unheard = search(api, query={"vector": EAST}, feature_uri="other://x/unheard").json()
    assert unheard["results"] == []


@pytest.mark.pgvector
def test_collections_of_another_declared_dimension_are_passed_over(api: Api, rooms: Rooms) -> None:
    indexes = [{"name": "embedding", "dimensions": 3, "type": "exact"}]
    deep = Documents(api, cast.collection(api, "deep", vector_indexes=indexes))
    deep.create({"document_id": "c_1", "vectors": {"embedding": [1, 0, 0]}})
    assert ids(api, EAST, top_k=1) == ["a_1"]
    assert ids(api, [1, 0, 0]) == ["c_1"]
    refused = search(api, query={"vector": EAST}, collection_identifiers=["deep"])
    assert refused.faults == ["body.query.vector"]


def test_a_text_is_searched_by_its_words(api: Api) -> None:
    documents = Documents(api, cast.collection(api))
    for name, text in (("a", "red car"), ("b", "red red red"), ("c", "blue")):
        documents.create({"document_id": name, "text": text})
    answer = search(api, query={"text": "red"}).json()
    assert [each["document_id"] for each in answer["results"]] == ["b", "a"]
    assert answer["results"][0]["score"] > answer["results"][1]["score"] > 0


@pytest.mark.pgvector
def test_text_and_vector_are_fused(api: Api, rooms: Rooms) -> None:
    answer = search(api, query={"text": "b_2", "vector": EAST}, top_k=1).json()
    assert answer["results"][0]["document_id"] == "b_2"


def test_unknown_collections_are_named_and_none_is_not_found(api: Api) -> None:
    cast.collection(api, "hall")
    answer = search(api, query={"text": "x"}, collection_identifiers=["hall", "cellar"]).json()
    assert answer["unknown_collection_ids"] == ["cellar"]
    assert search(api, query={"text": "x"}, collection_identifiers=["cellar"]).status_code == 404


@pytest.mark.pgvector
def test_a_vector_finds_nothing_where_there_are_no_collections(api: Api) -> None:
    assert near(api, EAST) == []


@pytest.mark.pgvector
def test_deleted_collections_and_strangers_are_not_searched(api: Api, rooms: Rooms) -> None:
    stranger = cast.api()
    Documents(stranger, cast.collection(stranger, "hall")).create({"document_id": "x", "vectors": {"embedding": EAST}})
    assert ids(stranger, EAST) == ["x"]
    assert search(stranger, query={"vector": EAST}, collection_identifiers=[rooms[0].collection]).status_code == 404
    assert api.delete("/v1/collections/hall").status_code == 200
    assert ids(api, EAST) == ["b_1", "b_2"]


def test_reading_is_all_that_it_needs(api: Api) -> None:
    cast.collection(api)
    assert search(api.key(Permission.READ), query={"text": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body.query"),
        ({"query": "x"}, "body.query"),
        ({"query": {}}, "body.query.text"),
        ({"query": {"input_mode": "vector", "text": "x"}}, "body.query.vector"),
        ({"query": {"url": "https://example.org/a.png"}}, "body.query.url"),
        ({"query": {"image": "aGk="}}, "body.query.image"),
        ({"query": {"input_mode": "image", "text": "x"}}, "body.query.input_mode"),
        ({"query": {"text": "x", "audio": "y"}}, "body.query.audio"),
        ({"query": {"vector": [[1, 2], [3, 4]]}}, "body.query.vector.0"),
        ({"query": {"text": "x"}, "top_k": 0}, "body.top_k"),
        ({"query": {"text": "x"}, "top_k": 1001}, "body.top_k"),
        ({"query": {"text": "x"}, "feature_uri": 5}, "body.feature_uri"),
        ({"query": {"text": "x"}, "collection_identifiers": "hall"}, "body.collection_identifiers"),
        ({"query": {"text": "x"}, "limit": 5}, "body.limit"),
    ],
)
def test_what_is_not_served_is_refused_at_its_place(api: Api, body: dict[str, Any], place: str) -> None:
    response = search(api, **body)
    assert response.status_code == 422, response
    assert response.faults == [place]
