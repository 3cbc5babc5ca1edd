"""From the fields that a stranger's file has to those of a body: `--map`, `--id-field`, `--collection-field`."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings

from documents.inputs import FLAT_LINEAGE, IGNORED
from documents.paths import Path, name_of, path_of
from mixpeek_site import jsonio
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject

_IDS: Final = frozenset(("document_id", "collection_id", *FLAT_LINEAGE))
"""Members of a body that are texts; a number that is put there becomes one."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """What to do with each body before it is read.

    `moves`: from where to where; None: the field is left out. `id_field`: whose value becomes the document_id as well.
    `collection_field`: whose value names the collection. All name places in the body as it came in.
    """

    moves: tuple[tuple[Path, Path | None], ...] = ()
    id_field: Path | None = None
    collection_field: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.moves) or self.id_field is not None or self.collection_field is not None

    @classmethod
    def of(cls, moves: Sequence[str] = (), id_field: str | None = None, collection_field: str | None = None) -> "Mapping":
        """From the command's options. Raises ValueError: what is wrong with them."""
        made = tuple(map(_move, moves))
        for number, (source, target) in enumerate(made):
            for other_source, other_target in made[:number]:
                if _overlap(source, other_source):
                    raise ValueError(f"--map {moves[number]}: {name_of(other_source)} is mapped already.")
                if target is not None and other_target is not None and _overlap(target, other_target):
                    raise ValueError(f"--map {moves[number]}: {name_of(other_target)} is another one's target.")
        if id_field is not None and any(target == ("document_id",) for _, target in made):
            raise ValueError("--id-field and a --map to document_id both give the id; give one of them.")
        return cls(
            made,
            None if id_field is None else path_of(id_field),
            None if collection_field is None else path_of(collection_field),
        )

    @property
    def dropped(self) -> frozenset[str]:
        """Names of columns that are left out and nothing else."""
        kept = (self.id_field, self.collection_field)
        return frozenset(name_of(source) for source, target in self.moves if target is None and source not in kept)

    def apply(self, body: JSONObject) -> tuple[JSONObject, str | None]:
        """The body to be read, made of the given one, which is spent; and the collection that it names.

        Raises ValidationError: a place that is taken, an id or collection that is missing.
        """
        faults: list[Fault] = []
        document_id = None if self.id_field is None else _named(body, self.id_field, "--id-field", faults)
        collection = None if self.collection_field is None else _found(body, self.collection_field)
        moved = [(source, target, _taken(body, source)) for source, target in self.moves]
        for source, target, value in moved:
            if target is not None and value is not _ABSENT:
                _put(body, target, _as_id(value) if target[0] in _IDS else value, source, faults)
        if document_id is not None and self.id_field is not None:
            _put(body, ("document_id",), document_id, self.id_field, faults, replaces=self.id_field == ("document_id",))
        if faults:
            raise ValidationError(*faults)
        if any(target is not None and len(target) > len(source) for source, target, _ in moved):
            fault = next(jsonio.unstorable(body, ("body",)), None)
            if fault:
                raise ValidationError(fault)
        if collection is None or collection is _ABSENT:
            return body, None
        named = _as_id(collection)
        if not isinstance(named, str) or not named:
            raise ValidationError(Fault(("body", name_of(self.collection_field or ())), "must name a collection", "string_type"))
        return body, named


_ABSENT: Any = object()


def _move(text: str) -> tuple[Path, Path | None]:
    source, sign, target = text.partition("=")
    if not sign or not source:
        raise ValueError(f"--map {text}: must be SOURCE=TARGET, or SOURCE= to leave a field out.")
    if not target:
        return path_of(source), None
    path = path_of(target)
    if path[0] in IGNORED or (path[0].startswith("_") and path[0] != "_internal"):
        raise ValueError(f"--map {text}: {path[0]} is a name that documents can't have.")
    if len(path) >= settings.MAX_JSON_DEPTH:
        raise ValueError(f"--map {text}: a document has at most {settings.MAX_JSON_DEPTH} levels.")
    return path_of(source), path


def _overlap(one: Path, other: Path) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _found(body: JSONObject, path: Path) -> Any:
    value: Any = body
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _named(body: JSONObject, path: Path, option: str, faults: list[Fault]) -> Any:
    """The value of a field that must be there."""
    value = _found(body, path)
    if value is _ABSENT or value is None or value == "":
        faults.append(Fault(("body", *path), f"is missing, and {option} needs it", "missing"))
        return None
    return _as_id(value)


def _taken(body: JSONObject, path: Path) -> Any:
    """The value at the path, which is removed from there, as are objects that it leaves empty."""
    if len(path) == 1:
        return body.pop(path[0], _ABSENT)
    inner = body.get(path[0])
    if not isinstance(inner, dict):
        return _ABSENT
    value = _taken(inner, path[1:])
    if not inner and value is not _ABSENT:
        del body[path[0]]
    return value


def _put(body: JSONObject, path: Path, value: Any, source: Path, faults: list[Fault], *, replaces: bool = False) -> None:
    """Put a value where there is none, or null."""
    holder = body
    for step in path[:-1]:
        if holder.get(step) is None:
            holder[step] = {}
        holder = holder[step]
        if not isinstance(holder, dict):
            faults.append(Fault(("body", *path), f"can't take {name_of(source)}: {step} is no object", "place_taken"))
            return
    taken = holder.get(path[-1])
    if taken is not None and not replaces and taken != value:
        faults.append(Fault(("body", *path), f"is there already, and {name_of(source)} is to go there", "place_taken"))
        return
    holder[path[-1]] = value


def _as_id(value: Any) -> Any:
    """Numbers as their digits; anything else as it is."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return jsonio.dumps(value)
    return value
