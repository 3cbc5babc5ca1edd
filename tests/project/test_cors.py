"""CORS is a setting, off (contract section 1)."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import override_settings

from mixpeek_site.wsgi import ApiHandler

PREFLIGHT = {
    "REQUEST_METHOD": "OPTIONS",
    "PATH_INFO": "/v1/me",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "HTTP_HOST": "127.0.0.1",
    "HTTP_ORIGIN": "https://app.example",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
}


def answered_headers(handler: Callable[..., Any]) -> dict[str, str]:
    answered: dict[str, str] = {}
    environ = {**PREFLIGHT, "wsgi.input": BytesIO(), "wsgi.url_scheme": "http"}
    handler(environ, lambda status, headers, *_: answered.update(headers))
    return {name.lower(): value for name, value in answered.items()}


@pytest.mark.django_db
def test_no_origin_is_allowed_by_default() -> None:
    assert "access-control-allow-origin" not in answered_headers(ApiHandler())


@pytest.mark.django_db
@override_settings(CORS_ALLOWED_ORIGINS=["https://app.example"])
def test_a_named_origin_is_allowed() -> None:
    assert answered_headers(ApiHandler())["access-control-allow-origin"] == "https://app.example"


@pytest.mark.django_db
@override_settings(CORS_ALLOWED_ORIGINS=["https://other.example"])
def test_another_origin_is_not() -> None:
    assert "access-control-allow-origin" not in answered_headers(ApiHandler())
