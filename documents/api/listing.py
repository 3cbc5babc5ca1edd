"""`POST …/documents/list` and `GET …/documents`: what a list asks for and how it is answered (contract section 7)."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from documents import queries
from documents.api.answers import RENDERING_PARAMETERS, Shape, read_shape
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import PAGE_PARAMETERS, Page, decode_cursor, encode_cursor, pagination, read_page
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope

LIST_PARAMETERS = (
    RENDERING_PARAMETERS | PAGE_PARAMETERS | {"filters", "sort", "search", "partition", "group_by", "select", "expand"}
)
# Members that clients send empty by default; asking something of them is refused until they are built.
_NOT_YET = ("filters", "sort", "search", "partition", "group_by", "select", "expand")


@dataclass(frozen=True, slots=True)
class Listing:
    page: Page
    shape: Shape
    position: list[str] | None
    binding: list[Any]


def read_listing(query: dict[str, str], body: dict[str, Any], scope: Scope, collection: str) -> Listing:
    """Raises ValidationError for what is unknown, mistyped or not served yet, BadRequestError for a foreign cursor."""
    faults = [
        Fault(("body", name), f"unknown; accepted: {', '.join(sorted(LIST_PARAMETERS))}", "extra_forbidden")
        for name in body
        if name not in LIST_PARAMETERS
    ]
    for place, holder in (("body", body), ("query", query)):
        faults += [
            Fault((place, name), "is not supported by this version of the server", "not_supported")
            for name in _NOT_YET
            if holder.get(name) not in (None, "", {}, [], "{}", "null", False)
        ]
    if faults:
        raise ValidationError(*faults)
    page = read_page(query, body)
    shape = read_shape(_flags(query, body))
    binding = [scope.organization_id, scope.identifier, collection, "created_at"]
    position = decode_cursor(page.cursor, binding) if page.cursor else None
    return Listing(page, shape, position, binding)


def _flags(query: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
    """The rendering flags of query and body, as texts; the body wins."""
    flags = {name: text for name, text in query.items() if name in RENDERING_PARAMETERS}
    for name in RENDERING_PARAMETERS:
        value = body.get(name)
        if isinstance(value, bool):
            flags[name] = "true" if value else "false"
        elif isinstance(value, str) and name == "schema_version":
            flags[name] = value
        elif name == "return_vector_names" and isinstance(value, list) and all(isinstance(item, str) for item in value):
            flags[name] = ",".join(value)
        elif value is not None:
            raise ValidationError(Fault(("body", name), "must be true or false", "bool_type"))
    return flags


def list_response(listing: Listing, scope: Scope, collection: str) -> HttpResponse:
    page = listing.page
    found = queries.documents_page(
        scope,
        collection,
        limit=page.limit,
        offset=page.offset,
        position=listing.position,
        include_total=page.include_total,
        vectors=listing.shape.needs_vectors,
    )
    organization = scope.organization_public_id
    results = ",".join([listing.shape.render(document, organization) for document in found.documents])
    cursor = None if found.next_position is None else encode_cursor(listing.binding, found.next_position)
    rest: dict[str, Any] = {
        "groups": None,
        "pagination": pagination(page, found.total, cursor, found.next_position is not None),
        "total_documents": found.total,
        "stats": None,
        "group_by_field": None,
        "warnings": [],
    }
    return HttpResponse(f'{{"results":[{results}],{jsonio.dumps(rest)[1:]}', content_type="application/json")
