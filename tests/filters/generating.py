"""Documents and filters made at random: nested, mixed and nasty, and such that they meet.

Hypothesis gives the randomness and repeats a failing example by it.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from tests.filters.evaluator import NAMED_SYSTEM, reached
from tests.filters.store import Record, record

# fmt: off
KEYS = (
    "a", "A", "b", "title", "0", "1", "01", "-1", "x.y", "a/b", "m~n", "é", "É", "e\u0301", "", " ", 'quo"te', "back\\slash",
    "per%cent", "%s", "$", "@", "*", "must", "AND", "field", "value", "case_sensitive", "document_id",
)
STRINGS = (
    "", "a", "A", "b", "intro", "Intro", "INTRO", "introduction", "An intro, a red car", "red car", "RED", "foo-bar", "foo bar",
    "é", "É", "e\u0301", "ß", "\u1e9e", "SS", "İ", "i", "I", "\u0131", "Σ", "\u03c3", "ς", "\u0391Σ", "\u212a", "k",
    "\ud7ff", "\ue000", "\U0001f600", "\ufb01", "1", "10", "9", "1.0", "true", "null", "%", "100%", "%s", "'", "''", "\\", "\\\\",
    "\\n", "\n", "$v", '"', "{}", "[]", "a\tb", "bucket", "v1", "doc_1", "DOC_1",
)
TIMES = (
    "2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01 00:00", "2024-01-01T02:00:00+02:00", "2023-12-31T23:59:59.999999-00",
    "2024-01-01T00:00:00.0000009Z", "2024-02-29", "2023-02-29", "2024-02-30", "0000-01-01", "0001-01-01T00:00+14:00",
    "9999-12-31T23:59:59.9999999-1500", "2024-01-01T24:00", "2024-1-1", "2024-01-01T00:00+16:00", "2024-01-01Z", "20240101",
)
NUMBERS = (
    *(0, 1, -1, 2, 9, 10, 2**53, 2**53 + 1, 2**64 + 1, 10**40, -(10**40)),
    *map(Decimal, ("1.0", "-0.0", "1e0", "0.1", "0.1000000000000000055", "1e40", "1e-30", "1.5", "-1.5", "9007199254740993.0")),
)
PATTERNS = ("", "^intro$", "INTRO", "[a-c]+", "^$", "a|é", "É", "\\d+", "(?i)a", ".", "^.$", "\\\\", "'", "%",
            "\\mred\\M", "(a)\\1?")
WORDS = ("intro", "red CAR", "foo-bar", "foo", "É", "", "%", "1", "car red", "it's", "2024-01-01")
# fmt: on
FIRST = ("a", "b", "A", "metadata", "title")
LETTERS = "aAéÉ1.%'\\$\"Σ "
MOMENT = 63_839_664_000_000_000  # 2024-01-01T00:00:00Z
MOMENTS = (MOMENT, MOMENT - 1, MOMENT + 500_000, MOMENT + 86_400_000_000, 86_400_000_000)
TEXTS = (None, "obj_1", "OBJ_1", "bkt_É", "bkt_é", "2024-01-01", "a", "bkt/col/col")
TEXT_COLUMNS = ("root_object_id", "root_bucket_id", "source_object_id", "source_collection_id", "source_document_id", "path")


class Documents:
    """Makes documents."""

    def __init__(self, random: Random, collections: list[str]) -> None:
        self.random = random
        self.collections = collections

    def some(self) -> list[Record]:
        return [self.one(f"doc_{number}") for number in range(self.random.randint(1, 10))]

    def one(self, document_id: str) -> Record:
        pick = self.random.choice
        made = record(
            document_id=document_id,
            collection_id=pick(self.collections),
            payload=self.members(KEYS) | self.members(FIRST),
            schema_version=pick((None, "v1", "v2")),
            created_at=pick(MOMENTS),
            updated_at=pick(MOMENTS),
        )
        if pick((True, False)):
            made["system"] = self.members(NAMED_SYSTEM)
            made["internal_metadata"] = self.members(KEYS)
            made["source_blobs"] = [self.members(KEYS) for _ in range(self.random.randint(0, 2))]
            made["document_blobs"] = [self.members(FIRST) for _ in range(self.random.randint(0, 2))]
        if pick((True, False)):
            made |= {name: pick(TEXTS) for name in TEXT_COLUMNS}
            made["source_type"] = pick((None, "bucket", "collection"))
            made["chain"] = pick((None, [self.members(FIRST) for _ in range(self.random.randint(0, 2))]))
        return made

    def members(self, keys: tuple[str, ...], depth: int = 0) -> dict[str, Any]:
        return {self.random.choice(keys): self.value(depth) for _ in range(self.random.randint(0, 4))}

    def value(self, depth: int = 0) -> Any:
        form = self.random.randrange(10)
        if form < 5 + depth:
            return self.scalar()
        if form < 9:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 3))]
        return self.members((*KEYS, *FIRST, *FIRST), depth + 1)

    def scalar(self) -> Any:
        form = self.random.randrange(12)
        if form < 7:
            return self.string()
        if form < 10:
            return self.random.choice(NUMBERS)
        return self.random.choice((True, False, None))

    def string(self) -> str:
        form = self.random.randrange(10)
        if form < 8:
            return self.random.choice(STRINGS if form < 6 else TIMES)
        return "".join(self.random.choices(LETTERS, k=self.random.randint(0, 4)))


# Filters --------------------------------------------------------------------------------------------------------------

COLUMNS = (
    *("document_id", "collection_id", "document_schema_version", "lineage_path", "lineage.path", "root_object_id"),
    *("root_bucket_id", "source_type", "_internal.lineage.source_object_id", "lineage.source_document_id", "created_at"),
    *("updated_at", "_internal.created_at", "_internal.document_id", "lineage.lineage_path", "_internal.lineage.path"),
)
JSON_COLUMNS = {
    "internal_metadata": ("internal_metadata", "_internal.metadata"),
    "source_blobs": ("source_blobs", "_internal.source_blobs"),
    "document_blobs": ("document_blobs", "_internal.document_blobs"),
    "chain": ("lineage_chain", "lineage.lineage_chain", "_internal.lineage.chain"),
}
LANGUAGE = ("AND", "OR", "NOT", "must", "should", "must_not", "field", "operator", "case_sensitive")
OPERATORS = (
    *("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains"),
    *("starts_with", "ends_with", "regex", "text", "exists", "is_null"),
)


class Filters:
    """Makes filters that ask for what some documents have, and for what is like it."""

    def __init__(self, random: Random, of: list[Record], values: Documents) -> None:
        self.random = random
        self.made = values
        payload = [path for each in of for path in paths(each["payload"]) if path]
        self.names = sorted({pointer(path) for path in payload} | {".".join(path) for path in payload if is_plain(path)})
        others = set(COLUMNS)
        for each in of:
            for key, value in each["system"].items():
                others |= {f"{prefix}{dotted((key, *path))}" for path in paths(value) for prefix in ("", "_internal.")}
            for part, prefixes in JSON_COLUMNS.items():
                others |= {dotted((prefix, *path)) for path in paths(each[part]) for prefix in prefixes}
        self.others = sorted(name for name in others if "" not in name.split("."))
        self.of = of
        self.stored = [value for each in of for value in every(each["payload"])]

    def one(self, depth: int = 0) -> Any:
        """A filter: a condition more often than a group, and never deeper than six."""
        form = self.random.randrange(12)
        if form < 6 + depth:
            return self.condition()
        if form < 8:
            return self.shorthand()
        if form < 10:
            return self.group(("AND", "OR", "NOT"), lambda: self.one(depth + 1))
        return self.keyed_group(depth)

    def group(self, names: tuple[str, ...], inner: Callable[[], Any]) -> Any:
        made: dict[str, Any] = {}
        for _ in range(self.random.choice((1, 1, 1, 2))):
            many = self.random.choice((0, 1, 1, 2, 2, 3, None))
            members = inner() if many is None else [inner() for _ in range(many)]
            if many and not self.random.randrange(12):
                members.append(self.random.choice(({}, None, {"case_sensitive": True})))  # says nothing
            made[self.random.choice(names)] = members
        if names[0] == "AND" and not self.random.randrange(5):
            made |= self.shorthand()
        return made | self.case()

    def keyed_group(self, depth: int) -> Any:
        def inner() -> Any:
            return self.keyed_group(depth + 1) if not self.random.randrange(6) and depth < 3 else self.keyed()

        return self.group(("must", "should", "must_not"), inner)

    def case(self) -> Any:
        return self.random.choice(({}, {}, {}, {"case_sensitive": True}, {"case_sensitive": False}, {"case_sensitive": None}))

    def condition(self) -> Any:
        operator, name = self.random.choice(OPERATORS), self.name()
        made = {"field": name, "operator": operator, "value": self.operand(operator, name)} | self.case()
        if operator == "eq":
            self.random.choice((lambda: None, lambda: made.pop("operator"), lambda: made.update(operator=None)))()
        if made["value"] is None and operator in ("exists", "is_null"):
            del made["value"]
        return made

    def keyed(self) -> Any:
        form, name = self.random.randrange(4), self.name()
        if form == 0:
            asked: dict[str, Any] = {"value": self.value(name)}
        elif form == 1:
            asked = {"match": {"value": self.value(name)}}
        elif form == 2:
            asked = {"match": {"any": self.operand("in", name)}}
        else:
            signs = self.random.sample(("gt", "gte", "lt", "lte"), self.random.randint(1, 2))
            asked = {"range": {sign: 0 if (bound := self.value(name)) is None else bound for sign in signs}}
        return {"key": name} | asked | self.case()

    def shorthand(self) -> Any:
        names = [self.name() for _ in range(self.random.choice((1, 1, 2)))]
        return {name: self.value(name) for name in names if name not in LANGUAGE} | self.case()

    def name(self) -> str:
        form = self.random.randrange(10)
        if form < 4 and self.names:
            return self.random.choice(self.names)
        if form < 7:
            return self.random.choice(FIRST)
        if form < 9:
            return self.random.choice(self.others)
        return pointer(tuple(self.random.choices(KEYS, k=self.random.randint(1, 3))))

    def operand(self, operator: str, name: str) -> Any:
        if operator in ("in", "nin"):
            return [self.value(name) for _ in range(self.random.randint(1, 4))]
        if operator in ("starts_with", "ends_with"):
            return self.text(name)
        if operator == "regex":
            word = next(iter(re.findall(r"[a-z0-9]+", self.text(name))), "a")
            return self.random.choice((*PATTERNS, *(f"^{word}", f"{word}$", f"[{word}]", word.upper(), f"{word}|.") * 3))
        if operator == "text":
            words = self.text(name).split()
            return self.random.choice((*WORDS, *words, " ".join(reversed(words)), " ".join(words)))
        if operator in ("exists", "is_null"):
            return self.random.choice((True, False, None))
        return self.value(name)

    def value(self, name: str) -> Any:
        """Often one that the field has, or what is in it, or something like it."""
        form = self.random.randrange(10)
        if form < 7 and (there := self.there(name)):
            value = self.random.choice(there)
        elif form < 8:
            value = self.random.choice(self.stored)
        else:
            return self.made.value()
        return self.near(value) if isinstance(value, str) else value

    def text(self, name: str) -> str:
        there = [value for value in self.there(name) if isinstance(value, str)]
        return self.near(self.random.choice(there)) if there and self.random.randrange(4) else self.made.string()

    def there(self, name: str) -> list[Any]:
        return [value for each in self.of for found in reached(each, name) for value in every(found)]

    def near(self, text: str) -> str:
        if text[4:5] == "-" and self.random.randrange(3):
            return self.random.choice(TIMES)
        cut = self.random.randint(0, len(text))
        return self.random.choice((text, text, text.swapcase(), text.upper(), text.lower(), text[:cut], text[cut:]))


def paths(value: Any) -> list[tuple[str, ...]]:
    """Paths into a value: through arrays by index, and as a step into an array reaches every element."""
    found: list[tuple[str, ...]] = [()]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [(key, *path) for path in paths(inner)]
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += [(str(index), *path) for path in paths(inner)]
            if isinstance(inner, dict):
                found += [path for path in paths(inner) if path]
    return found


def pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def dotted(path: tuple[str, ...]) -> str:
    """The path with dots; one that can't be said so has an empty step."""
    return "" if any("." in key for key in path[1:]) else ".".join(path)


def is_plain(path: tuple[str, ...]) -> bool:
    """Whether a path into the payload can be said with dots."""
    return all(path) and path[0][0] not in "_/" and path[0] != "document_id" and not any("." in key for key in path)


def every(value: Any) -> list[Any]:
    """A value and all that is in it."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for each in inner for found in every(each))]
