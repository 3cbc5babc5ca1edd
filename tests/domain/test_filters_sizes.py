"""No stored document makes a filter fail: 16 MiB, words of a megabyte, thousands of elements."""

from typing import Any

import pytest

from documents.filters.operators import OPERATORS
from tests import cast
from tests.filters.store import found, put, record

pytestmark = pytest.mark.django_db

TEXTS = {
    "word of a megabyte": "x" * 1_200_000,
    "word of many bytes": "\U00020000" * 400_000,
    "long text": "many words make a chapter " * 60_000,
    "different words": " ".join(f"w{number}" for number in range(300_000)),
    "parts of words": " ".join(
        f"{chr(0x4E00 + n // 150)}{chr(0x4E00 + n % 150)}-{chr(0x5E00 + n % 999)}{chr(0x5E00 + n // 999)}" for n in range(20_000)
    ),
}


def filters() -> list[dict[str, Any]]:
    asked = [{"field": "x", "operator": one.name, "value": one.example} for one in OPERATORS.values()]
    return [
        *asked,
        *({**one, "case_sensitive": True} for one in asked),
        {"x": {"a": 1}},
        {"field": "x", "operator": "gt", "value": "2024-01-01"},
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_every_operator_takes_what_can_be_stored(name: str) -> None:
    api = cast.api()
    collection = cast.collection(api)
    put(
        api.scope,
        [
            record(document_id="string", collection_id=collection, payload={"x": TEXTS[name]}),
            record(document_id="element", collection_id=collection, payload={"x": [[], TEXTS[name]]}),
            record(document_id="object", collection_id=collection, payload={"x": {"y": TEXTS[name]}}),
        ],
    )
    selected = found(api.scope, [*filters(), {"field": "x", "operator": "text", "value": "w299999"}, {"x": TEXTS[name].upper()}])
    assert selected[-2] == ({"string", "element"} if name == "different words" else set())
    assert selected[-1] == {"string", "element"}


@pytest.mark.full
def test_a_document_as_large_as_they_get() -> None:
    api = cast.api()
    text = "many words make a chapter " * 600_000
    put(api.scope, [record(collection_id=cast.collection(api), payload={"x": text})])
    for asked in [*filters(), {"x": text}]:
        [selected] = found(api.scope, [asked])
        assert isinstance(selected, set)
    assert found(api.scope, [{"x": text.upper()}, {"field": "x", "operator": "text", "value": "chapter"}]) == [{"doc"}] * 2


def test_words_far_into_a_text_are_found() -> None:
    api = cast.api()
    text = "lorem-ipsum dolor " * 50_000 + " https://Example.com/a/b Sit-Amet 1.5 <b>no</b>"
    asked = ["sit-amet", "AMET lorem", "example.com/a/b", "1.5 dolor", "no", "example.org", "lorem b2", "", "<b>"]
    for stored in (text, text[-1000:]):
        put(api.scope, [record(collection_id=cast.collection(api), payload={"x": stored})])
        selected = found(api.scope, [{"field": "x", "operator": "text", "value": words} for words in asked])
        assert [bool(ids) for ids in selected] == [True] * 5 + [False] * 4


def test_a_list_of_a_thousand_values() -> None:
    api = cast.api()
    put(api.scope, [record(collection_id=cast.collection(api), payload={"x": "V999"})])
    values = [f"v{number}" for number in range(1000)]
    everything = [{"field": "x", "operator": operator, "value": values} for operator in ("in", "nin")]
    assert found(api.scope, everything) == [{"doc"}, set()]
    numbers = [{"field": "x", "operator": operator, "value": [*range(1000)]} for operator in ("in", "nin")]
    assert found(api.scope, numbers) == [set(), {"doc"}]
