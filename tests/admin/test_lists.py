"""Lists: what they show, how they page, what they cost."""

import re

import pytest
from django.test import Client

from namespaces import services
from namespaces.models import Bucket, Collection
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db

OBJECTS = "/namespaces/bucketobject/"
LARGE = ("/documents/document/", OBJECTS)
SMALL = (
    "/namespaces/organization/",
    "/namespaces/apikey/",
    "/namespaces/namespace/",
    "/namespaces/collection/",
    "/namespaces/bucket/",
)


def ids(page: str) -> list[str]:
    """Ids of the list's rows, in order."""
    return re.findall(r'field-shown_id[^>]*><code class="id">([^<]+)', page)


def following(page: str, rel: str) -> str | None:
    found = re.search(rf'<a rel="{rel}" href="([^"]+)"', page)
    return found and found[1]


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def test_roots_whatever_they_are_called_are_linked_to_their_trees(client: Client, place: Place) -> None:
    for root in ("s3://films/reel 1.mp4", "a/documents", "plain"):
        place.first(root)
    page = staff.get(client, f"/documents/document/?namespace={place.pk}")
    links = {href.removeprefix("/admin") for href in re.findall(r'<a[^>]* href="(/admin/tree/[^"]+)"', page)}
    assert len(links) == 3
    for link in links:
        assert staff.get(client, link.replace("&amp;", "&"))


@pytest.mark.parametrize("path", [*LARGE, *SMALL])
def test_no_list_counts_a_table(client: Client, place: Place, path: str) -> None:
    place.child(place.first("obj_1"))
    cast.bucket_object(place.api, place.bucket)
    with staff.statements() as asked:
        staff.get(client, path)
    assert not [statement for statement in asked if "COUNT(*)" in statement.upper()]


@pytest.mark.parametrize("path", LARGE)
def test_a_large_list_is_one_statement_beside_its_filter(client: Client, place: Place, path: str) -> None:
    Place()
    place.first("obj_1")
    cast.bucket_object(place.api, place.bucket)
    with staff.statements() as asked:
        staff.get(client, path)
    assert len(asked) == 2  # the choices of the namespace filter, and the rows


@pytest.mark.parametrize("path", LARGE)
def test_a_filtered_list_asks_once_more_for_the_collections(client: Client, place: Place, path: str) -> None:
    place.document()
    with staff.statements() as asked:
        staff.get(client, f"{path}?namespace={place.pk}")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("/documents/document/", query) for query in ("", "?q=doc_1")),
        *((OBJECTS, query) for query in ("", "?q=doc_1", "?namespace={0.pk}")),
    ],
)
def test_a_plan_that_is_kept_knows_how_few_rows_a_page_has(client: Client, place: Place, path: str, query: str) -> None:
    """A limit that is a parameter is a tenth of the table to a generic plan, which then reads all of it."""
    Place()
    place.first("obj_1", "doc_1")
    with staff.statements() as asked:
        staff.get(client, path + query.format(place))
    (picking,) = (statement for statement in asked if "AS place" in statement)
    assert "LIMIT %s" not in picking


def test_the_only_namespace_is_chosen_already(client: Client, place: Place) -> None:
    place.document("doc_1")
    page = staff.get(client, "/documents/document/")
    assert f'<option value="{place.pk}" selected>' in page
    assert ids(page) == ["doc_1"]


def test_documents_are_listed_newest_first(client: Client, place: Place) -> None:
    made = [place.document().document_id for _ in range(3)]
    assert ids(staff.get(client, "/documents/document/")) == made[::-1]


@pytest.mark.parametrize(
    "within", ["", "?namespace={0.pk}", "?namespace={0.pk}&collection={1}", "?namespace={0.pk}&sort=created"]
)
def test_paging_shows_every_document_once_and_leads_back(client: Client, place: Place, within: str) -> None:
    Place()  # or the namespace would be chosen already
    other = cast.collection(place.api)
    made = [place.document(collection=collection).document_id for _ in range(60) for collection in (place.collection, other)]
    key = Collection.objects.get(public_id=place.collection).pk
    path = "/documents/document/" + within.format(place, key)
    if "collection" in within:
        made = made[::2]
    if "sort" in within:
        made.reverse()
    pages = [staff.get(client, path)]
    while onwards := following(pages[-1], "next"):
        pages.append(staff.get(client, "/documents/document/" + onwards))
    assert [id for page in pages for id in ids(page)] == made[::-1]
    back = following(pages[-1], "prev")
    assert back is not None
    assert ids(staff.get(client, "/documents/document/" + back)) == ids(pages[-2])


def test_a_namespace_shows_its_documents_alone(client: Client, place: Place) -> None:
    Place().document("doc_theirs")
    place.document("doc_ours")
    assert ids(staff.get(client, f"/documents/document/?namespace={place.pk}")) == ["doc_ours"]


@pytest.mark.parametrize("value", ["0", "x", "99999999999999999999"])
def test_an_unknown_namespace_shows_nothing(client: Client, place: Place, value: str) -> None:
    place.first("obj_1")
    cast.bucket_object(place.api, place.bucket, "obj_1")
    staff.get(client, f"/documents/document/?namespace={value}", 404)
    assert ids(staff.get(client, f"{OBJECTS}?namespace={value}")) == []


def test_another_namespace_s_collection_filters_nothing(client: Client, place: Place) -> None:
    place.document("doc_ours")
    foreign = Collection.objects.get(public_id=Place().collection).pk
    assert ids(staff.get(client, f"/documents/document/?namespace={place.pk}&collection={foreign}")) == ["doc_ours"]


def test_search_finds_an_id_and_its_beginnings_in_every_namespace(client: Client, place: Place) -> None:
    for name in ("doc_ab", "doc_abc", "doc_b", "doc_AB"):
        place.document(name)
    Place().document("doc_ab")
    assert ids(staff.get(client, "/documents/document/?q=doc_ab")) == ["doc_ab", "doc_ab", "doc_abc"]


def test_search_stays_within_the_filters(client: Client, place: Place) -> None:
    Place().document("doc_ab")
    place.document("doc_ab")
    place.document("doc_abc", collection=cast.collection(place.api))
    key = Collection.objects.get(public_id=place.collection).pk
    page = staff.get(client, f"/documents/document/?q=doc_a&namespace={place.pk}&collection={key}")
    assert ids(page) == ["doc_ab"]


@pytest.mark.parametrize("search", ["%", "_", "doc%", "'", "\\", "ü", "\N{GRINNING FACE}"])
def test_search_takes_signs_as_they_are(client: Client, place: Place, search: str) -> None:
    place.document("doc_1")
    assert ids(staff.get(client, f"/documents/document/?q={search}")) == []


MALFORMED = ["x", "x~y", "2020-01-01~1", "2020-01-01T00:00:00~%00", "nan~", "~", "2020-01-01T00:00:00Z~" + "1" * 10_000]


@pytest.mark.parametrize("position", MALFORMED)
def test_a_malformed_position_is_the_first_page(client: Client, place: Place, position: str) -> None:
    place.first("obj_1", "doc_1")
    for name in ("after", "before"):
        for query in ("", "&text=x", "&sort=updated", "&q=doc"):
            staff.get(client, f"/documents/document/?{name}={position}{query}")
        assert ids(staff.get(client, f"/documents/document/?{name}={position}")) == ["doc_1"]
    cast.bucket_object(place.api, place.bucket, "obj_1")
    for name in ("older", "newer", "p"):
        assert ids(staff.get(client, f"{OBJECTS}?{name}={position}")) == ["obj_1"]
    Place()
    assert ids(staff.get(client, f"/documents/document/?after={position}")) == ["doc_1"]


def test_documents_of_a_deleted_collection_are_gone(client: Client, place: Place) -> None:
    place.document("doc_1")
    services.delete_collection(scope=place.scope, collection_identifier=place.collection)
    for query in ("", f"?namespace={place.pk}", "?q=doc_1"):
        assert ids(staff.get(client, f"/documents/document/{query}")) == []


def test_documents_of_a_deleted_namespace_are_gone(client: Client, place: Place) -> None:
    place.document("doc_1")
    services.delete_namespace(scope=place.scope)
    for query in ("", "?q=doc_1"):
        assert ids(staff.get(client, f"/documents/document/{query}")) == []
    staff.get(client, f"/documents/document/?namespace={place.pk}", 404)


def test_an_object_s_row_leads_to_its_tree(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1", title="Harbour")
    page = staff.get(client, "/namespaces/bucketobject/")
    assert f'href="/admin/tree/{place.pk}/obj_1/' in page
    assert "Harbour" in page


def test_a_bucket_s_objects_are_listed(client: Client, place: Place) -> None:
    other = cast.bucket(place.api)
    cast.bucket_object(place.api, place.bucket, "obj_1")
    cast.bucket_object(place.api, other, "obj_2")
    key = Bucket.objects.get(public_id=other).pk
    assert ids(staff.get(client, f"/namespaces/bucketobject/?namespace={place.pk}&bucket={key}")) == ["obj_2"]


def test_lineage_steps_have_no_list_of_their_own(client: Client, place: Place) -> None:
    """A document says what it was made from, and its tree what was made from it."""
    place.document("doc_1", source_type="bucket", root_object_id="obj/1")
    staff.get(client, "/documents/lineagestep/", 404)
    assert "lineagestep" not in staff.get(client, "/documents/")


def test_a_small_list_pages_without_a_count(client: Client) -> None:
    place = Place()
    for number in range(60):
        cast.collection(place.api, f"c{number:02}")
    first = staff.get(client, f"/namespaces/collection/?namespace={place.pk}")
    onwards = following(first, "next")
    assert onwards is not None
    second = staff.get(client, "/namespaces/collection/" + onwards)
    assert (len(ids(first)), len(ids(second))) == (50, 11)


def test_collections_of_a_namespace_show_their_exact_numbers(client: Client, place: Place) -> None:
    other = Place()
    for _ in range(3):
        place.document()
    other.document()
    path = f"/namespaces/collection/?namespace={place.pk}"
    with staff.statements() as asked:
        page = staff.get(client, path)
    assert re.findall(r'field-documents"><a [^>]+>([^<]+)', page) == ["3"]
    assert len(asked) == 3  # the choices of the filter, the rows, the numbers
    assert re.findall(r'field-documents"><a [^>]+>([^<]+)', staff.get(client, "/namespaces/collection/")) == ["Documents"] * 2


def test_places_link_up_and_down(client: Client, place: Place) -> None:
    collections = staff.get(client, "/namespaces/collection/")
    assert f"/admin/namespaces/namespace/{place.pk}/change/" in collections
    assert f"/admin/documents/document/?namespace={place.pk}&collection=" in collections
    assert f"/admin/namespaces/collection/?namespace={place.pk}" in staff.get(client, "/namespaces/namespace/")


def test_an_id_leads_to_its_page(client: Client, place: Place) -> None:
    place.document("doc_1")
    response = client.get("/admin/find/?q=doc_1")
    assert response["Location"] == f"/admin/document/{place.pk}/doc_1/"


def test_an_id_of_two_namespaces_is_a_choice(client: Client, place: Place) -> None:
    other = Place()
    place.document("doc_1")
    other.document("doc_1")
    page = staff.get(client, "/find/?q=doc_1")
    assert f"/admin/document/{place.pk}/doc_1/" in page
    assert f"/admin/document/{other.pk}/doc_1/" in page


def test_a_root_that_documents_name_is_found(client: Client, place: Place) -> None:
    place.first("obj_unregistered")
    assert client.get("/admin/find/?q=obj_unregistered")["Location"] == f"/admin/tree/{place.pk}/obj_unregistered/"


def test_nothing_found_offers_ids_that_begin_so(client: Client) -> None:
    assert "/admin/documents/document/?q=doc_x" in staff.get(client, "/find/?q=doc_x")


def test_a_search_for_nul_is_refused(client: Client, place: Place) -> None:
    assert "Null characters are not allowed" in staff.get(client, "/documents/document/?q=%00")
    assert "Null characters are not allowed" in staff.get(client, f"{OBJECTS}?q=%00")
