"""How an error looks on the wire: one shape for every failure (contract section 2). The only place that knows statuses."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from mixpeek_site import errors, jsonio

logger = logging.getLogger("mixpeek.api")

API_ROOT = "/v1/"

STATUSES: dict[type[errors.DomainError], int] = {
    errors.BadRequestError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.MethodNotAllowedError: 405,
    errors.AlreadyExistsError: 409,
    errors.ConflictError: 409,
    errors.PreconditionFailedError: 412,
    errors.PayloadTooLargeError: 413,
    errors.UnsupportedMediaTypeError: 415,
    errors.ValidationError: 422,
    errors.TooManyRequestsError: 429,
    errors.ServiceUnavailableError: 503,
}


def error_response(error: errors.DomainError) -> HttpResponse:
    """The response for a domain error, with the headers that HTTP asks for at its status."""
    status = STATUSES[type(error)]
    response = _respond(status, type(error).__name__, error.message, error.details)
    if isinstance(error, errors.UnauthorizedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, errors.MethodNotAllowedError):
        response.headers["Allow"] = ", ".join(error.allowed)
    elif isinstance(error, errors.ServiceUnavailableError | errors.TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def unexpected(request: HttpRequest) -> HttpResponse:
    """500 for what nobody foresaw. The traceback goes to the log, never to the client."""
    logger.exception("Unexpected error in %s %s", request.method, request.path)
    return _respond(500, "InternalServerError", "Something went wrong on the server. It has been logged.", {})


def _respond(status: int, type_: str, message: str, details: dict[str, object]) -> HttpResponse:
    body = {
        "success": False,
        "status": status,
        "error": {"message": message, "type": type_, "details": details},
    }
    return HttpResponse(jsonio.dumps_ascii(body), status=status, content_type="application/json")


def without_body(response: HttpResponse) -> HttpResponse:
    """What HEAD answers: the headers of the same GET."""
    response.headers["Content-Length"] = str(len(response.content))
    response.content = b""
    return response


# Django calls these (mixpeek_site/urls.py) for what fails before or beside a view.


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    if f"{request.path}/".startswith(API_ROOT):
        return error_response(errors.BadRequestError("The request can't be understood."))
    return defaults.bad_request(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    if f"{request.path}/".startswith(API_ROOT):
        response = error_response(errors.NotFoundError(f"There is no route {request.path}.", resource="route"))
        return without_body(response) if request.method == "HEAD" else response
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    if f"{request.path}/".startswith(API_ROOT):
        return unexpected(request)
    return defaults.server_error(request)
