"""JSON in and out: exact, and what can't be stored is found with its place."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from mixpeek_site import jsonio
from mixpeek_site.errors import BadRequestError, PayloadTooLargeError, ValidationError
from tests import generators


def test_a_byte_order_mark_is_ignored() -> None:
    assert jsonio.loads("\ufeff{}".encode()) == {}


def refused(text: str | bytes) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        jsonio.loads(text)
    return [(fault.location, fault.type) for fault in caught.value.faults]


@given(generators.values)
def test_every_value_reads_back_as_it_was_written(value: Any) -> None:
    assert jsonio.loads(jsonio.dumps(value).encode()) == value
    assert jsonio.loads(jsonio.dumps_ascii(value).encode()) == value


@pytest.mark.parametrize("text", ["9007199254740993", "18446744073709551617", "0.1000000000000000055", "-0", "1" * 1000])
def test_numbers_keep_their_value(text: str) -> None:
    assert Decimal(jsonio.dumps(jsonio.loads(text))) == Decimal(text)


def test_of_duplicate_keys_the_last_wins() -> None:
    assert jsonio.loads('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "Infinity", "-Infinity", '{"a": NaN}', "[-Infinity]", "nan"),
        *("", " ", "{", "[1,]", '{"a":}', "{'a': 1}", "01", "1.", ".5", "+1", "1e", "0x10", "tru", "[1] 2"),
        *('"\n"', '"\x00"', '"\\x41"', '"\\ud8"', "[" * 100 + "x", "/* */ {}", "1_000", "\u0661"),
    ],
)
def test_what_is_not_json_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequestError):
        jsonio.loads(text.encode())


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"a"'.encode("utf-16"), b'{"a\xe9": 1}'])
def test_what_is_not_utf8_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequestError):
        jsonio.loads(raw)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r'{"a": {"b": [1, "x\u0000"]}}', ("body", "a", "b", 1)),
        (r'{"a": "\ud800"}', ("body", "a")),
        (r'{"a": "\udc00\ud800"}', ("body", "a")),
        (r'["\uD83D"]', ("body", 0)),
        (r'{"k\u0000": 1}', ("body", "k\0")),
    ],
)
def test_text_that_postgresql_cannot_hold_is_named(text: str, place: tuple[str | int, ...]) -> None:
    assert refused(text.encode()) == [(place, "string_unstorable")]


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\u0000"', r'"\\ud800"', r'"\\\\u0000"', r'"\u0001"'])
def test_text_that_only_resembles_it_is_kept(text: str) -> None:
    assert isinstance(jsonio.loads(text.encode()), str)


def test_64_levels_are_kept_and_65_are_not() -> None:
    assert jsonio.loads("[" * 64 + "]" * 64)
    assert refused("[" * 65 + "]" * 65)[0][1] == "json_too_deep"
    assert refused('{"a":' * 64 + "{}" + "}" * 64)[0][1] == "json_too_deep"
    assert jsonio.loads("[" + "[1]," * 500 + "1]")


def test_one_deep_place_among_many_shallow_ones_is_found() -> None:
    shallow = "[1, 2, {}, []]," * 200
    assert jsonio.loads(f"[{shallow}{'[' * 63}{']' * 63}]")
    assert refused(f"[{shallow}{'[' * 64}{']' * 64}]")[0][1] == "json_too_deep"


@pytest.mark.parametrize("depth", [1_000, 10_000, 1_000_000])
def test_an_abyss_is_refused(depth: int) -> None:
    assert refused(b"[" * depth + b"]" * depth)[0][1] == "json_too_deep"


@pytest.mark.parametrize("text", ["9" * 1000, "1e999", "-" + "9" * 1000, "1e-999", "0." + "1" * 999, "12.5e3", "0e999999"])
def test_a_number_of_1000_digits_is_kept(text: str) -> None:
    assert jsonio.loads(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("9" * 1001, "1e1000", "-1e1000", "1e-1000", "0." + "1" * 1000, "1" * 1_000_000, "1e1000000", "1e-99999999"),
        *("1e99999999999999999999", "1E-99999999999999999999", "0e-1000", "5" * 600 + "." + "5" * 600, "12345678e993"),
    ],
)
def test_a_number_of_more_digits_is_refused_wherever_it_stands(text: str) -> None:
    assert refused(text) == [(("body",), "number_too_long")]
    assert refused(f'{{"a": [1, {text}]}}') == [(("body", "a", 1), "number_too_long")]


def test_a_number_written_with_an_exponent_counts_as_stored() -> None:
    assert jsonio.stored_bytes("[1e999,1e999]") >= 2000
    assert jsonio.stored_bytes('"1e999"') < 20
    assert jsonio.stored_bytes('["é"]') == 6


@pytest.mark.parametrize(("value", "levels"), [(1, 0), ("{}", 0), ([], 1), ({}, 1), ({"a": 1}, 1), ([[], {"a": [1]}], 3)])
def test_levels_are_counted_in_containers(value: Any, levels: int) -> None:
    assert jsonio.levels(value) == levels


def test_a_bomb_of_short_numbers_is_too_large() -> None:
    with pytest.raises(PayloadTooLargeError):
        jsonio.loads("[" + ",".join(["1e999"] * 40_000) + "]")


def test_so_is_one_of_exponents_that_each_are_harmless(settings: Any) -> None:
    settings.MAX_BODY_BYTES = 100_000
    with pytest.raises(PayloadTooLargeError):
        jsonio.loads(f"[{'1e-99,' * 1100}1]")
    assert len(jsonio.loads(f"[{'1e-99,' * 500}1]")) == 501
