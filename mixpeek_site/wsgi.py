"""The WSGI application: requests below /v1/ and /blobs/ pass only the middleware that they need, all others Django's usual
stack."""

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")

import django

django.setup(set_prefix=False)

from corsheaders.middleware import CorsMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest  # noqa: E402
from django.db import connection  # noqa: E402

from mixpeek_site.api.headers import ResponseHeadersMiddleware  # noqa: E402


class ApiHandler(WSGIHandler):
    """Django's handler less what an API request does not use.

    Sessions, messages, CSRF and the like are of the admin's pages. The signals around a request close connections that
    are old or broken: `sql.run` looks at the connection before it uses it, and what the ORM found broken is closed here.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        chain: Any = ResponseHeadersMiddleware(convert_exception_to_response(self._get_response))  # type: ignore[attr-defined, arg-type]
        if settings.CORS_ALLOWED_ORIGINS:
            chain = CorsMiddleware(chain)
        self._middleware_chain = convert_exception_to_response(chain)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:  # type: ignore[override]
        response: Any = self._middleware_chain(WSGIRequest(environ))
        if connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.headers.items()))
        # A list, which granian sends in one piece; any other iterable it asks for chunk after chunk.
        chunks: Iterable[bytes] = response if response.streaming else [response.content]
        return chunks


_api, _site = ApiHandler(), WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    handler = _api if environ["PATH_INFO"].startswith(("/v1/", "/blobs/")) else _site
    response: Iterable[bytes] = handler(environ, start_response)
    return response
