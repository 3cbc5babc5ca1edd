"""POST …/documents/search: near to a vector, by words, or both (contract section 10; docs/search.md)."""

import math
from collections.abc import Iterable
from typing import Any

import pytest

from documents import vector_indexes
from documents.models import VectorIndex
from tests import cast
from tests.api.places import Documents
from tests.cast import Api, Response

pytestmark = pytest.mark.pgvector

EAST, NORTH, WEST = [1, 0], [0, 1], [-1, 0]
NORTH_EAST = [1, 1]


def search(documents: Documents, query: str = "", **body: Any) -> Response:
    return documents.api.post(f"{documents.path}/search{query}", body)


def found(documents: Documents, **body: Any) -> list[tuple[str, float]]:
    """Ids and scores, in the answer's order."""
    response = search(documents, **body)
    assert response.status_code == 200, response
    return [(each["document_id"], float(each["_score"])) for each in response.json()["results"]]


def ids(documents: Documents, **body: Any) -> list[str]:
    return [document_id for document_id, _ in found(documents, **body)]


@pytest.fixture
def compass(documents: Documents) -> Documents:
    """east, north, west and far (north-east, ten times as long) by their vector `way`; a document without one."""
    for name, vector in (("east", EAST), ("north", NORTH), ("west", WEST), ("far", [10, 10])):
        documents.create({"document_id": name, "text": f"to the {name}", "side": name[-3:], "vectors": {"way": vector}})
    documents.create({"document_id": "nowhere", "text": "to the void"})
    return documents


# Scores ------------------------------------------------------------------------------------------------------------------


def test_cosine_scores_are_one_minus_the_distance(compass: Documents) -> None:
    half = math.sqrt(0.5)
    assert found(compass, vector=EAST) == [
        ("east", 1.0),
        ("far", pytest.approx(half, abs=1e-6)),
        ("north", 0.0),
        ("west", -1.0),
    ]


def test_l2_scores_fall_with_the_distance(compass: Documents) -> None:
    scores = dict(found(compass, vector=EAST, metric="l2"))
    assert scores["east"] == 1.0
    assert scores["west"] == pytest.approx(1 / 3)
    assert scores["far"] == pytest.approx(1 / (1 + math.hypot(9, 10)), abs=1e-6)


def test_dot_scores_are_the_inner_product(compass: Documents) -> None:
    assert found(compass, vector=EAST, metric="dot") == [("far", 10.0), ("east", 1.0), ("north", 0.0), ("west", -1.0)]


def test_scores_of_words_are_those_of_the_ranking(compass: Documents) -> None:
    [(document_id, score)] = found(compass, text="north")
    assert document_id == "north"
    assert 0 < score < 1


def test_vector_and_words_are_fused_by_reciprocal_rank(compass: Documents) -> None:
    scores = dict(found(compass, vector=EAST, text="north or void"))
    by_words = ids(compass, text="north or void")
    near = 1 / (60 + ids(compass, vector=EAST).index("north") + 1)
    assert scores["north"] == pytest.approx(near + 1 / (60 + by_words.index("north") + 1))
    assert scores["nowhere"] == pytest.approx(1 / (60 + by_words.index("nowhere") + 1))
    assert scores["east"] == pytest.approx(1 / 61)


def test_a_threshold_keeps_those_that_reach_it(compass: Documents) -> None:
    scores = found(compass, vector=EAST)
    assert found(compass, vector=EAST, score_threshold=scores[1][1]) == scores[:2]
    assert ids(compass, vector=EAST, score_threshold=1.01) == []
    (_, score) = found(compass, text="north")[0]
    assert ids(compass, text="north", score_threshold=score) == ["north"]


def test_no_vector_without_a_direction_or_beyond_float32_makes_a_score_that_is_no_number(documents: Documents) -> None:
    for name, number in (("zero", 0), ("tiny", 1e-30), ("one", 1), ("huge", 3e38)):
        documents.create({"document_id": name, "vectors": {"way": [number, number]}})
    for metric in ("cosine", "l2", "dot"):
        for vector in ([1, 1], [1e-30, 1e-30], [3e38, 3e38], [3e38, -3e38]):
            for _, score in found(documents, vector=vector, metric=metric):
                assert math.isfinite(score)
    assert "zero" not in ids(documents, vector=[2, 2])
    assert set(ids(documents, vector=[2, 2], metric="l2")) == {"zero", "tiny", "one", "huge"}


def test_a_query_of_zeros_has_no_direction(compass: Documents) -> None:
    assert search(compass, vector=[0, 0]).faults == ["body.vector"]
    assert len(ids(compass, vector=[0, 0], metric="l2")) == 4


# Which documents -----------------------------------------------------------------------------------------------------------


def test_filters_mean_what_they_mean_in_lists(compass: Documents) -> None:
    assert ids(compass, vector=EAST, filters={"field": "text", "operator": "contains", "value": "st"}) == ["east", "west"]
    assert ids(compass, vector=EAST, filters={"NOT": [{"document_id": "east"}]}, limit=1) == ["far"]
    assert ids(compass, text="to", filters={"side": "est"}) == ["west"]
    assert ids(compass, vector=EAST, text="to", filters={"root_object_id": "obj_1"}) == []


def test_pages_go_on_where_the_one_before_ended(compass: Documents) -> None:
    whole = ids(compass, vector=EAST)
    assert [ids(compass, vector=EAST, limit=1, offset=place)[0] for place in range(4)] == whole
    assert ids(compass, vector=EAST, limit=2, page=2) == whole[2:]
    assert ids(compass, vector=EAST, offset=10_000) == []
    pagination = search(compass, vector=EAST, limit=2, include_total=True).json()["pagination"]
    assert (pagination["total"], pagination["next_page"]) == (4, "?page=2&page_size=2")


def test_documents_like_another_leave_it_out(compass: Documents) -> None:
    assert ids(compass, like="east") == ["far", "north", "west"]
    assert ids(compass, like="east", text="east or north", limit=1) == ["north"]


def test_the_vector_to_be_like_may_be_another_collections(compass: Documents) -> None:
    other = Documents(compass.api, cast.collection(compass.api))
    other.create({"document_id": "westward", "vectors": {"way": [-2, 0.1]}})
    assert ids(compass, like="westward", vector_name="way", limit=1) == ["west"]


def test_what_has_no_such_vector_can_not_be_like(compass: Documents) -> None:
    assert search(compass, like="nowhere").faults == ["body.like"]
    assert search(compass, like="unknown").status_code == 404
    compass.create({"document_id": "sparse", "vectors": {"way": {"indices": [1], "values": [1]}}})
    assert search(compass, like="sparse").faults == ["body.like"]


def test_vectors_of_another_dimension_and_kind_are_passed_over(compass: Documents) -> None:
    compass.create({"document_id": "deep", "vectors": {"way": [1, 0, 0]}})
    compass.create({"document_id": "multi", "vectors": {"way": [[1, 0], [1, 0]]}})
    assert "deep" not in ids(compass, vector=EAST, limit=100)
    assert ids(compass, vector=[1, 0, 0]) == ["deep"]


def test_groups_begin_with_the_best_documents(compass: Documents) -> None:
    for number in range(3):
        body = {"source_object_id": f"obj_{number % 2}", "root_bucket_id": "bkt_1", "vectors": {"way": [1, number / 10]}}
        compass.create({"document_id": f"made_{number}", **body})
    answer = search(compass, vector=EAST, group_by="root_object_id", filters={"root_bucket_id": "bkt_1"}).json()
    shown = [(group["group_key"], [each["document_id"] for each in group["documents"]]) for group in answer["groups"]]
    assert shown == [("obj_0", ["made_0", "made_2"]), ("obj_1", ["made_1"])]
    assert answer["groups"][0]["documents"][0]["_score"] == 1
    one = search(compass, vector=EAST, group_by="root_object_id", limit=1).json()
    assert one["pagination"]["next_page"] == "?page=2&page_size=1"


def test_answers_are_shaped_as_in_lists(compass: Documents) -> None:
    compass.create({"document_id": "child", "source_document_id": "east", "vectors": {"way": [5, 0]}})
    response = search(compass, vector=EAST, limit=2, select=["side"], expand=["parent"], return_vectors=True, schema_version="v1")
    first, second = response.json()["results"]
    assert {first["document_id"], second["document_id"]} == {"east", "child"}
    child = first if first["document_id"] == "child" else second
    assert child["vectors"] == {"way": [5, 0]}
    assert child["_score"] == 1
    assert child["_expanded"]["parent"]["document_id"] == "east"


def test_what_a_search_answers_can_be_put_back(compass: Documents) -> None:
    (first,) = search(compass, vector=EAST, limit=1).json()["results"]
    assert compass.put("east", first).status_code == 200


# Names and declarations ----------------------------------------------------------------------------------------------------


def test_of_several_names_one_must_be_named(compass: Documents) -> None:
    compass.patch("nowhere", {"vectors": {"taste": [1, 2, 3]}})
    refused = search(compass, vector=EAST)
    assert refused.faults == ["body.vector_name"]
    assert "taste, way" in str(refused.json())
    assert len(ids(compass, vector=EAST, vector_name="way")) == 4
    assert ids(compass, vector=EAST, vector_name="unheard of") == []


def declared(api: Api, *indexes: dict[str, Any]) -> Documents:
    return Documents(api, cast.collection(api, vector_indexes=list(indexes)))


def test_a_declared_vector_brings_its_metric_and_dimension(api: Api) -> None:
    documents = declared(api, {"name": "way", "dimensions": 2, "metric": "dot", "type": "exact"})
    documents.create({"document_id": "far", "vectors": {"way": [10, 0], "other": [1, 2]}})
    assert found(documents, vector=EAST) == [("far", 10.0)]
    wrong = search(documents, vector=[1, 0, 0])
    assert wrong.faults == ["body.vector"]
    assert "3 dimensions" in str(wrong.json())
    assert "have 2" in str(wrong.json())
    assert search(documents, vector=EAST, metric="l2").faults == ["body.metric"]


def test_a_declared_name_may_hold_what_means_something_in_sql(api: Api) -> None:
    """The statement that an index could serve names it by a literal."""
    name = "a%s%%'\\b--"
    documents = declared(api, {"name": name, "dimensions": 2})
    VectorIndex.objects.update(state="ready")
    vector_indexes.forget()
    for number in range(3):
        documents.create({"document_id": f"doc_{number}", "n": number, "vectors": {name: [1, number]}})
    assert ids(documents, vector=EAST) == ["doc_0", "doc_1", "doc_2"]
    assert ids(documents, vector=EAST, filters={"n": 2}) == ["doc_2"]


# What is refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body"),
        ({"vector": []}, "body.vector"),
        ({"vector": "1,2"}, "body.vector"),
        ({"vector": [1, "2"]}, "body.vector.1"),
        ({"vector": [1, True]}, "body.vector.1"),
        ({"vector": [1, None]}, "body.vector.1"),
        ({"vector": [1, 1e39]}, "body.vector.1"),
        ({"vector": [[1, 2]]}, "body.vector.0"),
        ({"vector": {"indices": [1], "values": [1]}}, "body.vector"),
        ({"vector": [0.5] * 16_001}, "body.vector"),
        ({"vector": EAST, "like": "east"}, "body.like"),
        ({"like": 7}, "body.like"),
        ({"vector": EAST, "vector_name": ""}, "body.vector_name"),
        ({"vector": EAST, "vector_name": "x\x00"}, "body.vector_name"),
        ({"vector": EAST, "metric": "manhattan"}, "body.metric"),
        ({"text": "x", "metric": "l2"}, "body.metric"),
        ({"text": "x", "search": "y"}, "body.text"),
        ({"text": 5}, "body.text"),
        ({"vector": EAST, "score_threshold": "1"}, "body.score_threshold"),
        ({"vector": EAST, "sort": {"field": "a"}}, "body.sort"),
        ({"vector": EAST, "cursor": "x"}, "body.cursor"),
        ({"vector": EAST, "limit": 1001}, "body.limit"),
        ({"vector": EAST, "offset": 10_001}, "body.offset"),
        ({"vector": EAST, "nearest": 5}, "body.nearest"),
        ({"vector": EAST, "filters": {"field": "a", "operator": "near"}}, "body.filters.operator"),
    ],
)
def test_what_can_not_be_searched_is_refused_at_its_place(documents: Documents, body: dict[str, Any], place: str) -> None:
    response = search(documents, **body)
    assert response.status_code == 422, response
    assert response.faults == [place]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"vector": [1, NaN]}', 400),
        ('{"vector": [1, 0]', 400),
        ('{"vector": [1, 0], "vector": [0, 1], "limit": 1}', 200),
        ('{"vector": [1e999, 0]}', 422),
        ('{"vector": [1, 0], "text": "\\u0000"}', 422),
        ('{"vector": [1, 0], "\\ud800": 1}', 422),
        ("[1, 0]", 422),
        ("", 422),
    ],
)
def test_a_body_is_read_as_everywhere(compass: Documents, body: str, status: int) -> None:
    response = compass.api.call("POST", f"{compass.path}/search", body)
    assert response.status_code == status, response
    if status == 200:
        assert [each["document_id"] for each in response.json()["results"]] == ["north"]


# Places ---------------------------------------------------------------------------------------------------------------------


def names(response: Response) -> Iterable[str]:
    return [each["document_id"] for each in response.json()["results"]]


def test_a_collection_made_anew_under_the_same_name_is_the_one_that_is_searched(api: Api) -> None:
    path = "/v1/collections/compass/documents"
    for name in ("old", "new"):
        documents = Documents(api, cast.collection(api, "compass"))
        documents.create({"document_id": name, "vectors": {"way": EAST}})
        assert names(api.post(f"{path}/search", {"vector": EAST})) == [name]
        assert api.delete("/v1/collections/compass").status_code == 200
    assert api.post(f"{path}/search", {"vector": EAST}).status_code == 404


def test_other_places_are_not_found_and_not_searched(compass: Documents) -> None:
    stranger = cast.api()
    assert stranger.post(f"{compass.path}/search", {"vector": EAST}).status_code == 404
    mine = Documents(stranger, cast.collection(stranger))
    mine.create({"document_id": "mine", "vectors": {"way": WEST}})
    assert ids(mine, vector=EAST) == ["mine"]
    assert search(mine, like="east").status_code == 404
