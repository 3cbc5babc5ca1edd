"""Query parameters: known ones are read strictly, unknown ones are a 422 that names them (contract section 2)."""

from collections.abc import Collection

from django.http import HttpRequest

from mixpeek_site.errors import Fault, ValidationError

_TRUE = frozenset(("true", "1", "yes", "on"))
_FALSE = frozenset(("false", "0", "no", "off"))


def read_query(request: HttpRequest, accepted: Collection[str]) -> dict[str, str]:
    """The parameters of the URL, each a text; of a repeated one the last wins. Raises ValidationError for unknown ones."""
    if not request.META.get("QUERY_STRING"):
        return {}
    faults = [
        Fault(("query", name), f"unknown query parameter; accepted: {', '.join(sorted(accepted)) or 'none'}", "extra_forbidden")
        for name in request.GET
        if name not in accepted
    ]
    if faults:
        raise ValidationError(*faults)
    return {name: request.GET[name] for name in request.GET}


def boolean(query: dict[str, str], name: str, default: bool = False) -> bool:
    """Raises ValidationError when the text is neither true nor false."""
    text = query.get(name)
    if text is None or text == "":
        return default
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValidationError(Fault(("query", name), f"must be true or false, not {text!r}", "bool_parsing"))
