"""`…/descendants`: what was made from a document, breadth first, a page at a time (contract section 8)."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from documents.trees import reading
from namespaces import credentials, services
from namespaces.models import Permission
from tests import cast
from tests.api.lineages import Walk, plant, rewire
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Api


@pytest.fixture
def tree(api: Api, documents: Documents) -> Documents:
    """A film, its two scenes, each scene's two shots in another collection, one frame; a document of its own."""
    shots = Documents(api, cast.collection(api))
    documents.create({"document_id": "film", "source_object_id": "obj_film"})
    documents.create({"document_id": "scene_1", "source_document_id": "film"})
    documents.create({"document_id": "scene_2", "source_document_id": "film"})
    for shot, scene in (("shot_2a", "scene_2"), ("shot_1a", "scene_1"), ("shot_1b", "scene_1"), ("shot_2b", "scene_2")):
        shots.create({"document_id": shot, "source_document_id": scene})
    shots.create({"document_id": "frame", "source_document_id": "shot_2a"})
    documents.create({"document_id": "alone"})
    return documents


BREADTH_FIRST = ["scene_1", "scene_2", "shot_1a", "shot_1b", "shot_2a", "shot_2b", "frame"]


def below(documents: Documents, document_id: str, query: str = "") -> Walk:
    return Walk(documents.api, documents.url(document_id, f"/descendants{query}"))


def test_they_come_breadth_first_by_parent_and_creation(tree: Documents) -> None:
    assert below(tree, "film").ids() == BREADTH_FIRST
    assert below(tree, "scene_2").ids() == ["shot_2a", "shot_2b", "frame"]
    assert below(tree, "alone").ids() == []


def test_each_is_the_document_as_get_answers_it(tree: Documents) -> None:
    found = below(tree, "film").answer().json()
    assert found == [tree.api.get(f"/v1/documents/{name}").json() for name in BREADTH_FIRST]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_are_linked_until_the_last(tree: Documents, limit: int) -> None:
    pages = list(below(tree, "film", f"?limit={limit}").pages())
    assert [name for page in pages for name in page] == BREADTH_FIRST
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


@pytest.mark.parametrize("limit", [7, 8, 1000])
def test_the_last_page_has_no_link(tree: Documents, limit: int) -> None:
    answer = below(tree, "film", f"?limit={limit}").answer()
    assert len(answer.json()) == 7
    assert "Link" not in answer.headers


def test_the_link_keeps_what_was_asked_for_and_where(tree: Documents) -> None:
    named = Documents(tree.api, cast.collection(tree.api, "a name, with > and ;"))
    named.create({"document_id": "root"})
    for number in range(2):
        named.create({"document_id": f"child_{number}", "source_document_id": "root"})
    path = "/v1/collections/a%20name%2C%20with%20%3E%20and%20%3B/documents/root/descendants"
    walk = Walk(tree.api, f"{path}?schema_version=v1&page_size=1")
    answers = list(walk.answers())
    assert [answer.json()[0]["document_schema_version"] for answer in answers] == ["v1", "v1"]
    assert [document["document_id"] for answer in answers for document in answer.json()] == ["child_0", "child_1"]
    assert answers[0].headers["Link"].startswith(f"<{path}?schema_version=v1&page_size=1&cursor=")


@pytest.mark.parametrize("name", ["cursor", "next_cursor", "after"])
def test_a_cursor_goes_by_each_of_its_names(tree: Documents, name: str) -> None:
    cursor = below(tree, "film", "?limit=2").cursor()
    assert below(tree, "film", f"?limit=2&{name}={cursor}").ids_of_one_page() == BREADTH_FIRST[2:4]
    assert below(tree, "film", f"?{name}=").ids_of_one_page() == BREADTH_FIRST


def test_a_cursor_is_of_one_document_and_one_route(tree: Documents) -> None:
    cursor = below(tree, "film", "?limit=1").cursor()
    foreign = Documents(cast.api(), tree.collection)
    for url in (
        tree.url("scene_1", f"/descendants?cursor={cursor}"),
        tree.url("film", f"/ancestors?cursor={cursor}"),
        tree.url("film", f"/descendants?cursor={cursor[:-1]}"),
        tree.url("film", "/descendants?cursor=%00"),
        f"/v1/objects/obj_film/documents?cursor={cursor}",
    ):
        assert tree.api.get(url).status_code == 400, url
    assert foreign.api.get(tree.url("film", f"/descendants?cursor={cursor}")).status_code in (400, 404)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("limit=abc", "query.limit"),
        ("page_size=-1", "query.page_size"),
        ("page=2", "query.page"),
        ("offset=2", "query.offset"),
        ("depth=1", "query.depth"),
        ("schema_version=v3", "query.schema_version"),
        ("return_url=maybe", "query.return_url"),
    ],
)
def test_what_can_not_be_asked_is_refused(tree: Documents, query: str, fault: str) -> None:
    for route in ("ancestors", "descendants"):
        answer = tree.api.get(tree.url("film", f"/{route}?{query}"))
        assert (answer.status_code, answer.faults) == (422, [fault])
        assert tree.api.get(tree.url("nowhere", f"/{route}?{query}")).status_code == 404


@pytest.mark.parametrize("name", ["nowhere", "%00", "x" * 10_000, "%F0%9F%98%80", "a%2Fb"])
def test_what_is_not_there_is_not_found(tree: Documents, name: str) -> None:
    for route in ("ancestors", "descendants"):
        assert tree.api.get(tree.url(name, f"/{route}")).status_code == 404


def test_a_document_of_another_collection_is_not_found(tree: Documents) -> None:
    for route in ("ancestors", "descendants"):
        assert tree.api.get(tree.url("frame", f"/{route}")).status_code == 404


def test_of_the_namespace_there_is_no_such_route(tree: Documents) -> None:
    for route in ("ancestors", "descendants", "lineage"):
        assert tree.api.get(f"/v1/documents/film/{route}").status_code == 404


@pytest.mark.pgvector
def test_the_flags_of_a_get(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "root"})
    blobs = [{"field": "video", "url": "https://example.org/a.mp4"}]
    documents.create({"source_document_id": "root", "document_blobs": blobs, "vectors": {"clip": [1.5], "text": [2.5]}})

    def shown(query: str) -> Any:
        (found,) = below(documents, "root", query).answer().json()
        return found

    for flag in ("return_url", "return_urls", "return_presigned_urls"):
        assert shown(f"?{flag}=true")["document_blobs"][0]["presigned_url"] == "https://example.org/a.mp4"
    assert shown("?return_vectors=true")["vectors"] == {"clip": [1.5], "text": [2.5]}
    assert shown("?return_vector_names=text")["vectors"] == {"text": [2.5]}
    assert shown("?return_vector_names=true")["_vectors"] == ["clip", "text"]
    assert "vectors" not in shown("")
    assert shown("?schema_version=v2")["source_document_id"] == "root"


def test_what_another_namespace_has_is_absent(documents: Documents) -> None:
    foreign = cast.api()
    theirs = Documents(foreign, cast.collection(foreign))
    documents.create({"document_id": "root"})
    theirs.create({"document_id": "root"})
    theirs.create({"document_id": "theirs", "source_document_id": "root"})
    documents.create({"document_id": "mine", "source_document_id": "root"})
    theirs.create({"document_id": "below", "source_document_id": "mine"})
    assert below(documents, "root").ids() == ["mine"]
    assert foreign.get(documents.url("root", "/descendants")).status_code == 404


def test_a_walk_ends_before_documents_of_a_deleted_collection(tree: Documents) -> None:
    other = Documents(tree.api, cast.collection(tree.api))
    other.create({"document_id": "hidden", "source_document_id": "film"})
    tree.create({"document_id": "under_hidden", "source_document_id": "hidden"})
    services.delete_collection(scope=tree.api.scope, collection_identifier=other.collection)
    for limit in (1, 3, 1000):
        assert below(tree, "film", f"?limit={limit}").ids() == BREADTH_FIRST


def test_a_read_only_key_walks(tree: Documents) -> None:
    key = tree.api.key(Permission.READ)
    assert len(key.get(tree.url("film", "/descendants")).json()) == 7
    assert tree.api.head(tree.url("film", "/descendants")).status_code == 200
    assert tree.api.post(tree.url("film", "/descendants")).status_code == 405


# Circles, depth and width --------------------------------------------------------------------------------------------


def test_a_circle_is_gone_through_once(documents: Documents) -> None:
    """The server refuses such a move; rows that were written past it must not hold up a read."""
    plant(documents, {"a": None, "b": "a", "c": "b", "d": "c", "leaf": "b", "self": "x"})
    rewire(documents, {"a": "d", "self": "self"})
    for limit in (1, 2, 1000):
        assert below(documents, "a", f"?limit={limit}").ids() == ["b", "c", "leaf", "d"]
        assert below(documents, "d", f"?limit={limit}").ids() == ["a", "b", "c", "leaf"]
        assert below(documents, "self", f"?limit={limit}").ids() == []


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
def test_fifty_levels_deep(documents: Documents, limit: int) -> None:
    names = [f"level_{number}" for number in range(51)]
    plant(documents, dict(zip(names, [None, *names[:-1]], strict=True)))
    assert below(documents, names[0], f"?limit={limit}").ids() == names[1:]


def test_every_shape_of_tree_in_pages_of_every_size(documents: Documents) -> None:
    """Against a walk in Python, for trees drawn at random: bushes, brooms, lists, and leaves among them."""
    chance = random.Random(4)
    for reach in (2, 5, 40):
        names = [f"tree_{reach}_{each}" for each in range(40)]
        parents = {name: names[chance.randrange(max(0, place - reach), place)] for place, name in enumerate(names) if place}
        plant(documents, {names[0]: None, **parents})
        expected = list(breadth_first(names, parents))
        for limit in (3, 8, 38, 39):
            assert below(documents, names[0], f"?limit={limit}").ids() == expected, (reach, limit)


def breadth_first(names: list[str], parents: dict[str, str]) -> Iterator[str]:
    """Levels of names that are in the order of creation, each in the order of the parents' creation."""
    level = [names[0]]
    while level := [name for parent in sorted(level, key=names.index) for name in names if parents.get(name) == parent]:
        yield from level


def test_what_stays_is_met_once_whatever_comes_and_goes(documents: Documents) -> None:
    chance = random.Random(7)
    names = ["root", *(f"stays_{number}" for number in range(40))]
    parents = {name: chance.choice(names[:place][-12:]) for place, name in enumerate(names) if place}
    plant(documents, {"root": None, **parents})
    came: list[str] = []
    numbers = itertools.count()
    found: list[str] = []
    for turn, page in enumerate(below(documents, "root", "?limit=3").pages()):
        found += page
        for _ in range(2):
            parent = chance.choice(names + came)
            came.append(documents.new({"document_id": f"new_{next(numbers)}", "source_document_id": parent}))
        if turn % 2:
            documents.delete(came.pop(chance.randrange(len(came))))
        assert turn < 200
    assert len(found) == len(set(found))
    assert [name for name in found if name in parents] == list(breadth_first(names, parents))


def test_the_document_a_cursor_stands_at_may_go(tree: Documents) -> None:
    cursor = below(tree, "film", "?limit=4").cursor()
    shots = Documents(tree.api, tree.api.get("/v1/documents/shot_1b").json()["collection_id"])
    assert shots.delete("shot_1b").status_code == 200
    assert below(tree, "film", f"?cursor={cursor}").ids_of_one_page() == BREADTH_FIRST[4:]


# Sizes and statements ------------------------------------------------------------------------------------------------


def test_a_page_ends_before_it_becomes_too_large(documents: Documents, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    documents.create({"document_id": "root"})
    names = [documents.new({"source_document_id": "root", "text": f"{number}" * 20_000}) for number in range(5)]
    settings.MAX_ANSWER_BYTES = 50_000
    for ahead in (reading.READ_AHEAD_BYTES, 100):
        monkeypatch.setattr(reading, "READ_AHEAD_BYTES", ahead)
        assert list(below(documents, "root").pages()) == [names[:2], names[2:4], names[4:]]
        assert list(below(documents, "root", "?limit=1").pages()) == [[name] for name in names]
    settings.MAX_ANSWER_BYTES = 10
    assert list(below(documents, "root").pages()) == [[name] for name in names]


@pytest.mark.django_db(transaction=True)
def test_a_page_is_one_statement(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(api, cast.collection(api))
    names = [f"n_{number}" for number in range(80)]
    plant(documents, {name: names[(place - 1) // 4] if place else None for place, name in enumerate(names)})
    monkeypatch.setattr(credentials, "CACHE_SECONDS", 600)
    documents.list()
    cursor = below(documents, "n_0", "?limit=30").cursor()
    for url in (
        documents.url("n_0", "/descendants"),
        documents.url("n_0", f"/descendants?limit=10&cursor={cursor}&return_vectors=true"),
        documents.url("n_79", "/ancestors?schema_version=v1"),
        "/v1/objects/obj_root/documents?limit=10",
    ):
        with statements() as sent:
            assert api.get(url).status_code == 200
        assert sent.counts == (1, 0, 0), url


def test_the_database_makes_no_difference_to_what_is_found_before_it_is_analyzed(tree: Documents) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_indexscan = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_incremental_sort = off"
        )
    for limit in (2, 1000):
        assert below(tree, "film", f"?limit={limit}").ids() == BREADTH_FIRST
