"""The published schema (OpenAPI 3.1): how a route is described, what every route shares, and the pages that show it.

Routes are described by `operation`; components are plain JSON Schema, contributed by each app's `api/openapi`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiParameter, extend_schema

from mixpeek_site import jsonio
from mixpeek_site.api.error_response import STATUSES
from mixpeek_site.api.schema_parts import BOOLEAN, PAGE_PROPERTIES, STRING, Schema

Where = Literal["query", "path", "header", "cookie"]
Action = TypeVar("Action", bound=Callable[..., HttpResponseBase])

_DESCRIPTIONS = {
    400: "The request can't be understood, or contradicts itself.",
    401: "No API key, or one that is malformed, unknown, revoked or expired.",
    403: "The key lacks the permission.",
    404: "Unknown to this key: the route, the namespace or the resource.",
    405: "The route does not take this method; `Allow` names those it takes.",
    409: "The present state does not permit it.",
    412: "`If-Match` names another version than the stored one.",
    413: "The body, or the document it would make, is larger than the limit.",
    415: "A media type or encoding that the route does not read.",
    422: "Well-formed but invalid; `details.validation_errors` says what and where.",
    429: "As much of this kind is going on as the server allows at once; `Retry-After` says when to try again.",
    500: "An error of the server, which it has logged.",
    503: "The database can't be reached now; `Retry-After` says when to try again.",
}
READ_ERRORS = (400, 401, 403, 404, 405, 422, 500, 503)
BODY_ERRORS = (*READ_ERRORS, 413, 415)

ERROR_COMPONENTS: dict[str, Schema] = {
    "ValidationErrorItem": {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "location": {"type": "array", "items": {"type": ["string", "integer"]}},
            "message": {"type": "string"},
        },
        "required": ["type", "location", "message"],
        "additionalProperties": False,
    },
    "ErrorDetail": {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "type": {
                "type": "string",
                "enum": [*sorted(error.__name__ for error in STATUSES), "InternalServerError"],
            },
            "details": {
                "type": "object",
                "description": "Facts about the error; of a ValidationError, its `validation_errors`.",
                "properties": {
                    "validation_errors": {"type": "array", "items": {"$ref": "#/components/schemas/ValidationErrorItem"}}
                },
                "additionalProperties": True,
            },
        },
        "required": ["message", "type", "details"],
        "additionalProperties": False,
    },
    "ErrorResponse": {
        "type": "object",
        "properties": {
            "success": {"const": False},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "error": {"$ref": "#/components/schemas/ErrorDetail"},
        },
        "required": ["success", "status", "error"],
        "additionalProperties": False,
        "examples": [
            {
                "success": False,
                "status": 404,
                "error": {
                    "message": "Document doc_x was not found in collection col_y.",
                    "type": "NotFoundError",
                    "details": {"resource": "document", "id": "doc_x"},
                },
            }
        ],
    },
}


def parameter(name: str, schema: Schema, description: str, *, where: Where = "query", required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, schema, where, required=required, description=description)


NAMESPACE_HEADER = parameter(
    "X-Namespace",
    {"type": "string", "examples": ["ns_0199f3b2c4d5e6f708192a3b", "films"]},
    "The namespace: its id or its name. May be left out when the organization has exactly one.",
    where="header",
)
REQUEST_ID_HEADER = parameter(
    "X-Request-ID",
    STRING,
    "Echoed in the response if it has 1 to 128 printable ASCII characters; otherwise the server makes one.",
    where="header",
)


def flag(name: str, description: str) -> OpenApiParameter:
    return parameter(name, BOOLEAN, description)


def text(name: str, description: str) -> OpenApiParameter:
    return parameter(name, STRING, description)


def choice(name: str, choices: Sequence[str], description: str, **more: Any) -> OpenApiParameter:
    return parameter(name, {"type": "string", "enum": list(choices), **more}, description)


PAGE_PARAMETERS = tuple(
    parameter(name, {**schema, "type": schema["type"][0]}, schema["description"]) for name, schema in PAGE_PROPERTIES.items()
)
_PATH_PARAMETERS = {
    "namespace_identifier": "The namespace's id or name.",
    "collection_identifier": "The collection's id or name.",
    "bucket_identifier": "The bucket's id or name.",
    "object_identifier": "The object's id.",
    "object_id": "The object's id, percent-encoded: `s3://films/1` is `s3%3A%2F%2Ffilms%2F1`.",
    "document_id": "The document's id.",
}


def operation(
    operation_id: str,
    summary: str,
    *,
    tag: str,
    answer: str | None,
    body: str | dict[str, str] | None = None,
    parameters: Iterable[OpenApiParameter] = (),
    errors: Sequence[int] = (),
    status: int = 200,
    description: str = "",
    in_namespace: bool = True,
    authenticated: bool = True,
    headers: dict[str, str] | None = None,
    optional_headers: dict[str, str] | None = None,
    others: dict[int, str] | None = None,
    streams: dict[str, Schema] | None = None,
    raw_body: str = "",
) -> Callable[[Action], Action]:
    """Describe one route: a decorator for the viewset's action.

    `answer` and `body` name components (`body` per media type, where there are several); `errors` adds to those that
    every route of its kind has; `others` are statuses without a body; `headers` are the answer's, and what they say,
    `optional_headers` those that it has sometimes. `streams`: an answer that is no JSON, by media type; of JSON lines the
    schema of each. `raw_body`: the body is bytes of any media type, and what they are.
    """
    expected: tuple[int, ...] = BODY_ERRORS if body or raw_body else READ_ERRORS
    if not authenticated:
        expected = (405, 422, 500, 503)
    done = "Done." if answer is None else summary
    responses: dict[int, Any] = {status: _content(answer, done, headers or {}, optional_headers or {})}
    if streams:
        responses[status]["content"] = {media_type: {"schema": schema} for media_type, schema in streams.items()}
    responses |= {code: _content("ErrorResponse", _DESCRIPTIONS[code], {}) for code in sorted({*expected, *errors})}
    responses |= {code: _content(None, text, {}) for code, text in (others or {}).items()}
    media_types = {"application/json": body} if isinstance(body, str) else body or {}
    request = {media_type: _ref(name) for media_type, name in media_types.items()} or None
    decorator: Callable[[Action], Action] = extend_schema(
        summary=summary,
        description=description or summary,
        tags=[tag],
        parameters=[*parameters, *([NAMESPACE_HEADER] if in_namespace else []), REQUEST_ID_HEADER],
        request=request,
        responses=responses,
        auth=None if authenticated else [],
        extensions={"x-operation": operation_id, "x-responses": responses, "x-request": request, "x-raw-body": raw_body},
    )
    return decorator


_ANY_BYTES: Schema = {"type": "string", "format": "binary", "examples": ["the bytes of a file"]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(
    component: str | None, description: str, headers: dict[str, str], optional: Mapping[str, str] = MappingProxyType({})
) -> Schema:
    response: Schema = {"description": description}
    if component:
        response["content"] = {"application/json": {"schema": _ref(component)}}
    if headers or optional:
        response["headers"] = {
            name: {"schema": {"type": "string"}, "description": text, "required": name in headers}
            for name, text in {**headers, **optional}.items()
        }
    return response


# Hooks of drf-spectacular (settings.SPECTACULAR_SETTINGS) -----------------------------------------------------------


def only_api(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """The routes below /v1/, without the trailing slash that they accept."""
    return [
        (path.rstrip("/"), pattern, method, callback) for path, pattern, method, callback in endpoints if path.startswith("/v1/")
    ]


def _operation_id(path: str, method: str, name: str) -> str:
    """One action may serve several routes; each gets an operation id of its own."""
    if path.startswith("/v1/documents/{"):
        return f"{name}_in_namespace"
    if method == "get" and name.startswith("list_"):
        return f"{name}_by_query" if path.endswith("/list") else f"{name}_by_get"
    return name


def with_components(result: Schema, **_: Any) -> Schema:
    """Put in the apps' components, and the responses as `operation` wrote them."""
    from documents.api.openapi import COMPONENTS as DOCUMENTS
    from namespaces.api.openapi import COMPONENTS as PLACES

    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for components in (ERROR_COMPONENTS, PLACES, DOCUMENTS):
        for name, schema in components.items():
            assert name not in schemas, f"two components are called {name}"
            schemas[name] = schema
    for path, methods in result["paths"].items():
        for method, described in methods.items():
            if "x-operation" not in described:
                continue
            for each in described["parameters"]:
                if each["in"] == "path":
                    each |= {"description": _PATH_PARAMETERS[each["name"]], "schema": {"type": "string", "minLength": 1}}
            described["operationId"] = _operation_id(path, method, described.pop("x-operation"))
            described["responses"] = {str(code): response for code, response in described.pop("x-responses").items()}
            request = described.pop("x-request")
            if request and method == "delete":  # drf-spectacular knows no bodies of DELETE
                described["requestBody"] = {"content": {kind: {"schema": schema} for kind, schema in request.items()}}
            if raw := described.pop("x-raw-body"):
                described["requestBody"] = {"description": raw, "content": {"*/*": {"schema": _ANY_BYTES}}}
            if "requestBody" in described:  # a list without a body asks for everything
                described["requestBody"]["required"] = not described["operationId"].startswith("list_")
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


@lru_cache(maxsize=1)
def document_text() -> str:
    """The schema as JSON text; made once per process."""
    schema: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return jsonio.dumps(schema)


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """`GET /v1/openapi.json`."""
    return HttpResponse(document_text(), content_type="application/json")
