"""`/v1/objects/{id}/documents`: everything that comes from an object (contract section 8)."""

from typing import Any
from urllib.parse import quote

import pytest

from documents import importing
from documents.importing.places import place_for
from documents.trees import reading
from mixpeek_site import jsonio
from namespaces import services
from tests import cast
from tests.api.lineages import plant
from tests.api.places import Documents
from tests.cast import Api, Response

URL = "/v1/objects/obj_film/documents"


@pytest.fixture
def scenes(api: Api) -> Documents:
    return Documents(api, cast.collection(api, "scenes"))


@pytest.fixture
def film(documents: Documents, scenes: Documents) -> Documents:
    """A document of the object, three made from it in another collection, one of which has one below; another object's."""
    documents.create({"document_id": "film", "source_object_id": "obj_film"})
    plant(scenes, {"scene_1": "film", "scene_2": "film", "scene_3": "film"})
    plant(documents, {"shot": "scene_2", "other": None})
    return documents


ALL = ["film", "scene_1", "scene_2", "scene_3", "shot"]


def asked(api: Api, query: str = "", url: str = URL) -> Any:
    response = api.get(url + query)
    assert response.status_code == 200, response
    return response.json()


def ids(answer: Any) -> list[str]:
    return [document["document_id"] for document in answer["documents"]]


def error(response: Response) -> tuple[int, str]:
    return response.status_code, response.error


def test_they_come_in_creation_order_with_their_number(api: Api, film: Documents) -> None:
    answer = asked(api)
    assert answer.keys() == {"root_object_id", "documents", "total", "pagination"}
    assert (answer["root_object_id"], ids(answer), answer["total"]) == ("obj_film", ALL, 5)
    assert answer["documents"] == [api.get(f"/v1/documents/{name}").json() for name in ALL]
    assert answer["pagination"] == {
        **{"total": 5, "page": 1, "page_size": 1000, "total_pages": 1},
        **{"next_page": None, "previous_page": None, "next_cursor": None},
    }


def test_a_document_belongs_to_the_object_that_a_move_gives_it(api: Api, film: Documents, scenes: Documents) -> None:
    assert scenes.patch("scene_2", {"source_document_id": "other"}).status_code == 200
    assert ids(asked(api)) == ["film", "scene_1", "scene_3"]
    assert ids(asked(api, url="/v1/objects/obj_root/documents")) == ["scene_2", "shot", "other"]


def test_collections_narrow_it_by_id_or_name(api: Api, film: Documents, scenes: Documents) -> None:
    assert ids(asked(api, "?collection_ids=scenes")) == ["scene_1", "scene_2", "scene_3"]
    assert asked(api, f"?collection_ids={film.collection}")["total"] == 2
    for both in (f"?collection_ids={film.collection}&collection_ids=scenes", f"?collection_ids=scenes,{film.collection},"):
        assert (ids(asked(api, both)), asked(api, both)["total"]) == (ALL, 5)
    assert ids(asked(api, "?collection_ids=")) == ALL


def test_unknown_collections_are_named_and_none_that_exists_is_not_found(api: Api, film: Documents) -> None:
    foreign = cast.api()
    theirs = cast.collection(foreign)
    answer = asked(api, f"?collection_ids=scenes,nowhere,{theirs}")
    assert answer["unknown_collection_ids"] == sorted(["nowhere", theirs])
    assert ids(answer) == ["scene_1", "scene_2", "scene_3"]
    assert error(api.get(f"{URL}?collection_ids={theirs}")) == (404, "NotFoundError")
    assert api.get(f"{URL}?collection_ids=%00").status_code == 422
    many = ",".join(f"c{number}" for number in range(1001))
    assert api.get(f"{URL}?collection_ids={many}").faults == ["query.collection_ids"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_by_cursor(api: Api, film: Documents, limit: int) -> None:
    found, query = [], f"?limit={limit}"
    while True:
        answer = asked(api, query)
        found.append(ids(answer))
        assert answer["total"] == answer["pagination"]["total"] == 5
        if (cursor := answer["pagination"]["next_cursor"]) is None:
            break
        query = f"?limit={limit}&cursor={cursor}"
    assert [name for page in found for name in page] == ALL
    assert len(found) == -(-5 // limit)


def test_pages_by_number_and_offset(api: Api, film: Documents) -> None:
    second = asked(api, "?page=2&page_size=2")
    assert ids(second) == ALL[2:4]
    assert second["pagination"]["next_page"] == "?page=3&page_size=2"
    assert second["pagination"]["previous_page"] == "?page=1&page_size=2"
    assert ids(asked(api, "?offset=3&limit=10")) == ALL[3:]
    beyond = asked(api, "?page=9&page_size=2")
    assert (ids(beyond), beyond["total"]) == ([], 5)


def test_what_stays_is_met_once_whatever_comes_and_goes(api: Api, film: Documents, scenes: Documents) -> None:
    cursor = asked(api, "?limit=2")["pagination"]["next_cursor"]
    scenes.delete("scene_1")
    scenes.delete("scene_2")
    film.create({"document_id": "new", "source_document_id": "film"})
    answer = asked(api, f"?cursor={cursor}")
    assert (ids(answer), answer["total"]) == (["scene_3", "shot", "new"], 4)


def test_a_cursor_is_of_one_object_and_its_collections(api: Api, film: Documents) -> None:
    cursor = asked(api, "?limit=1")["pagination"]["next_cursor"]
    for url in (f"{URL}?collection_ids=scenes&cursor={cursor}", f"/v1/objects/obj_root/documents?cursor={cursor}"):
        assert error(api.get(url)) == (400, "BadRequestError")
    assert error(api.get(f"{URL}?cursor=forged.cursor")) == (400, "BadRequestError")


def test_a_registered_object_without_documents_is_known(api: Api) -> None:
    cast.bucket_object(api, cast.bucket(api), "obj_new")
    answer = asked(api, url="/v1/objects/obj_new/documents")
    assert (answer["documents"], answer["total"]) == ([], 0)


def test_one_that_is_only_referred_to_is_known(api: Api, documents: Documents, scenes: Documents) -> None:
    documents.create({"source_document_id": "nowhere", "root_object_id": "obj_far"})
    assert asked(api, url="/v1/objects/obj_far/documents")["total"] == 1
    answer = asked(api, "?collection_ids=scenes", url="/v1/objects/obj_far/documents")
    assert (answer["documents"], answer["total"]) == ([], 0)


@pytest.mark.parametrize("name", ["obj_nowhere", "%00", "x" * 10_000, "%F0%9F%98%80", "obj%20film"])
def test_an_unknown_object_is_not_found(api: Api, film: Documents, name: str) -> None:
    assert error(api.get(f"/v1/objects/{name}/documents")) == (404, "NotFoundError")
    assert error(api.get(f"/v1/objects/{name}/documents?limit=abc")) == (404, "NotFoundError")


@pytest.mark.parametrize(
    "object_id",
    ["s3://films/reel 1.mp4", "a/documents", "a/decomposition-tree/", "/", "//x", "50%/ü", "%2F", "a/../b", "list", "x\ny"],
)
def test_an_object_is_reached_whatever_its_id_is_called(api: Api, documents: Documents, object_id: str) -> None:
    documents.create({"document_id": "frame", "source_object_id": object_id})
    quoted = f"/v1/objects/{quote(object_id, safe='')}"
    for path in (f"{quoted}/documents", f"{quoted}/documents/"):
        answer = asked(api, url=path)
        assert (answer["root_object_id"], ids(answer)) == (object_id, ["frame"])
    tree = asked(api, url=f"{quoted}/decomposition-tree")
    assert (tree["root_object_id"], tree["total_documents"]) == (object_id, 1)
    assert asked(api, url=f"{quoted}/impact")["target"]["object_id"] == object_id
    assert error(api.get(f"{quoted}x/documents")) == (404, "NotFoundError")


def test_pages_of_an_object_with_slashes_go_on(api: Api, documents: Documents) -> None:
    for number in range(3):
        documents.create({"document_id": f"frame_{number}", "source_object_id": "s3://films/1"})
    url = "/v1/objects/s3%3A%2F%2Ffilms%2F1/documents"
    first = asked(api, "?page_size=2", url)
    assert ids(asked(api, first["pagination"]["next_page"], url)) == ["frame_2"]
    assert ids(asked(api, f"?page_size=2&cursor={first['pagination']['next_cursor']}", url)) == ["frame_2"]


def test_creation_orders_documents_whose_times_are_kept(api: Api, documents: Documents) -> None:
    """An import may bring older documents than those that are stored."""
    documents.create({"document_id": "new", "source_object_id": "obj_film"})
    old = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
    line = jsonio.dumps({"document_id": "old", "source_object_id": "obj_film", "_internal": old}).encode()
    place = place_for(api.scope, documents.collection)
    importing.run(importing.lines_of([line]), place, importing.Options("fail"), lambda *_: None)
    assert ids(asked(api)) == ["old", "new"]
    cursor = asked(api, "?limit=1")["pagination"]["next_cursor"]
    assert ids(asked(api, f"?cursor={cursor}")) == ["new"]


def test_ids_that_differ_in_case_are_different_objects(api: Api, film: Documents) -> None:
    film.create({"document_id": "loud", "source_object_id": "OBJ_FILM"})
    assert ids(asked(api)) == ALL
    answer = asked(api, url="/v1/objects/OBJ_FILM/documents")
    assert (ids(answer), answer["total"]) == (["loud"], 1)


def test_another_namespaces_object_is_not_found(film: Documents) -> None:
    foreign = cast.api()
    assert error(foreign.get(URL)) == (404, "NotFoundError")
    theirs = Documents(foreign, cast.collection(foreign))
    theirs.create({"document_id": "theirs", "source_object_id": "obj_film"})
    assert ids(asked(foreign)) == ["theirs"]
    assert ids(asked(film.api)) == ALL


def test_documents_of_a_deleted_collection_are_not_there(api: Api, film: Documents, scenes: Documents) -> None:
    services.delete_collection(scope=api.scope, collection_identifier=scenes.collection)
    answer = asked(api)
    assert (ids(answer), answer["total"]) == (["film", "shot"], 2)
    assert error(api.get(f"{URL}?collection_ids={scenes.collection}")) == (404, "NotFoundError")
    services.delete_collection(scope=api.scope, collection_identifier=film.collection)
    assert error(api.get(URL)) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("page=abc", "query.page"),
        ("offset=10001", "query.offset"),
        ("collection_id=x", "query.collection_id"),
        ("include_total=maybe", "query.include_total"),
        ("return_vectors=2", "query.return_vectors"),
    ],
)
def test_what_can_not_be_asked_is_refused(api: Api, film: Documents, query: str, fault: str) -> None:
    answer = api.get(f"{URL}?{query}")
    assert (answer.status_code, answer.faults) == (422, [fault])


@pytest.mark.pgvector
def test_the_flags_of_a_get(api: Api, documents: Documents) -> None:
    blobs = [{"field": "video", "url": "https://example.org/a.mp4"}]
    documents.create({"source_object_id": "obj_film", "document_blobs": blobs, "vectors": {"clip": [1.5]}})
    (shown,) = asked(api, "?schema_version=v2&return_url=true&return_vectors=true")["documents"]
    assert shown["root_object_id"] == "obj_film"
    assert shown["presigned_url"] == "https://example.org/a.mp4"
    assert shown["vectors"] == {"clip": [1.5]}


def test_a_page_ends_before_it_becomes_too_large(
    api: Api, documents: Documents, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        documents.create({"source_object_id": "obj_film", "number": number, "text": f"{number}" * 20_000})
    settings.MAX_ANSWER_BYTES = 50_000
    for ahead in (reading.READ_AHEAD_BYTES, 100):
        monkeypatch.setattr(reading, "READ_AHEAD_BYTES", ahead)
        first = asked(api)
        rest = asked(api, f"?cursor={first['pagination']['next_cursor']}")
        numbers = [document["number"] for document in (*first["documents"], *rest["documents"])]
        assert numbers == [0, 1, 2, 3]
        assert rest["pagination"]["next_cursor"]
