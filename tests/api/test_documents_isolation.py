"""What is of another namespace or organization is not there, on any route: they come from the URLs, so none is forgotten."""

import itertools
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from namespaces.models import Namespace, Organization, Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@dataclass(frozen=True)
class Route:
    """A pattern below /v1/ whose path names something, and the methods it has."""

    pattern: str
    names: tuple[str, ...]
    methods: tuple[str, ...]

    def url(self, values: dict[str, str]) -> str:
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda group: values[group[1]], self.pattern)
        return path.replace("^", "").replace("/?$", "").replace("\\Z", "").replace("$", "")


def patterns(resolver: URLResolver, before: str = "/") -> list[tuple[str, URLPattern]]:
    found = []
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            found += patterns(entry, before + str(entry.pattern))
        else:
            found.append((before + str(entry.pattern), entry))
    return found


def routes() -> list[Route]:
    found = []
    for path, entry in patterns(get_resolver()):
        actions = getattr(entry.callback, "actions", None)
        if path.startswith("/v1/") and actions:
            names = tuple(re.findall(r"\(\?P<(\w+)>", path))
            found.append(Route(path, names, tuple(sorted(method.upper() for method in actions))))
    return found


ROUTES = routes()
NAMED = [route for route in ROUTES if route.names]


@dataclass(frozen=True)
class Place:
    """A client and one of everything in its namespace, by id; and by name, where things have names."""

    api: Api
    ids: dict[str, str]
    named: dict[str, str]


def furnished(api: Api, label: str) -> Place:
    collection, bucket = cast.collection(api, f"{label} collection"), cast.bucket(api, f"{label} bucket")
    thing = cast.bucket_object(api, bucket, f"obj_{label}", title=label)
    blobs = [{"field": "page", "url": "https://example.org/page"}]
    document = Documents(api, collection).create(
        {"document_id": f"doc_{label}", "source_object_id": thing, "secret": label, "document_blobs": blobs}
    )
    root = f"s3://{label}/1"
    Documents(api, collection).create({"document_id": f"doc_of_{label}", "source_object_id": root})
    ids = {
        "namespace_identifier": str(api.namespace),
        "collection_identifier": collection,
        "bucket_identifier": bucket,
        "object_identifier": thing,
        "object_id": quote(root, safe=""),
        "document_id": document["document_id"],
    }
    named = ids | {
        "namespace_identifier": Namespace.objects.get(public_id=api.namespace).name,
        "collection_identifier": f"{label} collection",
        "bucket_identifier": f"{label} bucket",
    }
    return Place(api, ids, named)


@pytest.fixture
def here(db: None) -> Place:
    return furnished(cast.api(), "here")


@pytest.fixture(params=["namespace", "organization"])
def foreign(request: pytest.FixtureRequest, here: Place) -> Place:
    """Furnished likewise, in another namespace of the same organization, or in another organization."""
    same = Organization.objects.get(pk=here.api.scope.organization_id)
    return furnished(cast.api(same if request.param == "namespace" else None), "foreign")


def body_of(method: str) -> Any:
    return None if method in ("GET", "HEAD", "DELETE") else {}


def contents(place: Place) -> list[Any]:
    """What a client sees of its own place."""
    urls = [route.url(place.ids) for route in NAMED if "GET" in route.methods and "namespace_identifier" not in route.names]
    answers = [place.api.get(url, Accept="application/json") for url in urls]
    assert [answer.status_code for answer in answers] == [200] * len(urls)
    return [answer.json() for answer in answers]


@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.pattern)
def test_a_foreign_id_is_not_found_on_any_route(route: Route, here: Place, foreign: Place) -> None:
    before, limited = contents(foreign), here.api.key(Permission.ADMIN, str(here.api.namespace))
    for foreign_names in powerset(route.names):
        for values in (foreign.ids, foreign.named):
            url = route.url(here.ids | {name: values[name] for name in foreign_names}).replace(" ", "%20")
            for method in (*route.methods, *(["HEAD"] if "GET" in route.methods else [])):
                answer = limited.call(method, url, body_of(method))
                assert answer.status_code == 404, (method, url, answer)
    assert contents(foreign) == before


def powerset(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [chosen for size in range(1, len(names) + 1) for chosen in itertools.combinations(names, size)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.pattern)
def test_a_foreign_organizations_namespace_is_not_found_on_any_route(route: Route, here: Place) -> None:
    foreign = furnished(cast.api(), "foreign")
    intruder = Api(here.api.token, foreign.api.namespace)
    for method in route.methods:
        answer = intruder.call(method, route.url(foreign.ids), body_of(method))
        if answer.status_code != 404:  # a route that reads no X-Namespace: it must not show what is foreign
            assert not set(foreign.ids.values()) & set(re.findall(r"[\w.:-]+", answer.content.decode()))
            assert b"foreign" not in answer.content


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.names], ids=lambda route: route.pattern)
def test_lists_show_nothing_foreign(route: Route, here: Place, foreign: Place) -> None:
    outside = {name: value for name, value in foreign.ids.items() if name != "namespace_identifier"}
    for method in set(route.methods) & {"GET", "POST"}:
        answer = here.api.call(method, route.url({}), body_of(method))
        assert not any(value.encode() in answer.content for value in outside.values()), (method, answer)


# References inside lineage --------------------------------------------------------------------------------------------


def test_a_foreign_parent_is_one_that_is_not_stored(here: Place, foreign: Place) -> None:
    child = Documents(here.api, here.ids["collection_identifier"]).create({"source_document_id": "doc_foreign"})
    assert child["_internal"]["lineage"] == {"source_type": "collection", "source_document_id": "doc_foreign"}


def test_a_foreign_object_gives_no_bucket(here: Place, foreign: Place) -> None:
    made = Documents(here.api, here.ids["collection_identifier"]).create({"source_object_id": "obj_foreign"})
    assert "root_bucket_id" not in made["_internal"]["lineage"]


def test_a_move_below_a_foreign_document_derives_nothing_from_it(here: Place, foreign: Place) -> None:
    documents = Documents(here.api, here.ids["collection_identifier"])
    documents.patch("doc_here", {"source_document_id": "doc_foreign"})
    assert documents.lineage("doc_here") == {"source_type": "collection", "source_document_id": "doc_foreign"}


def test_equal_ids_in_two_namespaces_do_not_link(here: Place, foreign: Place) -> None:
    mine, theirs = (Documents(place.api, place.ids["collection_identifier"]) for place in (here, foreign))
    waiting = mine.new({"source_document_id": "doc_parent"})
    theirs.create({"document_id": "doc_parent", "source_object_id": "obj_theirs"})
    assert "root_object_id" not in mine.lineage(waiting)
    mine.create({"document_id": "doc_parent", "source_object_id": "obj_mine"})
    assert mine.lineage(waiting)["root_object_id"] == "obj_mine"
    theirs.delete("doc_parent", "?on_children=cascade")
    assert mine.get(waiting)


def test_a_cascade_stays_within_its_namespace(here: Place, foreign: Place) -> None:
    mine, theirs = (Documents(place.api, place.ids["collection_identifier"]) for place in (here, foreign))
    for documents in (mine, theirs):
        documents.create({"document_id": "doc_parent"})
        documents.create({"document_id": "doc_child", "source_document_id": "doc_parent"})
    mine.delete("doc_parent", "?on_children=cascade")
    assert mine.api.get(mine.url("doc_child")).status_code == 404
    assert theirs.get("doc_child")
