"""The cast of the tests: plain builders of organizations, keys and places, and a client that speaks the API's JSON.

api = cast.api()                                   # an ADMIN key of a new organization, in its one namespace
collection = cast.collection(api)                  # → "col_…"
response = api.post(f"/v1/collections/{collection}/documents", {"title": "x"})
foreign = cast.api()                               # every call without arguments is another organization
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import simplejson
from django.test import Client

from documents.features import extension
from mixpeek_site import jsonio
from namespaces import services
from namespaces.models import Namespace, Organization, Permission
from namespaces.scope import Scope

_numbers = itertools.count(1)

SCHEMA: dict[str, Any] = {"properties": {"video": {"type": "video"}, "title": {"type": "string"}}}


observers: list[Callable[[str, str, Any], None]] = []
"""Called with method, URL and response of every request that the tests make."""


def observed(method: str, url: str, response: Any) -> None:
    for observe in observers:
        observe(method, url, response)


class Response:
    """A response with what tests look at: status, headers, exact JSON, and the two parts of an error."""

    def __init__(self, response: Any) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.content: bytes = b"".join(response) if response.streaming else response.content

    def json(self) -> Any:
        """The body with exact numbers (int and Decimal)."""
        return simplejson.loads(self.content, use_decimal=True)

    @property
    def error(self) -> str:
        """The stable `type` of the error."""
        return str(self.json()["error"]["type"])

    @property
    def faults(self) -> list[str]:
        """Where a 422 found something wrong: `body.limit`, `query.page`, …"""
        found = self.json()["error"]["details"]["validation_errors"]
        return [".".join(map(str, fault["location"])) for fault in found]

    def __repr__(self) -> str:
        return f"<{self.status_code} {self.content[:600].decode(errors='replace')}>"


class Api:
    """A client of the API with one key, in one namespace (None: without the header)."""

    def __init__(self, token: str | None, namespace: str | None = None, *, scope: Scope | None = None) -> None:
        self.token = token
        self.namespace = namespace
        self._scope = scope
        self._client = Client(raise_request_exception=False)

    @property
    def scope(self) -> Scope:
        """The namespace for calls of services and queries."""
        assert self._scope is not None, "this client was not made by cast.api()"
        return self._scope

    def get(self, path: str, **headers: str) -> Response:
        return self.call("GET", path, **headers)

    def head(self, path: str, **headers: str) -> Response:
        return self.call("HEAD", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.call("DELETE", path, body, **headers)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Response:
        """`body`: bytes or text as they are, else sent as JSON. `headers` by name with `_` for `-`, over the usual ones."""
        data = body if isinstance(body, bytes | str) else "" if body is None else jsonio.dumps(body)
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.namespace is not None:
            sent["X-Namespace"] = self.namespace
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        response = Response(self._client.generic(method, path, data, content_type=content_type, headers=sent))
        observed(method, path, response)
        return response

    def key(self, permission: Permission, *patterns: str) -> "Api":
        """The same namespace through another key of the organization."""
        organization = Organization.objects.get(pk=self.scope.organization_id)
        return Api(token(organization, permission, *patterns), self.namespace, scope=self._scope)


def organization() -> Organization:
    return services.create_organization(name=f"Organization {next(_numbers)}")


def token(of: Organization, permission: Permission = Permission.ADMIN, *patterns: str) -> str:
    """A key's token, as a client sends it."""
    _, made = services.create_api_key(
        organization=of, name=f"key {next(_numbers)}", permission=permission, namespace_patterns=patterns
    )
    return made


def namespace(of: Organization, name: str | None = None) -> Namespace:
    return services.create_namespace(organization_id=of.pk, name=name or f"namespace {next(_numbers)}")


def scope_of(place: Namespace) -> Scope:
    return Scope(place.organization_id, place.organization.public_id, place.public_id, ())


def api(of: Organization | None = None, permission: Permission = Permission.ADMIN) -> Api:
    """A key in a new namespace; without `of`, of a new organization too."""
    of = of or organization()
    place = namespace(of)
    return Api(token(of, permission), place.public_id, scope=scope_of(place))


def collection(api: Api, name: str | None = None, **config: Any) -> str:
    """A new collection's id. `config`: fields of the create body, such as feature_extractor."""
    config.setdefault("source", {"type": "bucket", "bucket_ids": ["bkt_somewhere"]})
    made = services.create_collection(scope=api.scope, name=name or f"collection {next(_numbers)}", config=config)
    return made.public_id


def vectors(**vectors: Any) -> dict[str, Any]:
    """The member `vectors` of a document's body, where the database has pgvector; for tests that hold without vectors, too."""
    return {"vectors": vectors} if extension.available() else {}


def bucket(api: Api, name: str | None = None, **config: Any) -> str:
    """A new bucket's id."""
    config.setdefault("bucket_schema", SCHEMA)
    return services.create_bucket(scope=api.scope, name=name or f"bucket {next(_numbers)}", config=config).public_id


def bucket_object(api: Api, bucket_id: str, object_id: str | None = None, **fields: Any) -> str:
    """A new object's id. `fields` are its user fields."""
    new = services.NewObject(object_id=object_id, fields=fields)
    return services.create_object(scope=api.scope, bucket_identifier=bucket_id, new=new).object_id


def compact(value: Any) -> str:
    """JSON text with sorted keys: for comparing bodies whose numbers must be the same to the digit."""
    return json.dumps(json.loads(jsonio.dumps(value), parse_float=str, parse_int=str), sort_keys=True)
