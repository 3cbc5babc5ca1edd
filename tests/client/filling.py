"""Instances of the client's models with every field set, made from the models' own annotations.

So a field that the client gains, or one that nobody thought of, is sent and compared as well.
"""

import ast
import itertools
import re
import types
import typing
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, TypeVar

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Model = TypeVar("Model", bound=BaseModel)

_numbers = itertools.count(1)
_ENUM = re.compile(r"must be one of (?:enum values )?(\(.*\))")
_MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)

# What annotations can't say: the patterns that identifiers have, and the words that there are.
_PATTERNED = {
    ("CreateBlobRequest", "upload_id"): "upl_0001",
    ("NamespaceInfrastructure", "ray_cluster_id"): "ray_0001",
    ("VectorConfigSpec", "metric"): "dot_product",
}


class Left(Exception):
    """The model is inside itself; the innermost is left out."""


def filled(cls: type[Model], **given: Any) -> Model:
    """An instance with every field set to something that is not its default; `given` by field name, None leaves out."""
    return _model(cls, given, ())


def names(cls: type[BaseModel]) -> dict[str, str]:
    """Field name → name in JSON, of the fields that are the API's."""
    return {name: field.alias or name for name, field in cls.model_fields.items() if name != "additional_properties"}


def is_wrapper(cls: type[BaseModel]) -> bool:
    """Whether the model stands for "one of these types": it holds a value, not fields."""
    return "actual_instance" in cls.model_fields


def _model(cls: type[Model], given: dict[str, Any], stack: tuple[type, ...]) -> Model:
    if cls in stack:
        raise Left
    stack = (*stack, cls)
    if is_wrapper(cls):
        wrapper: Model = _wrapper(cls, stack)
        return wrapper
    values: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if name == "additional_properties":
            continue
        if name in given:
            values[field.alias or name] = given[name]
        elif (cls.__name__, name) in _PATTERNED:
            values[field.alias or name] = _PATTERNED[cls.__name__, name]
        else:
            try:
                values[field.alias or name] = _value(field.annotation, list(field.metadata), name, field.default, stack)
            except Left:
                if field.is_required():
                    raise
    for _ in range(3):
        try:
            return cls(**values)
        except ValidationError as error:
            for fault in error.errors():
                _mend(values, cls, fault)
    return cls(**values)


def _mend(values: dict[str, Any], cls: type[BaseModel], fault: Any) -> None:
    """The generated validators know more than the annotations: choices."""
    place = str(fault["loc"][0])
    place = names(cls).get(place, place)
    choices = _ENUM.search(fault["msg"])
    assert choices, f"{cls.__name__}.{place}: {fault['msg']}"
    found = ast.literal_eval(choices[1])
    choice = found if isinstance(found, str) else found[-1]
    values[place] = [choice] if isinstance(values[place], list) else choice


def _wrapper(cls: Any, stack: tuple[type, ...]) -> Any:
    for name, field in cls.model_fields.items():
        if name.endswith("_validator"):
            try:
                return cls(_value(field.annotation, list(field.metadata), name, None, stack))
            except (Left, ValidationError, ValueError):
                continue
    raise Left


def _value(annotation: Any, limits: list[Any], name: str, default: Any, stack: tuple[type, ...]) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner = [each for limit in arguments[1:] for each in (limit.metadata if isinstance(limit, FieldInfo) else [limit])]
        return _value(arguments[0], [*limits, *inner], name, default, stack)
    if origin in (typing.Union, types.UnionType):
        return _value(next(each for each in arguments if each is not type(None)), limits, name, default, stack)
    if origin is list:
        return [_value(arguments[0], [], name, None, stack)]
    if origin is dict:
        return {f"{name} key": _value(arguments[1], [], name, None, stack)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation, {}, stack)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(each for each in reversed(list(annotation)) if each != default)
    return _scalar(annotation, limits, name, default)


def _scalar(annotation: Any, limits: list[Any], name: str, default: Any) -> Any:
    if annotation is bool:
        return default is not True
    if annotation is datetime:
        return _MOMENT
    if annotation in (int, float):
        bounds = {type(each): each for each in limits}
        least: Any = getattr(bounds.get(annotated_types.Ge), "ge", 0)
        most: Any = getattr(bounds.get(annotated_types.Le), "le", 1_000_000)
        number: int = next(each for each in itertools.count(int(least) + 1) if each != default)
        return annotation(min(number, most)) + (0.5 if annotation is float and number < most else 0)
    if annotation is str:
        most = next((each.max_length for each in limits if isinstance(each, annotated_types.MaxLen)), 255)
        return f"{name} {next(_numbers)} ü"[-most:]
    return {"any": [None, True, 1.5, {"é": "😀"}], name: next(_numbers)}  # Any: whatever JSON holds
