"""Forms whose validation is the write: they call a service verb, and what it refuses is shown at the field concerned."""

from typing import Any

from django import forms
from django.db import models, transaction

from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError, ValidationError
from namespaces.admin.json_text import TextError, parse, pretty


class JSONTextArea(forms.Textarea):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 12, "class": "json-text", "spellcheck": "false", "autocapitalize": "off", **(attrs or {})})


class ExactJSONFormField(forms.CharField):
    """JSON edited as text, with exact numbers: Django's own form field reads them as binary floats."""

    widget = JSONTextArea

    def __init__(self, *, of: type = dict, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.of = of

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else pretty(self.of() if value is None else value)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return self.of()
        try:
            return parse(text, self.of)
        except TextError as error:
            raise forms.ValidationError(str(error), code="json") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return jsonio.dumps(self.to_python(data or "")) != jsonio.dumps(initial or self.of())
        except forms.ValidationError:
            return True


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model's form that never saves the model: `write` calls the service verb and returns the stored row.

    Django's admin validates a form once per request, inside a transaction, and goes on only if it is valid.
    """

    # Where a fault's first location is another word than the field's name.
    names: dict[str, str] = {}

    def write(self) -> models.Model:
        raise NotImplementedError

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.instance = self.write()
        except DomainError as error:
            self._refuse(error)

    def _refuse(self, error: DomainError) -> None:
        faults = error.faults if isinstance(error, ValidationError) else ()
        if not faults:
            name = next((name for name in ("name", "id") if name in error.details), None)
            field = self.names.get(name, name) if name else None
            self.add_error(field if field in self.fields else None, error.message)
        for fault in faults:
            first = str(fault.location[0]) if fault.location else ""
            field = self.names.get(first, first)
            self.add_error(field if field in self.fields else None, fault.message)

    def save(self, commit: bool = True) -> models.Model:
        stored: models.Model = self.instance
        return stored

    def save_m2m(self) -> None:  # the admin calls it after save(commit=False)
        pass


def changes(stored: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What the services' "set what is named, None removes" needs to make `stored` become `wanted`."""
    removed = {name: None for name in stored if name not in wanted}
    return removed | {name: value for name, value in wanted.items() if name not in stored or _differ(stored[name], value)}


def _differ(left: Any, right: Any) -> bool:
    """By their JSON: 1 is not 1.0 to somebody who edits the text, and true is not 1."""
    return jsonio.dumps(left) != jsonio.dumps(right)
