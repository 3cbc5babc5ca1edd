"""documents_order_key: in the order of the values, whatever they are, and small enough for an index."""

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixpeek_site.jsonio import dumps, loads

pytestmark = pytest.mark.django_db

LONG = "x" * 199
strings = st.one_of(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=4),
    # Around the cut, in one, two and four bytes a character.
    st.builds("{}{}".format, st.sampled_from([LONG, LONG + "é", "é" * 200, "𝄞" * 199, "\\" * 200]), st.sampled_from("axyé𝄞\x01")),
    st.sampled_from(["", LONG, LONG + "x", LONG + "xx", '"' * 300, "\u007f", "\uffff", "\U0010ffff"]),
)
numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([10**999, -(10**999), loads("1e-999"), loads("-1e-999"), loads("0.10"), loads("1." + "9" * 998), 0]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, strings)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(strings, inner, max_size=2)),
    max_leaves=6,
)
nasty = st.one_of(values, st.lists(scalars, max_size=2), st.sampled_from([[], {}, [[]], [{}], [None], [[], []], {"a": []}]))

_JUDGED = """
WITH pairs AS (
    SELECT a.v AS a, b.v AS b FROM unnest(%s::jsonb[]) WITH ORDINALITY AS a(v, i), unnest(%s::jsonb[]) WITH ORDINALITY AS b(v, j)
)
SELECT a, b, documents_order_key(a), documents_order_key(b) FROM pairs
WHERE (a < b AND documents_order_key(a) > documents_order_key(b))
   OR (a = b AND documents_order_key(a) <> documents_order_key(b))
   OR (a < b AND documents_order_key(a) = documents_order_key(b) AND NOT documents_order_cut(documents_order_key(a)))
   OR documents_order_cut(documents_order_key(a)) IS NULL
   OR pg_column_size(documents_order_key(a)) > 1000
"""


def misjudged(all_values: list[Any]) -> list[Any]:
    texts = [dumps(value) for value in all_values]
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, [texts, texts])
        return list(cursor.fetchall())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(nasty, min_size=2, max_size=12))
def test_values_and_keys_have_one_order(all_values: list[Any]) -> None:
    assert misjudged(all_values) == []


def test_the_kinds_of_values_are_told_apart_at_their_ends() -> None:
    ends: list[Any] = [
        [],
        None,
        "",
        "\U0010ffff" * 300,
        -(10**999),
        10**999,
        False,
        True,
        [None],
        ["a"],
        [[]],
        [{}],
        [1, 2],
        {},
        {"a": 1},
    ]
    assert misjudged(ends) == []


def test_a_key_of_a_huge_value_is_small() -> None:
    deep: Any = "z" * 1_000_000
    for _ in range(62):
        deep = [deep]
    huge = [deep, ["z" * 1_000_000] * 3, {"k" * 10_000: "z" * 1_000_000}, "𝄞" * 1_000_000, "\x01" * 1000, list(range(100_000))]
    assert misjudged(huge) == []
