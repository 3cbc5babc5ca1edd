"""What the schema says of the routes: one decorator per action of the viewsets."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from namespaces.api.openapi.parts import PAGE_PROPERTIES, Schema, ref

F = TypeVar("F", bound=Callable[..., Any])

_NAMESPACE_HEADER = OpenApiParameter(
    "X-Namespace",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The namespace's id or name; may be left out when the organization has exactly one.",
)
_ERRORS = {
    400: "The request contradicts itself or can't be read.",
    401: "No key, or one that does not work.",
    403: "The key lacks the permission.",
    404: "No such thing for this key.",
    409: "It exists already, or its state does not permit this.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Well-formed but invalid.",
    503: "The database can't be reached now.",
}
_OF_READS = (400, 401, 403, 404, 422, 503)


def query(name: str, type_: Any = OpenApiTypes.STR, description: str = "", **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type_, OpenApiParameter.QUERY, description=description, **more)


def flag(name: str, description: str = "") -> OpenApiParameter:
    return query(name, OpenApiTypes.BOOL, description)


PAGE = [
    query(name, {"boolean": OpenApiTypes.BOOL, "integer": OpenApiTypes.INT, "string": OpenApiTypes.STR}[schema["type"][0]])
    for name, schema in PAGE_PROPERTIES.items()
]
LIST = [
    *PAGE,
    query("search", description="A part of the name, id or description."),
    query("filters", description="The body's `filters` as JSON text."),
    query("sort", description="The body's `sort` as JSON text."),
    flag("case_sensitive"),
    flag("include_system", "Accepted; there are no system resources here."),
]


def operation(
    operation_id: str,
    summary: str,
    tag: str,
    *,
    body: str | None = None,
    answer: str | None = None,
    parameters: Iterable[OpenApiParameter] = (),
    in_namespace: bool = True,
    status: int = 200,
    errors: Iterable[int] | None = None,
    **more: Any,
) -> Callable[[F], F]:
    """`body` and `answer` name components; `answer` None is an empty answer."""
    codes = errors if errors is not None else _OF_READS if body is None else _ERRORS
    responses: dict[int, Any] = {status: OpenApiResponse(ref(answer) if answer else None, description="Done.")}
    responses |= {code: OpenApiResponse(ref("ErrorResponse"), description=_ERRORS[code]) for code in codes}
    request: Any = {"application/json": _request(body)} if body else None
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        request=request,
        responses=responses,
        parameters=[*([_NAMESPACE_HEADER] if in_namespace else []), *parameters],
        **more,
    )


def _request(component: str) -> Schema:
    return ref(component)
