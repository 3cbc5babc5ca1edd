"""The documents of one collection, as a test talks to them."""

from typing import Any

from documents.inputs import RESERVED
from tests.cast import Api, Response

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class Documents:
    """`create`, `get` and `fields` insist on success; the others return the response."""

    def __init__(self, api: Api, collection: str) -> None:
        self.api = api
        self.collection = collection
        self.path = f"/v1/collections/{collection}/documents"

    def url(self, document_id: str, query: str = "") -> str:
        return f"{self.path}/{document_id}{query}"

    def create(self, body: Any = None, query: str = "") -> Any:
        response = self.api.post(self.path + query, {} if body is None else body)
        assert response.status_code == 200, response
        return response.json()

    def new(self, body: Any = None) -> str:
        return str(self.create(body)["document_id"])

    def get(self, document_id: str, query: str = "") -> Any:
        response = self.api.get(self.url(document_id, query))
        assert response.status_code == 200, response
        return response.json()

    def fields(self, document_id: str) -> Any:
        """The user's fields."""
        return user_fields(self.get(document_id, "?schema_version=native"))

    def internal(self, document_id: str) -> Any:
        return self.get(document_id, "?schema_version=native")["_internal"]

    def lineage(self, document_id: str) -> Any:
        return self.internal(document_id).get("lineage")

    def post(self, body: Any, query: str = "", **headers: str) -> Response:
        return self.api.post(self.path + query, body, **headers)

    def put(self, document_id: str, body: Any, query: str = "", **headers: str) -> Response:
        return self.api.put(self.url(document_id, query), body, **headers)

    def patch(self, document_id: str, body: Any, query: str = "", **headers: Any) -> Response:
        return self.api.call("PATCH", self.url(document_id, query), body, **headers)

    def delete(self, document_id: str, query: str = "", **headers: str) -> Response:
        return self.api.delete(self.url(document_id, query), **headers)

    def list(self, body: Any = None, query: str = "") -> Response:
        return self.api.post(f"{self.path}/list{query}", {} if body is None else body)


def user_fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in RESERVED}
