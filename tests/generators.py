"""Hypothesis: what JSON values look like, and how many examples a run tries.

`HYPOTHESIS_PROFILE=full` tries many more; `make test` keeps to the small number.
"""

import os
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "derandomize": False,
}
settings.register_profile("quick", max_examples=25, **_COMMON)
settings.register_profile("full", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Every character that PostgreSQL stores: all of Unicode but NUL and surrogates.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
# Keys that tempt a server to confuse them: dots, cases, escapes, words of SQL and of this API.
keys = texts | st.sampled_from(
    ["a", "A", "a.b", "", ".", "a.", "0", "$a", "é", "É", "ß", "a\\b", 'a"b', "a'b", "%s", "{}", "__proto__", "metadata", "😀"]
)
integers = st.integers(-(2**200), 2**200) | st.sampled_from([2**53 + 1, 2**64 + 1, -(2**63), 10**999, 0])


def _decimal(sign: int, digits: list[int], exponent: int) -> Decimal:
    return Decimal((sign, tuple(digits), exponent))


decimals = st.builds(
    _decimal, st.sampled_from([0, 1]), st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(-300, 300)
) | st.sampled_from([Decimal("0.1000000000000000055"), Decimal("1e40"), Decimal("1E-40"), Decimal("1.0"), Decimal("0e10")])
scalars = st.none() | st.booleans() | integers | decimals | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
objects = st.dictionaries(keys, values, max_size=5)


def _is_a_users(name: str) -> bool:
    """Hypothesis also tries the words that it finds in the code, the reserved names among them."""
    from documents.inputs import RESERVED

    return not name.startswith("_") and name not in RESERVED


def _without_null_metadata(fields: dict[str, Any]) -> dict[str, Any]:
    """Null metadata means absent."""
    return {name: value for name, value in fields.items() if not (name == "metadata" and value is None)}


user_fields = st.dictionaries(keys.filter(_is_a_users), values, max_size=5).map(_without_null_metadata)
