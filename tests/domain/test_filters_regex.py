"""Users' regular expressions end in time, and are the user's fault when they don't."""

import contextlib
import hashlib
import time
from typing import Any

import pytest
from django.db import connection

from documents.filters import bounded_regex, read_filters
from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError, ValidationError
from tests import cast
from tests.filters.store import found, put, record

pytestmark = pytest.mark.django_db

SLOW = r"^(.+)(.+)(.+)(.+)\1\2\3\4$"  # back references are matched by trying out
RANDOM = "".join(hashlib.md5(str(number).encode()).hexdigest() for number in range(300))


def regex(pattern: str, **more: Any) -> dict[str, Any]:
    return {"field": "x", "operator": "regex", "value": pattern, **more}


def ask(*filters: Any, text: str = "a" * 60) -> list[set[str]]:
    api = cast.api()
    put(api.scope, [record(collection_id=cast.collection(api), payload={"x": text})])
    with bounded_regex(read_filters({"AND": list(filters)}, ("body", "filters"))):
        return found(api.scope, list(filters))


def limit() -> str:
    row = sql.one("SHOW statement_timeout")
    assert row
    return str(row[0])


def fault(*filters: Any, text: str = "a" * 60) -> tuple[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        ask(*filters, text=text)
    [only] = caught.value.faults
    return only.location, only.message


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a{2,1}", "*a", "(?<=a)b(", "\\", "[[:nothing:]]", "(((a{1,255}){1,255}){1,255}){1,255}"]
)
def test_an_invalid_one_is_named_whatever_is_stored(pattern: str) -> None:
    place, said = fault({"x": "a"}, regex("a"), regex(pattern))
    assert place == ("body", "filters", "AND", 2, "value")
    assert said.startswith("is not a regular expression: ")


def test_the_connection_is_as_it_was() -> None:
    before = limit()
    assert before == "30s"
    ask(regex("a"))
    assert limit() == before
    fault(regex("("))
    assert limit() == before


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a|aa)+$", "((a{1,100}){1,100})b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"]
)
def test_what_hurts_others_does_not_hurt_here(pattern: str) -> None:
    begun = time.monotonic()
    ask(regex(pattern), text="a" * 30_000 + "!")
    assert time.monotonic() - begun < 5


def test_a_slow_one_is_given_up(settings: Any) -> None:
    settings.REGEX_TIMEOUT_SECONDS = 1
    begun = time.monotonic()
    place, said = fault(regex(SLOW), text=RANDOM)
    assert time.monotonic() - begun < 5
    assert place == ("body", "filters", "AND", 0, "value")
    assert "longer than 1 seconds" in said
    assert limit() == "30s"


def test_one_that_takes_long_to_compile_is_given_up(settings: Any) -> None:
    settings.REGEX_TIMEOUT_SECONDS = 1
    begun = time.monotonic()
    for pattern in (
        ".{1,255}" * 120,
        "(a{1,255}){1,255}",
        "(((a{1,255}){1,255}){1,255})",
        "(" * 333 + "a" + ")*" * 333,
        "a?" * 500,
    ):
        with contextlib.suppress(ValidationError):
            ask(regex(pattern))
    assert time.monotonic() - begun < 8


def test_without_a_regex_statements_have_their_usual_time() -> None:
    with bounded_regex(read_filters({"a": 1}, ("body", "filters"))), bounded_regex(None):
        assert limit() == "30s"


def test_a_database_that_is_gone_is_not_the_users_fault() -> None:
    node = read_filters(regex("a"), ("body", "filters"))
    with pytest.raises(ServiceUnavailableError, match="gone"), bounded_regex(node):
        raise ServiceUnavailableError("gone")


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction() -> None:
    assert ask(regex("a")) == [{"doc"}]
    fault(regex("("))
    assert limit() == "30s"
    assert not connection.in_atomic_block
