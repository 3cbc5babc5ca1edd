"""What PATCH means (contract section 6): the rules as pure functions.

Single, batch and filter-mode writes run `documents_patched` in SQL instead (migration 0004); the functions here are
its oracle in the tests, and the only implementation of JSON Patch. Values are those of `jsonio.loads`.
"""

from copy import deepcopy
from decimal import Decimal
from typing import Any

from django.conf import settings

from mixpeek_site import jsonio, pointers
from mixpeek_site.errors import ConflictError, Fault, PayloadTooLargeError, ValidationError
from mixpeek_site.jsonio import JSONObject

PLAIN = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
MEDIA_TYPES = frozenset((PLAIN, MERGE_PATCH, JSON_PATCH))


def merge_patch(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396): the new value; `target` is not changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def expand_paths(patch: JSONObject) -> JSONObject:
    """A plain-JSON patch as a merge patch: its dotted top-level keys are paths, keys below them are literal.

    Raises ValidationError when a key and its own prefix are both given, and when a path is too deep.
    """
    if not any("." in key for key in patch):
        return patch
    expanded: JSONObject = {}
    ends: set[tuple[str, ...]] = set()
    faults = []
    for key in sorted(patch, key=lambda key: key.count(".")):
        path = tuple(key.split("."))
        if len(path) > settings.MAX_JSON_DEPTH:
            faults.append(Fault(("body", key[:64]), f"is deeper than {settings.MAX_JSON_DEPTH} levels", "json_too_deep"))
            continue
        prefix = next((path[:size] for size in range(1, len(path)) if path[:size] in ends), None)
        if prefix:
            faults.append(Fault(("body", key), f"is given beside its own prefix {'.'.join(prefix)!r}", "contradiction"))
            continue
        ends.add(path)
        holder = expanded
        for step in path[:-1]:
            holder = holder.setdefault(step, {})
        holder[path[-1]] = patch[key]
    faults = faults or list(jsonio.unstorable(expanded, ("body",)))
    if faults:
        raise ValidationError(*faults)
    return expanded


def same(left: Any, right: Any) -> bool:
    """JSON equality (RFC 6902, section 4.6): 1 equals 1.0, true never equals 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return left == right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def json_patch(document: JSONObject, operations: Any) -> JSONObject:
    """JSON Patch (RFC 6902) over the user fields: the new object; `document` is not changed.

    Raises ValidationError for an operation that is malformed or impossible, ConflictError for a failing `test`, and
    PayloadTooLargeError when its copies alone exceed one document: copies of copies grow without limit otherwise.
    """
    if not isinstance(operations, list):
        raise ValidationError(Fault(("body",), "a JSON Patch is an array of operations", "list_type"))
    holder: JSONObject = {"": deepcopy(document)}  # so that the whole document is a member, too
    copied = 0
    for index, operation in enumerate(operations):
        try:
            copied += _apply(holder, operation)
        except _ImpossibleError as error:
            raise ValidationError(Fault(("body", index), str(error), "json_patch")) from None
        except _TestFailedError as error:
            raise ConflictError(f"Operation {index} of the JSON Patch, a test, failed: {error}", operation=index) from None
        if copied > settings.MAX_DOCUMENT_BYTES:
            raise PayloadTooLargeError(
                f"The JSON Patch copies more than the {settings.MAX_DOCUMENT_BYTES} bytes that one document may have.",
                limit_bytes=settings.MAX_DOCUMENT_BYTES,
            )
    result = holder.get("")
    if not isinstance(result, dict):
        raise ValidationError(Fault(("body",), "the patch would leave no JSON object", "json_patch"))
    return result


class _ImpossibleError(Exception):
    pass


class _TestFailedError(Exception):
    pass


def _apply(holder: JSONObject, operation: Any) -> int:
    """Carry out one operation; the number of bytes it copied within the document."""
    if not isinstance(operation, dict):
        raise _ImpossibleError("an operation must be an object")
    name, path = operation.get("op"), _path(operation, "path")
    if name in ("add", "replace", "test") and "value" not in operation:
        raise _ImpossibleError(f"{name} needs a value")
    if name == "add":
        _add(holder, path, deepcopy(operation["value"]))
    elif name == "remove":
        _remove(holder, path)
    elif name == "replace":
        parent, key = _parent(holder, path)
        _member(parent, key)
        parent[key] = deepcopy(operation["value"])
    elif name == "move":
        source = _path(operation, "from")
        if path[: len(source)] == source and path != source:
            raise _ImpossibleError("a value can't be moved into itself")
        _add(holder, path, _remove(holder, source))
    elif name == "copy":
        value = _value(holder, _path(operation, "from"))
        if next(jsonio.unstorable(value, ("from",)), None):
            raise _ImpossibleError("what would be copied is nested too deep")
        _add(holder, path, deepcopy(value))
        return len(jsonio.dumps(value))
    elif name == "test":
        try:
            found = _value(holder, path)
        except _ImpossibleError as error:
            raise _TestFailedError(str(error)) from None
        if not same(found, operation["value"]):
            raise _TestFailedError(f"the value at {operation['path']!r} differs")
    else:
        raise _ImpossibleError("op must be add, remove, replace, move, copy or test")
    return 0


def _path(operation: JSONObject, name: str) -> list[str]:
    """A JSON pointer (RFC 6901) as steps from the holder."""
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise _ImpossibleError(f"{name} must be a JSON pointer: empty, or beginning with /")
    if pointers.has_bad_escape(pointer):
        raise _ImpossibleError(f"{name} holds a ~ that is neither ~0 nor ~1")
    return ["", *pointers.steps_of(pointer)]


def _parent(holder: JSONObject, path: list[str]) -> tuple[Any, Any]:
    """The container of a path's last step, and that step as its key or index."""
    container: Any = holder
    for step in path[:-1]:
        container = _member(container, _key(container, step))
    return container, _key(container, path[-1])


def _key(container: Any, step: str) -> str | int:
    if isinstance(container, dict):
        return step
    if isinstance(container, list):
        if step == "-":
            return len(container)
        if step.isascii() and step.isdigit() and (step == "0" or step[0] != "0") and len(step) < 10:
            return int(step)
        raise _ImpossibleError(f"{step!r} is not an index")
    raise _ImpossibleError(f"there is nothing below a scalar ({step!r})")


def _member(container: Any, key: str | int) -> Any:
    try:
        return container[key]
    except (KeyError, IndexError):
        raise _ImpossibleError(f"there is no {key!r}") from None


def _value(holder: JSONObject, path: list[str]) -> Any:
    return _member(*_parent(holder, path))


def _add(holder: JSONObject, path: list[str], value: Any) -> None:
    container, key = _parent(holder, path)
    if isinstance(container, list):
        if not isinstance(key, int) or key > len(container):
            raise _ImpossibleError(f"index {key} is beyond the end")
        container.insert(key, value)
    else:
        container[key] = value


def _remove(holder: JSONObject, path: list[str]) -> Any:
    container, key = _parent(holder, path)
    value = _member(container, key)
    del container[key]
    return value
