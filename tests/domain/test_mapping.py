"""What `--map`, `--id-field` and `--collection-field` make of a body."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.importing.mapping import Mapping
from documents.importing.preparing import Prepared, prepare
from documents.importing.reading import Line
from documents.importing.reporting import Failure
from documents.paths import name_of
from mixpeek_site import jsonio
from mixpeek_site.errors import ValidationError
from tests import generators
from tests.cast import compact


@pytest.mark.parametrize(
    ("body", "options", "made"),
    [
        ({"name": "n", "x": 1}, {"moves": ["name=metadata.title"]}, {"x": 1, "metadata": {"title": "n"}}),
        ({"a": {"b": {"c": 1}, "d": 2}}, {"moves": ["a.b.c=e"]}, {"a": {"d": 2}, "e": 1}),
        ({"a": {"b": {"c": 1}}}, {"moves": ["a.b.c=e"]}, {"e": 1}),
        ({"a": 1, "b": 2}, {"moves": ["a=b", "b=a"]}, {"a": 2, "b": 1}),
        ({"a": 1}, {"moves": ["b=c"]}, {"a": 1}),
        ({"a": 1, "b": 2}, {"moves": ["a="]}, {"b": 2}),
        ({"a.b": 1}, {"moves": ["/a.b=/c.d"]}, {"c.d": 1}),
        ({"a": None, "b": 1}, {"moves": ["b=a"]}, {"a": 1}),
        ({"pid": 7}, {"moves": ["pid=source_document_id"]}, {"source_document_id": "7"}),
        ({"kind": "k"}, {"moves": ["kind=internal_metadata.kind"]}, {"internal_metadata": {"kind": "k"}}),
        ({"code": "x", "n": 1}, {"id_field": "code"}, {"code": "x", "n": 1, "document_id": "x"}),
        ({"a": {"code": 12}}, {"id_field": "a.code"}, {"a": {"code": 12}, "document_id": "12"}),
        ({"code": "x"}, {"id_field": "code", "moves": ["code="]}, {"document_id": "x"}),
        ({"document_id": 5}, {"id_field": "document_id"}, {"document_id": "5"}),
    ],
)
def test_what_becomes_of_a_body(body: Any, options: Any, made: Any) -> None:
    assert Mapping.of(**options).apply(body) == (made, None)


@pytest.mark.parametrize(
    ("body", "options", "reason"),
    [
        ({"a": 1, "b": 2}, {"moves": ["a=b"]}, "body.b: is there already, and a is to go there"),
        ({"a": 1, "b": 2}, {"moves": ["a=b.c"]}, "can't take a: b is no object"),
        ({"a": 1}, {"id_field": "code"}, "body.code: is missing, and --id-field needs it"),
        ({"code": ""}, {"id_field": "code"}, "is missing"),
        ({"code": "x", "document_id": "y"}, {"id_field": "code"}, "body.document_id: is there already"),
        ({"c": True}, {"collection_field": "c"}, "must name a collection"),
        ({"a": [[[]]]}, {"moves": ["a=" + "b." * 62 + "c"]}, "deeper than 64"),
    ],
)
def test_a_body_that_can_not_be_mapped(body: Any, options: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as told:
        Mapping.of(**options).apply(body)
    assert reason in told.value.message


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"moves": ["a"]}, "SOURCE=TARGET"),
        ({"moves": ["=a"]}, "SOURCE=TARGET"),
        ({"moves": ["a=b", "a=c"]}, "a is mapped already"),
        ({"moves": ["a=b", "a.x=c"]}, "a is mapped already"),
        ({"moves": ["a=b", "c=b.x"]}, "b is another one's target"),
        ({"moves": ["a=vector"]}, "vector is a name that documents can't have"),
        ({"moves": ["a=_secret"]}, "_secret is a name that documents can't have"),
        ({"moves": ["a=document_id"], "id_field": "b"}, "give one of them"),
    ],
)
def test_options_that_contradict_each_other(options: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Mapping.of(**options)


def test_the_collection_is_named_by_a_field_and_stays_in_the_document() -> None:
    mapping = Mapping.of(["stage=metadata.stage"], collection_field="stage")
    assert mapping.apply({"stage": "scenes"}) == ({"metadata": {"stage": "scenes"}}, "scenes")
    assert mapping.apply({"stage": None}) == ({"metadata": {"stage": None}}, None)
    assert mapping.apply({"x": 1}) == ({"x": 1}, None)
    assert Mapping.of(collection_field="n").apply({"n": 3}) == ({"n": 3}, "3")


@given(generators.objects, st.lists(st.tuples(generators.keys, generators.keys), max_size=3))
def test_moves_there_and_back_change_nothing(body: Any, moves: list[tuple[str, str]]) -> None:
    """Keys are moved below one that nothing else has."""
    sources = list(dict.fromkeys(source for source, _ in moves if source in body))
    there = Mapping(tuple(((name,), ("moved to", name)) for name in sources))
    back = Mapping(tuple((("moved to", name), (name,)) for name in sources))
    before = copy.deepcopy(body)
    made, _ = there.apply(body)
    assert all(name not in made for name in sources)
    made, _ = back.apply(made)
    assert compact(made) == compact(before)


@given(generators.user_fields)
def test_a_mapping_of_nothing_that_is_there_prepares_what_none_does(body: Any) -> None:
    line = Line(1, jsonio.dumps(body).encode())
    plain, mapped = prepare(line, frozenset()), prepare(line, frozenset(), Mapping.of([f"{name_of(('no such',))}="]))
    assert isinstance(plain, Prepared)
    assert isinstance(mapped, Prepared)
    assert compact([jsonio.loads(text) for text in plain.texts]) == compact([jsonio.loads(text) for text in mapped.texts])
    assert isinstance(prepare(Line(1, b"[1]"), frozenset(), Mapping.of(["a=b"])), Failure)
