"""Trees made quickly, walks along them by `Link`, and rows that contradict what the server would write."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from documents.inputs import read_create
from documents.services import create_document
from tests.api.places import Documents
from tests.cast import Api, Response

PAGES = 500
_NEXT = re.compile(r'<([^>]*)>; rel="next"')


@dataclass(frozen=True)
class Walk:
    """A route that answers an array of documents, in pages that are linked."""

    api: Api
    url: str

    def answer(self) -> Response:
        response = self.api.get(self.url)
        assert response.status_code == 200, response
        return response

    def answers(self) -> Iterator[Response]:
        walk = self
        for _ in range(PAGES):
            answer = walk.answer()
            yield answer
            if "Link" not in answer.headers:
                return
            following = _NEXT.fullmatch(answer.headers["Link"])
            assert following, answer.headers["Link"]
            walk = Walk(self.api, following[1])
        raise AssertionError("the walk does not end")

    def pages(self) -> Iterator[list[str]]:
        for answer in self.answers():
            yield [str(document["document_id"]) for document in answer.json()]

    def ids(self) -> list[str]:
        return [name for page in self.pages() for name in page]

    def ids_of_one_page(self) -> list[str]:
        return next(iter(self.pages()))

    def cursor(self) -> str:
        """Of the second page."""
        following = re.search(r"[?&]cursor=([^&>]*)", self.answer().headers["Link"])
        assert following
        return following[1]


def plant(documents: Documents, parents: Mapping[str, str | None]) -> None:
    """Documents by their parents' ids, in their order; those without a parent come from `obj_root`."""
    for name, parent in parents.items():
        source = {"source_document_id": parent} if parent else {"source_object_id": "obj_root"}
        given = read_create({"document_id": name, **source})
        create_document(scope=documents.api.scope, collection=documents.collection, given=given)


def rewire(documents: Documents, parents: Mapping[str, str]) -> None:
    """Write another parent's id into rows, past every check."""
    with connection.cursor() as cursor:
        for name, parent in parents.items():
            cursor.execute(
                "UPDATE documents_lineagestep l SET source_document_id = %s FROM documents_document d"
                " WHERE d.namespace_id = l.namespace_id AND d.id = l.id AND d.document_id = %s",
                (parent, name),
            )
