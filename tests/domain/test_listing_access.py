"""What the default indexes find holds all that the filter does, whatever is stored; and nothing stored is too much for them."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.filters import predicate, read_filters
from documents.listing.access import Access, accesses
from mixpeek_site import jsonio, sql
from tests import cast, generators
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.filters.generating import KEYS, NUMBERS, STRINGS, TEXT_COLUMNS
from tests.filters.store import Record, put, record

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024
FILTERS = 25
"""Filters of one example."""

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
FOLDING = (
    *("İ", "i", "I", "\u0131", "ß", "ẞ", "SS", "ΑΣ", "\u03b1ς", "\u03b1\u03c3", "K", "k", "Ⱥ", "ⱥ", "ǅ", "ﬁ", "\u017f", "s"),
    *("\nΣ", "\u2028Σ", "É", "é"),
)
NASTY = (
    "a",
    "A",
    "b",
    "B",
    "0",
    "1",
    "00",
    "²",
    "x.y",
    'quo"te',
    "back\\slash",
    "\\",
    '"',
    "",
    " ",
    "%s",
    "$",
    "/",
    "~",
    "\n",
    "é",
    "É",
)

keys = st.sampled_from(NASTY) | st.sampled_from(NASTY) | st.sampled_from(KEYS) | st.sampled_from(FOLDING)
scalars: st.SearchStrategy[Any] = (
    st.sampled_from(FOLDING) | st.sampled_from(STRINGS) | st.sampled_from(NUMBERS) | st.booleans() | st.none()
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.lists(inner, max_size=2), max_size=2) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=10,
)
objects: st.SearchStrategy[Any] = st.dictionaries(keys, values, max_size=4)
texts = st.none() | st.sampled_from(FOLDING) | st.sampled_from(("obj_1", "OBJ_1", "a/b", "'", "\\", '"'))


@st.composite
def records(draw: st.DrawFn, collections: list[str]) -> list[Record]:
    return [draw(_record(f"Doc_{number}", collections)) for number in range(draw(st.integers(1, 6)))]


@st.composite
def _record(draw: st.DrawFn, document_id: str, collections: list[str]) -> Record:
    made = record(document_id=document_id, collection_id=draw(st.sampled_from(collections)), payload=draw(objects))
    if draw(st.booleans()):
        made["internal_metadata"] = draw(objects)
        made["system"] = draw(st.dictionaries(st.sampled_from(("modality", "mime_type", "processing")), values, max_size=2))
    if draw(st.booleans()):
        made |= {name: draw(texts) for name in TEXT_COLUMNS}
        made["source_type"] = draw(st.sampled_from((None, "bucket", "collection")))
    return made


def reached(value: Any, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths to the scalars of a value: into an array by an element's number, or straight to the elements' members."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from reached(member, (*steps, name))
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from reached(element, (*steps, str(place)))
            yield from reached(element, steps)
    elif value is not None:
        yield steps, value


def pointer(steps: tuple[str, ...]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def conditions(stored: list[Record], chance: random.Random) -> list[Any]:
    """Equality and `in` on what is stored, mostly: in another case, one level off, or beside something else."""
    found: list[tuple[str, Any]] = [("document_id", each["document_id"]) for each in stored]
    for each in stored:
        found += [(pointer(steps), value) for steps, value in reached(each["payload"]) if len(steps) <= 60]
        for part, prefix in (("internal_metadata", "_internal.metadata"), ("system", "_internal")):
            plain = [(steps, value) for steps, value in reached(each[part]) if all(step and "." not in step for step in steps)]
            found += [(".".join((prefix, *steps)), value) for steps, value in plain]
        found += [(f"lineage.{name}", each[name]) for name in ("source_type", *TEXT_COLUMNS) if each[name] is not None]
    return [_condition(chance, *chance.choice(found), found) for _ in range(FILTERS)]


def _condition(chance: random.Random, field: str, value: Any, found: list[tuple[str, Any]]) -> Any:
    if isinstance(value, str):
        value = chance.choice((value, value, value.upper(), value.lower(), value.swapcase()))
    if chance.random() < 0.1:
        value = chance.choice(found)[1]
    if field.startswith("/") and chance.random() < 0.1:
        field = field.rpartition("/")[0] or field
    said = {"field": field, "case_sensitive": chance.random() < 0.3}
    if chance.random() < 0.3:
        others = [chance.choice(found)[1] for _ in range(chance.randrange(3))]
        return {**said, "operator": "in", "value": [*others, value, *([None] if chance.random() < 0.2 else [])]}
    if chance.random() < 0.2:
        other = chance.choice(found)
        return {chance.choice(("AND", "OR")): [{**said, "value": value}, {"field": other[0], "value": other[1]}]}
    return {**said, "value": value}


def served(filter: Any) -> list[Access]:
    return accesses(read_filters(filter, ("body", "filters")), lambda condition: None)


FROM = (
    " JOIN documents_document d ON d.namespace_id = scope.namespace_id"
    " JOIN namespaces_collection c ON c.id = d.collection_id"
    " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"
)


def missed(api: Api, filters: list[Any]) -> list[tuple[str, Any]]:
    """Documents that a filter selects and an access of it does not find. One statement."""
    pairs = [(filter, access) for filter in filters for access in served(filter)]
    cte, params = api.scope.cte()
    columns = []
    for filter, access in pairs:
        holds = predicate(read_filters(filter, ("body", "filters")))
        columns.append((f"({holds.text}) AND ({access.condition.text}) IS NOT TRUE", (*holds.params, *access.condition.params)))
    rows = sql.rows(
        f"WITH {cte} SELECT d.document_id, ARRAY[{', '.join(text for text, _ in columns)}] FROM scope{FROM}",
        (*params, *(param for _, of in columns for param in of)),
    )
    return [(name, pairs[place][0]) for name, answers in rows for place, answer in enumerate(answers) if answer]


def missed_by_index(api: Api, filters: list[Any]) -> list[tuple[str, Any]]:
    """The same through the indexes themselves: a statement for each access, which may read the tables in no other way."""
    found = []
    for filter in filters:
        holds = predicate(read_filters(filter, ("body", "filters")))
        cte, params = api.scope.cte()
        expected = {
            row[0]
            for row in sql.rows(f"WITH {cte} SELECT d.document_id FROM scope{FROM} WHERE {holds.text}", (*params, *holds.params))
        }
        for access in served(filter):
            source, alias = ("documents_document d", "d") if access.table == "documents" else ("documents_lineagestep l", "l")
            statement = (
                f"WITH {cte} SELECT d.document_id FROM scope JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id"
                f" CROSS JOIN LATERAL (SELECT {alias}.id FROM {source} WHERE {alias}.namespace_id + 0 = c.namespace_id"
                f" AND {alias}.collection_id + 0 = c.id AND {access.condition.text} OFFSET 0) x"
                " JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.id = x.id"
            )
            plan = "\n".join(row[0] for row in sql.rows(f"EXPLAIN {statement}", (*params, *access.condition.params)))
            assert f"Bitmap Index Scan on {'document' if alias == 'd' else 'lineage'}_terms" in plan, plan
            names = {row[0] for row in sql.rows(statement, (*params, *access.condition.params))}
            found += [(name, filter) for name in expected - names]
    return found


def run(examples: int, *, by_index: bool) -> None:
    api = cast.api()
    collections = [cast.collection(api), cast.collection(api)]
    hits = 0
    if by_index:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET)
    @given(records(collections), st.randoms(use_true_random=False))
    def holds(stored: list[Record], chance: random.Random) -> None:
        nonlocal hits
        put(api.scope, stored)
        filters = conditions(stored, chance)
        hits += sum(map(len, map(served, filters)))
        assert (missed_by_index(api, filters[:8]) if by_index else missed(api, filters)) == []

    holds()
    assert hits > examples * 8, "next to no filter was served"


def test_an_access_finds_all_that_the_filter_selects() -> None:
    run(60, by_index=False)


def test_an_index_finds_all_that_the_filter_selects() -> None:
    run(15, by_index=True)


@pytest.mark.full
def test_an_access_finds_all_in_fifty_thousand_cases() -> None:
    run(2000, by_index=False)


@pytest.mark.full
def test_an_index_finds_all_in_thousands_of_cases() -> None:
    run(400, by_index=True)


DEEP: dict[str, Any] = {
    "a.0.0.0": {"a": [[["x"]]]},
    "a.0.0.0.": {"a": [[[["x"]]]]},
    "a.0.0.b": {"a": [[{"b": "x"}]]},
    "a.0.0.b.0.c": {"a": [[{"b": [{"c": ["x"]}]}]]},
    "a.b.0": {"a": [{"b": ["x"]}, {"b": [["x"]]}]},
    "a.0.1": {"a": [{"1": "x"}]},
    "0.a": {"0": [{"a": "x"}]},
    "a": {"a": ["x"]},
    "b.0.c": {"b": [[{"c": "x"}], {"c": "x"}], "B": 1},
}


@pytest.mark.parametrize("name", DEEP)
def test_elements_of_arrays_in_arrays_are_found(name: str) -> None:
    api = cast.api()
    put(api.scope, [record(collection_id=cast.collection(api), payload=DEEP[name])])
    filters = [{"field": name.rstrip("."), "value": "X"}, {"field": name.rstrip("."), "operator": "in", "value": ["y", "x"]}]
    assert all(map(served, filters))
    assert missed(api, filters) == []


# What is stored -------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
@given(generators.objects | objects, generators.objects | objects, generators.objects | objects)
def test_terms_and_words_can_be_had_of_anything(payload: Any, internal_metadata: Any, system: Any) -> None:
    parts = [jsonio.dumps(part) for part in (payload, internal_metadata, system)]
    row = sql.one(
        "SELECT documents_terms(12, 'Doc', %s::jsonb, %s::jsonb, %s::jsonb)::text, documents_words(12, %s::jsonb)::text",
        (*parts, parts[0]),
    )
    assert row is not None
    terms = jsonio.loads(row[0])
    assert terms["12d"] == "doc"
    assert terms.keys() - {"12i", "12s"} == {"12", "12d"}
    assert "\x0112" in row[1]


def nested(levels: int) -> Any:
    value: Any = "Deepest"
    for level in range(levels):
        value = {f"K{level}": value, f"k{level}": level} if level % 2 else [value]
    return value


def cjk(words: int) -> str:
    return " ".join(
        f"{chr(0x4E00 + n % 20_000)}字-{chr(0xAC00 + n % 11_000)}{chr(0x4E00 + n // 3 % 20_000)}" for n in range(words)
    )


TOO_MUCH: dict[str, Any] = {
    "a word of a megabyte": {"v": "x" * MIB},
    "words of a megabyte": {"v": [f"{n}" + "é" * (MIB // 4) for n in range(4)]},
    "keys of 10 kB": {f"{n}{'K' * 10_000}": {f"{n}{'k' * 10_000}": n} for n in range(50)},
    "64 levels": {"v": nested(63)},
    "many hyphenated words": {"v": cjk(60_000)},
    "many short ones": {"v": " ".join(f"{n:x}.ab/{n % 999:x}" for n in range(100_000))},
    "many numbers": {"v": list(range(200_000))},
    "many keys": {f"k{n}": n for n in range(50_000)},
    "many keys of two cases": {f"{'kK'[n % 2]}{n // 2}": n for n in range(50_000)},
    "many objects with keys of two cases": {"v": [{"a": n, "A": -n} for n in range(50_000)]},
    "two keys of two cases beside much else": {"a": 1, "A": 2, "v": [0] * 500_000},
    "few objects with keys of two cases": {"v": [{"a": n, "A": -n} for n in range(2_000)]},
    "wide numbers": {"v": [10**999 + n for n in range(400)]},
    "what grows when folded": {"v": "ȺȾ" * 100_000, "w": ["İ"] * 10_000},
    "quotes and escapes": {"v": "\"\\\x01'" * 100_000, "\x01": ["\\u0000"] * 1000},
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_nothing_is_too_much_for_the_indexes(what: str) -> None:
    """It is stored, changed, and found by what it has in common with others."""
    check(TOO_MUCH[what])


def check(fields: Any) -> None:
    api = cast.api()
    documents = Documents(api, cast.collection(api))
    made = documents.new({**fields, "Kind": "Nasty", "document_id": "doc_X", "source_object_id": "Obj"})
    assert documents.patch(made, {"kind": "Changed", "n": 2**53 + 1}).status_code == 200
    filters = [
        *({"Kind": "nasty"}, {"kind": "CHANGED"}, {"n": 2**53 + 1}, {"document_id": "DOC_x"}, {"root_object_id": "obj"}),
        *({"field": "kind", "operator": "in", "value": ["a", "changed"]}, {"/Kind": "Nasty"}),
    ]
    assert all(map(served, filters))
    assert missed(api, filters) == []
    for filter in filters:
        assert List.of(documents, filters=filter).ids() == [made]
    assert List.of(documents, filters={"kind": "nasty"}).ids() == []
    assert List.of(documents, search="-nowhere").ids() == [made]


def of_16_mib(part: str) -> dict[str, Any]:
    full = 16 * MIB - 2000
    parts: dict[str, dict[str, Any]] = {
        "one word": {"v": "X" * full},
        "words": {"v": ("%x " * (full // 8)) % tuple(0xAAAAAA + n for n in range(full // 8))},
        "wide words": {"v": cjk(full // 14)},
        "short numbers": {"v": [n % 10 for n in range(full // 3)]},
        "numbers": {"v": [10**6 + n for n in range(full // 9)]},
        "keys": {f"k{n:07}": n % 10 for n in range(full // 14)},
        "keys of two cases": {f"{'kK'[n % 2]}{n // 2:07}": n % 10 for n in range(full // 14)},
        "objects with keys of two cases": {"v": [{"a": n % 10, "A": n % 10} for n in range(full // 15)]},
        "empty containers": {"v": [[] for _ in range(full // 4)]},
    }
    return parts[part]


@pytest.mark.full
@pytest.mark.parametrize(
    "part",
    [
        *("one word", "words", "wide words", "short numbers", "numbers", "keys", "keys of two cases"),
        *("objects with keys of two cases", "empty containers"),
    ],
)
def test_16_mib_of_anything_are_not_too_much(part: str) -> None:
    check(of_16_mib(part))
