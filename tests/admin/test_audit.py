"""Who did what in the admin is kept, in the change's own transaction, and shown to those who reach it."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mixpeek_site import jsonio
from namespaces.admin import audit
from namespaces.admin.audit import changed_paths
from namespaces.models import ApiKey, AuditEntry, BucketObject, Collection, StaffBinding
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def said() -> list[tuple[str, str, str, Any]]:
    """Action, kind, id and changes, oldest first."""
    return list(AuditEntry.objects.order_by("id").values_list("action", "kind", "subject", "changes"))


def test_a_place_s_life_is_kept(client: Client, place: Place) -> None:
    path = "/namespaces/collection"
    staff.post(client, f"{path}/add/", {"namespace": place.pk, "name": "a", "public_id": "col_a", "config": '{"x": {"y": 1}}'})
    key = client.get(f"/admin{path}/?q=col_a").context["cl"].result_list[0].pk
    config = jsonio.dumps({**Collection.objects.get(pk=key).config, "x": {"y": 2}, "secret": "s3cret"})
    staff.post(client, f"{path}/{key}/change/", {"name": "b", "config": config})
    staff.post(client, f"{path}/{key}/change/", {"name": "b", "config": config})
    staff.post(client, f"{path}/{key}/delete/", {"post": "yes"})
    assert said() == [
        ("created", "collection", "col_a", {"name": "a"}),
        ("changed", "collection", "col_a", {"fields": ["name", "config"], "config": ["secret", "x.y"]}),
        ("deleted", "collection", "col_a", {"name": "b", "documents": 0}),
    ]
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.username, entry.namespace_number, entry.namespace_name) == ("root", place.pk, place.namespace.name)
    assert "s3cret" not in str(list(AuditEntry.objects.values()))


def test_a_refused_change_leaves_no_entry(client: Client, place: Place) -> None:
    staff.post(client, "/namespaces/collection/add/", {"namespace": place.pk, "name": "", "config": "{}"}, 200)
    cast.bucket_object(place.api, place.bucket, "obj_1")
    path = f"/namespaces/bucket/{BucketObject.objects.get().bucket_id}/delete/"
    staff.post(client, path, {"post": "yes"})
    assert said() == []


def test_an_object_s_delete_says_how_many_documents_went(client: Client, place: Place) -> None:
    place.child(place.first("obj_1"))
    cast.bucket_object(place.api, place.bucket, "obj_1")
    path = f"/namespaces/bucketobject/{BucketObject.objects.get().pk}/delete/"
    staff.post(client, path, {"post": "yes", "with_documents": "1"})
    [(action, kind, subject, changes)] = said()
    assert (action, kind, subject) == ("deleted", "object", "obj_1")
    assert changes["documents"] == 2


def test_keys_are_kept_without_their_secret(client: Client, place: Place) -> None:
    data = {"organization": place.namespace.organization_id, "name": "ci", "permission": "WRITE", "namespace_patterns": "a,b"}
    page = staff.post(client, "/namespaces/apikey/add/", data, 200)
    key = ApiKey.objects.get(name="ci")
    staff.post(client, f"/namespaces/apikey/{key.pk}/change/", {})
    created, revoked = said()
    assert created[:3] == ("created", "API key", key.prefix)
    assert created[3]["namespaces"] == ["a", "b"]
    assert revoked == ("revoked", "API key", key.prefix, {"name": "ci"})
    token = page.partition('<code id="token">')[2].partition("<")[0]
    assert token.startswith(key.prefix)
    assert token not in str(list(AuditEntry.objects.values()))


def test_what_limits_staff_is_set_on_the_user_s_page_and_kept(client: Client, place: Place) -> None:
    user = User.objects.create_user("lena", is_staff=True)
    path = f"/auth/user/{user.pk}/change/"
    common = {"username": "lena", "is_staff": "on", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    staff.post(client, path, {**common, "limited": "on", "reached": [place.pk]})
    assert list(StaffBinding.objects.get().namespaces.values_list("pk", flat=True)) == [place.pk]
    assert "selected" in staff.get(client, path)
    staff.post(client, path, common)
    assert not StaffBinding.objects.exists()
    first, second = said()
    assert first[:3] == ("changed", "user", "lena")
    assert first[3]["limited"] is True
    assert first[3]["reached"] == {"added": [place.namespace.name], "removed": []}
    assert second[3]["limited"] is False
    assert second[3]["reached"] == {"added": [], "removed": [place.namespace.name]}


def test_chosen_namespaces_without_the_limit_are_refused(client: Client, place: Place) -> None:
    user = User.objects.create_user("lena", is_staff=True)
    page = staff.post(client, f"/auth/user/{user.pk}/change/", {"username": "lena", "reached": [place.pk]}, 200)
    assert "Check this" in page
    assert not StaffBinding.objects.exists()


def test_who_may_change_users_without_being_a_superuser_changes_none(place: Place) -> None:
    client = staff.staff("view_user", "add_user", "change_user", "delete_user", "change_group")
    user = User.objects.get(username="staff")
    assert "Limited to namespaces" not in staff.get(client, f"/auth/user/{user.pk}/change/")
    staff.post(client, f"/auth/user/{user.pk}/change/", {"username": "staff", "is_superuser": "on"}, 403)
    staff.post(client, f"/auth/user/{user.pk}/password/", {"password1": "long enough", "password2": "long enough"}, 403)


def test_a_record_belongs_into_a_transaction(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Outside:
        in_atomic_block = False

    monkeypatch.setattr(audit, "connection", Outside())
    with pytest.raises(AssertionError, match="transaction"):
        audit.record(None, place.pk, "document", "doc_1", "changed")  # type: ignore[arg-type]


def test_the_page_filters_and_pages(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("namespaces.admin.history.PAGE", 2)
    for name in ("a", "b", "c", "d", "e"):
        staff.post(client, "/namespaces/organization/add/", {"name": f"organization {name}"})
    staff.post(client, "/namespaces/collection/add/", {"namespace": place.pk, "name": "stage", "config": "{}"})
    path = "/namespaces/auditentry/"
    walked, query = [], "?kind=organization"
    while query:
        shown = client.get(f"/admin{path}{query}").context["page"]
        walked += [entry.changes["name"] for entry in shown.entries]
        last, query = shown, shown.older
    assert walked == [f"organization {name}" for name in "edcba"]
    back = client.get(f"/admin{path}{last.newer}").context["page"]
    assert [entry.changes["name"] for entry in back.entries] == ["organization c", "organization b"]
    assert "stage" in staff.get(client, f"{path}?namespace={place.pk}")
    assert "organization e" not in staff.get(client, f"{path}?namespace={place.pk}")
    assert "organization e" in staff.words(
        staff.get(client, f"{path}?kind=organization&user=root&since=2020-01-01&until=2999-01-01")
    )
    assert "organization e" not in staff.get(client, f"{path}?kind=organization&user=nobody")
    assert "Nothing was done" in staff.get(client, f"{path}?until=2020-01-01")


@pytest.mark.parametrize(
    "query", ["namespace=x", "namespace=9999999999999999999", "since=1", "until=9999-12-31", "older=x", "newer=%00", "id=%00"]
)
def test_a_filter_that_makes_no_sense_is_no_error(client: Client, query: str) -> None:
    staff.get(client, f"/namespaces/auditentry/?{query}")


def test_each_thing_has_its_history(client: Client, place: Place) -> None:
    stored = place.document("doc_1")
    key = place.namespace.pk
    staff.post(client, f"/namespaces/namespace/{key}/change/", {"name": "renamed", "config": "{}"})
    assert "root changed fields name" in history(staff.get(client, f"/namespaces/namespace/{key}/history/"))
    path = f"/document/{place.pk}/doc_1/"
    found = re.search(r'/admin(/documents/document/[^/"]+/history/)', staff.get(client, path))
    assert found is not None
    assert "Nobody has changed it" in staff.get(client, found[1])
    text = {"payload": '{"title": "new"}', "internal_metadata": "{}", "version": stored.version}
    staff.post(client, f"{path}edit/", text)
    assert "root changed payload title" in history(staff.get(client, found[1]))


def history(page: str) -> str:
    """Words of the entries alone, which say who did what, without their times."""
    rows = re.search(r'<ol class="entries">(.*?)</ol>', page, re.DOTALL)
    assert rows is not None
    return staff.words(re.sub(r"<time.*?</time>", "", rows[1]))


def test_history_costs_one_statement_besides_the_thing_s(client: Client, place: Place) -> None:
    with staff.statements() as asked:
        staff.get(client, f"/namespaces/namespace/{place.pk}/history/")
    assert len(asked) == 2


def test_nobody_changes_entries(client: Client, place: Place) -> None:
    staff.post(client, "/namespaces/organization/add/", {"name": "Studio"})
    entry = AuditEntry.objects.get()
    for path, status in (("add/", 403), (f"{entry.pk}/change/", 404), (f"{entry.pk}/delete/", 404)):
        staff.post(client, f"/namespaces/auditentry/{path}", {"post": "yes", "username": "x"}, status)
    staff.post(client, "/namespaces/auditentry/", {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}, 200)
    assert AuditEntry.objects.get() == entry


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b.1.c"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"gone": 1}, {"new": {"x": 1}}, ["gone", "new"]),
        ([], {}, ["(all of it)"]),
        ({}, {str(n): n for n in range(60)}, [*sorted(map(str, range(60)))[:50], "… 10 more"]),
        ({}, {"k" * 300: 1}, ["k" * 200]),
    ],
)
def test_paths_that_changed(before: Any, after: Any, paths: list[str]) -> None:
    assert changed_paths(before, after) == paths


@pytest.mark.django_db(transaction=True)
def test_staff_is_made_changed_and_deleted_in_transactions_of_their_own(client: Client) -> None:
    """Without the transaction that other tests run in."""
    password = {"password1": "long enough", "password2": "long enough"}
    staff.post(client, "/auth/user/add/", {"username": "lena", "usable_password": "true", **password})
    key = User.objects.get(username="lena").pk
    staff.post(client, f"/auth/user/{key}/password/", {"usable_password": "true", **password})
    staff.post(client, f"/auth/user/{key}/delete/", {"post": "yes"})
    staff.post(client, "/auth/group/add/", {"name": "night shift"})
    organization = cast.organization()
    staff.post(client, "/namespaces/namespace/add/", {"organization": organization.pk, "name": "media", "config": "{}"})
    cast.token(organization)
    staff.post(client, "/namespaces/apikey/", {"action": "revoke", "_selected_action": ApiKey.objects.get().pk})
    assert [entry[:2] for entry in said()] == [
        *(("created", "user"), ("changed", "user"), ("deleted", "user")),
        *(("created", "group"), ("created", "namespace"), ("revoked", "API key")),
    ]
