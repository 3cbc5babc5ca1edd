"""A real server with places and documents in it, and an ADMIN key for them: what the fuzz tests shoot at."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from pytest_django import DjangoDbBlocker

from tests import cast
from tests.server import remove_committed


@dataclass
class Target:
    """The server, and ids of things that exist in it."""

    url: str
    headers: dict[str, str]
    ids: dict[str, str]
    session: requests.Session

    def request(self, method: str, path: str, body: Any = None) -> Any:
        response = self.session.request(method, self.url + path, json=body, headers=self.headers, timeout=60)
        assert response.status_code == 200, response.text
        return response.json()

    def restore(self) -> None:
        """Make again what a test has deleted."""
        for name, (path, make) in _MAKERS.items():
            if name not in self.ids or self.session.get(
                self.url + path.format_map(self.ids), headers=self.headers, timeout=60
            ).status_code not in (200, 304):
                self.ids[name] = make(self)


def _bucket(target: Target) -> str:
    body = {"bucket_name": os.urandom(8).hex(), "bucket_schema": cast.SCHEMA}
    return str(target.request("POST", "/v1/buckets", body)["bucket_id"])


def _object(target: Target) -> str:
    path = "/v1/buckets/{bucket_identifier}/objects".format_map(target.ids)
    return str(target.request("POST", path, {"title": "x"})["object_id"])


def _collection(target: Target) -> str:
    body = {"collection_name": os.urandom(8).hex(), "source": {"type": "bucket", "bucket_ids": ["bkt_1"]}}
    return str(target.request("POST", "/v1/collections", body)["collection_id"])


def _document(target: Target) -> str:
    path = "/v1/collections/{collection_identifier}/documents".format_map(target.ids)
    return str(target.request("POST", path, {"title": "x", "metadata": {"a": 1}})["document_id"])


def _root(target: Target) -> str:
    root = f"s3://videos/{os.urandom(8).hex()}"
    path = "/v1/collections/{collection_identifier}/documents".format_map(target.ids)
    target.request("POST", path, {"source_object_id": root})
    return root


def _namespace(target: Target) -> str:
    """Not the one that the requests are in: it may be deleted."""
    return str(target.request("POST", "/v1/namespaces", {"namespace_name": os.urandom(8).hex()})["namespace_id"])


_MAKERS: dict[str, tuple[str, Callable[[Target], str]]] = {
    "bucket_identifier": ("/v1/buckets/{bucket_identifier}", _bucket),
    "object_identifier": ("/v1/buckets/{bucket_identifier}/objects/{object_identifier}", _object),
    "collection_identifier": ("/v1/collections/{collection_identifier}", _collection),
    "document_id": ("/v1/collections/{collection_identifier}/documents/{document_id}", _document),
    "object_id": ("/v1/objects/{object_id}/documents", _root),
    "namespace_identifier": ("/v1/namespaces/{namespace_identifier}", _namespace),
}


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Only so that pytest-django makes the test database, whichever tests run."""


@pytest.fixture(scope="package")
def target(server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Target]:
    with django_db_blocker.unblock(), requests.Session() as session:
        organization = cast.organization()
        place = cast.namespace(organization)
        headers = {"Authorization": f"Bearer {cast.token(organization)}", "X-Namespace": place.public_id}
        target = Target(server, headers, {}, session)
        target.restore()
        yield target
        remove_committed()
