"""`expand`: what documents point at, read along with a page (contract section 7).

| name          | what it is                                                              | where there is none |
| ------------- | ----------------------------------------------------------------------- | ------------------- |
| `parent`      | the stored document that it was made from                               | null                |
| `root_object` | its root object, if that is registered, as GET of the object answers it | null                |
| `ancestors`   | its parent, the parent's parent, …: the root's document first           | `[]`                |
| `children`    | the documents that were made from it, in creation order, at most 100    | `[]`                |
| a field       | the document whose id the field holds; of a list, those that are stored | null, `[]`          |

A user field called as the first four is reached by its pointer (`/parent`). What is found is not expanded in turn. What
is of another namespace or of a deleted collection is not found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from documents.fields import Field, is_index, read_field, value_at
from documents.listing import related
from documents.listing.related import FRAME_BYTES, Objects, RegisteredObject, Related, UnreadError
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import Location
from namespaces.scope import Scope

LINEAGE_NAMES: Final = ("parent", "root_object", "ancestors", "children")

Value = StoredDocument | RegisteredObject | list[StoredDocument] | None

_MAX_ID_LENGTH: Final = 128
# What a StoredDocument calls otherwise than its column.
_ATTRIBUTES: Final = {"c.public_id": "collection"}


@dataclass(frozen=True, slots=True)
class Expansion:
    """A name of `expand`. `field` is what holds the ids, None for what lineage leads to."""

    name: str
    location: Location
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class _References:
    """The ids that a field of a document holds; `many`: it holds a list, or leads through one."""

    ids: list[str]
    many: bool


def read_expansion(name: str, location: Location) -> Expansion:
    """Raises ValidationError for what names no field."""
    if name in LINEAGE_NAMES:
        return Expansion(name, location)
    if name.startswith("_"):
        message = f"{name!r} can't be expanded; accepted: {', '.join(LINEAGE_NAMES)}, and fields that hold documents' ids"
        raise ValidationError(Fault(location, message, "field"))
    return Expansion(name, location, read_field(name, location))


def expand(
    scope: Scope, documents: Sequence[StoredDocument], expansions: Sequence[Expansion], *, max_bytes: int
) -> list[dict[str, Value]]:
    """What each document leads to, by name.

    Fewer than there are documents where these and what they lead to would have more than `max_bytes` of JSON together.
    Raises ValidationError when the first document's alone has. One statement for all fields and parents, one each for
    root objects, ancestors and children.
    """
    if not documents or not expansions:
        return [{} for _ in documents]
    reading = _Reading(scope, documents, expansions, max_bytes)
    found: list[dict[str, Value]] = []
    size = 0
    for place, document in enumerate(documents):
        try:
            values = reading.values(place)
        except UnreadError:
            break
        expanded = sum(map(_bytes, values.values()))
        size += document.json_bytes + expanded
        if expanded > max_bytes or (found and size > max_bytes):
            break
        found.append(values)
    if not found:
        message = (
            f"what document {documents[0].document_id} leads to takes more than {max_bytes} bytes;"
            " expand less, or list those documents"
        )
        raise ValidationError(Fault(expansions[0].location[:2], message, "too_large"))
    return found


class _Reading:
    """What the documents of a page lead to, read at once."""

    def __init__(
        self, scope: Scope, documents: Sequence[StoredDocument], expansions: Sequence[Expansion], max_bytes: int
    ) -> None:
        self._documents = documents
        self._expansions = expansions
        names = {expansion.name for expansion in expansions}
        parents = [document.source_document_id for document in documents if document.source_document_id]
        self._references = {
            expansion.name: [_references(document, expansion.field) for document in documents]
            for expansion in expansions
            if expansion.field is not None
        }
        self._by_id = self._ancestors = self._children = Related()
        self._objects = Objects({}, frozenset())
        asked = [
            asked_id
            for place, document in enumerate(documents)
            for asked_id in (
                *([document.source_document_id] if "parent" in names and document.source_document_id else ()),
                *(each for held in self._references.values() for each in held[place].ids),
            )
        ]
        roots = [document.root_object_id for document in documents if document.root_object_id]
        if asked:
            self._by_id = related.documents_by_id(scope, asked, max_bytes)
        if "root_object" in names and roots:
            self._objects = related.objects_by_id(scope, roots, max_bytes)
        if "ancestors" in names and parents:
            self._ancestors = related.ancestors(scope, parents, max_bytes)
        if "children" in names:
            self._children = related.children(scope, [document.document_id for document in documents], max_bytes)

    def values(self, place: int) -> dict[str, Value]:
        """Raises UnreadError."""
        return {expansion.name: self._value(expansion, place) for expansion in self._expansions}

    def _value(self, expansion: Expansion, place: int) -> Value:
        document = self._documents[place]
        if expansion.field is not None:
            held = self._references[expansion.name][place]
            found = [stored for each in held.ids if (stored := self._by_id.one(each))]
            return found if held.many else next(iter(found), None)
        if expansion.name == "parent":
            return self._by_id.one(document.source_document_id) if document.source_document_id else None
        if expansion.name == "root_object":
            return self._objects.one(document.root_object_id) if document.root_object_id else None
        return self._above(document) if expansion.name == "ancestors" else self._children.of(document.document_id)

    def _above(self, document: StoredDocument) -> list[StoredDocument]:
        """From the root down to the parent; a cycle ends before the document that it would meet again."""
        chain: dict[str, StoredDocument] = {}
        above = document.source_document_id
        while above and above != document.document_id and above not in chain and (found := self._ancestors.one(above)):
            chain[above] = found
            above = found.source_document_id
        return list(chain.values())[::-1]


def _bytes(value: Value) -> int:
    if isinstance(value, list):
        return sum(map(_bytes, value))
    return 0 if value is None else value.json_bytes + FRAME_BYTES


def _references(document: StoredDocument, field: Field) -> _References:
    if field.kind == "time":
        return _References([], many=False)
    held = getattr(document, _ATTRIBUTES.get(field.column) or field.column.partition(".")[2])
    if field.kind == "text":
        return _References([held] if held else [], many=False)
    values, many = _reached(held, field.steps)
    ids = []
    for value in values:
        many = many or isinstance(value, list)
        ids += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str) and _may_be_id(each)]
    return _References(ids, many)


def _reached(text: str | None, steps: tuple[str, ...]) -> tuple[list[Any], bool]:
    """The values that the steps reach in a JSON text, and whether they lead through every element of an array."""
    if text is None:
        return [], False
    members = jsonio.members(text.encode()) if steps and text.startswith("{") else None
    many = False
    if members is not None:  # only the one member is parsed
        values = [jsonio.loads_stored(members[steps[0]])] if steps[0] in members else []
        steps = steps[1:]
    else:
        values = [jsonio.loads_stored(text)]
    for step in steps:
        many = many or (not is_index(step) and any(isinstance(value, list) for value in values))
        values = [found for value in values for found in value_at(value, (step,))]
    return values, many


def _may_be_id(text: str) -> bool:
    """What PostgreSQL can't hold, or no id is, is not looked for."""
    return 1 <= len(text) <= _MAX_ID_LENGTH and text.isascii() and "\x00" not in text
