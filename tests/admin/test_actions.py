"""What staff do with chosen documents of a list: export, set status, delete with the impact shown first."""

import re
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.test import Client

from documents.admin import actions, exporting, listed, selection
from documents.listing import statistics
from documents.services.many import Named, delete_chosen
from mixpeek_site import jsonio, sql
from namespaces.admin import audit
from namespaces.models import AuditEntry, Collection
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place
from tests.admin.test_list_filters import bound

pytestmark = pytest.mark.django_db

ACTIONS = ("delete", "status", "export")
FAMILY = ("doc_parent", "doc_child_1", "doc_child_2", "doc_grandchild")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    statistics.forget()


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def path(place: Place, action: str) -> str:
    return f"/documents/document/of/{place.pk}/{action}/"


def ticked(*document_ids: str, **more: Any) -> dict[str, Any]:
    return {"_selected": list(document_ids), **more}


def across(*shown: str, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """All that match; confirmed, when documents are named that were shown."""
    confirmed = {"confirmed": "1", "mark": selection.mark(shown)} if shown else {}
    return {"across": "1", "list": urlencode(of or {}), **confirmed, **more}


def sure(*document_ids: str, **more: Any) -> dict[str, Any]:
    return ticked(*document_ids, confirmed="1", mark=selection.mark(document_ids), **more)


def stored(place: Place) -> set[str]:
    return {row[0] for row in sql.rows("SELECT document_id FROM documents_document WHERE namespace_id = %s", (place.pk,))}


def family(place: Place) -> None:
    """A parent with two children in another collection, one of which has a child; and a document of its own."""
    parent = place.first("obj_1", "doc_parent")
    frames = cast.collection(place.api, "frames")
    child = place.child(parent, "doc_child_1", collection=frames)
    place.child(parent, "doc_child_2", collection=frames)
    place.child(child, "doc_grandchild")
    place.document("doc_alone")


# Delete ---------------------------------------------------------------------------------------------------------------


def test_the_impact_of_a_delete_is_shown_first(client: Client, place: Place) -> None:
    family(place)
    page = staff.words(staff.post(client, path(place, "delete"), ticked("doc_parent", "doc_alone"), 200))
    assert "Delete 2 documents?" in page
    assert "2 other documents were made from them" in page
    assert "2 in frames" in page
    assert "at every level: 3 other documents" in page
    assert len(stored(place)) == 5


def test_what_is_chosen_itself_is_no_impact(client: Client, place: Place) -> None:
    family(place)
    page = staff.post(client, path(place, "delete"), ticked(*FAMILY), 200)
    assert "Nothing else was made from them" in page
    staff.post(client, path(place, "delete"), sure(*FAMILY, on_children="restrict"))
    assert stored(place) == {"doc_alone"}


def test_documents_of_deleted_collections_are_no_impact(client: Client, place: Place) -> None:
    family(place)
    place.api.call("DELETE", "/v1/collections/frames")
    page = staff.post(client, path(place, "delete"), ticked("doc_parent"), 200)
    assert "Nothing else was made from them" in page


def test_an_impact_is_counted_no_further_than_its_bound(client: Client, place: Place) -> None:
    parent = place.first("obj_1", "doc_parent")
    for _ in range(4):
        place.child(parent)
    statement = selection._IMPACT.replace(str(selection.COUNTED + 1), "3")
    with mock.patch.object(selection, "_IMPACT", statement), mock.patch.object(actions, "COUNTED", 2):
        page = staff.words(staff.post(client, path(place, "delete"), ticked("doc_parent"), 200))
        counted = selection.impact(place.pk, [selection.Meant("doc_parent", place.collection, 1)])
    assert (counted.children, counted.below) == (3, 3)
    assert "More than 2 other documents" in page


@pytest.mark.parametrize(
    ("on_children", "left"),
    [
        ("detach", {"doc_child_1", "doc_child_2", "doc_grandchild"}),
        ("cascade", set()),
    ],
)
def test_chosen_documents_are_deleted(client: Client, place: Place, on_children: str, left: set[str]) -> None:
    family(place)
    staff.post(client, path(place, "delete"), sure("doc_parent", "doc_alone", on_children=on_children))
    assert stored(place) == left


def test_restrict_deletes_nothing_while_there_are_other_children(client: Client, place: Place) -> None:
    family(place)
    page = staff.post(client, path(place, "delete"), sure("doc_parent", "doc_alone", on_children="restrict"), 409)
    assert "2 children are not among them. Nothing was deleted." in page
    assert len(stored(place)) == 5


def test_a_child_that_comes_meanwhile_ends_a_restricted_delete(client: Client, place: Place) -> None:
    parent = place.first("obj_1", "doc_parent")
    place.document("doc_alone")

    def late(*_: Any) -> selection.Impact:
        place.child(parent, "doc_late")
        return selection.Impact({}, 0, 0)

    with mock.patch.object(actions, "impact", late):
        staff.post(client, path(place, "delete"), sure("doc_parent", "doc_alone", on_children="restrict"))
    assert stored(place) == {"doc_parent", "doc_alone", "doc_late"}
    assert "has 1 child document" in staff.get(client, f"/documents/document/?namespace={place.pk}")


def test_a_cycle_of_parents_is_deleted_once(client: Client, place: Place) -> None:
    family(place)
    sql.run("UPDATE documents_lineagestep SET source_document_id = 'doc_grandchild' WHERE path IS NOT NULL AND tier = 1")
    staff.post(client, path(place, "delete"), sure("doc_parent", on_children="cascade"))
    assert stored(place) == {"doc_alone"}


def test_a_delete_needs_a_choice(client: Client, place: Place) -> None:
    family(place)
    for choice in ({}, {"on_children": "maybe"}):
        staff.post(client, path(place, "delete"), sure("doc_parent", **choice), 409)
    assert len(stored(place)) == 5


def test_all_that_match_are_deleted(client: Client, place: Place) -> None:
    family(place)
    page = staff.post(client, path(place, "delete"), across(of={"root": "obj_1"}), 200)
    assert "Delete 4 documents?" in page
    staff.post(client, path(place, "delete"), across(*FAMILY, of={"root": "obj_1"}, on_children="restrict"))
    assert stored(place) == {"doc_alone"}


def test_all_that_begin_so_are_deleted(client: Client, place: Place) -> None:
    family(place)
    staff.post(client, path(place, "delete"), across("doc_child_1", "doc_child_2", of={"q": "doc_child"}, on_children="detach"))
    assert stored(place) == {"doc_parent", "doc_grandchild", "doc_alone"}


def test_what_begins_so_is_not_changed_unless_all_of_it_was_looked_through(client: Client, place: Place) -> None:
    for number in range(4):
        place.document(f"doc_{number}", internal_metadata={"ingestion_status": "FAILED"})
    chosen = across("doc_0", "doc_1", of={"q": "doc_", "status": "FAILED"}, on_children="detach")
    with mock.patch.object(selection, "ID_WALK", 2):
        staff.post(client, path(place, "delete"), chosen)
    assert len(stored(place)) == 4


@pytest.mark.parametrize("shown", [FAMILY[:3], (*FAMILY[:3], "doc_alone"), (*FAMILY, "doc_gone")])
@pytest.mark.parametrize("action", ["delete", "status"])
def test_other_documents_than_shown_are_asked_again(client: Client, place: Place, action: str, shown: tuple[str, ...]) -> None:
    family(place)
    chosen = across(*shown, of={"root": "obj_1"}, on_children="cascade", status="X")
    page = staff.post(client, path(place, action), chosen, 409)
    assert "These are not the documents that were shown before: 4 match now." in page
    assert list(statuses(place).values()) == [None] * 5
    marked = re.search(r'name="mark" value="(\w+)"', page)
    assert marked
    staff.post(client, path(place, action), {**chosen, "mark": marked[1]})
    assert list(statuses(place).values()) != [None] * 5


@pytest.mark.parametrize("action", ["delete", "status"])
def test_more_than_change_at_once_are_refused(client: Client, place: Place, action: str) -> None:
    family(place)
    with mock.patch.object(selection, "MAX_CHANGED", 4):
        staff.post(client, path(place, action), across(*FAMILY, "doc_alone", on_children="cascade", status="FAILED"))
    assert list(statuses(place).values()) == [None] * 5
    assert "documents match, which is as many as change at once" in staff.get(
        client, f"/documents/document/?namespace={place.pk}"
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_chosen_is_said(client: Client, place: Place, action: str) -> None:
    place.document("doc_1")
    nothing = {"confirmed": "1", "mark": selection.mark(()), "on_children": "cascade", "status": "X"}
    response = client.post("/admin" + path(place, action), nothing)
    assert (response.status_code, response.get("Content-Disposition")) == (302, None)
    assert "Choose documents first" in staff.get(client, f"/documents/document/?namespace={place.pk}")
    assert statuses(place) == {"doc_1": None}


@pytest.mark.parametrize("action", ACTIONS)
def test_wrong_filters_and_unserved_words_do_nothing(client: Client, place: Place, action: str) -> None:
    place.document("doc_1", text="harbour")
    for query in ({"from": "yesterday"}, {"filters": "{"}, {"text": "harbour"}):
        with mock.patch.object(listed, "WORDS_WALK", 0):
            response = client.post("/admin" + path(place, action), across("doc_1", of=query, on_children="cascade", status="X"))
        assert (response.status_code, response.get("Content-Disposition")) == (302, None), query
    assert statuses(place) == {"doc_1": None}


@pytest.mark.parametrize("action", ACTIONS)
def test_get_changes_nothing(client: Client, place: Place, action: str) -> None:
    place.document("doc_1")
    response = client.get(f"/admin{path(place, action)}", across("doc_1", on_children="cascade", status="X"))
    assert (response.status_code, response.get("Content-Disposition")) == (302, None)
    assert statuses(place) == {"doc_1": None}


def test_a_delete_is_a_few_statements_however_many_are_chosen(client: Client, place: Place) -> None:
    made = [place.document().document_id for _ in range(30)]
    with staff.statements() as shown:
        staff.post(client, path(place, "delete"), ticked(*made), 200)
    with staff.statements() as done:
        staff.post(client, path(place, "delete"), sure(*made, on_children="detach"))
    # namespaces, collections, the chosen, their impact; the delete and its record
    assert (len(shown), len(done)) == (4, 6)


@pytest.mark.parametrize(("on_children", "statements"), [("restrict", 8), ("cascade", 8)])
def test_a_batch_is_a_few_statements_whatever_becomes_of_children(
    client: Client, place: Place, on_children: str, statements: int
) -> None:
    for number in range(10):
        place.child(place.first("obj_1", f"doc_{number}"), f"doc_{number}_child")
    all_of_them = [f"doc_{number}{end}" for number in range(10) for end in ("", "_child")]
    with staff.statements() as done:
        staff.post(client, path(place, "delete"), sure(*all_of_them, on_children=on_children))
    assert stored(place) == set()
    assert len(done) == statements  # four before the delete: its locks, what it must know, the delete and its record


def test_what_is_below_several_chosen_documents_is_counted_once(place: Place) -> None:
    family(place)
    named = [Named(name, place.collection) for name in ("doc_child_1", "doc_parent", "doc_gone", "doc_grandchild")]
    gone, total = delete_chosen(scope=place.scope, documents=named, on_children="cascade")
    assert (gone, total) == (["doc_child_1", "doc_parent", "doc_grandchild"], 4)
    assert stored(place) == {"doc_alone"}
    [counted] = sql.rows("SELECT sum(delta) FROM documents_documentcount WHERE namespace_id = %s", (place.pk,))
    assert counted == (1,)


# Status ---------------------------------------------------------------------------------------------------------------


def statuses(place: Place) -> dict[str, str | None]:
    return dict(
        sql.rows(
            "SELECT document_id, internal_metadata ->> 'ingestion_status' FROM documents_document WHERE namespace_id = %s",
            (place.pk,),
        )
    )


def test_the_status_of_chosen_documents_is_set(client: Client, place: Place) -> None:
    family(place)
    page = staff.post(client, path(place, "status"), ticked("doc_parent", "doc_child_1"), 200)
    assert "Set the status of 2 documents" in page
    staff.post(client, path(place, "status"), sure("doc_parent", "doc_child_1", status="FAILED"))
    assert {name for name, status in statuses(place).items() if status == "FAILED"} == {"doc_parent", "doc_child_1"}


def test_setting_a_status_leaves_the_rest_alone(client: Client, place: Place) -> None:
    place.document("doc_1", n=18446744073709551617, internal_metadata={"ingestion_status": "PENDING", "error": "x"})
    staff.post(client, path(place, "status"), sure("doc_1", status="COMPLETED"))
    assert staff.stored(place, "doc_1") == {"n": 18446744073709551617}
    row = sql.one("SELECT internal_metadata::text FROM documents_document WHERE namespace_id = %s", (place.pk,))
    assert row is not None
    assert jsonio.loads(row[0]) == {"ingestion_status": "COMPLETED", "error": "x"}


def test_all_that_match_get_a_status(client: Client, place: Place) -> None:
    family(place)
    staff.post(client, path(place, "status"), across(*FAMILY, "doc_alone", status="COMPLETED"))
    assert set(statuses(place).values()) == {"COMPLETED"}


@pytest.mark.parametrize("status", ["", " ", "x" * 41, "a\x00b"])
def test_a_status_that_is_none_is_refused(client: Client, place: Place, status: str) -> None:
    place.document("doc_1")
    staff.post(client, path(place, "status"), sure("doc_1", status=status), 409)
    assert statuses(place) == {"doc_1": None}


# Export ---------------------------------------------------------------------------------------------------------------


def lines(client: Client, place: Place, data: dict[str, Any]) -> list[Any]:
    response: Any = client.post("/admin" + path(place, "export"), data)
    assert response.status_code == 200, response.status_code
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].startswith('attachment; filename="')
    return [jsonio.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_chosen_documents_are_exported_as_the_api_answers_them(client: Client, place: Place) -> None:
    place.document("doc_1", title="line\nbreak\u2028", **jsonio.loads(staff.EXACT))
    place.first("obj_1", "doc_2")
    place.document("doc_3")
    exported = lines(client, place, ticked("doc_1", "doc_2"))
    assert exported == [place.api.get(f"/v1/documents/{name}").json() for name in ("doc_1", "doc_2")]


@pytest.mark.parametrize("query", [{}, {"status": "FAILED"}, {"q": "doc_"}, {"text": "harbour"}, {"sort": "updated"}])
def test_the_whole_list_is_exported_batch_by_batch(client: Client, place: Place, query: dict[str, str]) -> None:
    made = {
        place.document(f"doc_{n:02}", text="harbour", internal_metadata={"ingestion_status": "FAILED"}).document_id
        for n in range(25)
    }
    place.document("other", text="field")
    with mock.patch.multiple(exporting, BATCH=10, _WALK=10, _BY_ID=4):
        exported = [each["document_id"] for each in lines(client, place, across(of=query))]
    assert len(exported) == len(set(exported))
    assert set(exported) - {"other"} == made
    assert ("other" in exported) == (query in ({}, {"sort": "updated"}))


def test_an_export_holds_a_batch_at_a_time(client: Client, place: Place) -> None:
    for _ in range(20):
        place.document(text="x" * 1000)
    with mock.patch.object(exporting, "BATCH", 5):
        response: Any = client.post("/admin" + path(place, "export"), across())
        with staff.statements() as asked:
            parts = response.streaming_content
            next(parts)
            first = len(asked)
            rest = list(parts)
    assert first == 0  # the first batch was read before the download began
    assert len(rest) == 3
    assert len(asked) == 3


def test_an_export_ends_where_a_batch_fails(client: Client, place: Place) -> None:
    for _ in range(20):
        place.document()
    with mock.patch.object(exporting, "BATCH", 5):
        response: Any = client.post("/admin" + path(place, "export"), across())
        next(response.streaming_content)
        with mock.patch.object(sql, "run", side_effect=RuntimeError("gone")), pytest.raises(RuntimeError):
            list(response.streaming_content)


# Who may what ---------------------------------------------------------------------------------------------------------


def test_viewers_may_export_and_change_nothing(place: Place) -> None:
    place.document("doc_1")
    client = staff.viewer()
    assert len(lines(client, place, ticked("doc_1"))) == 1
    for action in ("delete", "status"):
        staff.post(client, path(place, action), sure("doc_1", on_children="cascade", status="X"), 403)
    page = staff.get(client, f"/documents/document/?namespace={place.pk}")
    assert "Export JSONL" in page
    assert "Set status" not in page
    assert "Delete…" not in page


def test_staff_without_permissions_export_nothing(place: Place) -> None:
    place.document("doc_1")
    client = staff.staff("view_namespace")
    for action in ACTIONS:
        staff.post(client, path(place, action), sure("doc_1", on_children="cascade", status="X"), 403)


def test_each_permission_allows_its_action_alone(place: Place) -> None:
    place.document("doc_1")
    client = staff.staff("view_document", "change_document")
    staff.post(client, path(place, "delete"), sure("doc_1", on_children="cascade"), 403)
    staff.post(client, path(place, "status"), sure("doc_1", status="X"))
    assert statuses(place) == {"doc_1": "X"}


@pytest.mark.parametrize("action", ACTIONS)
def test_bound_staff_act_in_no_foreign_namespace(place: Place, action: str) -> None:
    foreign = Place()
    foreign.document("doc_theirs")
    client = bound(place, permissions=("view_document", "change_document", "delete_document"))
    for data in (sure("doc_theirs"), across("doc_theirs")):
        staff.post(client, path(foreign, action), {**data, "on_children": "cascade", "status": "X"}, 404)
    assert statuses(foreign) == {"doc_theirs": None}


@pytest.mark.parametrize("within", ["bound", "all"])
@pytest.mark.parametrize("action", ["delete", "status"])
def test_a_foreign_namespace_s_numbers_and_ids_reach_nothing(place: Place, action: str, within: str) -> None:
    foreign = Place()
    foreign.document("doc_theirs")
    place.document("doc_ours")
    key = Collection.objects.get(public_id=foreign.collection).pk
    permissions = ("view_document", "change_document", "delete_document")
    client = bound(place, permissions=permissions) if within == "bound" else staff.superuser()
    of = {"namespace": foreign.pk, "collection": key, "q": "doc_theirs"}
    for data in (sure("doc_theirs"), across("doc_theirs", of=of)):
        staff.post(client, path(place, action), {**data, "on_children": "cascade", "status": "X"})
    assert statuses(foreign) == {"doc_theirs": None}
    assert statuses(place) == {"doc_ours": None}


def test_a_foreign_document_is_not_exported(client: Client, place: Place) -> None:
    foreign = Place()
    foreign.document("doc_theirs")
    place.document("doc_ours")
    assert lines(client, place, ticked("doc_theirs")) == []
    exported = lines(client, place, across(of={"namespace": foreign.pk}))
    assert [each["document_id"] for each in exported] == ["doc_ours"]


def test_what_was_done_is_recorded(client: Client, place: Place) -> None:
    family(place)
    staff.post(client, path(place, "status"), sure("doc_alone", status="FAILED"))
    lines(client, place, across(of={"root": "obj_1"}))
    staff.post(client, path(place, "delete"), sure("doc_parent", "doc_alone", on_children="cascade"))
    entries = AuditEntry.objects.filter(namespace_number=place.pk).order_by("pk")
    assert [(each.kind, each.subject, each.action) for each in entries] == [
        ("document", "doc_alone", "changed"),
        ("namespace", place.namespace.public_id, "exported"),
        ("document", "doc_parent", "deleted"),
        ("document", "doc_alone", "deleted"),
    ]


def test_what_is_not_recorded_is_not_done(client: Client, place: Place) -> None:
    place.document("doc_1")
    with mock.patch.object(audit, "record_many", side_effect=RuntimeError):
        staff.post(client, path(place, "delete"), sure("doc_1", on_children="detach"), 500)
    assert stored(place) == {"doc_1"}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_of_another_site_is_refused(place: Place, action: str) -> None:
    place.document("doc_1")
    client = Client(enforce_csrf_checks=True)
    client.cookies = staff.superuser().cookies
    assert client.post("/admin" + path(place, action), sure("doc_1")).status_code == 403
