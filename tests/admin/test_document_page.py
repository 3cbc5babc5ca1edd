"""The page of a document, its raw JSON, and its delete."""

import html
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from documents import services
from documents.admin import deleting
from documents.models import Document
from documents.queries import document
from mixpeek_site import jsonio
from mixpeek_site.errors import NotFoundError
from namespaces.models import AuditEntry
from namespaces.services import store_upload
from tests.admin import staff
from tests.admin.staff import EXACT, Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def path(place: Place, document_id: str, rest: str = "") -> str:
    return f"/document/{place.pk}/{document_id}/{rest}"


def test_numbers_are_shown_as_they_are_stored(client: Client, place: Place) -> None:
    place.document("doc_1", **jsonio.loads(EXACT))
    page = staff.words(staff.get(client, path(place, "doc_1")))
    for number in ("18446744073709551617", "0.1000000000000000055", "1" + "0" * 40, "1.10"):
        assert number in page


def test_the_chain_leads_to_the_root(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video", title="Harbour")
    place.child(place.child(video, "doc_scene"), "doc_frame")
    page = staff.get(client, path(place, "doc_frame"))
    for link in (f"/admin/tree/{place.pk}/obj_1/", *(f"/admin/document/{place.pk}/doc_{each}/" for each in ("video", "scene"))):
        assert f'href="{link}"' in page


def test_children_are_shown_in_pages(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    made = [place.child(video).document_id for _ in range(30)]
    page = staff.get(client, path(place, "doc_video"))
    assert [id in page for id in made] == [True] * 25 + [False] * 5
    onwards = page.split('href="/admin/document/')[-1]
    after = next(part for part in page.split('"') if "?after=" in part).removeprefix("/admin").partition("#")[0]
    assert [id in staff.get(client, after) for id in made] == [False] * 25 + [True] * 5
    assert onwards


def test_a_parent_that_is_not_stored_is_said_so(client: Client, place: Place) -> None:
    place.document("doc_1", root_object_id="obj_1", source_type="collection", source_document_id="doc_later")
    page = staff.get(client, path(place, "doc_1"))
    assert "parent, not stored" in page
    assert f"/admin/document/{place.pk}/doc_later/" not in page


def test_a_document_without_lineage_has_a_page(client: Client, place: Place) -> None:
    place.document("doc_1")
    assert "This document has no lineage" in staff.get(client, path(place, "doc_1"))


def test_an_id_of_two_namespaces_shows_each_its_own(client: Client, place: Place) -> None:
    other = Place()
    place.document("doc_1", title="ours")
    other.document("doc_1", title="theirs")
    assert "theirs" not in staff.get(client, path(place, "doc_1"))
    assert "theirs" in staff.get(client, path(other, "doc_1"))


@pytest.mark.parametrize("rest", ["", "edit/", "delete/", "source/", "raw/v2/"])
def test_a_foreign_namespace_s_document_is_not_found(client: Client, place: Place, rest: str) -> None:
    Place().document("doc_theirs")
    staff.get(client, path(place, "doc_theirs", rest), 404)


@pytest.mark.parametrize("rendering", ["native", "v1", "v2"])
def test_raw_json_is_what_the_api_answers(client: Client, place: Place, rendering: str) -> None:
    place.first("obj_1", "doc_1", **jsonio.loads(EXACT))
    raw = client.get("/admin" + path(place, "doc_1", f"raw/{rendering}/"))
    answer = place.api.get(f"/v1/documents/doc_1?schema_version={rendering}")
    assert raw.content == answer.content
    assert raw["Content-Type"] == "application/json"
    assert staff.words(staff.get(client, path(place, "doc_1", f"?view={rendering}")))


def test_an_unknown_rendering_is_not_found(client: Client, place: Place) -> None:
    place.document("doc_1")
    staff.get(client, path(place, "doc_1", "raw/v9/"), 404)


def test_a_large_payload_is_cut_on_the_page_alone(client: Client, place: Place) -> None:
    place.document("doc_1", words=["x" * 100] * 5000)
    assert len(staff.get(client, path(place, "doc_1"))) < 400_000
    assert len(staff.get(client, path(place, "doc_1", "raw/payload/"))) > 500_000


@pytest.mark.pgvector
def test_features_and_blobs_are_listed(client: Client, place: Place) -> None:
    place.document(
        "doc_1",
        document_blobs=[{"field": "thumbnail", "url": "s3://frames/1.jpg"}],
        source_blobs=[{"anything": 1}],
        features=[{"feature_extractor_id": "clip_v1", "vectors": {"image": [1, 2, 3]}}],
    )
    page = staff.words(staff.get(client, path(place, "doc_1")))
    assert "s3://frames/1.jpg" in page
    assert "No blob store is configured for the bucket frames" in page
    assert "image clip_v1 dense 3" in page


def test_markup_in_a_document_is_text(client: Client, place: Place) -> None:
    bad = "<img src=x onerror=alert(1)>"
    place.document("doc_1", title=bad, **{bad: bad}, document_blobs=[{"field": bad, "url": f"javascript:{bad}"}])
    for rest in ("", "?view=v1", "edit/", "delete/"):
        assert b"<img src=x" not in client.get("/admin" + path(place, "doc_1", rest)).content


@pytest.mark.parametrize(("rest", "count"), [("", 5), ("edit/", 3), ("delete/", 4), ("source/", 4), ("raw/v1/", 2)])
def test_the_pages_cost_a_fixed_number_of_statements(client: Client, place: Place, rest: str, count: int) -> None:
    parent = place.first("obj_1", "doc_0")
    for number in range(1, 12):
        parent = place.child(parent, f"doc_{number}")
    with staff.statements() as asked:
        staff.get(client, path(place, "doc_10", rest))
    assert len(asked) == count


def test_the_log_s_address_leads_to_the_page(client: Client, place: Place) -> None:
    place.document("doc_1")
    key = Document.objects.get(document_id="doc_1").pk
    assert client.get(f"/admin/documents/document/{key}/change/")["Location"] == f"/admin/document/{place.pk}/doc_1/"


# Delete -------------------------------------------------------------------------------------------------------------


def delete(client: Client, place: Place, document_id: str, status: int = 302, **data: Any) -> str:
    version = document(place.scope, None, document_id).version
    return staff.post(client, path(place, document_id, "delete/"), {"version": version, **data}, status)


def exists(place: Place, document_id: str) -> bool:
    try:
        document(place.scope, None, document_id)
    except NotFoundError:
        return False
    return True


@pytest.fixture
def tree(place: Place) -> Place:
    place.child(place.child(place.first("obj_1", "doc_1"), "doc_2"), "doc_3")
    return place


def test_the_impact_is_said_first(client: Client, tree: Place) -> None:
    page = staff.words(staff.get(client, path(tree, "doc_1", "delete/")))
    assert "1 document was made from it" in page
    assert "2 to 3 1 2" in page  # depths, children, in all
    assert "2 documents below it go" in page


def test_detach_leaves_the_children(client: Client, tree: Place) -> None:
    delete(client, tree, "doc_1", on_children="detach")
    assert [exists(tree, id) for id in ("doc_1", "doc_2", "doc_3")] == [False, True, True]


def test_cascade_takes_everything_below(client: Client, tree: Place) -> None:
    delete(client, tree, "doc_1", on_children="cascade")
    assert [exists(tree, id) for id in ("doc_1", "doc_2", "doc_3")] == [False, False, False]


def test_restrict_refuses_and_says_why(client: Client, tree: Place) -> None:
    assert "has 1 child document. Nothing was deleted" in delete(client, tree, "doc_1", 409, on_children="restrict")
    assert exists(tree, "doc_1")


def test_a_delete_without_a_choice_does_nothing(client: Client, tree: Place) -> None:
    assert "Choose what becomes of its children" in delete(client, tree, "doc_1", 409)
    assert exists(tree, "doc_1")


def test_what_changed_meanwhile_is_not_deleted(client: Client, tree: Place) -> None:
    data = {"version": document(tree.scope, None, "doc_3").version, "on_children": "cascade"}
    from documents.inputs import read_patch

    services.patch_document(scope=tree.scope, collection=None, document_id="doc_3", given=read_patch({"a": 1}, "doc_3"))
    assert "Somebody changed the document" in staff.post(client, path(tree, "doc_3", "delete/"), data, 409)
    assert exists(tree, "doc_3")


def test_a_delete_is_logged(client: Client, tree: Place) -> None:
    delete(client, tree, "doc_2", on_children="cascade")
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.subject, entry.action) == ("document", "doc_2", "deleted")
    assert entry.changes == {"on_children": "cascade", "documents": 2}


def test_the_history_says_who_changed_what(client: Client, place: Place) -> None:
    version = place.document("doc_1").version
    staff.post(client, path(place, "doc_1", "edit/"), {"payload": "{}", "internal_metadata": "{}", "version": version})
    key = Document.objects.get(document_id="doc_1").pk
    address = f"/documents/document/{key}/history/"
    assert f'href="/admin{address}"' in staff.get(client, path(place, "doc_1"))
    assert "changed" in staff.words(staff.get(client, address))


def test_texts_of_many_lines_are_shown_in_lines(client: Client, place: Place) -> None:
    place.document("doc_1", source="a = 1\nb = '\\n'\n<b>")
    page = client.get("/admin" + path(place, "doc_1")).content.decode()
    assert "&quot;a = 1\\n\nb = &#x27;\\\\n&#x27;\\n\n&lt;b&gt;&quot;" in page


def test_siblings_are_the_nearest_of_the_same_parent(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    for number in range(12):
        place.child(video, f"doc_{number:02}", title=f"Scene {number}")
    place.child(place.first("obj_1", "doc_other"), "doc_cousin")
    page = staff.get(client, path(place, "doc_06"))
    listed = page.partition('class="siblings"')[2].partition("</ol>")[0]
    assert [f"doc_{number:02}/" in listed for number in range(12)] == [False] * 2 + [True] * 4 + [False] + [True] * 4 + [False]
    assert "doc_cousin" not in listed
    assert f'rel="prev" href="/admin/document/{place.pk}/doc_05/"' in page
    assert f'rel="next" href="/admin/document/{place.pk}/doc_07/"' in page


def test_documents_of_a_root_object_are_siblings(client: Client, place: Place) -> None:
    place.first("obj_1", "doc_1")
    place.first("obj_1", "doc_2")
    place.first("obj_2", "doc_3")
    page = staff.get(client, path(place, "doc_1"))
    assert 'rel="prev"' not in page
    assert f'rel="next" href="/admin/document/{place.pk}/doc_2/"' in page
    assert "doc_3" not in page


@pytest.mark.pgvector
def test_features_say_their_dimensions_and_fold_their_payload(client: Client, place: Place) -> None:
    vectors = {"words": {"indices": [5, 9, 11], "values": [1, 2, 3]}, "tokens": [[1, 2], [3, 4], [5, 6]]}
    place.document("doc_1", features=[{"feature_extractor_id": "ocr", "payload": {"big": 2**64}, "vectors": vectors}])
    page = staff.words(staff.get(client, path(place, "doc_1")))
    assert "tokens ocr multi 3 \u00d7 2" in page
    assert "words ocr sparse 3 non-zero" in page
    assert str(2**64) in page


def test_the_steps_of_the_chain_name_extractor_and_time(client: Client, place: Place) -> None:
    place.child(place.first("obj_1", "doc_1"), "doc_2")
    steps = staff.words(staff.get(client, path(place, "doc_2")).partition('class="steps"')[2].partition("</ol>")[0])
    assert "doc_1 passthrough_extractor_v1" in steps
    assert "this document passthrough_extractor_v1" in steps
    assert steps.count(" UTC") == 2


def test_a_long_chain_hides_its_middle(client: Client, place: Place) -> None:
    parent = place.first("obj_1", "doc_0")
    for number in range(1, 14):
        parent = place.child(parent, f"doc_{number}")
    assert "8 more" in staff.get(client, path(place, "doc_13"))


def test_the_system_part_is_read_as_facts(client: Client, place: Place) -> None:
    internal = {"modality": "image", "size_bytes": 2**64, "processing": {"steps": 3}, "metadata": {"ingestion_status": "FAILED"}}
    place.document("doc_1", _internal=internal)
    page = staff.words(staff.get(client, path(place, "doc_1")))
    for fact in ("ingestion_status FAILED", "modality image", f"size_bytes {2**64}", "processing Show"):
        assert fact in page


@pytest.mark.parametrize(
    ("blob", "image", "note"),
    [
        ({"url": "https://a/b.png", "content_type": "image/png"}, True, ""),
        ({"url": "https://a/b.JPG?x=1"}, True, ""),
        ({"url": "https://a/b", "type": "image"}, True, ""),
        ({"url": "https://a/b.svg", "type": "image"}, False, "SVG can hold scripts"),
        ({"url": "https://a/b.png", "content_type": "image/svg+xml"}, False, "SVG can hold scripts"),
        ({"url": "https://a/b.mp4", "type": "video"}, False, ""),
        ({"url": "s3://a/b.png", "type": "image"}, False, "No blob store is configured"),
        ({"url": "javascript:alert(1)", "type": "image"}, False, "It is no URL"),
        ({"url": "http://[", "type": "image"}, True, ""),
    ],
)
def test_only_raster_images_that_a_browser_may_fetch_are_shown(
    client: Client, place: Place, blob: dict[str, Any], image: bool, note: str
) -> None:
    place.document(
        "doc_1", document_blobs=[{"field": "a", **blob}], source_blobs=[{"url": "javascript:alert(2)", "type": "image"}]
    )
    page = staff.get(client, path(place, "doc_1"))
    assert ("<img" in page) is image
    assert note in page
    assert 'href="javascript' not in page
    assert not image or 'referrerpolicy="no-referrer"' in page


def test_a_stored_image_is_shown_through_a_signed_url_to_who_may_see_its_document(client: Client, place: Place) -> None:
    kept = store_upload(
        scope=place.scope,
        bucket_identifier=place.bucket,
        chunks=[b"image"],
        content_type="image/png",
        filename="a.png",
        max_bytes=10,
    )
    foreign = kept.url.replace(place.namespace.public_id, "ns_other")
    blobs = [{"field": name, "url": url, "type": "image"} for name, url in (("a", kept.url), ("b", foreign))]
    place.document("doc_1", document_blobs=blobs)
    page = staff.get(client, path(place, "doc_1"))
    [preview] = re.findall(r'data-preview="http://testserver(/blobs/[^"]+)"', page)
    assert client.get(html.unescape(preview)).content == b"image"
    assert "It belongs to another namespace." in page


def test_a_blob_of_any_shape_is_listed(client: Client, place: Place) -> None:
    odd = {"field": "a", "url": "x", "role": 7, "size_bytes": "many", "content_type": ["a"], "of": {"mine": 2**64}}
    place.document("doc_1", document_blobs=[odd], source_blobs=[{}, {"url": None, "size_bytes": 10**30}])
    assert str(2**64) in staff.get(client, path(place, "doc_1"))


def test_names_that_mean_other_parts_are_given_to_the_view(client: Client, place: Place) -> None:
    place.document("doc_1", created_at="mine", modality=1, plain=1)
    taken = staff.get(client, path(place, "doc_1")).partition('data-taken="')[2].partition('" data-')[0]
    assert sorted(jsonio.loads(taken)) == ["created_at", "modality"]


def test_curl_reads_changes_and_deletes(client: Client, place: Place) -> None:
    place.document("doc_1", title="it's $HOME `x`")
    page = staff.get(client, path(place, "doc_1"))
    for method in ("GET", "PATCH", "DELETE"):
        words = command(page, method)
        assert words[:2] == ["curl", "-sS"]
        assert "Authorization: Bearer $API_KEY" in words
        assert f"X-Namespace: {place.namespace.public_id}" in words
        url = words[2].removeprefix("http://testserver")
        body = jsonio.loads(words[words.index("-d") + 1]) if "-d" in words else None
        assert method == "GET" or words[words.index("-X") + 1] == method
        send = getattr(place.api, method.lower())
        assert (send(url, body) if body else send(url)).status_code == 200


def command(page: str, name: str) -> list[str]:
    """The words that a shell makes of a command on the page."""
    return shlex.split(page.partition(f'id="curl-{name}"')[2].partition(">")[2].partition("</pre>")[0].replace("\\\n", " "))


def test_a_viewer_sees_no_controls_and_can_not_write(place: Place) -> None:
    client = staff.viewer()
    version = place.first("obj_1", "doc_1").version
    page = staff.get(client, path(place, "doc_1"))
    for rest in ("edit/", "delete/", "source/"):
        assert path(place, "doc_1", rest) not in page
        staff.get(client, path(place, "doc_1", rest), 403)
        staff.post(client, path(place, "doc_1", rest), {"version": version, "on_children": "cascade", "payload": "{}"}, 403)
    assert exists(place, "doc_1")


def test_a_large_cascade_wants_the_id_typed(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "TYPED_FROM", 3)
    place.child(place.child(place.first("obj_1", "doc_1"), "doc_2"), "doc_3")
    assert 'name="typed"' in staff.get(client, path(place, "doc_1", "delete/"))
    refused = delete(client, place, "doc_1", 409, on_children="cascade", typed="doc_2")
    assert "Type the document's id" in refused
    assert re.search('<input [^>]*name="typed"[^>]* autofocus>', refused)
    assert exists(place, "doc_1")
    delete(client, place, "doc_1", on_children="cascade", typed="doc_1")
    assert not exists(place, "doc_3")


@pytest.mark.pgvector
def test_more_like_this_shows_the_nearest_of_the_collection(client: Client, place: Place) -> None:
    for name, vector in (("doc_here", [1, 0]), ("doc_near", [9, 1]), ("doc_far", [-1, 0])):
        place.document(name, title=f"Title of {name}", vectors={"way": vector})
    place.document("doc_none")
    page = staff.get(client, path(place, "doc_here"))
    part = re.search(r'data-part="/admin([^"]+)"', page)
    assert part
    nearest = staff.get(client, part[1].replace("&amp;", "&"))
    assert nearest.index("Title of doc_near") < nearest.index("Title of doc_far")
    assert "Title of doc_here" not in nearest
    assert "Title of doc_near" in staff.get(client, path(place, "doc_here", "like/?vector=way"))


def test_a_document_without_vectors_offers_nothing_like_it(client: Client, place: Place) -> None:
    place.document("doc_1")
    assert "More like this" not in staff.get(client, path(place, "doc_1"))
    assert "doc_1" in staff.get(client, path(place, "doc_1", "like/"))
    assert staff.get(client, path(place, "doc_1", "like/?part=1&vector=way"))
