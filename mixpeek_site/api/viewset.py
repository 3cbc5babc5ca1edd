"""The base of every route: what a request passes through, in the contract's order, and no more than that.

`dispatch` replaces DRF's own, which negotiates, wraps and re-wraps what this API never uses: the routes stay DRF
viewsets (router, schema), and a request costs only what the contract needs.

Order of checks (contract section 1): unknown URL 404, 401, namespace 404, 405, 403, 415, 413, 400, resource 404, 422, 412, 409.
Whether the namespace or a resource exists is part of the route's own statement, so a good request pays nothing for
it; only when something else is wrong is it asked first, here, whether an earlier check fails too.
"""

from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.viewsets import ViewSet

from mixpeek_site import jsonio
from mixpeek_site.api.authentication import authenticate
from mixpeek_site.api.error_response import error_response, unexpected, without_body
from mixpeek_site.errors import (
    BadRequestError,
    DomainError,
    Fault,
    ForbiddenError,
    MethodNotAllowedError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    ValidationError,
)
from namespaces import scope as scopes
from namespaces.credentials import Credentials
from namespaces.models import Permission

JSON_MEDIA_TYPES = frozenset({"application/json"})
_METHOD_PERMISSIONS = {
    "GET": Permission.READ,
    "HEAD": Permission.READ,
    "POST": Permission.WRITE,
    "PUT": Permission.WRITE,
    "PATCH": Permission.WRITE,
    "DELETE": Permission.DELETE,
}


class ContractViewSet(ViewSet):
    """Base of all viewsets below /v1/. Handlers take the path's arguments and return an HttpResponse or raise a DomainError."""

    authenticated: ClassVar[bool] = True  # whether the routes need a key
    in_namespace: ClassVar[bool] = True  # whether the routes read X-Namespace
    permissions: ClassVar[dict[str, Permission]] = {}  # by action, where it differs from the method's

    credentials: Credentials

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method or ""
        if method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(self._allowed())})
        try:
            response = self._answer(request, method, kwargs)
        except DomainError as error:
            response = error_response(self._earlier(error, kwargs))
        except Exception:
            response = unexpected(request)
        return without_body(response) if method == "HEAD" else response

    def _answer(self, request: HttpRequest, method: str, kwargs: dict[str, Any]) -> HttpResponse:
        if self.authenticated:
            self.credentials = authenticate(request)
        action = self.action_map.get(method.lower())
        if action is None:
            raise MethodNotAllowedError(method, self._allowed())
        if self.authenticated:
            self._require_permission(action, method)
        response: HttpResponse = getattr(self, action)(request, **kwargs)
        return response

    @cached_property
    def scope(self) -> scopes.Scope:
        """The namespace that the request names. Raises BadRequestError when it names none and several could be meant.

        Handlers ask for it after they read the body: that failure comes after the method's, the key's and the body's.
        """
        return scopes.scope_for(self.credentials, _header_text(self.request, "HTTP_X_NAMESPACE"))

    def _require_permission(self, action: str, method: str) -> None:
        credentials = self.credentials
        needed = self.permissions.get(action) or _METHOD_PERMISSIONS[method]
        if not credentials.permission.includes(needed):
            raise ForbiddenError(
                f"This needs the permission {needed}; the key has {credentials.permission}.", needed=needed.value
            )

    def _allowed(self) -> list[str]:
        return [*sorted(method.upper() for method in self.action_map), "OPTIONS"]

    def _earlier(self, error: DomainError, kwargs: dict[str, Any]) -> DomainError:
        """The error that the contract's order puts first: a missing namespace or resource before what `error` says."""
        try:
            if isinstance(error, ValidationError):
                self.require_resources(**kwargs)
            elif type(error) in _BEFORE_RESOURCES and self.in_namespace:
                scopes.require_namespace(self.scope)
        except BadRequestError as earlier:  # no namespace named: it precedes what is invalid, and nothing else
            return earlier if isinstance(error, ValidationError) else error
        except DomainError as earlier:
            return earlier
        return error

    def require_resources(self, **kwargs: str) -> None:
        """Raise NotFoundError when something that the path names does not exist. Called only on the way to a 422."""
        if collection := kwargs.get("collection_identifier"):
            scopes.require_collection(self.scope, collection)
        elif bucket := kwargs.get("bucket_identifier"):
            scopes.require_bucket(self.scope, bucket)
        elif self.in_namespace:
            scopes.require_namespace(self.scope)


_BEFORE_RESOURCES = frozenset(
    {
        MethodNotAllowedError,
        ForbiddenError,
        UnsupportedMediaTypeError,
        PayloadTooLargeError,
        BadRequestError,
    }
)


def _header_text(request: HttpRequest, key: str) -> str | None:
    """A header's value as the client meant it: WSGI hands bytes over as Latin-1, clients send UTF-8."""
    raw = request.META.get(key)
    if not raw:
        return None
    text: str = raw
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def read_body(request: HttpRequest, *, media_types: frozenset[str] = JSON_MEDIA_TYPES, empty: Any = None) -> tuple[Any, str]:
    """The parsed body and its media type. A body without Content-Type is read as JSON; `empty` stands for no body.

    Raises UnsupportedMediaTypeError, PayloadTooLargeError, BadRequestError, or ValidationError for JSON that can't be stored.
    """
    raw, media_type = read_bytes(request, media_types=media_types)
    if not raw and empty is not None:
        return empty, media_type
    return jsonio.loads(raw), media_type


def read_bytes(request: HttpRequest, *, media_types: frozenset[str] = JSON_MEDIA_TYPES) -> tuple[bytes, str]:
    """The body as it was sent, and its media type. Raises UnsupportedMediaTypeError, PayloadTooLargeError, BadRequestError."""
    media_type = _media_type(request, media_types)
    return _raw_body(request), media_type


def read_object(
    request: HttpRequest, *, media_types: frozenset[str] = JSON_MEDIA_TYPES, empty: Any = None
) -> tuple[dict[str, Any], str]:
    """`read_body` for routes that take a JSON object."""
    body, media_type = read_body(request, media_types=media_types, empty=empty)
    if not isinstance(body, dict):
        raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
    return body, media_type


def _media_type(request: HttpRequest, accepted: frozenset[str]) -> str:
    header = request.META.get("CONTENT_TYPE") or ""
    if header == "application/json":
        media_type = header
    else:
        media_type = header.partition(";")[0].strip().lower() or "application/json"
        charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
        if media_type not in accepted or charset.strip("\"'").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaTypeError(
                f"The body must be {' or '.join(sorted(accepted))} in UTF-8, not {header!r}.", accepted=sorted(accepted)
            )
    encoding = request.META.get("HTTP_CONTENT_ENCODING")
    if encoding and encoding.strip().lower() != "identity":
        raise UnsupportedMediaTypeError(f"Compressed bodies ({encoding}) are not read; send it plain.")
    return media_type


def _raw_body(request: HttpRequest) -> bytes:
    limit: int = settings.MAX_BODY_BYTES
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError("The header Content-Length is not a number.")
    if len(length) > 18 or int(length) > limit:
        raise PayloadTooLargeError(f"The body is larger than {limit} bytes.", limit_bytes=limit)
    if length == "0" and "HTTP_TRANSFER_ENCODING" in request.META:
        raw: bytes = request.META["wsgi.input"].read(limit + 1)
    else:
        raw = request.body
    if len(raw) > limit:
        raise PayloadTooLargeError(f"The body is larger than {limit} bytes.", limit_bytes=limit)
    return raw


def json_response(body: Any, status: int = 200) -> HttpResponse:
    """An answer built from Python values (not the documents' hot path)."""
    return HttpResponse(jsonio.dumps(body), status=status, content_type="application/json")
