"""What `make run` does on a fresh database, once."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from namespaces import services
from namespaces.models import ApiKey, Namespace, Organization
from tests import cast

pytestmark = pytest.mark.django_db


def first_start(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("first_start", "--no-sample", *arguments, stdout=output)
    return output.getvalue().splitlines()


def test_the_key_is_the_last_line_and_opens_the_namespace() -> None:
    lines = first_start()
    api = cast.Api(lines[-1], "example")
    assert api.get("/v1/me").status_code == 200
    assert api.post("/v1/collections", {"collection_name": "mine", "source": {"type": "bucket"}}).status_code < 500


def test_the_staff_user_can_sign_in_with_the_password_that_is_shown() -> None:
    line = next(line for line in first_start() if "password" in line)
    user = authenticate(username="admin", password=line.split()[-1])
    assert user is not None
    assert user.is_superuser


def test_the_second_time_nothing_happens_and_nothing_is_shown() -> None:
    first_start()
    assert first_start() == []
    assert (Organization.objects.count(), Namespace.objects.count(), ApiKey.objects.count()) == (1, 1, 1)


def test_one_that_was_interrupted_is_completed() -> None:
    organization = services.create_organization(name="example")
    services.create_namespace(organization_id=organization.pk, name="example")
    assert len(first_start()[-1]) > 20
    assert (Organization.objects.count(), Namespace.objects.count()) == (1, 1)


def test_a_database_in_use_is_left_alone() -> None:
    cast.api()
    assert first_start() == []
    assert not Namespace.objects.filter(name="example").exists()


def test_a_name_that_cannot_be_is_refused() -> None:
    with pytest.raises(CommandError):
        first_start("--name", "")
