"""Editing a document: exact numbers, errors in their place, nobody's change lost."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings

from documents import services
from documents.admin import editing
from documents.inputs import read_patch
from documents.queries import document
from mixpeek_site import jsonio
from namespaces.models import AuditEntry
from tests.admin import staff
from tests.admin.staff import EXACT, Place, edit_path
from tests.admin.test_json_text import objects

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    place = Place()
    place.document("doc_1", title="before", internal_metadata={"ingestion_status": "FAILED"})
    return place


def save(client: Client, place: Place, payload: str, status: int = 302, **data: Any) -> str:
    version = document(place.scope, None, "doc_1").version
    texts = {"payload": payload, "internal_metadata": "{}", "version": version}
    return staff.post(client, edit_path(place, "doc_1"), {**texts, **data}, status)


def shown(page: str, name: str = "payload") -> str:
    """The text in an editor."""
    return page.partition(f'name="{name}"')[2].partition(">\n")[2].partition("</textarea>")[0]


def test_what_is_typed_is_stored(client: Client, place: Place) -> None:
    save(client, place, '{"title": "after"}')
    assert staff.stored(place, "doc_1") == {"title": "after"}
    assert ">doc_1 was saved.<" in staff.get(client, f"/document/{place.pk}/doc_1/")  # the id as it is


def test_numbers_survive_the_editor(client: Client, place: Place) -> None:
    save(client, place, EXACT)
    text = shown(staff.get(client, edit_path(place, "doc_1")))
    for number in ("18446744073709551617", "0.1000000000000000055", "1" + "0" * 40, "1.10"):
        assert number in text
    save(client, place, text)
    assert jsonio.dumps(staff.stored(place, "doc_1")["price"]) == "1.10"
    assert staff.stored(place, "doc_1") == jsonio.loads(EXACT)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects)
def test_any_payload_survives_the_editor(client: Client, place: Place, payload: dict[str, Any]) -> None:
    wanted = {f"field {name}": value for name, value in payload.items()}
    save(client, place, jsonio.dumps(wanted).replace("<", "\\u003c"))
    before = staff.stored(place, "doc_1")
    save(client, place, shown(staff.get(client, edit_path(place, "doc_1"))))
    assert jsonio.dumps(staff.stored(place, "doc_1")) == jsonio.dumps(before)
    assert before == wanted


def test_an_error_is_shown_in_its_place_and_the_text_is_kept(client: Client, place: Place) -> None:
    wrong = '{\n  "title": "after",\n  "a": 1.2.3\n}'
    page = save(client, place, wrong, 200)
    assert "Line 3, column 11" in page
    assert 'data-line="3" data-column="11"' in page
    assert shown(page) == wrong
    assert staff.stored(place, "doc_1") == {"title": "before"}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "Line 1, column 1"),
        ("[]", "must be a JSON object"),
        ('{"a": NaN}', "Line 1, column 7"),
        ('{\n"_internal": {}}', "Line 2, column 1: “_internal” is a reserved name"),
        ('{"lineage_path": "x"}', "“lineage_path” is a reserved name"),
        ('{"a": "\\u0000"}', "a: holds U+0000"),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "nested deeper than 64"),
        ('{"a": 1e2000}', "more than 1000 digits"),
    ],
)
def test_what_can_not_be_stored_is_refused_with_the_reason(client: Client, place: Place, payload: str, message: str) -> None:
    assert message in save(client, place, payload, 200)
    assert staff.stored(place, "doc_1") == {"title": "before"}


def test_a_payload_beyond_the_limit_is_refused(client: Client, place: Place, settings: Any) -> None:
    settings.MAX_DOCUMENT_BYTES = 100
    assert "100 bytes" in save(client, place, jsonio.dumps({"a": "x" * 200}), 200)


def test_internal_metadata_is_edited_beside_it(client: Client, place: Place) -> None:
    save(client, place, "{}", internal_metadata='{"ingestion_status": "COMPLETED"}')
    assert jsonio.loads(document(place.scope, None, "doc_1").internal_metadata) == {"ingestion_status": "COMPLETED"}


def test_an_error_in_the_metadata_is_shown_there(client: Client, place: Place) -> None:
    page = save(client, place, "{}", 200, internal_metadata="{")
    assert 'id="internal_metadata_error"' in page
    assert 'id="payload_error"' not in page


def change_meanwhile(place: Place) -> None:
    given = read_patch({"theirs": 1}, "doc_1")
    services.patch_document(scope=place.scope, collection=None, document_id="doc_1", given=given)


def test_somebody_else_s_change_is_not_overwritten(client: Client, place: Place) -> None:
    version = document(place.scope, None, "doc_1").version
    change_meanwhile(place)
    page = save(client, place, '{"mine": 1}', 200, version=version)
    assert "Somebody else changed this document" in page
    assert staff.stored(place, "doc_1") == {"title": "before", "theirs": 1}
    assert shown(page) == '{"mine": 1}'
    assert '-  "theirs": 1' in page
    assert '+  "mine": 1' in page


def test_a_second_save_after_the_warning_overwrites(client: Client, place: Place) -> None:
    version = document(place.scope, None, "doc_1").version
    change_meanwhile(place)
    page = save(client, place, '{"mine": 1}', 200, version=version)
    newer = page.partition('name="version" value="')[2].partition('"')[0]
    save(client, place, shown(page), version=newer)
    assert staff.stored(place, "doc_1") == {"mine": 1}


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "1"])
def test_a_form_without_a_known_version_overwrites_nothing(client: Client, place: Place, version: str) -> None:
    save(client, place, '{"mine": 1}', 200, version=version)
    assert staff.stored(place, "doc_1") == {"title": "before"}


def test_the_text_outlives_a_document_that_was_deleted(client: Client, place: Place) -> None:
    services.delete_document(scope=place.scope, collection=None, document_id="doc_1")
    page = staff.post(client, edit_path(place, "doc_1"), {"payload": '{"mine": 1}', "version": "1"}, 404)
    assert '{"mine": 1}' in page


def test_lineage_and_blobs_stay(client: Client) -> None:
    place = Place()
    place.first("obj_1", "doc_1", document_blobs=[{"field": "a", "url": "s3://a/b"}], schema_version=None)
    before = document(place.scope, None, "doc_1")
    save(client, place, '{"a": 1}')
    after = document(place.scope, None, "doc_1")
    assert (after.path, after.document_blobs, after.root_object_id) == (before.path, before.document_blobs, "obj_1")


def test_a_save_is_recorded_and_is_one_update(client: Client, place: Place) -> None:
    version = document(place.scope, None, "doc_1").version
    with staff.statements() as asked:
        staff.post(client, edit_path(place, "doc_1"), {"payload": "{}", "internal_metadata": "{}", "version": version})
    assert len(asked) == 5  # namespace, document, chain, the one UPDATE, and the entry that says so
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.action) == ("doc_1", "changed")
    assert entry.changes == {"payload": ["title"], "internal_metadata": ["ingestion_status"]}


def test_the_text_is_laid_out_anew_without_being_saved(client: Client, place: Place) -> None:
    page = save(client, place, '{"b":[1.10,18446744073709551617],"a":{}}', 200, action="format")
    assert shown(page) == '{\n  "b": [\n    1.10,\n    18446744073709551617\n  ],\n  "a": {}\n}'
    assert 'data-dirty="true"' in page
    assert staff.stored(place, "doc_1") == {"title": "before"}


def test_what_can_not_be_laid_out_says_where(client: Client, place: Place) -> None:
    assert "Line 1, column 2" in save(client, place, "{a", 200, action="format")


def test_a_payload_too_long_for_a_text_field_is_not_offered(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "MAX_EDITED", 10)
    page = staff.get(client, edit_path(place, "doc_1"))
    assert "too long to edit here" in page
    assert "-X PATCH" in page
    assert "<textarea" not in page
