"""What a search asks for: the body's own members, beside those of a list."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import msgspec
from django.http import HttpRequest

from documents.api.answers import RENDERING_PARAMETERS, read_shape
from documents.api.list_inputs import LIST_PARAMETERS, Given, Listing, read_listing, read_search
from documents.features import MAX_DIMENSIONS
from documents.filters import read_filters
from documents.listing import Places, Question
from documents.searching import METRICS, Like, QueryVector, Search, Wanted, read_vector
from documents.searching.vectors import of_floats
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import Page
from mixpeek_site.api.viewset import read_bytes
from mixpeek_site.errors import DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location
from namespaces.scope import Scope

SEARCH_PARAMETERS: Final = LIST_PARAMETERS - {"sort", "cursor", "next_cursor", "after"}
FEATURE_SEARCH_PARAMETERS: Final = RENDERING_PARAMETERS
OWN: Final = frozenset(("vector", "vector_name", "metric", "like", "text", "score_threshold"))
DEFAULT_URI: Final = "mixpeek://text_extractor@v1/embedding"
DEFAULT_TOP_K: Final = 25
MAX_TOP_K: Final = 1000
MAX_COLLECTIONS: Final = 1000

_UNORDERED: Final = ("sort", "cursor", "next_cursor", "after")
_FEATURE_SEARCH: Final = ("collection_identifiers", "query", "feature_uri", "top_k", "filters")
_QUERY: Final = ("input_mode", "text", "vector", "url", "image")
_MAX_NAME: Final = 512

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_floats = msgspec.json.Decoder(list[float])


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as asked for; `listing` says which page of it, and how its documents are shown."""

    search: Search
    listing: Listing


def read_search_body(request: HttpRequest) -> JSONObject:
    """The parsed body, its `vector` already a QueryVector where it is one.

    Its numbers are turned into floats at once, which takes a tenth of the time that exact ones take, and float32 is what they
    become anyway. Whatever isn't plain is left to the exact parser, and so are the errors. Raises what `read_object` does.
    """
    raw, _ = read_bytes(request)
    quick = _quick(raw)
    if quick is not None:
        return quick
    body = jsonio.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
    return body


def _quick(raw: bytes) -> JSONObject | None:
    try:
        members = _members.decode(raw)
        numbers = _floats.decode(members.pop("vector"))
        if not 1 <= len(numbers) <= MAX_DIMENSIONS:
            return None
        others = b",".join(b"%b:%b" % (jsonio.dumps(name).encode(), value) for name, value in members.items())
        body: JSONObject = jsonio.loads(b"{%b}" % others)
        body["vector"] = of_floats(numbers, ("body", "vector"))
    except (KeyError, msgspec.DecodeError, UnicodeError, RecursionError, DomainError):
        return None
    return body


def read_collection_search(query: Mapping[str, str], body: JSONObject, scope: Scope, collection: str) -> Asked:
    """Raises ValidationError for what is unknown, mistyped or missing, and for members that exclude each other."""
    for name in _UNORDERED:
        if body.get(name) is not None:
            message = "a search answers the best first, and pages by offset or page"
            raise ValidationError(Fault(("body", name), message, "extra_forbidden"))
    own = {name: Given(body[name], ("body", name)) for name in OWN if body.get(name) is not None}
    listing = read_listing(query, {name: value for name, value in body.items() if name not in OWN}, scope, collection, OWN)
    question = _with_text(listing.question, own.get("text"))
    wanted = _wanted(own)
    if wanted is None and question.search is None:
        message = "must have a vector, a document's id as like, or a text; of vector and text both are fused"
        raise ValidationError(Fault(("body",), message, "missing"))
    search = Search(question, wanted, _threshold(own.get("score_threshold")))
    return Asked(search, replace(listing, question=question))


def _with_text(question: Question, text: Given | None) -> Question:
    if text is None:
        return question
    if question.search is not None:
        raise ValidationError(Fault(text.location, "means the same as search: name one of them", "contradiction"))
    return replace(question, search=read_search(text))


def _wanted(own: Mapping[str, Given]) -> Wanted | None:
    vector, like = own.get("vector"), own.get("like")
    if vector is not None and like is not None:
        raise ValidationError(Fault(like.location, "excludes vector: both say what to be near to", "contradiction"))
    near = vector or like
    name = _name(own.get("vector_name"))
    metric = own.get("metric")
    if metric is not None and metric.value not in METRICS:
        raise ValidationError(Fault(metric.location, f"must be one of {', '.join(METRICS)}", "enum"))
    if near is None:
        for given in (own.get("vector_name"), metric):
            if given is not None:
                raise ValidationError(Fault(given.location, "is for a search with a vector or like", "missing"))
        return None
    return Wanted(_near(near, like=near is like), near.location, name=name, metric=metric.value if metric else None)


def _near(given: Given, *, like: bool) -> QueryVector | Like:
    if not like:
        return given.value if isinstance(given.value, QueryVector) else read_vector(given.value, given.location)
    if not isinstance(given.value, str):
        raise ValidationError(Fault(given.location, "must be a document's id", "string_type"))
    return Like(given.value, given.location)


def _name(given: Given | None) -> str | None:
    if given is None:
        return None
    if not isinstance(given.value, str) or not 1 <= len(given.value) <= _MAX_NAME:
        raise ValidationError(Fault(given.location, f"must be a text of 1 to {_MAX_NAME} characters", "string_length"))
    _require_storable(given.value, given.location)
    return given.value


def _require_storable(value: Any, location: Location) -> None:
    faults = list(jsonio.unstorable(value, location))
    if faults:
        raise ValidationError(*faults)


def _threshold(given: Given | None) -> float | None:
    if given is None:
        return None
    if isinstance(given.value, bool) or not isinstance(given.value, int | Decimal):
        raise ValidationError(Fault(given.location, "must be a number", "float_type"))
    try:
        number = float(given.value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValidationError(Fault(given.location, "is beyond what a score can be", "out_of_range"))
    return number


# POST /v1/features/search -----------------------------------------------------------------------------------------------


def read_feature_search(query_parameters: Mapping[str, str], body: JSONObject) -> Asked:
    """Raises ValidationError for what is unknown, mistyped, missing or not served."""
    _require_known(body, _FEATURE_SEARCH, ("body",))
    place: Location = ("body", "query")
    query = body.get("query")
    if not isinstance(query, dict):
        raise ValidationError(
            Fault(place, "must be an object with a text or a vector", "missing" if query is None else "dict_type")
        )
    _require_known(query, _QUERY, place)
    for name in ("url", "image"):
        if query.get(name) is not None:
            raise ValidationError(Fault((*place, name), _NO_MODELS, "not_served"))
    mode = query.get("input_mode")
    if mode not in (None, "text", "vector"):
        raise ValidationError(Fault((*place, "input_mode"), f"must be text or vector: {_NO_MODELS}", "not_served"))
    text, vector = query.get("text") or None, query.get("vector")
    if (text is None and vector is None) or (mode == "vector" and vector is None):
        needed = "vector" if mode == "vector" else "text"
        raise ValidationError(Fault((*place, needed), "is required", "missing"))
    words = None if text is None else read_search(Given(text, (*place, "text")))
    filters = body.get("filters")
    question = Question(
        Places(collections=_collections(body.get("collection_identifiers"))),
        read_filters(filters, ("body", "filters")) if filters is not None else None,
        words,
    )
    uri = _name(Given(body["feature_uri"], ("body", "feature_uri")) if body.get("feature_uri") is not None else None)
    at = (*place, "vector")
    wanted = None if vector is None else Wanted(read_vector(vector, at), at, feature_uri=uri or DEFAULT_URI)
    page = Page(_top_k(body.get("top_k")), 0, None, None, include_total=False)
    listing = Listing(question, page, read_shape(dict(query_parameters)), None, None, None, (), ())
    return Asked(Search(question, wanted), listing)


_NO_MODELS: Final = "this server runs no models, so it can't make vectors; send the vector"


def _require_known(given: JSONObject, accepted: tuple[str, ...], location: Location) -> None:
    faults = [
        Fault((*location, name), f"unknown; accepted: {', '.join(sorted(accepted))}", "extra_forbidden")
        for name in given
        if name not in accepted
    ]
    if faults:
        raise ValidationError(*faults)


def _collections(names: Any) -> tuple[str, ...] | None:
    if names is None or names == []:
        return None
    location = ("body", "collection_identifiers")
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValidationError(Fault(location, "must be an array of collections' ids or names", "list_type"))
    if len(names) > MAX_COLLECTIONS:
        raise ValidationError(Fault(location, f"must name at most {MAX_COLLECTIONS} collections", "length"))
    _require_storable(names, location)
    return tuple(dict.fromkeys(names))


def _top_k(value: Any) -> int:
    if value is None:
        return DEFAULT_TOP_K
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(Fault(("body", "top_k"), "must be an integer", "int_type"))
    if not 1 <= value <= MAX_TOP_K:
        raise ValidationError(Fault(("body", "top_k"), f"must be from 1 to {MAX_TOP_K}", "out_of_range"))
    return value
