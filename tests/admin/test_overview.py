"""The overview: each namespace at a glance, what needs attention, and that its cost does not grow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from documents import attention, housekeeping, overview, surveying
from documents.admin import start
from documents.admin.growth import growth
from documents.models import DutyDone, NamespaceDay, NamespaceSurvey
from mixpeek_site import sql
from namespaces import services
from namespaces.models import ApiKey, Collection, Namespace, StaffBinding, StaffNamespace
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place
from tests.admin.test_list_filters import bound
from tests.unanalyzed import forget_statistics

pytestmark = pytest.mark.django_db

FAILED = {"ingestion_status": "FAILED"}


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def keep_house() -> None:
    DutyDone.objects.all().delete()
    NamespaceSurvey.objects.update(due_at=datetime.now(UTC) - timedelta(1))
    list(housekeeping.round_of_duties(lambda: False))


def seen(client: Client) -> str:
    return staff.words(staff.get(client, "/"))


def test_a_namespace_says_what_it_holds(client: Client, place: Place) -> None:
    place.first("obj_1")
    place.document()
    cast.bucket_object(place.api, place.bucket, "obj_1")
    page = seen(client)
    assert place.namespace.name in page
    for part in ("documents 2", "objects 1", "collections 1", "Buckets 1"):
        assert part in page


def test_it_is_four_statements_whatever_there_is(client: Client, place: Place) -> None:
    for _ in range(3):
        other = Place()
        other.document(internal_metadata=FAILED)
        other.document()
    with staff.statements() as asked:
        staff.get(client, "/")
    assert len(asked) == 4


def test_failures_count_in_living_collections_up_to_a_bound(client: Client, place: Place, monkeypatch: Any) -> None:
    for _ in range(3):
        place.document(internal_metadata=FAILED)
    gone = cast.collection(place.api)
    place.document(collection=gone, internal_metadata=FAILED)
    services.delete_collection(scope=place.scope, collection_identifier=gone)
    assert "3 failed documents" in seen(client)
    assert f"/admin/documents/document/?namespace={place.pk}&status=FAILED" in staff.get(client, "/")
    monkeypatch.setattr(attention, "COUNTED_FAILED", 2)
    assert "2+ failed documents" in seen(client)


def test_failures_are_found_by_their_own_index(place: Place) -> None:
    place.document(internal_metadata=FAILED)
    forget_statistics()
    statements = [overview._LINES.format(within="").replace("%s", "26"), attention._WANTED[True]]
    for statement in (*statements, attention._WANTED[False].replace("%s", "ARRAY[1]")):
        plan = "\n".join(row[0] for row in sql.rows("EXPLAIN " + statement.replace("%", "%%")))
        assert "document_failed" in plan
    assert plan.count("on documents_document d") == plan.count("using document_failed")


def test_orphans_are_counted_by_housekeeping_and_listed_on_a_page(client: Client, place: Place) -> None:
    parent = place.document("doc_parent")
    place.child(parent, "doc_child")
    for number in range(3):
        place.document(f"doc_lost_{number}", source_collection_id=place.collection, source_document_id=f"doc_gone_{number}")
    assert "parent is not stored" not in seen(client)
    keep_house()
    assert "3 documents whose parent is not stored" in seen(client)
    page = staff.get(client, f"/orphans/{place.pk}/")
    assert "doc_lost_2" in page
    assert "doc_child" not in page


def test_the_walk_for_orphans_goes_on_where_it_stopped(place: Place) -> None:
    parent = place.document("m_parent")
    lost = []
    for number in range(4):
        place.child(parent)
        for name in ("a", "z"):
            document = place.document(source_collection_id=place.collection, source_document_id=f"{name}_gone_{number % 2}")
            lost.append(document.document_id)
    for steps, most in ((3, 100), (100, 3), (1, 1), (5, 2)):
        found: list[str] = []
        after: Any = surveying.START
        while after is not None:
            piece = surveying.walk(place.pk, after, steps=steps, most=most)
            found += [each.document_id for each in piece.orphans]
            after = surveying.position(surveying.place(piece.after)) if piece.after else None
        assert sorted(found) == sorted(lost), (steps, most)


@pytest.mark.parametrize("after", ["x", "~", "0~a", "ffffffff-ffff-ffff-ffff-ffffffffffff~zzz", "%00"])
def test_a_made_up_place_in_the_walk_is_no_error(client: Client, place: Place, after: str) -> None:
    staff.get(client, f"/orphans/{place.pk}/?after={after}")


def test_growth_is_what_the_days_brought(place: Place) -> None:
    Namespace.objects.filter(pk=place.pk).update(created_at=datetime.now(UTC) - timedelta(days=100))
    [today] = sql.rows("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")[0]
    for ago, held in ((40, 100), (5, 130), (3, 120)):
        NamespaceDay.objects.create(namespace_id=place.pk, day=today - timedelta(days=ago), documents=held)
    place.document()
    [line] = overview.namespaces(None, 5)
    changes = growth(line).changes
    assert changes[-6:] == [30, 0, -10, 0, 0, 1 - 120]
    assert changes[:-6] == [0] * 8
    assert 'class="fewer"' in growth(line).drawing


def test_growth_before_anybody_wrote_down_is_unknown(place: Place) -> None:
    Namespace.objects.filter(pk=place.pk).update(created_at=datetime.now(UTC) - timedelta(days=100))
    [line] = overview.namespaces(None, 5)
    assert not growth(line).known


def test_housekeeping_writes_a_day_down_once_and_again_when_it_changed(place: Place) -> None:
    place.document()
    keep_house()
    keep_house()
    place.document()
    keep_house()
    assert list(NamespaceDay.objects.values_list("namespace_id", "documents")) == [(place.pk, 2)]


def test_housekeeping_that_does_not_run_is_said(client: Client, place: Place) -> None:
    assert "Housekeeping has not run yet" in seen(client)
    keep_house()
    assert "Housekeeping" not in seen(client)
    DutyDone.objects.update(done_at=datetime.now(UTC) - timedelta(hours=3))
    assert "Housekeeping has not run for 3 hours" in seen(client)


def test_keys_that_end_are_said(client: Client, place: Place) -> None:
    now = datetime.now(UTC)
    for name, days in (("soon", 3), ("just", -1), ("later", 40), ("long gone", -30)):
        cast.token(place.namespace.organization)
        key = ApiKey.objects.latest("pk")
        ApiKey.objects.filter(pk=key.pk).update(name=name, expires_at=now + timedelta(days=days, minutes=5))
    page = seen(client)
    assert "API key soon expires in 3 days" in page
    assert "API key just expired" in page
    assert "later" not in page
    assert "long gone" not in page


def test_what_is_purged_and_indexes_are_said(client: Client, place: Place) -> None:
    config = {"payload_indexes": [{"field_name": "price", "type": "float"}]}
    services.update_namespace(scope=place.scope, config=config)
    gone = cast.collection(place.api)
    services.delete_collection(scope=place.scope, collection_identifier=gone)
    page = seen(client)
    assert "being built" in page
    assert "1 deleted collection is being purged" in page


def test_all_is_well(client: Client, place: Place) -> None:
    place.document()
    keep_house()
    assert "All is well" in seen(client)


def test_what_needs_attention_is_found_in_every_namespace(client: Client, place: Place, monkeypatch: Any) -> None:
    place.document(internal_metadata=FAILED)
    place.document(source_collection_id=place.collection, source_document_id="doc_gone")
    newer = [Place() for _ in range(3)]
    keep_house()
    monkeypatch.setattr(start, "NAMESPACES_SHOWN", 2)
    page = seen(client)
    assert f"1 failed document {place.namespace.name}" in page
    assert f"1 document whose parent is not stored {place.namespace.name}" in page
    assert f"{newer[0].namespace.name} acme" not in page


def test_more_namespaces_than_are_listed_are_one_line(client: Client, monkeypatch: Any) -> None:
    for _ in range(4):
        Place().document(internal_metadata=FAILED)
    monkeypatch.setattr(start, "MATTERS_SHOWN", 2)
    page = seen(client)
    assert page.count("1 failed document ") == 2
    assert "2 more namespaces with the same: failed documents" in page


def test_the_namespaces_whose_documents_changed_last_are_shown(place: Place) -> None:
    others = [Place() for _ in range(2)]
    today = sql.rows("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")[0][0]
    for each, ago in ((place, 1), (others[0], 5), (others[1], 3)):
        NamespaceDay.objects.create(namespace_id=each.pk, day=today - timedelta(days=ago), documents=1)
    assert [line.key for line in overview.namespaces(None, 2)] == [place.pk, others[1].pk]


def test_it_says_of_nothing_that_it_is_well_without_a_look(place: Place) -> None:
    place.document()
    keep_house()
    everything = staff.superuser()
    well = "every payload index is built, no key is about to expire, housekeeping runs."
    assert f"No document failed, every parent is stored, {well}" in seen(everything)
    NamespaceSurvey.objects.all().delete()
    assert f"No document failed, {well}" in seen(everything)
    assert "All is well Every payload index is built, housekeeping runs." in seen(staff.staff("view_namespace"))


def test_staff_bound_elsewhere_are_told_of_no_failure(place: Place) -> None:
    foreign = Place()
    foreign.document(internal_metadata=FAILED)
    keep_house()
    client = bound()
    assert "is well" not in seen(client)
    StaffNamespace.objects.create(binding=StaffBinding.objects.get(), namespace=place.namespace)
    page = seen(client)
    assert "All is well No document failed, every parent is stored, every payload index is built. " in page
    assert "failed document" not in page
    assert foreign.namespace.name not in page


def test_a_purged_namespace_leaves_nothing(place: Place) -> None:
    place.document()
    keep_house()
    services.delete_namespace(scope=place.scope)
    keep_house()
    keep_house()
    assert not Namespace.objects.exists()
    assert not Collection.objects.exists()
    assert not NamespaceDay.objects.exists()
    assert not NamespaceSurvey.objects.exists()
