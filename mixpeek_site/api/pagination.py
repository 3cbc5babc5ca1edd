"""Paging of every list: what a request asks for, its cursors, and what the answer says of it (contract section 7)."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import simplejson
from django.conf import settings
from django.core import signing

from mixpeek_site import jsonio
from mixpeek_site.api.query import boolean
from mixpeek_site.errors import BadRequestError, Fault, ValidationError

DEFAULT_LIMIT = 10

_LIMIT_NAMES = ("limit", "page_size")
_CURSOR_NAMES = ("cursor", "next_cursor", "after")
SIZE_PARAMETERS = frozenset(_LIMIT_NAMES)
CURSOR_PARAMETERS = frozenset(_CURSOR_NAMES)
PAGE_PARAMETERS = SIZE_PARAMETERS | CURSOR_PARAMETERS | {"offset", "page", "include_total"}

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Page:
    """One page as asked for. With a cursor, `offset` is 0 and `number` None: the cursor alone says where it begins."""

    limit: int
    offset: int
    number: int | None  # the page's number, from 1, when the client counts in pages
    cursor: str | None
    include_total: bool


@dataclass(frozen=True, slots=True)
class _Given:
    """A parameter as the client gave it, and where."""

    value: Any
    location: tuple[str, str]


def read_page(query: dict[str, str], body: dict[str, Any], default_limit: int = DEFAULT_LIMIT) -> Page:
    """The page that query parameters and body ask for; the body wins, null is absent, other members are left alone.

    As in the sources, `limit` wins over `page_size` and `offset` over `page`. Raises ValidationError for a wrong type
    or range, and for a page that begins beyond the offset limit.
    """
    size = _given(query, body, *_LIMIT_NAMES)
    place = _given(query, body, "offset", "page")
    cursor = _cursor(_given(query, body, *_CURSOR_NAMES))
    include_total = _include_total(query, body)
    limit = default_limit if size is None else _integer(size, 1, settings.MAX_LIST_LIMIT)
    offset, number = 0, None
    if place is not None and place.location[1] == "page":
        number = _integer(place, 1, None)
        offset = (number - 1) * limit
    elif place is not None:
        offset = _integer(place, 0, settings.MAX_LIST_OFFSET)
    if cursor is not None:
        return Page(limit, 0, None, cursor, include_total)
    if place is not None and offset > settings.MAX_LIST_OFFSET:
        message = f"begins beyond the offset limit {settings.MAX_LIST_OFFSET}; follow next_cursor instead"
        raise ValidationError(Fault(place.location, message, "out_of_range"))
    return Page(limit, offset, number, None, include_total)


def _given(query: dict[str, str], body: dict[str, Any], *names: str) -> _Given | None:
    """The parameter under the first of its names that is given, looked for in the body, then in the query."""
    for name in names:
        if body.get(name) is not None:
            return _Given(body[name], ("body", name))
    for name in names:
        if name in query:
            return _Given(query[name], ("query", name))
    return None


def _integer(given: _Given, least: int, most: int | None) -> int:
    value = given.value
    if given.location[0] == "query" and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(Fault(given.location, "must be an integer", "int_type"))
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValidationError(Fault(given.location, f"must be {bounds}", "out_of_range"))
    return value


def _cursor(given: _Given | None) -> str | None:
    """An empty text is absent: clients that loop send it for the first page."""
    if given is not None and not isinstance(given.value, str):
        raise ValidationError(Fault(given.location, "must be a string", "string_type"))
    return given.value or None if given else None


def _include_total(query: dict[str, str], body: dict[str, Any]) -> bool:
    value = body.get("include_total")
    if value is None:
        return boolean(query, "include_total")
    if not isinstance(value, bool):
        raise ValidationError(Fault(("body", "include_total"), "must be true or false", "bool_type"))
    return value


def encode_cursor(binding: Any, position: list[Any]) -> str:
    """An opaque, URL-safe text that leads back to `position` (JSON values), only together with an equal `binding`.

    The binding is what the position means something in: namespace, route, filter, sort. It is not in the text, it
    salts the signature.
    """
    payload = base64.urlsafe_b64encode(jsonio.dumps(position).encode()).rstrip(b"=").decode()
    return _signer(binding).sign(payload)


def decode_cursor(text: str, binding: Any) -> list[Any]:
    """The position of a cursor. Raises BadRequestError for a forged or malformed one, or one of another query."""
    try:
        payload = _signer(binding).unsign(text) if text.isascii() else ""
        position = jsonio.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (signing.BadSignature, binascii.Error, BadRequestError):
        position = None
    if not isinstance(position, list):
        raise BadRequestError(
            "The cursor is not one that this list gave: use it with the namespace, filters and sort it came from.",
            parameter="cursor",
        )
    return position


def _signer(binding: Any) -> signing.Signer:
    canonical = simplejson.dumps(binding, use_decimal=True, sort_keys=True)
    return signing.Signer(salt=f"cursor:{hashlib.sha256(canonical.encode()).hexdigest()}", sep=".")


def pagination(page: Page, total: int | None, next_cursor: str | None, has_more: bool) -> dict[str, Any]:
    """The `pagination` member of a list's answer.

    `total` is None unless it was asked for; pages are numbered only where the page begins at a multiple of its size,
    and `next_page` ends where the offset limit does, `next_cursor` does not.
    """
    number = None
    if page.cursor is None and page.offset % page.limit == 0:
        number = page.offset // page.limit + 1
    reachable = number is not None and number * page.limit <= settings.MAX_LIST_OFFSET
    return {
        "total": total,
        "page": number,
        "page_size": page.limit,
        "total_pages": None if total is None else -(-total // page.limit),
        "next_page": _page_query(number + 1, page) if number is not None and has_more and reachable else None,
        "previous_page": _page_query(number - 1, page) if number is not None and number > 1 else None,
        "next_cursor": next_cursor if has_more else None,
    }


def _page_query(number: int, page: Page) -> str:
    return f"?page={number}&page_size={page.limit}"
