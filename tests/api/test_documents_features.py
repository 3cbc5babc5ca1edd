"""Features and vectors of documents: exact in and out, on every read that asks, and at no cost to one that doesn't."""

import math
import struct
from decimal import Decimal
from typing import Any

import pytest

from documents.listing import statements as listing_statements
from mixpeek_site import jsonio, sql
from tests.api.places import Documents
from tests.api.statements import Sent, statements
from tests.cast import Api

pytestmark = pytest.mark.pgvector


def single(number: float) -> float:
    """The nearest float32."""
    nearest: float = struct.unpack("f", struct.pack("f", number))[0]
    return nearest


NUMBERS = [0.1, -0.0, 1e-45, 3.4028234663852886e38, 16777217.0, 1 / 3, -2e-30, 3.2e-05, 5e-324, 0.0, -1.0]


@pytest.mark.parametrize("kind", ["dense", "multi", "sparse"])
def test_numbers_are_float32_exact_in_and_out(documents: Documents, kind: str) -> None:
    vectors: dict[str, Any] = {
        "dense": NUMBERS,
        "multi": [NUMBERS, NUMBERS[::-1]],
        "sparse": {"indices": list(range(len(NUMBERS))), "values": NUMBERS},
    }
    documents.create({"document_id": "a", "vectors": {"v": vectors[kind]}})
    url = documents.url("a", "?return_vectors=true")
    text = documents.api.get(url).content.decode()
    found = jsonio.loads(text)["vectors"]["v"]
    shown = {"dense": lambda: [found], "multi": lambda: [found[0], found[1][::-1]], "sparse": lambda: [found["values"]]}[kind]()
    expected = list(map(single, NUMBERS))
    for numbers in shown:
        assert [single(float(number)) for number in numbers] == expected
    assert "-0.0," in text  # for a parser of whole numbers may take -0 for 0
    # And put back, they stay what they are.
    documents.put("a", jsonio.loads(text))
    assert documents.api.get(url).content.decode().partition('"_internal"')[0] == text.partition('"_internal"')[0]


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ([1, True], "not a number"),
        ([1, None], "not a number"),
        ([1, "2"], "not a number"),
        ([], "dimensions"),
        ([0] * 16_001, "dimensions"),
        ([3.5e38], "beyond float32"),
        ([Decimal("1e400"), Decimal("-1e400")], "beyond float32"),
        ([10**400], "beyond float32"),
        ([[1, 2], [3]], "length"),
        ([[1], 2], "list"),
        ({"indices": [1, 1], "values": [1, 2]}, "twice"),
        ({"indices": [-1], "values": [1]}, "whole numbers"),
        ({"indices": [1], "values": []}, "dimensions"),
        ({"indices": [1, 2], "values": [1]}, "as many"),
        ("x", "list"),
    ],
)
def test_what_is_no_vector_is_refused_with_its_place(documents: Documents, vector: Any, reason: str) -> None:
    response = documents.post({"document_id": "a", "vectors": {"v": vector}})
    assert (response.status_code, response.faults) == (422, ["body.vectors.v"])
    assert reason in response.json()["error"]["message"]


def test_the_largest_vector_is_stored(documents: Documents) -> None:
    documents.create({"document_id": "a", "vectors": {"v": [0.5] * 16_000}})
    assert documents.get("a", "?return_vectors=true")["vectors"]["v"] == [0.5] * 16_000


def reads(api: Api, documents: Documents, **asked: Any) -> dict[str, Any]:
    """One document through every route that reads documents."""
    query = "?" + "&".join(f"{name}={str(value).lower()}" for name, value in asked.items())
    thing = "/v1/objects/obj/documents"
    return {
        "get": documents.get("a", query),
        "anywhere": api.get(f"/v1/documents/a{query}").json(),
        "by namespace": api.get(f"/v1/namespaces/{api.namespace}/documents/a{query}").json(),
        "list": documents.list({"filters": {"document_id": "a"}, **asked}).json()["results"][0],
        "list everywhere": api.post("/v1/documents/list", {"filters": {"document_id": "a"}, **asked}).json()["results"][0],
        "groups": documents.list({"group_by": "document_id", **asked}).json()["groups"][0]["documents"][0],
        "batch get": api.post("/v1/documents/batch-get", {"document_ids": ["a"], **asked}).json()["documents"][0],
        "ancestors": api.get(documents.url("b", f"/ancestors{query}")).json()[-1],
        "descendants": api.get(documents.url("root", f"/descendants{query}")).json()[0],
        "of an object": next(each for each in api.get(thing + query).json()["documents"] if each["document_id"] == "a"),
        "patch": documents.patch("a", {"n": 1}, query).json(),
    }


def test_every_read_shows_what_is_asked_of_vectors(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "root", "source_object_id": "obj"})
    documents.create({"document_id": "a", "source_document_id": "root", "vectors": {"x": [0.5], "y": [[1], [2]]}})
    documents.create({"document_id": "b", "source_document_id": "a"})
    plain = reads(api, documents)
    assert [name for name, one in plain.items() if one.keys() & {"vectors", "_vectors"}] == []
    whole = reads(api, documents, return_vectors=True)
    assert {name: one["vectors"] for name, one in whole.items()} == {name: {"x": [0.5], "y": [[1], [2]]} for name in whole}
    names = reads(api, documents, return_vector_names=True)
    assert {name: one["_vectors"] for name, one in names.items()} == {name: ["x", "y"] for name in names}
    assert [name for name, one in names.items() if "vectors" in one] == []


def test_features_keep_their_payload_and_extractor_beside_a_new_vector(documents: Documents) -> None:
    feature = {"feature_extractor_id": "clip_v1", "payload": {"a": 2**70}, "vectors": {"v": [1]}}
    documents.create({"document_id": "a", "features": [feature, {"feature_extractor_id": "ocr", "payload": {"b": 1}}]})
    documents.patch("a", {"vectors": {"v": [2], "w": [3]}})
    documents.patch("a", {"vectors": {"w": None}})
    found = sql.rows(
        "SELECT name, feature_extractor_id, payload::text, embedding::real[]::text FROM documents_feature ORDER BY 1"
    )
    assert found == [("ocr", "ocr", '{"b": 1}', None), ("v", "clip_v1", '{"a": 1180591620717411303424}', "{2}")]


TEN = {f"v{number}": [math.sin(number * 1536 + each) for each in range(1536)] for number in range(10)}


@pytest.mark.django_db(transaction=True)
def test_a_document_with_ten_long_vectors_is_read_without_them_as_fast_as_one_without(documents: Documents) -> None:
    """The same statements, and the same bytes from the database; names alone cost a few bytes more."""
    documents.create({"document_id": "a", "title": "x", "vectors": TEN})
    documents.create({"document_id": "b", "title": "x"})

    def sent(name: str, **asked: Any) -> list[Sent]:
        found = []
        query = "".join(f"&{flag}=true" for flag in asked)
        for call in (
            lambda: documents.get(name, f"?{query}"),
            lambda: documents.list({"filters": {"document_id": name}, **asked}),
            lambda: documents.api.post("/v1/documents/batch-get", {"document_ids": [name], **asked}),
        ):
            with statements() as one:
                call()
            found.append(one)
        return found

    sent("b")  # keys and statistics are known from then on
    for with_vectors, without, names, whole in zip(
        sent("a"), sent("b"), sent("a", return_vector_names=True), sent("a", return_vectors=True), strict=True
    ):
        assert (with_vectors.data, with_vectors.counts) == (without.data, without.counts)
        assert abs(with_vectors.received - without.received) < 20  # times are of different lengths
        assert names.received - without.received < 200
        assert not any("embedding" in statement for statement in names.data)
        assert whole.received > 150_000
        assert whole.counts == without.counts


@pytest.mark.django_db(transaction=True)
def test_a_page_of_long_vectors_is_not_read_in_one_statement_however_long(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_statements, "READ_AHEAD_BYTES", 20_000)  # of the 60,000 that four weigh
    for number in range(4):
        documents.create({"document_id": f"d{number}", "vectors": TEN})
    documents.list()
    for asked, more in (({}, 0), ({"return_vector_names": True}, 0), ({"return_vectors": True}, 2)):
        with statements() as sent:
            results = documents.list(asked).json()["results"]
        assert (len(sent.data), len(results)) == (1 + more, 4)
    assert all(len(one["vectors"]) == 10 for one in results)
