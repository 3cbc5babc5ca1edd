"""The pages of the schema work on a machine that reaches no other."""

import re
from typing import Any

import pytest
from django.test import Client

_ASSET = re.compile(r"""(?:src|href)=["']([^"']+)["']""")
_ELSEWHERE = re.compile(r"""["'(=\s](?:https?:)?//[\w.-]+\.[a-z]{2,}""")
each_page = pytest.mark.parametrize("page", ["/docs", "/redoc"])


def get(path: str) -> Any:
    response = Client().get(path)
    assert response.status_code == 200, path
    return response


def text(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


@each_page
def test_a_page_names_no_other_host(page: str) -> None:
    html = text(get(page))
    assert not _ELSEWHERE.findall(html)
    assert "/v1/openapi.json" in html


@each_page
def test_what_a_page_needs_is_served_here(page: str) -> None:
    assets = _ASSET.findall(text(get(page)))
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        assert asset.startswith(("/static/", "data:"))
        if asset.startswith("/"):
            response = get(asset)
            assert int(response.headers["Content-Length"]) > 100


@each_page
def test_styles_fetch_nothing_from_elsewhere(page: str) -> None:
    for asset in _ASSET.findall(text(get(page))):
        if asset.endswith(".css"):
            assert not re.search(r"""url\(["']?(?:https?:)?//""", text(get(asset)))
