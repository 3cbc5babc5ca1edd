"""Conditions on parts of jsonb columns, by what jsonpath and containment do in C.

`PATH ? (…)` asks of every scalar and object that a path reaches, and of the elements of every array that it reaches:
lax jsonpath opens an array once for the filter. `PATH[*]` lists the same. Deeper arrays are kept out by `@.type()`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from documents import fields
from documents.fields import Field
from documents.filters import strings
from documents.filters.nodes import Condition
from documents.filters.times import is_time
from mixpeek_site.jsonio import dumps
from mixpeek_site.sql import Fragment


def sql(condition: Condition) -> Fragment:
    """A boolean expression, never NULL."""
    of, operator, value = _Reached.by(condition.field), condition.operator, condition.value
    if operator == "exists":
        return of.any() if value is True else _not(of.any())
    if operator == "is_null":
        return of.null_or_missing() if value is True else of.any_but_null()
    if operator == "eq":
        return of.null_or_missing() if value is None else _equals(of, [value], condition.case_sensitive)
    if operator == "ne":
        return _present(of) if value is None else _and(_present(of), _not(_equals(of, [value], condition.case_sensitive)))
    if operator in ("in", "nin"):
        assert isinstance(value, list)
        listed = _equals(of, [each for each in value if each is not None], condition.case_sensitive)
        return listed if operator == "in" else _and(_present(of), _not(listed))
    if operator in strings.RANGES:
        return _compares(of, condition)
    if operator == "contains":
        return _contains(of, condition)
    text, params = strings.holds(condition, "(s.v #>> '{}')")
    held = of.exists('@.type() == "string"', text, params)
    return held if operator == "text" else _after_a_look(of, lambda there: strings.holds(condition, there), held)


@dataclass(frozen=True, slots=True)
class _Reached:
    """What a field reaches: SQL of a jsonb, and the jsonpath that leads into it."""

    source: Fragment
    path: str
    nullable: bool
    everything: Fragment
    """SQL of an array of it all."""
    column: str
    steps: tuple[str, ...]
    """Where the jsonb operators #> and #>> look at what the path reaches, as long as no array is opened; else empty."""

    @classmethod
    def by(cls, field: Field) -> "_Reached":
        everything = fields.reached(field)
        steps = () if any(map(_TAKEN_FOR_INDEX.match, field.steps)) else field.steps
        if field.has_index_steps:
            return cls(everything, "$[*]", False, everything, field.column, steps)
        source, path = Fragment(field.column), fields.json_path(field.steps)
        return cls(source, path, field.reads_lineage, everything, field.column, steps)

    def _call(self, function: str, path: str, *more: str) -> Fragment:
        arguments = "".join(", %s::jsonb" for _ in more)
        return Fragment(f"{function}({self.source.text}, %s::jsonpath{arguments})", (*self.source.params, path, *more))

    def _test(self, path: str, *more: str) -> Fragment:
        text, params = self._call("jsonb_path_exists", path, *more)
        return Fragment(f"COALESCE({text}, false)" if self.nullable else text, params)

    def any(self) -> Fragment:
        return self._test(self.path)

    def matches(self, filter: str, value: object) -> Fragment:
        """A candidate passes the jsonpath filter, in which $v is the value."""
        return self._test(f"{self.path} ? ({filter})", dumps({"v": value}))

    def has_null(self) -> Fragment:
        return self._test(f'{self.path} ? (@.type() == "null")')

    def null_or_missing(self) -> Fragment:
        return _or([_not(self.any()), self.has_null()])

    def any_but_null(self) -> Fragment:
        """An array is no null, whatever is in it."""
        return self._test(f'{self.path}.type() ? (@ != "null")')

    def scalars(self) -> Fragment:
        """SQL of an array of the scalars among the candidates; objects and deeper arrays are in it, too."""
        text, params = self._call("jsonb_path_query_array", f"{self.path}[*]")
        return Fragment(f"COALESCE({text}, '[]')" if self.nullable else text, params)

    def exists(self, filter: str, condition: str, params: tuple[object, ...]) -> Fragment:
        """A candidate that passes the jsonpath filter, `s.v` in SQL, meets the SQL condition."""
        text, path = self._call("jsonb_path_query", f"{self.path} ? ({filter})")
        return Fragment(f"EXISTS (SELECT FROM {text} AS s(v) WHERE {condition})", (*path, *params))

    def exists_candidate(self, condition: str, params: tuple[object, ...]) -> Fragment:
        """The same of all candidates, arrays included."""
        text, of = self.everything
        return Fragment(f"EXISTS (SELECT FROM documents_candidates({text}) AS s(v) WHERE {condition})", (*of, *params))


_TAKEN_FOR_INDEX: Final = re.compile(r"(?!(?:0|[1-9][0-9]{0,8})\Z)\s*[+-]?[0-9]")
"""Steps that #> takes for the place of an element, and paths do not."""

_NEVER: Final = Fragment("false")


def _not(part: Fragment) -> Fragment:
    return Fragment(f"NOT ({part.text})", part.params)


def _and(*parts: Fragment) -> Fragment:
    return Fragment(" AND ".join(f"({part.text})" for part in parts), tuple(param for part in parts for param in part.params))


def _or(parts: list[Fragment]) -> Fragment:
    return Fragment(" OR ".join(part.text for part in parts), tuple(param for part in parts for param in part.params))


def _present(of: _Reached) -> Fragment:
    """There, and with no null."""
    return _and(of.any(), _not(of.has_null()))


def _equals(of: _Reached, values: list[object], case_sensitive: bool) -> Fragment:
    """A candidate equals one of the values, none of which is null."""
    texts = [value for value in values if isinstance(value, str)]
    scalars = [dumps([value]) for value in values if not isinstance(value, str | dict | list)]
    containers = [dumps(value) for value in values if isinstance(value, dict | list)]
    parts = []
    if texts:
        held = _has_text(of.scalars(), texts, case_sensitive)
        if len(texts) == 1:
            parts.append(_after_one_look(of, texts[0], case_sensitive, held))
        else:
            parts.append(_after_a_look(of, lambda there: _is_one(there, texts, case_sensitive), held))
    if scalars:
        text, params = of.scalars()
        parts.append(Fragment(f"{text} @> ANY(%s::jsonb[])", (*params, scalars)))
    if containers:
        parts.append(of.exists_candidate("s.v = ANY(%s::jsonb[])", (containers,)))
    return _or(parts) if parts else _NEVER


def _after_a_look(of: _Reached, says: Callable[[str], Fragment], held: Fragment) -> Fragment:
    """`held`, asked only where it is worth it: not where there is one text of which `says` is false. Costs a third of it.

    `says` makes SQL of the SQL of a text, which stands in it once and before its parameters.
    """
    if not of.steps:
        return held
    there, steps = f"({of.column} #>> %s::text[])", list(of.steps)
    text, params = says(there)
    # Missing: there may be an array on the way. An array, or a text that looks like one: see what is in it.
    return Fragment(f"(COALESCE({text}, true) OR {there} LIKE '[%%') AND ({held.text})", (steps, *params, steps, *held.params))


def _after_one_look(of: _Reached, text: str, case_sensitive: bool, held: Fragment) -> Fragment:
    """The same for equality with one text, with the path gone down once: two patterns, of an array's text and of this text."""
    if not of.steps:
        return held
    there, folded = f"({of.column} #>> %s::text[])", "%s::text"
    if not case_sensitive:
        there, folded = f"lower({there})", "lower(%s::text)"
    patterns = f"(SELECT ARRAY['[%%', {_literally(folded)}])::text[]"
    return Fragment(f"COALESCE({there} LIKE ANY ({patterns}), true) AND ({held.text})", (list(of.steps), text, *held.params))


def _literally(text: str) -> str:
    """SQL of a pattern that only this text is LIKE."""
    for character in ("\\", "%%", "_"):
        text = f"replace({text}, '{character}', '\\{character}')"
    return text


def _is_one(text: str, texts: list[str], case_sensitive: bool) -> Fragment:
    """A text is one of several."""
    folded = text if case_sensitive else f"lower({text})"
    return Fragment(f"{folded} = ANY({_listed(case_sensitive)})", (texts,))


def _has_text(array: Fragment, texts: list[str], case_sensitive: bool) -> Fragment:
    """One of the texts is an element of a jsonb array."""
    expression, params = array
    if not case_sensitive:
        expression = f"documents_folded({expression})"
    if len(texts) == 1:
        return Fragment(f"{expression} ? {'%s::text' if case_sensitive else '(SELECT lower(%s::text))'}", (*params, texts[0]))
    return Fragment(f"{expression} ?| {_listed(case_sensitive)}", (*params, texts))


def _listed(case_sensitive: bool) -> str:
    return "%s::text[]" if case_sensitive else "ARRAY(SELECT lower(v) FROM unnest(%s::text[]) AS t(v))"


def _compares(of: _Reached, condition: Condition) -> Fragment:
    value, sign = condition.value, strings.RANGES[condition.operator]
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return _NEVER
    if not isinstance(value, str):
        return of.matches(f'@.type() == "number" && @ {sign} $v', value)
    if not is_time(value):
        return of.matches(f'@.type() == "string" && @ {sign} $v', value)
    text, params = strings.holds(condition, "(s.v #>> '{}')")
    return of.exists('@.type() == "string"', text, params)


def _contains(of: _Reached, condition: Condition) -> Fragment:
    """A substring of a string, or an element of an array among the candidates."""
    value = condition.value
    if value is None:
        return _NEVER
    if isinstance(value, str):
        substring, params = strings.holds(condition, "(s.v #>> '{}')")
        element, more = _has_text(Fragment("s.v"), [value], condition.case_sensitive)
        held = of.exists(
            '@.type() == "string" || @.type() == "array"',
            f"CASE jsonb_typeof(s.v) WHEN 'string' THEN {substring} ELSE {element} END",
            (*params, *more),
        )
        return _after_a_look(of, lambda there: strings.holds(condition, there), held)
    if not isinstance(value, dict | list):
        text, params = of.everything
        return Fragment(f"{text} @> ANY(%s::jsonb[])", (*params, [dumps([[value]]), dumps([[[value]]])]))
    return of.exists_candidate(
        "jsonb_typeof(s.v) = 'array' AND EXISTS (SELECT FROM"
        " jsonb_array_elements(CASE WHEN jsonb_typeof(s.v) = 'array' THEN s.v ELSE '[]' END) AS e(v) WHERE e.v = %s::jsonb)",
        (dumps(value),),
    )
