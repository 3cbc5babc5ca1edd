"""What a list's answer holds, and how its flags are written: select, stats, warnings, places (contract section 7)."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api

ALWAYS = {"document_id", "collection_id"}


def ids(answer: Any) -> list[str]:
    return [document["document_id"] for document in answer["results"]]


def selected(documents: Documents, body: Any, *names: str, **asked: Any) -> Any:
    """What `select` leaves of a document that is made of `body`, without its ids."""
    document_id = documents.new(body)
    answer = documents.list({"filters": {"document_id": document_id}, "select": list(names), **asked})
    assert answer.status_code == 200, answer
    (found,) = answer.json()["results"]
    assert found.pop("document_id") == document_id
    assert found.pop("collection_id") == documents.collection
    return found


# select --------------------------------------------------------------------------------------------------------------

BODY: dict[str, Any] = {
    "title": "x",
    "metadata": {"year": 2020, "author": {"name": "A", "age": 7}, "none": None},
    "items": [{"id": 1, "price": 2.50}, {"price": 3}, 7, [{"id": 9}]],
    "tags": ["red", "green", "blue"],
    "a.b": {"c/d": 1},
    "0": "zero",
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["title"], {"title": "x"}),
        (["metadata.year"], {"metadata": {"year": 2020}}),
        (["metadata.year", "metadata.author.name"], {"metadata": {"year": 2020, "author": {"name": "A"}}}),
        (["metadata.author", "metadata.author.name"], {"metadata": {"author": {"name": "A", "age": 7}}}),
        (["metadata.none"], {"metadata": {"none": None}}),
        (["metadata"], {"metadata": BODY["metadata"]}),
        (["items.id"], {"items": [{"id": 1}]}),
        (["items.price", "title"], {"items": [{"price": 2.50}, {"price": 3}], "title": "x"}),
        (["tags"], {"tags": BODY["tags"]}),
        (["tags.1"], {"tags": ["green"]}),
        (["items.0.id"], {"items": [{"id": 1}]}),
        (["/a.b/c~1d"], {"a.b": {"c/d": 1}}),
        (["/metadata/year"], {"metadata": {"year": 2020}}),
        (["/0", "0"], {"0": "zero"}),
        (["missing", "metadata.missing", "title.x", "tags.7", "/nowhere", "a.b"], {}),
        (["document_id", "collection_id"], {}),
    ],
)
def test_select_leaves_what_the_names_reach(documents: Documents, names: list[str], found: Any) -> None:
    assert selected(documents, BODY, *names) == found


def test_two_paths_into_one_array_are_put_together(documents: Documents) -> None:
    body = {"items": [{"id": 1, "price": 2, "x": 3}, {"id": 4, "price": 5, "x": 6}]}
    assert selected(documents, body, "items.id", "items.price") == {"items": [{"id": 1, "price": 2}, {"id": 4, "price": 5}]}


def test_two_paths_into_uneven_arrays_lose_nothing(documents: Documents) -> None:
    body = {"items": [{"id": 1}, {"id": 2, "price": 5}, {"price": 6}]}
    assert selected(documents, body, "items.id", "items.price") == {"items": [{"id": 1}, {"id": 2, "price": 5}, {"price": 6}]}
    assert selected(documents, {"tags": ["a", "b", "c"]}, "tags.2", "tags.0") == {"tags": ["a", "c"]}


def test_select_of_nothing_is_no_select(documents: Documents) -> None:
    whole = documents.create(BODY)
    nothing: list[Any] = [{"select": []}, {"select": None}, {}]
    for asked in nothing:
        assert documents.list(asked).json()["results"] == [whole]


def test_selected_numbers_are_exact(documents: Documents) -> None:
    body = {"n": {"big": 2**64 + 1, "fine": "0.1000000000000000055"}}
    response = documents.api.post(documents.path, '{"n": {"big": 18446744073709551617, "fine": 0.1000000000000000055, "x": 1}}')
    assert response.status_code == 200
    text = documents.list({"select": ["n.big", "n.fine"]}).content.decode()
    assert str(body["n"]["big"]) in text
    assert str(body["n"]["fine"]) in text


LINEAGE = {"source_object_id": "obj_1", "root_bucket_id": "bkt_1", "internal_metadata": {"ingestion_status": "DONE", "x": 1}}


def test_system_names_are_selected_where_the_native_rendering_has_them(documents: Documents) -> None:
    found = selected(
        documents,
        {**LINEAGE, "content_hash": "abc", "title": "x"},
        *(
            "root_object_id",
            "content_hash",
            "internal_metadata.ingestion_status",
            "lineage_path",
            "_internal.lineage.source_type",
        ),
    )
    lineage = {"root_object_id": "obj_1", "path": f"bkt_1/{documents.collection}", "source_type": "bucket"}
    assert found == {"_internal": {"lineage": lineage, "content_hash": "abc", "metadata": {"ingestion_status": "DONE"}}}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_system_names_are_selected_at_the_root_of_the_older_renderings(documents: Documents, version: str) -> None:
    names = ("root_object_id", "internal_metadata.ingestion_status", "lineage_path")
    found = selected(documents, {**LINEAGE, "title": "x"}, *names, schema_version=version)
    assert found == {
        "root_object_id": "obj_1",
        "internal_metadata": {"ingestion_status": "DONE"},
        "lineage_path": f"bkt_1/{documents.collection}",
    }


@pytest.mark.parametrize("version", ["native", "v1", "v2"])
@pytest.mark.parametrize(
    "name",
    [
        *("root_object_id", "root_bucket_id", "source_type", "source_object_id", "lineage_path", "lineage_chain"),
        *("created_at", "updated_at", "modality", "mime_type", "size_bytes", "content_hash", "internal_metadata", "source_blobs"),
        *("document_blobs", "processing", "title"),
    ],
)
def test_what_a_rendering_has_can_be_selected_by_the_names_that_filters_know(
    documents: Documents, version: str, name: str
) -> None:
    internal = {"modality": "video", "mime_type": "video/mp4", "size_bytes": 7, "processing": {"a": 1}}
    chain = [{"collection_id": documents.collection, "feature_extractor_id": "x_v1"}]
    body = {
        **LINEAGE,
        "content_hash": "abc",
        "title": "x",
        "_internal": internal,
        "source_blobs": [{"a": 1}],
        "lineage_chain": chain,
        "document_blobs": [{"field": "f", "url": "https://example.org/x"}],
    }
    whole = documents.create(body, f"?schema_version={version}")
    text = json.dumps(whole, default=str)
    shown = {"lineage_path": '"path"', "lineage_chain": '"chain"', "internal_metadata": '"metadata"'}.get(name, f'"{name}"')
    there = f'"{name}"' in text or (version == "native" and shown in text)
    answer = documents.list({"select": [name], "schema_version": version}).json()["results"][0]
    assert bool(answer.keys() - ALWAYS) == there


def test_the_renderings_own_places_are_selected_as_well(documents: Documents) -> None:
    found = selected(documents, {**LINEAGE, "title": "x"}, "_internal.metadata", "_internal.created_at")
    assert found["_internal"].keys() == {"metadata", "created_at"}
    assert selected(documents, LINEAGE, "lineage.root_object_id", schema_version="v1") == {"lineage": {"root_object_id": "obj_1"}}


def test_a_pointer_selects_a_user_field_alone(documents: Documents) -> None:
    assert selected(documents, {"content_hash": "abc", "metadata": {"x": 1}}, "/content_hash", "/created_at") == {}


@pytest.mark.pgvector
def test_select_keeps_vectors_that_were_asked_for(documents: Documents) -> None:
    body = {"title": "x", "vectors": {"a": [1.5], "b": [2.5]}}
    found = selected(documents, body, "title", return_vectors=True)
    assert found == {"title": "x", "vectors": {"a": [1.5], "b": [2.5]}}
    assert selected(documents, body, "title", return_vector_names=True) == {"title": "x", "_vectors": ["a", "b"]}


def test_groups_select_too(documents: Documents) -> None:
    documents.create({"kind": "a", "title": "x"})
    (group,) = documents.list({"group_by": "kind", "select": ["title"]}).json()["groups"]
    assert group["documents"][0].keys() == ALWAYS | {"title"}


@pytest.mark.parametrize("value", [7, [7], [""], {"title": True}, ["x"] * 201])
def test_a_mistyped_select_is_refused(documents: Documents, value: Any) -> None:
    response = documents.list({"select": value})
    assert (response.status_code, response.faults) == (422, ["body.select"])


# stats and warnings --------------------------------------------------------------------------------------------------


def test_stats_are_of_the_documents_answered(documents: Documents) -> None:
    blob = {"field": "f", "url": "https://example.org/x"}
    for count in (0, 2, 3):
        documents.create({"kind": "a" if count else "b", "document_blobs": [blob] * count})
    stats = documents.list().json()["stats"]
    assert float(stats.pop("avg_blobs_per_document")) == pytest.approx(5 / 3, abs=1e-3)
    assert stats == {"total_documents": None, "total_groups": None, "avg_documents_per_group": None}
    assert documents.list({"include_total": True, "limit": 1}).json()["stats"]["total_documents"] == 3
    answer = documents.list({"group_by": "kind", "include_total": True}).json()
    assert answer["stats"] | {"avg_blobs_per_document": 0} == {
        **{"total_documents": 3, "total_groups": 2, "avg_documents_per_group": 1.5, "avg_blobs_per_document": 0}
    }
    assert (answer["group_by_field"], answer["results"], answer["pagination"]["total"]) == ("kind", None, 2)


def test_stats_of_nothing_are_zero(documents: Documents) -> None:
    assert documents.list({"filters": {"a": 1}}).json()["stats"]["avg_blobs_per_document"] == 0
    stats = documents.list({"group_by": "kind"}).json()["stats"]
    assert (stats["total_groups"], stats["avg_documents_per_group"]) == (0, 0)


def test_a_small_collection_needs_no_warning(documents: Documents) -> None:
    documents.create({"n": 1})
    asked: Any = {"filters": {"field": "n", "operator": "gt", "value": 0}, "sort": {"field": "n"}}
    assert documents.list(asked).json()["warnings"] == []


def test_blobs_that_cannot_be_signed_are_warned_of(documents: Documents) -> None:
    documents.create({"document_id": "doc_1", "document_blobs": [{"field": "f", "url": "s3://unknown/x"}]})
    answer = documents.list({"return_url": True}).json()
    assert answer["results"][0]["document_blobs"][0]["unavailable_reason"]
    assert len(answer["warnings"]) == 1
    assert "doc_1" in answer["warnings"][0]
    assert documents.list().json()["warnings"] == []


# The same as query parameters ----------------------------------------------------------------------------------------


@pytest.fixture
def furnished(documents: Documents) -> Documents:
    blob = {"field": "f", "url": "https://example.org/x"}
    parent = documents.new({"document_id": "parent"})
    for number in range(6):
        documents.create(
            {
                "document_id": f"doc_{number}",
                "n": number,
                "kind": "odd" if number % 2 else "even",
                "text": f"word{number} all",
                "source_document_id": parent,
                "document_blobs": [blob],
                **cast.vectors(a=[1.5], b=[2.5]),
            }
        )
    return documents


@pytest.mark.parametrize(
    "asked",
    [
        {"filters": {"kind": "odd"}},
        {"filters": {"AND": [{"field": "n", "operator": "gte", "value": 2}], "NOT": {"kind": "odd"}}},
        {"sort": {"field": "n", "direction": "desc"}, "limit": 2},
        {"search": "word3"},
        {"limit": 3},
        {"page_size": 3},
        {"limit": 2, "offset": 3},
        {"page": 2, "page_size": 2},
        {"include_total": True},
        {"include_total": False},
        {"select": ["n", "kind"]},
        {"select": ["n"]},
        {"expand": ["parent", "children"]},
        {"group_by": "kind"},
        {"partition": {"index": 1, "count": 3}},
        {"schema_version": "v1"},
        {"schema_version": "v2"},
        {"return_url": True},
        {"return_urls": True},
        {"return_presigned_urls": True},
        {"return_presigned_urls": False},
        {"return_vectors": True},
        {"return_vector_names": True},
        {"return_vector_names": ["b"]},
    ],
    ids=str,
)
def test_every_flag_means_the_same_in_query_and_body(furnished: Documents, asked: dict[str, Any]) -> None:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return ",".join(value)
        return value if isinstance(value, str) else json.dumps(value)

    query = "?" + urlencode({name: text(value) for name, value in asked.items()})
    by_body = furnished.list(asked)
    assert by_body.status_code == 200, by_body
    for response in (
        furnished.list({}, query),
        furnished.api.call("POST", f"{furnished.path}/list{query}"),
        furnished.api.get(furnished.path + query),
        furnished.api.get(f"{furnished.path}/{query}"),
    ):
        assert response.json() == by_body.json(), response
    everywhere = furnished.api.post(f"/v1/documents/list/{query}").json()
    assert everywhere.get("groups") == by_body.json()["groups"]
    assert everywhere.get("results") == by_body.json()["results"]


@pytest.mark.parametrize("text", ["n:desc", "n:DESC", '{"field": "n", "direction": "desc"}'])
def test_a_query_may_name_its_sort_in_short(furnished: Documents, text: str) -> None:
    found = furnished.api.get(f"{furnished.path}?{urlencode({'sort': text, 'limit': 2})}").json()
    assert ids(found) == ["doc_5", "doc_4"]


@pytest.mark.parametrize("name", ["cursor", "next_cursor", "after"])
def test_cursors_have_three_names_in_either_place(furnished: Documents, name: str) -> None:
    cursor = furnished.list({"limit": 3}).json()["pagination"]["next_cursor"]
    rest = ["doc_2", "doc_3", "doc_4", "doc_5"]
    assert ids(furnished.list({name: cursor}).json()) == rest
    assert ids(furnished.list({}, f"?{name}={cursor}").json()) == rest


def test_the_body_wins_over_the_query(furnished: Documents) -> None:
    body: dict[str, Any] = {
        **{"filters": {"kind": "odd"}, "sort": {"field": "n", "direction": "desc"}, "select": ["n"], "limit": 1},
        **{"return_vectors": False, "include_total": False, "schema_version": "native"},
    }
    query = {
        **{"filters": '{"kind": "even"}', "sort": '{"field": "n"}', "select": "kind", "limit": "5", "return_vectors": "true"},
        **{"include_total": "true", "schema_version": "v1"},
    }
    both = furnished.list(body, "?" + urlencode(query)).json()
    assert both == furnished.list(body).json()
    assert (ids(both), both["total_documents"]) == (["doc_5"], None)


def test_what_the_body_leaves_null_the_query_says(furnished: Documents) -> None:
    asked = {"filters": None, "limit": None, "sort": None, "select": None, "include_total": None, "return_vectors": None}
    query = urlencode({"filters": '{"kind": "odd"}', "limit": 2, "include_total": "true", "return_vectors": "1"})
    found = furnished.list(asked, "?" + query).json()
    assert (ids(found), found["total_documents"]) == (["doc_1", "doc_3"], 3)
    assert found["results"][0]["vectors"] == cast.vectors(a=[1.5], b=[2.5]).get("vectors", {})


def test_empty_query_parameters_are_absent(furnished: Documents) -> None:
    names = ("filters", "sort", "search", "partition", "group_by", "select", "expand", "cursor", "schema_version", "return_url")
    found = furnished.api.get(f"{furnished.path}?{'&'.join(f'{name}=' for name in names)}").json()
    assert found == furnished.list().json()


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        *(("filters=%7Bno", "query.filters"), ("filters=7", "query.filters"), ("sort=%7Bno", "query.sort")),
        *(("sort=7", "query.sort"), ("partition=x", "query.partition"), ("return_url=perhaps", "query.return_url")),
        *(("sort=n:sideways", "query.sort"), ("select=" + "x," * 201, "query.select"), ("limit=ten", "query.limit")),
        *(("schema_version=v9", "query.schema_version"), ("nonsense=1", "query.nonsense"), ("group_by=a..b", "query.group_by")),
        *(("collection_ids=x", "query.collection_ids"), ("include_total=maybe", "query.include_total")),
    ],
)
def test_faults_of_the_query_are_said_of_the_query(documents: Documents, query: str, fault: str) -> None:
    response = documents.api.get(f"{documents.path}?{query}")
    assert (response.status_code, [each[: len(fault)] for each in response.faults]) == (422, [fault])


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        *(({"return_url": "perhaps"}, "body.return_url"), ({"return_vectors": 7}, "body.return_vectors")),
        *(({"schema_version": "v9"}, "body.schema_version"), ({"schema_version": True}, "body.schema_version")),
        *(({"return_vector_names": [7]}, "body.return_vector_names"), ({"include_total": "yes"}, "body.include_total")),
        *(({"search": 7}, "body.search"), ({"group_by": 7}, "body.group_by"), ({"sort": "n:desc"}, "body.sort")),
    ],
)
def test_faults_of_the_body_are_said_of_the_body(documents: Documents, body: Any, fault: str) -> None:
    response = documents.list(body, "?limit=1")
    assert (response.status_code, response.faults) == (422, [fault])


# Places --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(api: Api) -> dict[str, Documents]:
    """Collections named one, two and three, each with a document called as it is."""
    found = {name: Documents(api, cast.collection(api, name)) for name in ("one", "two", "three")}
    for name, documents in found.items():
        documents.create({"document_id": f"doc_{name}"})
    return found


EVERYWHERE = "/v1/documents/list"


def test_without_collections_the_whole_namespace_is_meant(api: Api, three: dict[str, Documents]) -> None:
    assert ids(api.post(EVERYWHERE, {}).json()) == ["doc_one", "doc_two", "doc_three"]
    assert "unknown_collection_ids" not in api.post(EVERYWHERE, {}).json()


@pytest.mark.parametrize("name", ["collection_ids", "collection_id", "collections"])
def test_collections_are_named_by_id_or_name_in_body_or_query(api: Api, three: dict[str, Documents], name: str) -> None:
    places = ["two", three["three"].collection]
    for response in (
        api.post(EVERYWHERE, {name: places}),
        api.post(f"{EVERYWHERE}?{name}={','.join(places)}"),
        api.post(f"{EVERYWHERE}/?{name}=two, {places[1]},".replace(" ", "%20")),
    ):
        assert ids(response.json()) == ["doc_two", "doc_three"]
        assert "unknown_collection_ids" not in response.json()
    assert ids(api.post(EVERYWHERE, {name: "one"}).json()) == ["doc_one"]
    assert ids(api.post(f"{EVERYWHERE}?{name}=one", {name: ["two"]}).json()) == ["doc_two"]


def test_collections_that_do_not_exist_are_named(api: Api, three: dict[str, Documents]) -> None:
    foreign = cast.api()
    theirs = cast.collection(foreign, "theirs")
    for more in ({}, {"group_by": "document_id"}, {"sort": {"field": "n"}}, {"search": "x"}, {"filters": {"document_id": "x"}}):
        answer = api.post(EVERYWHERE, {"collection_ids": ["one", "col_nowhere", theirs, "theirs", "one"], **more})
        assert sorted(answer.json()["unknown_collection_ids"]) == sorted(["col_nowhere", theirs, "theirs"])


def test_when_none_exists_it_is_not_found(api: Api, three: dict[str, Documents]) -> None:
    foreign = cast.api()
    theirs = cast.collection(foreign, "theirs")
    for names in (["col_nowhere"], [theirs], ["theirs", theirs], ["\u00e9", "x" * 5000]):
        for more in ({}, {"group_by": "n"}, {"filters": {"n": 1}}):
            response = api.post(EVERYWHERE, {"collection_ids": names, **more})
            assert (response.status_code, response.error) == (404, "NotFoundError")
            assert response.json()["error"]["details"]["resource"] == "collection"


@pytest.mark.parametrize("value", [[], [7], 7, {}, ["x"] * 1001])
def test_mistyped_collections_are_refused(api: Api, value: Any) -> None:
    response = api.post(EVERYWHERE, {"collection_ids": value})
    assert (response.status_code, response.faults) == (422, ["body.collection_ids"])


def test_collections_are_of_the_namespaces_list_alone(documents: Documents) -> None:
    response = documents.list({"collection_ids": [documents.collection]})
    assert (response.status_code, response.faults) == (422, ["body.collection_ids"])


def test_a_collection_of_another_namespace_is_not_found(documents: Documents) -> None:
    foreign = cast.api()
    theirs = Documents(foreign, cast.collection(foreign, "theirs"))
    for path in (theirs.path, "/v1/collections/theirs/documents"):
        for response in (documents.api.post(f"{path}/list", {}), documents.api.get(path)):
            assert (response.status_code, response.error) == (404, "NotFoundError")


def test_reading_is_all_a_list_needs(documents: Documents) -> None:
    documents.create()
    key = documents.api.key(Permission.READ)
    for response in (key.post(f"{documents.path}/list", {}), key.get(documents.path), key.post(EVERYWHERE, {})):
        assert len(response.json()["results"]) == 1


def test_a_trailing_slash_changes_nothing(documents: Documents) -> None:
    documents.create()
    expected = documents.list().json()
    for response in (
        documents.api.post(f"{documents.path}/list/", {}),
        documents.api.get(f"{documents.path}/"),
        documents.api.post(f"{EVERYWHERE}/", {}),
    ):
        assert response.json() == expected
