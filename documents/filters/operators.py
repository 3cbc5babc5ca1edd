"""The operators of the filter language, in one table (contract section 7).

The parser takes from it what each accepts, docs/filters.md and the OpenAPI schema what each means, and the tests every
claim it makes: `missing`, `null`, `holds` and `fails` are asked of a real server.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from mixpeek_site.jsonio import dumps

MAX_LISTED: Final = 1000
MAX_WORDS_LENGTH: Final = 10_000

Check = Callable[[object], str | None]  # what is wrong with a condition's value


def _anything(value: object) -> str | None:
    return None


def _list(value: object) -> str | None:
    if isinstance(value, list) and 1 <= len(value) <= MAX_LISTED:
        return None
    return f"takes a list of 1 to {MAX_LISTED} values"


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "takes true or false"


def _string(value: object) -> str | None:
    return None if isinstance(value, str) else "takes a string"


def _pattern(value: object) -> str | None:
    if isinstance(value, str) and len(value) <= settings.MAX_REGEX_LENGTH:
        return None
    return f"takes a string of at most {settings.MAX_REGEX_LENGTH} characters"


def _words(value: object) -> str | None:
    if isinstance(value, str) and len(value) <= MAX_WORDS_LENGTH:
        return None
    return f"takes a string of at most {MAX_WORDS_LENGTH} characters"


@dataclass(frozen=True, slots=True)
class Operator:
    """What one operator means. The texts are for people; `missing`, `null`, `holds` and `fails` are also tested.

    `missing`, `null`: whether it holds, with the value `example`, where the field is missing, or null.
    `holds`, `fails`: stored values for which it does and does not.
    """

    name: str
    meaning: str
    accepts: str
    check: Check
    arrays: str
    objects: str
    other_type: str
    case: str
    example: object
    holds: tuple[object, ...]
    fails: tuple[object, ...]
    missing: bool = False
    null: bool = False
    default: object = None  # of a condition without a value; None: it needs one


_NO_MATCH: Final = "no match"
_ELEMENT: Final = "holds for one element, or for the array itself"
_STRING_ELEMENT: Final = "holds for one element that is a string"
_EVERY_ELEMENT: Final = "holds for every element and for the array itself; not with a null among them"
_FOLDED: Final = "ignored, unless `case_sensitive`"
_BY_CODE_POINT: Final = "always counts"

_TABLE: Final = (
    Operator(
        "eq",
        meaning="The same JSON value: 1 is 1.0, objects and arrays are compared whole. `eq null` is `is_null true`.",
        accepts="any JSON value",
        check=_anything,
        arrays=_ELEMENT,
        objects="compared whole, its keys and strings exactly",
        other_type=_NO_MATCH,
        case=_FOLDED,
        example="Intro",
        holds=("Intro", "INTRO", ["outro", "intro"]),
        fails=("Introduction", "", 1, True, {"Intro": "Intro"}, [], [["Intro"]], [None]),
    ),
    Operator(
        "ne",
        meaning="Present, not null, and a different JSON value. `ne null`: present, with no null.",
        accepts="any JSON value",
        check=_anything,
        arrays=_EVERY_ELEMENT,
        objects="compared whole, its keys and strings exactly",
        other_type="match: it differs",
        case=_FOLDED,
        example="Intro",
        holds=("Introduction", "", 1, False, {"Intro": "Intro"}, [], ["outro", 3], [["Intro"]]),
        fails=("Intro", "INTRO", ["outro", "intro"], ["outro", None]),
    ),
    Operator(
        "in",
        meaning="`eq` to one of the values. A null among them matches nothing.",
        accepts=f"a list of 1 to {MAX_LISTED} JSON values",
        check=_list,
        arrays=_ELEMENT,
        objects="compared whole, its keys and strings exactly",
        other_type=_NO_MATCH,
        case=_FOLDED,
        example=["Intro", 2, None],
        holds=("intro", 2, ["outro", 2]),
        fails=("outro", "2", 3, True, {"a": 2}, [], [["Intro"]], [None]),
    ),
    Operator(
        "nin",
        meaning="Present, not null, and `eq` to none of the values.",
        accepts=f"a list of 1 to {MAX_LISTED} JSON values",
        check=_list,
        arrays=_EVERY_ELEMENT,
        objects="compared whole, its keys and strings exactly",
        other_type="match: it differs",
        case=_FOLDED,
        example=["Intro", 2],
        holds=("outro", "2", 3, True, {"a": 2}, [], [["Intro"]]),
        fails=("intro", 2, ["outro", 2], ["outro", None]),
    ),
    *(
        Operator(
            name,
            meaning=f"{meaning} number with number, string with string by code point, two ISO times as times.",
            accepts="a number or a string; anything else matches nothing",
            check=_anything,
            arrays=_ELEMENT,
            objects=_NO_MATCH,
            other_type=_NO_MATCH,
            case=_BY_CODE_POINT,
            example=10,
            holds=holds,
            fails=fails,
        )
        for name, meaning, holds, fails in (
            ("gt", "Greater:", (11, [1, 11]), (10, 9, "11", True, {"a": 11}, [], [[11]], [9, None])),
            ("gte", "Greater or equal:", (10, 11, [1, 10]), (9, "11", True, {"a": 11}, [], [[11]], [9, None])),
            ("lt", "Less:", (9, [11, 9]), (10, 11, "9", False, {"a": 9}, [], [[9]], [11, None])),
            ("lte", "Less or equal:", (10, 9, [11, 9]), (11, "9", False, {"a": 9}, [], [[9]], [11, None])),
        )
    ),
    Operator(
        "contains",
        meaning="A string that has the value in it, or an array that has an element equal to it.",
        accepts="any JSON value; only a string is looked for in strings",
        check=_anything,
        arrays="one element equals the value, or is a string that has it in it; also in arrays among its elements",
        objects="no match; as the value, compared whole with elements",
        other_type=_NO_MATCH,
        case=_FOLDED,
        example="Tea",
        holds=("Steam", "tea", ["milk", "TEA"], [["tea"]]),
        fails=("te", 1, True, {"Tea": "Tea"}, [], [{"a": "Tea"}], [[["tea"]]], [None]),
    ),
    *(
        Operator(
            name,
            meaning=meaning,
            accepts="a string",
            check=_string,
            arrays=_STRING_ELEMENT,
            objects=_NO_MATCH,
            other_type=_NO_MATCH,
            case=_FOLDED,
            example="Tea",
            holds=holds,
            fails=("Steam", "te", "", 1, True, {"Tea": "Tea"}, [], [["Tea"]], [None]),
        )
        for name, meaning, holds in (
            ("starts_with", "A string that begins with the value.", ("Teapot", "TEA", ["milk", "teapot"])),
            ("ends_with", "A string that ends with the value.", ("Green tea", "TEA", ["milk", "green tea"])),
        )
    ),
    Operator(
        "regex",
        meaning="A string in which the POSIX regular expression (PostgreSQL's dialect, not anchored) matches.",
        accepts="a pattern, at most 1,000 characters; 2 seconds a statement",
        check=_pattern,
        arrays=_STRING_ELEMENT,
        objects=_NO_MATCH,
        other_type=_NO_MATCH,
        case=_FOLDED,
        example="^ch[0-9]+$",
        holds=("ch12", "CH1", ["x", "ch3"]),
        fails=("ch", "ach1", 1, True, {"ch1": "ch1"}, [], [["ch1"]], [None]),
    ),
    Operator(
        "text",
        meaning="Every word of the value occurs as a word (PostgreSQL's `simple` configuration: no stemming, no stop words).",
        accepts="a string, at most 10,000 characters; one without a word matches nothing",
        check=_words,
        arrays=_STRING_ELEMENT,
        objects=_NO_MATCH,
        other_type=_NO_MATCH,
        case="never counts",
        example="red car",
        holds=("A car, RED as wine", ["x", "the red car"]),
        fails=("red", "cars are red", "redcar", "", 1, True, {"red": "car"}, ["red", "car"], [["red car"]], [None]),
    ),
    Operator(
        "exists",
        meaning="true: the field is there, be it with null. false: it is not.",
        accepts="true (also when absent or null) or false",
        check=_boolean,
        arrays="is there, empty or not",
        objects="is there",
        other_type="is there",
        case="never counts",
        example=True,
        holds=("", 0, False, {}, [], [None]),
        fails=(),
        null=True,
        default=True,
    ),
    Operator(
        "is_null",
        meaning="true: the field is missing or null. false: it is there with another value than null.",
        accepts="true (also when absent or null) or false",
        check=_boolean,
        arrays=_ELEMENT,
        objects="not null",
        other_type="not null",
        case="never counts",
        example=True,
        holds=([1, None],),
        fails=("", 0, False, {}, [], [1], [[None]]),
        missing=True,
        null=True,
        default=True,
    ),
)

OPERATORS: Final[dict[str, Operator]] = {operator.name: operator for operator in _TABLE}


def as_markdown() -> str:
    """The table as it stands in docs/filters.md."""
    lines = [
        "| operator | meaning | value | array | object | other type | missing | null | case |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in OPERATORS.values():
        cells = (
            one.meaning,
            one.accepts,
            one.arrays,
            one.objects,
            one.other_type,
            _match(one.missing),
            _match(one.null),
            one.case,
        )
        lines.append(f"| `{one.name}` | {' | '.join(cells)} |")
    lines += [
        "",
        "| for example | matches the stored values | and not |",
        "| --- | --- | --- |",
    ]
    for one in OPERATORS.values():
        lines.append(f"| `{one.name}` {_code(one.example)} | {_codes(one.holds)} | {_codes(one.fails)} |")
    return "\n".join(lines) + "\n"


def as_list() -> str:
    """Every operator in a line of Markdown, with an example: for the OpenAPI schema."""
    return "\n".join(
        f"- `{one.name}`: {one.meaning} Takes {one.accepts}. Case: {one.case}. `{one.name}` {_code(one.example)} matches"
        f" {_codes(one.holds)}{f', not {_codes(one.fails)}' if one.fails else ''}."
        for one in OPERATORS.values()
    )


def _match(holds: bool) -> str:
    return "match" if holds else _NO_MATCH


def _codes(values: tuple[object, ...]) -> str:
    return ", ".join(map(_code, values)) or "—"


def _code(value: object) -> str:
    return f"`{dumps(value)}`"
