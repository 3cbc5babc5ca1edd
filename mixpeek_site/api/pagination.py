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
PAGE_PARAMETERS = frozenset({*_LIMIT_NAMES, *_CURSOR_NAMES, "offset", "page", "include_total"})

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


def read_page(query: dict[str, str], body: dict[str, Any]) -> Page:
    """The page that query parameters and body ask for; the body wins, null is absent, other members are left alone.

    An `offset` beside a `page` must agree or be 0, unless one of them is the body's: then that one counts. Raises
    ValidationError for a wrong type or range, for names of one thing that disagree, and for a page that begins beyond
    the offset limit.
    """
    given_offset, given_page = _given(query, body, "offset"), _given(query, body, "page")
    limit = _integer(_given(query, body, *_LIMIT_NAMES), 1, settings.MAX_LIST_LIMIT)
    offset = _integer(given_offset, 0, settings.MAX_LIST_OFFSET)
    number = _integer(given_page, 1, None)
    cursor = _cursor(_given(query, body, *_CURSOR_NAMES))
    include_total = _include_total(query, body)
    size = DEFAULT_LIMIT if limit is None else limit
    if cursor is not None:
        return Page(size, 0, None, cursor, include_total)
    if given_offset and given_page and given_offset.location[0] != given_page.location[0]:
        offset, number = (offset, None) if given_offset.location[0] == "body" else (None, number)
    if given_page is None or number is None:
        return Page(size, offset or 0, None, None, include_total)
    start = (number - 1) * size
    if start > settings.MAX_LIST_OFFSET:
        message = f"begins beyond the offset limit {settings.MAX_LIST_OFFSET}; follow next_cursor instead"
        raise ValidationError(Fault(given_page.location, message, "out_of_range"))
    if offset and offset != start:
        raise ValidationError(Fault(given_page.location, f"contradicts offset {offset}; give one of them"))
    return Page(size, start, number, None, include_total)


def _given(query: dict[str, str], body: dict[str, Any], *names: str) -> _Given | None:
    """The parameter under any of its names. Raises ValidationError when two names in one place disagree."""
    found = [_Given(body[name], ("body", name)) for name in names if body.get(name) is not None]
    if not found:
        found = [_Given(query[name], ("query", name)) for name in names if name in query]
    for other in found[1:]:
        if other.value != found[0].value:
            raise ValidationError(Fault(other.location, f"contradicts {found[0].location[1]}", "value_error"))
    return found[0] if found else None


def _integer(given: _Given | None, least: int, most: int | None) -> int | None:
    if given is None:
        return None
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
