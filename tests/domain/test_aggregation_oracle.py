"""Whatever documents there are and whatever is asked: the server answers what plain Python works out (aggregation_oracle.py)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixpeek_site import jsonio, sql
from namespaces.models import Collection
from tests import cast
from tests.cast import Api
from tests.domain.aggregation_oracle import NO_TIMES, TIMES, Row, answer, canonical

pytestmark = pytest.mark.django_db

START = datetime(2025, 10, 31, 22, 0, tzinfo=UTC)
NUMBERS = [0, 1, Decimal("1.0"), -2, Decimal("0.1"), Decimal("0.2"), 2**53 + 1, 2**64 + 1, Decimal("1e40"), Decimal("2.5")]
TEXTS = ["a", "A", "b", "é", "1", "", "%s", 'quo"te', *TIMES, *NO_TIMES]

numbers = st.sampled_from(NUMBERS)
scalars = st.none() | st.booleans() | numbers | st.sampled_from(TEXTS)
few = st.sampled_from(["a", "A", 1, Decimal("1.0"), None, True])
items = st.lists(scalars | st.lists(few, max_size=2) | st.fixed_dictionaries({}, optional={"x": few, "y": few}), max_size=3)
objects = st.fixed_dictionaries({}, optional={"x": scalars, "y": items, "0": few})
payloads = st.fixed_dictionaries(
    {},
    optional={
        "a": few | scalars | items | objects,
        "n": numbers | few,
        "t": st.sampled_from([*TIMES, *NO_TIMES, 2025, None]),
        "o": objects | st.lists(objects, max_size=3) | few,
        "tags": items | st.lists(few, max_size=4) | few,
        "-1": few,
    },
)
documents = st.lists(
    st.tuples(payloads, st.integers(0, 3), st.uuids(version=4), st.sampled_from([None, "video", "text"])),
    max_size=8,
    unique_by=lambda each: each[2],
)

FUNCTIONS = ["count_distinct", "sum", "avg", "min", "max", "first", "last", "push", "add_to_set"]
DATE_TRUNCS = ["year", "month", "week", "day", "hour", "minute", "second"]
DATE_PARTS = ["year", "month", "week", "day", "dayOfWeek", "dayOfYear", "hour", "minute", "second"]
PATHS = [
    *("a", "n", "t", "o", "tags", "o.x", "o.y", "o.y.0", "o.y.x", "o.0", "tags.0", "tags.-1", "tags.x", "/tags/1", "a.x"),
    *("-1", "/-1", "document_id", "created_at", "modality", "nowhere", "nowhere.x"),
]
paths = st.sampled_from(PATHS)
keys = st.fixed_dictionaries({"field": paths}) | st.fixed_dictionaries(
    {"field": st.sampled_from(["t", "created_at", "tags", "a"]), "date_trunc": st.sampled_from(DATE_TRUNCS)}
)
parts = st.fixed_dictionaries(
    {"field": st.sampled_from(["t", "created_at", "a"]), "date_part": st.sampled_from(DATE_PARTS)},
)
metrics = st.fixed_dictionaries({"function": st.just("count")}, optional={"field": paths}) | st.fixed_dictionaries(
    {
        "function": st.sampled_from(FUNCTIONS),
        "field": paths,
    },
    optional={"distinct_field": paths},
)
BOUNDARIES: list[int | Decimal] = [-1, 0, Decimal("0.1"), 1, 2, 100]
boundaries = st.lists(st.sampled_from(BOUNDARIES), min_size=1, max_size=4, unique=True).map(lambda drawn: sorted(drawn))
buckets = st.fixed_dictionaries(
    {"field": st.sampled_from(["n", "a", "tags", "o.x", "document_id"]), "boundaries": boundaries},
    optional={"default_bucket": st.sampled_from(["rest", None])},
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A body whose aliases are g0, g1, …, m0, m1, …; a range bucket's is its field."""
    grouped = [{**key, "alias": f"g{number}"} for number, key in enumerate(draw(st.lists(keys | parts, max_size=3)))]
    measured = [
        {**metric, "alias": f"m{number}"} for number, metric in enumerate(draw(st.lists(metrics, min_size=1, max_size=4)))
    ]
    ranged = draw(st.lists(buckets, max_size=1))
    aliases = [each["alias"] for each in (*grouped, *measured)]
    body: dict[str, Any] = {"group_by": grouped, "aggregations": measured}
    if ranged:
        body["range_buckets"] = ranged
    if draw(st.booleans()):
        body["unwind"] = draw(st.sampled_from(["tags", "o", "o.y", "a", "nowhere"]))
    body["having"] = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "field": st.sampled_from(aliases),
                    "operator": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
                    "value": st.sampled_from([0, 1, 2, Decimal("1.5"), "a", "2025-10-31", "2025-10-31T00:00:00Z"]),
                }
            ),
            max_size=draw(st.sampled_from([0, 0, 1, 2])),
        )
    )
    if draw(st.booleans()):
        orders = [each["alias"] for each in (*grouped, *measured) if each.get("function") not in ("push", "add_to_set")]
        body["sort_by"] = draw(st.sampled_from([*orders, *(key["field"] for key in grouped), None]))
    body["sort_direction"] = draw(st.sampled_from(["asc", "desc", "ASC", "Desc", None]))
    body["limit"] = draw(st.sampled_from([None, 1, 2, 10_000]))
    return body


@pytest.fixture
def api() -> Api:
    return cast.api()


def store(collection: Collection, rows: list[Row]) -> None:
    """In one statement each: this test asks, it does not test writing."""
    sql.run("DELETE FROM documents_document WHERE namespace_id = %s", (collection.namespace_id,))
    sql.run(
        "INSERT INTO documents_document (id, document_id, payload, internal_metadata, system, source_blobs, document_blobs,"
        " version, created_at, updated_at, collection_id, namespace_id)"
        " SELECT r.id, r.document_id, r.payload, '{}', r.system, '[]', '[]', 1, r.created_at, r.created_at, %s, %s"
        " FROM jsonb_to_recordset(%s::jsonb) AS r"
        " (id uuid, document_id text, payload jsonb, system jsonb, created_at timestamptz)",
        (
            collection.pk,
            collection.namespace_id,
            jsonio.dumps(
                [
                    {
                        "id": row.id,
                        "document_id": row.document_id,
                        "payload": row.payload,
                        "system": {"modality": row.modality} if row.modality else {},
                        "created_at": row.created_at.isoformat(),
                    }
                    for row in rows
                ]
            ),
        ),
    )


def as_rows(drawn: list[Any]) -> list[Row]:
    return [
        Row(payload, f"doc_{number}", START + timedelta(minutes=40 * minutes, milliseconds=minutes), str(unique), modality)
        for number, (payload, minutes, unique, modality) in enumerate(drawn)
    ]


def test_answers_are_those_of_plain_python(api: Api) -> None:
    holds_of(api, examples=400)


@pytest.mark.full
def test_answers_are_those_of_plain_python_to_many_more_questions(api: Api) -> None:
    holds_of(api, examples=5000)


def holds_of(api: Api, *, examples: int) -> None:
    collection = Collection.objects.get(public_id=cast.collection(api))
    url = f"/v1/collections/{collection.public_id}/documents/aggregate"

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents, requests())
    def holds(drawn: list[Any], body: dict[str, Any]) -> None:
        rows = as_rows(drawn)
        store(collection, rows)
        response = api.post(url, body)
        assert response.status_code == 200, response
        found = response.json()
        total, expected = answer(rows, body)
        assert found["total_groups"] == total
        averages = {each["alias"] for each in body["aggregations"] if each["function"] == "avg"}
        shown = [
            {
                "group": {alias: canonical(value) for alias, value in each["group"].items()},
                "metrics": {alias: canonical(value) for alias, value in each["metrics"].items()},
            }
            for each in found["results"]
        ]
        assert len(shown) == len(expected)
        for one, other in zip(shown, expected, strict=True):
            for alias in averages:
                assert close(one["metrics"].pop(alias), other["metrics"].pop(alias))
            assert one == other

    holds()


def close(one: Any, other: Any) -> bool:
    """The same to 15 significant digits: a quotient need not end."""
    if one[0] != "number" or other[0] != "number":
        return bool(one == other)
    found, exact = Fraction(one[1]), Fraction(other[1])
    return abs(found - exact) <= abs(exact) / 10**15
