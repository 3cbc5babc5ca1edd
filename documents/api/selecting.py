"""`select`: the members of an answer that a client wants, and no others (contract section 7)."""

from typing import Any, Final

from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject

_ALWAYS: Final = ("document_id", "collection_id", "vectors", "_vectors", "vector", "_score", "_expanded")
# Where a system name stands in a rendering that has it not at the root.
_ELSEWHERE: Final = (("_internal",), ("_internal", "lineage"), ("lineage",))
_RENAMED: Final = {"internal_metadata": ("_internal", "metadata"), "lineage_path": ("_internal", "lineage", "path")}

Path = tuple[str, ...]


def selected(rendered: str, names: tuple[str, ...]) -> str:
    """The rendered document's JSON with only what the names (dotted paths or JSON pointers) reach, and its ids.

    A step into an array goes on in each of its elements. Names that reach nothing are passed over.
    """
    document: JSONObject = jsonio.loads(rendered)
    found: JSONObject = {name: document[name] for name in _ALWAYS if name in document}
    for name in names:
        path = _path(name)
        for place in _places(document, path):
            picked = _picked(document, place)
            if picked is not _NOTHING:
                found = _merged(found, picked)
                break
    return jsonio.dumps(found)


_NOTHING: Final[Any] = object()


def _path(name: str) -> Path:
    if name.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/"))
    return tuple(name.split("."))


def _places(document: JSONObject, path: Path) -> list[Path]:
    if path[0] in document:
        return [path]
    renamed = _RENAMED.get(path[0])
    return [(*place, *path) for place in _ELSEWHERE] + ([(*renamed, *path[1:])] if renamed else [])


def _picked(value: Any, path: Path) -> Any:
    """The value with only what the path reaches, wrapped as it stands; `_NOTHING` if it reaches nothing."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        inner = _picked(value[step], rest) if step in value else _NOTHING
        return _NOTHING if inner is _NOTHING else {step: inner}
    if isinstance(value, list):
        if step.isdigit():
            elements = [_picked(element, rest) for element in value[int(step) : int(step) + 1]] if len(step) < 10 else []
        else:
            elements = [_picked(element, path) if isinstance(element, dict) else _NOTHING for element in value]
        kept = [element for element in elements if element is not _NOTHING]
        return kept or _NOTHING
    return _NOTHING


def _merged(left: Any, right: Any) -> Any:
    """Both selections of one document together; of equally long arrays element by element."""
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **{name: _merged(left[name], value) if name in left else value for name, value in right.items()}}
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [_merged(one, other) for one, other in zip(left, right, strict=True)]
    return right
