"""Walks through lists: every page of them, by cursor."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.api.places import Documents
from tests.cast import Api, Response

PAGES = 5_000
"""More than any walk of the tests has: one that does not end is an error."""


@dataclass(frozen=True)
class List:
    """A list route, with a body that every request of a walk has in common."""

    api: Api
    path: str
    body: dict[str, Any]

    @classmethod
    def of(cls, documents: Documents, **body: Any) -> "List":
        return cls(documents.api, f"{documents.path}/list", body)

    @classmethod
    def everywhere(cls, api: Api, **body: Any) -> "List":
        return cls(api, "/v1/documents/list", body)

    def ask(self, **more: Any) -> Response:
        return self.api.post(self.path, {**self.body, **more})

    def answer(self, **more: Any) -> Any:
        response = self.ask(**more)
        assert response.status_code == 200, response
        return response.json()

    def ids(self, **more: Any) -> list[str]:
        return ids(self.answer(**more))

    def cursor(self, **more: Any) -> str:
        cursor = self.answer(**{"limit": 1, **more})["pagination"]["next_cursor"]
        assert cursor, "the list has no second page"
        return str(cursor)

    def answers(self, limits: Iterable[int], **more: Any) -> Iterator[Any]:
        """Every page; the limits in turn."""
        cursor = None
        for limit in itertools.islice(itertools.cycle(limits), PAGES):
            answer = self.answer(limit=limit, cursor=cursor, **more)
            yield answer
            cursor = answer["pagination"]["next_cursor"]
            if cursor is None:
                return
        raise AssertionError("the walk does not end")

    def walk(self, *limits: int, **more: Any) -> list[str]:
        """The documents' ids of every page; no page but the last is shorter than its limit."""
        found: list[list[str]] = []
        for answer, limit in zip(self.answers(limits, **more), itertools.cycle(limits), strict=False):
            found.append(ids(answer))
            assert len(found[-1]) == limit or answer["pagination"]["next_cursor"] is None
        return [name for page in found for name in page]

    def groups(self, *limits: int, **more: Any) -> list[Any]:
        return [group for answer in self.answers(limits, **more) for group in answer["groups"]]


def ids(answer: Any) -> list[str]:
    return [str(document["document_id"]) for document in answer["results"]]
