"""Organizations, namespaces and keys from the command line: what goes to stdout, and what happens when it is unclear."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from namespaces import services
from namespaces.models import ApiKey, Namespace, Organization, Permission
from tests import cast
from tests.cast import Api

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    """stdout and stderr of a command."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_create_organization_prints_its_id_alone() -> None:
    out, err = run("create_organization", "Acme")
    assert out == f"{Organization.objects.get(name='Acme').public_id}\n"
    assert "create_namespace" in err


def test_creating_an_organization_twice_fails_unless_that_is_fine() -> None:
    first, _ = run("create_organization", "Acme")
    with pytest.raises(CommandError, match="named 'Acme' exists already"):
        run("create_organization", "Acme")
    assert run("create_organization", "Acme", "--exist-ok")[0] == first


def test_the_only_organization_needs_no_naming() -> None:
    run("create_organization", "Acme")
    out, _ = run("create_namespace", "media")
    assert Namespace.objects.get(public_id=out.strip()).organization.name == "Acme"


def test_without_an_organization_the_error_says_what_to_do() -> None:
    with pytest.raises(CommandError, match=r"manage.py create_organization NAME"):
        run("create_namespace", "media")


def test_with_two_organizations_one_must_be_named() -> None:
    run("create_organization", "Acme")
    run("create_organization", "Bcme")
    with pytest.raises(CommandError, match=r"--organization.*'Acme', 'Bcme'"):
        run("create_namespace", "media")
    run("create_namespace", "media", "--organization", "Bcme")
    assert Namespace.objects.get(name="media").organization.name == "Bcme"


def test_an_unknown_organization_is_named() -> None:
    with pytest.raises(CommandError, match="no organization 'Nobody'"):
        run("create_api_key", "ci", "--organization", "Nobody")


@pytest.mark.parametrize("name", ["", "ns_1", "x" * 256])
def test_a_name_that_may_not_be_is_a_sentence(name: str) -> None:
    cast.organization()
    with pytest.raises(CommandError, match=r"^name "):
        run("create_namespace", name)


def test_the_key_alone_is_on_stdout_and_works() -> None:
    organization = cast.organization()
    place = cast.namespace(organization)
    out, err = run("create_api_key", "ci", "--permission", "admin")
    assert out.count("\n") == 1
    assert out.strip() not in err
    assert Api(out.strip(), place.public_id).get("/v1/me").json()["key"]["permissions"][-1] == "ADMIN"


def test_a_key_is_limited_and_expires() -> None:
    cast.organization()
    _, err = run("create_api_key", "ci", "--namespace", "team-*", "archive", "--expires-in", "1.5")
    key = ApiKey.objects.get(name="ci")
    assert (key.namespace_patterns, key.permission) == (["team-*", "archive"], Permission.READ)
    assert key.expires_at is not None
    assert "no namespace matches 'archive' yet" in err


@pytest.mark.parametrize("days", ["0", "-1", "soon", "nan", "1e12"])
def test_days_that_are_none(days: str) -> None:
    cast.organization()
    with pytest.raises(CommandError, match="number of days"):
        run("create_api_key", "ci", "--expires-in", days)


def test_a_revoked_key_stops_working() -> None:
    token = cast.token(cast.organization())
    _, err = run("revoke_api_key", token[:10])
    assert "Revoked" in err
    assert Api(token).get("/v1/me").status_code == 401


def test_revoking_again_is_not_an_error() -> None:
    key, token = services.create_api_key(organization=cast.organization(), name="ci")
    run("revoke_api_key", "ci")
    for again in ("ci", key.prefix, token):
        assert "revoked already" in run("revoke_api_key", again)[1]


def test_a_name_that_two_organizations_use_must_be_made_clear() -> None:
    first, second = cast.organization(), cast.organization()
    for organization in (first, second):
        services.create_api_key(organization=organization, name="ci")
    with pytest.raises(CommandError, match="more than one key"):
        run("revoke_api_key", "ci")
    run("revoke_api_key", "ci", "--organization", second.name)
    assert ApiKey.objects.get(organization=first).revoked_at is None


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(CommandError, match="no key named 'ci'"):
        run("revoke_api_key", "ci")


@pytest.mark.parametrize("command", ["create_organization", "create_namespace", "create_api_key", "revoke_api_key"])
def test_help_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(command, "--help")
    assert f"manage.py {command}" in capsys.readouterr().out
