"""What the verbs share: checks of names and ids, and the SQL of "set what is named"."""

from typing import Any, Final

from mixpeek_site import ids, jsonio
from mixpeek_site.errors import AlreadyExistsError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject


class Unchanged:
    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()
"""Stands for an argument that was not given, where None is a value."""

Text = str | None | Unchanged


def require_name(name: object, prefix: str) -> None:
    """Raises ValidationError for a name that the contract refuses (section 3)."""
    fault = ids.name_fault(name, ("name",), prefix) or next(jsonio.unstorable(name, ("name",)), None)
    if fault:
        raise ValidationError(fault)


def require_chosen_id(chosen: object, prefix: str = "") -> None:
    """Raises ValidationError for an id that a client may not choose (contract section 3)."""
    fault = ids.chosen_id_fault(chosen, ("id",), prefix)
    if fault:
        raise ValidationError(fault)


def taken(resource: str, *, name: str, chosen_id: str | None, name_is_taken: bool) -> AlreadyExistsError:
    """The error for a create that met an existing row, by its id or its name."""
    if name_is_taken:
        return name_taken(resource, name)
    return AlreadyExistsError(f"A {resource} with the id {chosen_id} exists already.", resource=resource, id=chosen_id)


def name_taken(resource: str, name: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"A {resource} named {name!r} exists already.", resource=resource, name=name)


def assignments(
    *, name: str | None, description: Text, config: JSONObject, extractor_id: str | None = None
) -> tuple[str, list[Any]]:
    """The SET list of an update with its parameters. Members of `config` replace those stored; None removes one.

    `updated_at` grows with every change, also within one tick of the clock.
    """
    parts = ["updated_at = greatest(clock_timestamp(), t.updated_at + interval '1 microsecond')"]
    params: list[Any] = []
    if name is not None:
        parts.append("name = %s")
        params.append(name)
    if not isinstance(description, Unchanged):
        parts.append("description = %s")
        params.append(description)
    if extractor_id is not None:
        parts.append("feature_extractor_id = %s")
        params.append(extractor_id)
    if config:
        parts.append("config = (t.config || %s::jsonb) - %s::text[]")
        kept = {key: value for key, value in config.items() if value is not None}
        params += [jsonio.dumps(kept), [key for key, value in config.items() if value is None]]
    return ", ".join(parts), params


def present(config: JSONObject) -> str:
    """A new row's `config` as JSON text: null is absent."""
    return jsonio.dumps({key: value for key, value in config.items() if value is not None})


def fault(location: str, message: str) -> ValidationError:
    return ValidationError(Fault((location,), message))
