"""JSON in and out with nothing lost: one parser and one encoder that keep every number's exact value.

Integers become `int`, numbers with a fraction or exponent `Decimal`; neither passes through a binary float. What
PostgreSQL's jsonb can't hold (NUL, lone surrogates) and what the limits forbid (depth, digits) is found here, with
its place. Pure functions; the rules are those of contract section 4, the grammar is RFC 8259.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import simplejson
from django.conf import settings
from django.db import models

from mixpeek_site.errors import BadRequestError, Fault, PayloadTooLargeError, ValidationError

JSONObject = dict[str, Any]
Location = tuple[str | int, ...]

_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# Searched in a text whose digits are all 1 and whose E are e: several times faster, and hex ids don't look like numbers.
_ALIKE = bytes.maketrans(b"023456789E", b"111111111e")
_LONG_EXPONENT = re.compile(rb"1e[+-]?11+[ \t\n\r]*(?:[],}]|\Z)")
_VERY_LONG_EXPONENT = re.compile(rb"1e[+-]?111+[ \t\n\r]*(?:[],}]|\Z)")
_MANY_DIGITS = b"1" * 400
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_CONTAINERS = frozenset((dict, list))

_member_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=False, separators=(",", ":"))
_ascii_encoder = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=True, separators=(",", ":"))


def loads(raw: bytes | str) -> Any:
    """Parse JSON text exactly.

    Raises BadRequestError for what is not JSON (NaN and Infinity included) and ValidationError for JSON that can't be
    stored: deeper than the limit, a number of too many digits, NUL or a lone surrogate. PayloadTooLargeError for a bomb:
    millions of short numbers such as 1e999, which would be gigabytes once stored.
    """
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        value = simplejson.loads(text, use_decimal=True, allow_nan=False)
    except UnicodeDecodeError as error:
        raise BadRequestError(f"The body is not UTF-8 (byte {error.start}).", position=error.start) from None
    except simplejson.JSONDecodeError as error:
        raise BadRequestError(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            line=error.lineno,
            column=error.colno,
        ) from None
    except RecursionError:
        raise ValidationError(_too_deep(("body",))) from None
    except (InvalidOperation, ValueError):  # an exponent or an integer beyond what Python itself converts
        value = simplejson.loads(text, parse_int=_guarded, parse_float=_guarded)
        raise ValidationError(next(unstorable(value, ("body",)))) from None
    encoded = raw if isinstance(raw, bytes) else text.encode(errors="surrogatepass")
    if (
        (encoded.count(b"{") + encoded.count(b"[") > settings.MAX_JSON_DEPTH and _is_deeper(value, settings.MAX_JSON_DEPTH))
        or _suspect(encoded, settings.MAX_BODY_BYTES)
        or (isinstance(raw, str) and _UNSTORABLE.search(raw))
    ):
        if _expands_beyond(value, settings.MAX_BODY_BYTES):
            limit: int = settings.MAX_BODY_BYTES
            raise PayloadTooLargeError(f"The body's numbers, written out, take more than {limit} bytes.", limit_bytes=limit)
        fault = next(unstorable(value, ("body",)), None)
        if fault:
            raise ValidationError(fault)
    return value


def loads_stored(text: str) -> Any:
    """Parse exactly what is stored or was rendered from it: it was checked when it came in."""
    return simplejson.loads(text, use_decimal=True)


def stored_members(text: str) -> dict[str, str]:
    """The members of a stored JSON object as JSON texts, not converted."""
    return {name: bytes(member).decode() for name, member in _member_decoder.decode(text).items()}


def from_members(texts: dict[str, str]) -> str:
    """The JSON text of an object, of its members' texts."""
    return "{" + ",".join(f"{_encoder.encode(name)}:{text}" for name, text in texts.items()) + "}"


def members(raw: bytes) -> dict[str, str] | None:
    """The members of a JSON object as JSON texts, checked as `loads` checks them and not converted.

    A tenth of the cost of `loads`, for those who store texts. None: not an object, or one that `loads` has to judge.
    """
    if raw.count(b"{") + raw.count(b"[") > settings.MAX_JSON_DEPTH or _suspect(raw):
        return None
    try:
        raw.decode()  # the decoder skips over the texts of strings
        return {name: bytes(text).decode() for name, text in _member_decoder.decode(raw).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether a value has more levels of containers than `limit`. Passes over a list of numbers at once, however long."""
    level = [value] if isinstance(value, dict | list) else []
    while level:
        if limit == 0:
            return True
        limit -= 1
        inner: list[Any] = []
        for container in level:
            items = container.values() if isinstance(container, dict) else container
            if not _CONTAINERS.isdisjoint(map(type, items)):
                inner += [item for item in items if isinstance(item, dict | list)]
        level = inner
    return False


def _suspect(encoded: bytes, room: int = 0) -> bool:
    """False for a text without NUL, surrogates and numbers near the limit, which so needs no walk.

    `room`: how many bytes numbers such as 1e-11 may take when written out. Such are in every long vector, and each by itself
    is far from the limit.
    """
    if b"\\u" in encoded and _ESCAPED.search(encoded):
        return True
    alike = encoded.translate(_ALIKE)
    if _MANY_DIGITS in alike:
        return True
    if not room:
        return _LONG_EXPONENT.search(alike) is not None
    return _VERY_LONG_EXPONENT.search(alike) is not None or len(alike) + 100 * len(_LONG_EXPONENT.findall(alike)) > room


def has_long_exponent(encoded: bytes) -> bool:
    """Whether a JSON text may hold a number with an exponent of two digits or more."""
    return _LONG_EXPONENT.search(encoded.translate(_ALIKE)) is not None


def _guarded(number: str) -> Decimal:
    """A number, or in place of one that can't be converted another that is too long as well."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return Decimal("1e1000000")


def dumps(value: Any) -> str:
    """JSON text of a value that `loads` made: compact, exact, non-ASCII characters as they are."""
    return _encoder.encode(value)


def dumps_ascii(value: Any) -> str:
    """The same in ASCII, for texts that may quote a client's lone surrogates (error bodies)."""
    return _ascii_encoder.encode(value)


_EXPONENT = re.compile(r"[0-9][eE][+-]?[0-9]")


def stored_bytes(text: str) -> int:
    """How many bytes a compact JSON text has once jsonb writes its numbers out in plain form (1e999 becomes 1,000 digits)."""
    size = len(text) if text.isascii() else len(text.encode())
    return size + _expansion(simplejson.loads(text, use_decimal=True)) if _EXPONENT.search(text) else size


def _expansion(value: Any) -> int:
    if isinstance(value, Decimal):
        point_and_sign = (value.as_tuple().exponent < 0) + value.is_signed()  # type: ignore[operator]  # always finite
        return _plain_digits(value) + point_and_sign - len(str(value))
    if isinstance(value, dict):
        return sum(map(_expansion, value.values()))
    return sum(map(_expansion, value)) if isinstance(value, list) else 0


def levels(value: Any) -> int:
    """How many levels of containers a value has: 0 for a scalar, 1 for `[]` and `{"a": 1}`."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(levels, inner), default=0)


def unstorable(value: Any, location: Location, depth: int = 1) -> Iterator[Fault]:
    """Every place of a parsed value that the store refuses; `depth` is the level of `value` itself."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield Fault(location, "holds U+0000 or a lone surrogate, which PostgreSQL can't store", "string_unstorable")
    elif isinstance(value, dict):
        if depth > settings.MAX_JSON_DEPTH:
            yield _too_deep(location)
            return
        for key, member in value.items():
            if _UNSTORABLE.search(key):
                yield Fault((*location, key), "the key holds U+0000 or a lone surrogate", "string_unstorable")
            yield from unstorable(member, (*location, key), depth + 1)
    elif isinstance(value, list):
        if depth > settings.MAX_JSON_DEPTH:
            yield _too_deep(location)
            return
        for index, item in enumerate(value):
            yield from unstorable(item, (*location, index), depth + 1)
    elif isinstance(value, Decimal):
        if _plain_digits(value) > settings.MAX_NUMBER_DIGITS:
            yield _too_many_digits(location)
    elif isinstance(value, int) and abs(value) >= 10**settings.MAX_NUMBER_DIGITS:
        yield _too_many_digits(location)


def _expands_beyond(value: Any, limit: int) -> bool:
    """Whether the value's fractions and exponents have more digits in plain form than `limit`; stops where they do."""
    total, left = 0, [value]
    while left:
        item = left.pop()
        if isinstance(item, Decimal):
            total += min(_plain_digits(item), settings.MAX_NUMBER_DIGITS + 1)
            if total > limit:
                return True
        elif isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return False


def _plain_digits(number: Decimal) -> int:
    """How many digits the number has when written without an exponent."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if exponent >= 0:
        return len(digits) + exponent if number else 1
    return max(len(digits), -exponent + 1)


def _too_deep(location: Location) -> Fault:
    return Fault(location[:8], f"is nested deeper than {settings.MAX_JSON_DEPTH} levels", "json_too_deep")


def _too_many_digits(location: Location) -> Fault:
    return Fault(location, f"a number has more than {settings.MAX_NUMBER_DIGITS} digits in plain form", "number_too_long")


class ExactJSONEncoder(json.JSONEncoder):
    """For Django's JSONField, which calls `json.dumps(value, cls=…)`."""

    def encode(self, o: Any) -> str:
        return dumps(o)


class ExactJSONDecoder(json.JSONDecoder):
    """For Django's JSONField, which calls `json.loads(text, cls=…)`."""

    def decode(self, s: str, *_: Any) -> Any:
        return simplejson.loads(s, use_decimal=True)


class ExactJSONField(models.JSONField):
    """A JSONField whose numbers keep their exact value."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["encoder"], kwargs["decoder"] = ExactJSONEncoder, ExactJSONDecoder
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["encoder"], kwargs["decoder"]
        return name, path, args, kwargs
