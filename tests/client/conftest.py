"""The official client, as installed from PyPI, on a real server; only its host is ours."""

from collections.abc import Iterator
from dataclasses import dataclass

import mixpeek
import pytest
from pytest_django import DjangoDbBlocker

from namespaces.models import Namespace, Permission
from tests import cast
from tests.server import remove_committed


@dataclass(frozen=True)
class Session:
    """What a program that uses the client has: a host, a key, a namespace."""

    host: str
    token: str
    namespace: str

    def client(self, token: str | None = None, namespace: str | None = None) -> mixpeek.ApiClient:
        client = mixpeek.ApiClient(mixpeek.Configuration(host=self.host))
        client.default_headers["Authorization"] = f"Bearer {token or self.token}"
        client.default_headers["X-Namespace"] = namespace or self.namespace
        return client


@pytest.fixture(scope="package")
def session(server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Session]:
    with django_db_blocker.unblock():
        organization = cast.organization()
        place: Namespace = cast.namespace(organization)
        session = Session(server, cast.token(organization), place.public_id)
        yield session
        remove_committed()


@pytest.fixture(scope="package")
def client(session: Session) -> mixpeek.ApiClient:
    return session.client()


@pytest.fixture(scope="package")
def reader(session: Session, django_db_blocker: DjangoDbBlocker) -> mixpeek.ApiClient:
    """With a key that may only read."""
    with django_db_blocker.unblock():
        of = Namespace.objects.get(public_id=session.namespace).organization
        return session.client(cast.token(of, Permission.READ))


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Only so that pytest-django makes the test database, whichever tests run."""
