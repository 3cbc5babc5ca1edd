"""Staff of the tests: who is signed in, what they see, and what a page costs.

page = staff.get(client, f"/tree/{place.pk}/obj_1/")
with staff.statements() as asked: …; assert len(asked) == 2
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from documents import services
from documents.inputs import read_create
from documents.stored import StoredDocument
from mixpeek_site import jsonio, sql
from namespaces.models import Namespace
from namespaces.scope import Scope
from tests import cast

EXACT = '{"big": 18446744073709551617, "tiny": 0.1000000000000000055, "huge": 1e40, "price": 1.10, "none": null}'


def superuser() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


def staff(*permissions: str) -> Client:
    """Staff with these permissions alone: "view_document", …"""
    client = Client(raise_request_exception=False)
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def viewer() -> Client:
    """Staff that may see everything and change nothing."""
    client = Client(raise_request_exception=False)
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


class Place:
    """A namespace with a collection and a bucket, and documents in it by a word."""

    def __init__(self) -> None:
        self.api = cast.api()
        self.scope: Scope = self.api.scope
        self.namespace = Namespace.objects.get(public_id=self.api.namespace)
        self.pk: int = self.namespace.pk
        self.collection = cast.collection(self.api)
        self.bucket = cast.bucket(self.api)

    def document(self, document_id: str | None = None, *, collection: str | None = None, **body: Any) -> StoredDocument:
        given = read_create({**({"document_id": document_id} if document_id else {}), **body})
        return services.create_document(scope=self.scope, collection=collection or self.collection, given=given)

    def child(self, parent: StoredDocument, document_id: str | None = None, **body: Any) -> StoredDocument:
        source = {"source_collection_id": parent.collection, "source_document_id": parent.document_id}
        return self.document(document_id, **source, **body)

    def first(self, object_id: str, document_id: str | None = None, **body: Any) -> StoredDocument:
        """A document that comes from a root object."""
        return self.document(document_id, root_object_id=object_id, source_type="bucket", **body)


def get(client: Client, path: str, status: int = 200) -> str:
    """The text of a page below /admin/."""
    response = client.get("/admin" + path)
    assert response.status_code == status, (response.status_code, response.content[:500])
    return text(response)


def post(client: Client, path: str, data: dict[str, Any], status: int = 302) -> str:
    response = client.post("/admin" + path, data)
    assert response.status_code == status, (response.status_code, text(response)[-3000:])
    return text(response)


def text(response: Any) -> str:
    """What is on the page: entities resolved, tags and their attributes left in."""
    return html.unescape(response.content.decode())


def words(page: str) -> str:
    """The page without its tags, blanks collapsed."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def edit_path(place: Place, document_id: str) -> str:
    return f"/document/{place.pk}/{document_id}/edit/"


def stored(place: Place, document_id: str) -> Any:
    """The payload as it is stored, numbers exact."""
    row = sql.one(
        "SELECT payload::text FROM documents_document WHERE namespace_id = %s AND document_id = %s", (place.pk, document_id)
    )
    assert row is not None
    return jsonio.loads(row[0])


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement, of the ORM and of hand-written SQL, without those of session and user."""
    asked: list[str] = []
    run = sql.run

    def noted(statement: str, params: Any = ()) -> Any:
        asked.append(statement)
        return run(statement, params)

    with mock.patch.object(sql, "run", noted), CaptureQueriesContext(connection) as captured:
        yield asked
    asked += [query["sql"] for query in captured if not _is_sign_in(query["sql"])]


def _is_sign_in(statement: str) -> bool:
    return any(table in statement for table in ("django_session", '"auth_user"', "auth_permission", "SAVEPOINT"))
