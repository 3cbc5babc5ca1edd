"""`select`: the members of an answer that a client wants, and no others (contract section 7)."""

from typing import Any, Final

from documents.fields import is_index
from documents.inputs import RESERVED
from mixpeek_site import jsonio, pointers
from mixpeek_site.jsonio import JSONObject

_ALWAYS: Final = ("document_id", "collection_id", "vectors", "_vectors", "vector", "_score")

Path = tuple[str, ...]

# Where the native rendering has what `documents.fields` knows by these names; v1 and v2 have it at the root, or in v1's lineage.
_LINEAGE: Final = ("_internal", "lineage")
_NATIVE: Final[dict[str, Path]] = {
    **{
        name: (*_LINEAGE, name)
        for name in (
            *("root_object_id", "root_bucket_id", "source_type", "source_object_id"),
            *("source_collection_id", "source_document_id"),
        )
    },
    "lineage": _LINEAGE,
    "lineage_path": (*_LINEAGE, "path"),
    "lineage_chain": (*_LINEAGE, "chain"),
    "internal_metadata": ("_internal", "metadata"),
    **{
        name: ("_internal", name)
        for name in (
            *("created_at", "updated_at", "modality", "mime_type", "size_bytes", "content_hash", "processing"),
            *("source_blobs", "source_details", "enrichments"),
        )
    },
}
_SHORT: Final = {"path": "lineage_path", "chain": "lineage_chain"}

Tree = dict[str, Any]
"""By step what is wanted below: another tree, or None for all of it."""


def selected(rendered: str, names: tuple[str, ...]) -> str:
    """The rendered document's JSON with only what the names (dotted paths or JSON pointers) reach, and its ids.

    A step into an array goes on in each of its elements, and elements in which nothing is reached are left out. Names
    that reach nothing are passed over. A pointer reaches user fields alone.
    """
    document: JSONObject = jsonio.loads_stored(rendered)
    tree: Tree = dict.fromkeys(_ALWAYS)
    for name in names:
        for path in _places(document, name):
            _plant(tree, path)
    return jsonio.dumps(_picked(document, tree))


def _places(document: JSONObject, name: str) -> list[Path]:
    """Where the rendering may have what is called so."""
    if name.startswith("/"):
        path = pointers.steps_of(name)
        return [] if path[0] in RESERVED or path[0].startswith("_") else [path]
    path = tuple(name.split("."))
    system = _system(path)
    if system[0] not in _NATIVE:
        return [path]
    if "_internal" in document:
        return [path, (*_NATIVE[system[0]], *system[1:])]
    if path[0] in document:
        return [path]
    return [system if system[0] in document else ("lineage", *system)]


def places(name: str, *, native: bool) -> list[Path]:
    """Where renderings, the native one or the flat ones, may have what is called so; in the last of them, if they have it."""
    if native or name.startswith("/"):
        return _places({"_internal": {}} if native else {}, name)
    path = tuple(name.split("."))
    system = _system(path)
    return [path] if system[0] not in _NATIVE else [path, ("lineage", *system), system]


def _system(path: Path) -> Path:
    """The path of a system or lineage name as it is without its prefixes."""
    if path[0] == "_internal" and len(path) > 1:
        path = ("internal_metadata", *path[2:]) if path[1] == "metadata" else path[1:]
    if path[0] == "lineage" and len(path) > 1:
        path = (_SHORT.get(path[1], path[1]), *path[2:])
    return path


def _plant(tree: Tree, path: Path) -> None:
    for step in path[:-1]:
        below = tree.setdefault(step, {})
        if below is None:
            return
        tree = below
    tree[path[-1]] = None


_NOTHING: Final[Any] = object()


def _picked(value: Any, tree: Tree | None) -> Any:
    """The value with only what the tree wants, wrapped as it stands; `_NOTHING` if that is nothing."""
    if tree is None:
        return value
    if isinstance(value, dict):
        members = {step: _picked(value[step], below) for step, below in tree.items() if step in value}
        kept = {step: member for step, member in members.items() if member is not _NOTHING}
        return kept or _NOTHING
    if not isinstance(value, list):
        return _NOTHING
    of_each = {step: below for step, below in tree.items() if not is_index(step)}
    wanted = [
        _both(tree.get(str(place), {}), of_each if isinstance(element, dict) else {}) for place, element in enumerate(value)
    ]
    elements = [_picked(element, below) for element, below in zip(value, wanted, strict=True)]
    return [element for element in elements if element is not _NOTHING] or _NOTHING


def _both(one: Tree | None, other: Tree | None) -> Tree | None:
    if one is None or other is None:
        return None
    return {**one, **{step: _both(one[step], below) if step in one else below for step, below in other.items()}}
