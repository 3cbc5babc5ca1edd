"""What must be so after every call of the client, whatever the model: nothing sent is lost, nothing answered is misplaced."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar, get_args

from mixpeek.api_client import ApiClient
from mixpeek.api_response import ApiResponse
from pydantic import BaseModel

from tests.client.filling import is_wrapper, names

Model = TypeVar("Model", bound=BaseModel)

_plain = ApiClient()


def as_json(value: Any) -> Any:
    """A model, or a value in one, as the client would send it."""
    sent = _plain.sanitize_for_serialization(value)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(sent))


def typed(response: ApiResponse[Model], *, unknown: frozenset[str] = frozenset()) -> Model:
    """The answer's model, after everything that the server said was found in it again.

    `unknown`: what the model does not know and drops, as the answer of an earlier generation has it.
    """
    raw = json.loads(response.raw_data)
    dropped = set(_dropped(raw, response.data))
    assert dropped == unknown, f"the client's {type(response.data).__name__} drops {dropped - unknown or 'less than expected'}"
    assert not (misplaced := list(_misplaced(response.data))), misplaced
    return response.data


def assert_echoed(sent: Any, received: Any, *, besides: tuple[str, ...] = ()) -> None:
    """Every field of `sent` comes back equal; `besides` are names of fields that are not for keeping."""
    wanted = as_json(sent)
    assert isinstance(wanted, dict)
    lost = list(_differences({name: value for name, value in wanted.items() if name not in besides}, as_json(received)))
    assert not lost, lost


def assert_typed(sent: BaseModel, received: BaseModel, *, besides: tuple[str, ...] = ()) -> None:
    """As `assert_echoed`, field by field of the typed models: where both know a field, it holds the value in both."""
    known = names(type(received))
    for name in names(type(sent)):
        if name in known and name not in besides and getattr(sent, name) is not None:
            assert getattr(received, name) is not None, f"{name} is None"
            lost = list(_differences(as_json(getattr(sent, name)), as_json(getattr(received, name)), name))
            assert not lost, lost


def _differences(sent: Any, received: Any, place: str = "") -> Iterator[str]:
    """Objects may gain members on the way (ids, defaults), nothing else may differ."""
    if isinstance(sent, dict) and isinstance(received, dict):
        for name, value in sent.items():
            if name in received:
                yield from _differences(value, received[name], f"{place}.{name}")
            elif value is not None:
                yield f"{place}.{name} is lost"
    elif isinstance(sent, list) and isinstance(received, list) and len(sent) == len(received):
        for index, (one, other) in enumerate(zip(sent, received, strict=True)):
            yield from _differences(one, other, f"{place}.{index}")
    elif not _same(sent, received):
        yield f"{place}: sent {sent!r}, received {received!r}"


def _same(one: Any, other: Any) -> bool:
    if one == other:
        return isinstance(one, bool) == isinstance(other, bool)
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False


def _dropped(raw: Any, parsed: Any, place: str = "") -> Iterator[str]:
    """Members of the answer that the client's model does not hold, or holds otherwise."""
    if isinstance(raw, list) and isinstance(parsed, list):
        for one, other in zip(raw, parsed, strict=True):
            yield from _dropped(one, other, place)
    elif isinstance(parsed, BaseModel) and is_wrapper(type(parsed)):
        yield from _dropped(raw, parsed.actual_instance, place)  # type: ignore[attr-defined]
    elif isinstance(raw, dict) and isinstance(parsed, BaseModel):
        fields = {alias: getattr(parsed, name) for name, alias in names(type(parsed)).items()}
        fields |= getattr(parsed, "additional_properties", {})
        for name, value in raw.items():
            inner = f"{place}.{name}" if place else name
            if name not in fields:
                yield inner
            elif value is not None:
                yield from _dropped(value, fields[name], inner)
    elif isinstance(raw, dict) and isinstance(parsed, dict):
        for name, value in raw.items():
            yield from _dropped(value, parsed.get(name), f"{place}.{name}" if place else name)
    elif not _same(raw, as_json(parsed)):
        yield f"{place}: {raw!r} became {parsed!r}"


def _misplaced(parsed: Any, place: str = "") -> Iterator[str]:
    """Names among the additional properties that a model knows, here or further down.

    `metadata` is the user's at the root of a document or object and the system's below `_internal`. Below a "one of
    these" wrapper the client takes the first type that fits, and an open one fits everything: there it is not looked.
    """
    if isinstance(parsed, list):
        for item in parsed:
            yield from _misplaced(item, place)
    elif isinstance(parsed, BaseModel) and not is_wrapper(type(parsed)):
        known = set(_known_names(type(parsed))) - {"metadata"}
        for name in getattr(parsed, "additional_properties", {}):
            if name in known:
                yield f"{place}.{name}"
        for name in names(type(parsed)):
            yield from _misplaced(getattr(parsed, name), f"{place}.{name}")


def _known_names(cls: type[BaseModel], seen: frozenset[type] = frozenset()) -> Iterator[str]:
    if cls in seen:
        return
    yield from names(cls).values()
    for field in cls.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from _known_names(inner, seen | {cls})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
