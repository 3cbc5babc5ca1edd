"""JSON as staff read and edit it: text in, exact values out, and where in the text something is wrong."""

import re
from collections.abc import Sequence
from typing import Any, Final

import simplejson

from mixpeek_site import jsonio
from mixpeek_site.errors import BadRequestError, DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject

_indented = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=False, indent=2)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def pretty(value: Any) -> str:
    """Indented JSON text of a value that `jsonio.loads` made; every number as exact as it was."""
    return _indented.encode(value)


class TextError(Exception):
    """Something wrong with a JSON text; line and column count from 1 and are None when the place is not known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        place = f"Line {line}, column {column}: " if line else ""
        super().__init__(place + message)
        self.line, self.column = line, column


def parse(text: str, type_: type = dict) -> Any:
    """The value of a text, an object (or `type_` list). Raises TextError."""
    try:
        value = jsonio.loads(text)
    except BadRequestError as error:
        line, column = error.details.get("line"), error.details.get("column")
        message = re.sub(r"^The body is not JSON: | \(line \d+, column \d+\)\.$", "", error.message)
        raise TextError(message if line else error.message, line, column) from None
    except ValidationError as error:
        raise fault_error(text, error.faults[0]) from None
    if not isinstance(value, type_):
        raise TextError(f"This must be a JSON {'array, [ … ]' if type_ is list else 'object, { … }'}.", 1, 1)
    return value


def parse_object(text: str) -> JSONObject:
    value: JSONObject = parse(text)
    return value


def domain_error(text: str, error: DomainError) -> TextError:
    """A service's refusal, placed in the text that it is about where it names a place."""
    if isinstance(error, ValidationError):
        return fault_error(text, error.faults[0])
    return TextError(error.message)


def fault_error(text: str, fault: Fault) -> TextError:
    path = fault.location[1:] if fault.location[:1] == ("body",) else fault.location
    found = locate(text, path) if path else None
    named = ".".join(map(str, path))
    return TextError(f"{named}: {fault.message}" if named else fault.message, *(found or ()))


def locate(text: str, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Line and column of a member (of its key) or an element in a JSON text; None when the text has no such place."""
    wanted = list(path)
    here: list[str | int | None] = []  # per open container: the present key (None: before one) or index
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "}]":
            if here:
                here.pop()
        elif first == ",":
            here[-1:] = [here[-1] + 1 if isinstance(here[-1], int) else None] if here else []
        elif first != ":":
            is_key = first == '"' and bool(here) and here[-1] is None
            if is_key:
                here[-1] = _unquoted(token[0])
            if here == wanted:
                return _place(text, token.start())
            if first == "{":
                here.append(None)
            elif first == "[":
                here.append(0)
    return None


def _unquoted(token: str) -> str:
    try:
        return str(simplejson.loads(token))
    except ValueError:
        return token


def _place(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
