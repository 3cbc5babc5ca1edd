"""API keys: shown once, revoked, never changed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from mixpeek_site.errors import UnauthorizedError
from namespaces import credentials
from namespaces.models import ApiKey, AuditEntry, Organization, Permission
from tests import cast
from tests.admin import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def organization() -> Organization:
    return cast.organization()


def make(client: Client, organization: Organization, status: int = 200, **data: Any) -> str:
    given = {"organization": organization.pk, "name": "ci", "permission": "WRITE", "namespace_patterns": "", **data}
    return staff.post(client, "/namespaces/apikey/add/", given, status)


def token_on(page: str) -> str | None:
    found = re.search(r'<code id="token">([^<]+)', page)
    return found and found[1]


def test_a_key_is_shown_on_the_page_after_saving_and_works(client: Client, organization: Organization) -> None:
    token = token_on(make(client, organization))
    assert token is not None
    assert credentials.authenticate(token).permission is Permission.WRITE


def test_a_key_is_never_shown_again(client: Client, organization: Organization) -> None:
    token = token_on(make(client, organization))
    assert token is not None
    key = ApiKey.objects.get()
    for path in ("/", "/namespaces/apikey/", f"/namespaces/apikey/{key.pk}/change/", f"/namespaces/apikey/{key.pk}/history/"):
        assert token not in staff.get(client, path)
    assert token not in str(AuditEntry.objects.values())
    assert token not in str(dict(client.session))


def test_the_page_with_the_key_is_not_kept_by_browsers(client: Client, organization: Organization) -> None:
    data = {"organization": organization.pk, "name": "ci", "permission": "READ"}
    assert client.post("/admin/namespaces/apikey/add/", data)["Cache-Control"].startswith("no-store")


def test_patterns_and_expiry_are_kept(client: Client, organization: Organization) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    make(client, organization, namespace_patterns="media,team-*", expires_at=expires.strftime("%Y-%m-%dT%H:%M:%S"))
    key = ApiKey.objects.get()
    assert (key.namespace_patterns, key.expires_at) == (["media", "team-*"], expires)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"namespace_patterns": "a*b"}, "trailing *"),
        ({"expires_at": "2001-01-01T00:00"}, "is in the past"),
        ({"name": "sk_x"}, "may not look like an id"),
        ({"permission": "ROOT"}, "Select a valid choice"),
    ],
)
def test_what_the_service_refuses_is_shown(
    client: Client, organization: Organization, data: dict[str, Any], message: str
) -> None:
    assert message in make(client, organization, **data)
    assert not ApiKey.objects.exists()


def test_a_second_working_key_of_a_name_is_refused(client: Client, organization: Organization) -> None:
    make(client, organization)
    page = make(client, organization)
    assert "a working key named 'ci' already" in page
    assert token_on(page) is None


def test_revoking_by_the_list_s_action(client: Client, organization: Organization) -> None:
    token = cast.token(organization)
    key = ApiKey.objects.get()
    staff.post(client, "/namespaces/apikey/", {"action": "revoke", "_selected_action": key.pk})
    credentials._cache.clear()
    with pytest.raises(UnauthorizedError):
        credentials.authenticate(token)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.kind, entry.subject, entry.username) == ("revoked", "API key", key.prefix, "root")


def test_revoking_by_the_key_s_page(client: Client, organization: Organization) -> None:
    cast.token(organization)
    key = ApiKey.objects.get()
    assert "Revoke this key" in staff.get(client, f"/namespaces/apikey/{key.pk}/change/")
    staff.post(client, f"/namespaces/apikey/{key.pk}/change/", {})
    assert ApiKey.objects.get().revoked_at is not None
    assert "Revoke this key" not in staff.get(client, f"/namespaces/apikey/{key.pk}/change/")


def test_a_key_is_neither_changed_nor_deleted(client: Client, organization: Organization) -> None:
    cast.token(organization)
    key = ApiKey.objects.get()
    client.post(f"/admin/namespaces/apikey/{key.pk}/change/", {"name": "other", "permission": "ADMIN"})
    staff.post(client, f"/namespaces/apikey/{key.pk}/delete/", {"post": "yes"}, 403)
    after = ApiKey.objects.get()
    assert (after.name, after.permission) == (key.name, key.permission)


def test_keys_are_filtered_by_state(client: Client, organization: Organization) -> None:
    from namespaces import services

    cast.token(organization)
    services.revoke_api_key(key=ApiKey.objects.get())
    cast.token(organization)
    for state, shown in (("working", 1), ("revoked", 1), ("expired", 0), ("", 2)):
        page = staff.get(client, f"/namespaces/apikey/?state={state}&organization={organization.pk}")
        assert page.count('class="field-shown_prefix"') == shown
