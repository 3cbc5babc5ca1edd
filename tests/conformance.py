"""Holds answers against the published schema: the status is documented, the body as described, promised headers there."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import simplejson
from jsonschema import Draft202012Validator

from mixpeek_site.api.schema import document_text

_PLACEHOLDER = re.compile(r"\\\{\w+\\\}")


@cache
def schema() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document_text())
    return parsed


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of everything that the schema knows."""
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` leads to; anything else as it is."""
    while "$ref" in node:
        found: Any = schema()
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def faults_of(instance: Any, node: dict[str, Any]) -> list[str]:
    """What is wrong with a value of the schema `node`."""
    return [f"{error.json_path}: {error.message[:300]}" for error in _validator(json.dumps(node)).iter_errors(instance)]


@cache
def _validator(node: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(node), "components": {"schemas": _closed_components()}})


@cache
def _closed_components() -> dict[str, Any]:
    """The components, those objects closed that do not say they are open: a member that nobody described is found."""

    def closed(node: Any) -> Any:
        if isinstance(node, list):
            return [closed(item) for item in node]
        if not isinstance(node, dict):
            return node
        inner = {name: closed(value) if name not in ("examples", "enum", "const") else value for name, value in node.items()}
        if node.get("type") == "object" and "properties" in node and "additionalProperties" not in node:
            inner["additionalProperties"] = False
        return inner

    components: dict[str, Any] = closed(schema()["components"]["schemas"])
    return components


def check(method: str, path: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Raises AssertionError when the schema does not know such an answer to such a request."""
    path = path.partition("?")[0]
    where = f"{method} {path} answered {status}: {content[:500].decode(errors='replace')}"
    if not path.startswith("/v1/") or path.rstrip("/") == "/v1/openapi.json":
        return
    assert headers.get("X-Request-ID"), where
    if method == "OPTIONS" and status == 204:
        assert headers.get("Allow"), where
        return
    template = _template(path)
    operation = None if template is None else schema()["paths"][template].get("get" if method == "HEAD" else method.lower())
    if operation is None:
        assert status in ((401, 404) if template is None else (401, 404, 405)), where
        _check_error(status, content, method, where)
        return
    response = operation["responses"].get(str(status))
    assert response is not None, f"undocumented status: {where}"
    _check_headers(response, headers, where)
    if method == "HEAD":
        assert content == b"", where
        return
    if "content" not in response:
        assert content == b"", where
        return
    media_type = headers.get("Content-Type", "").partition(";")[0]
    assert media_type in response["content"], f"undocumented media type {media_type}: {where}"
    for instance in _instances(media_type, content):
        found = faults_of(instance, response["content"][media_type]["schema"])
        assert not found, f"{found}: {where}"
    if status >= 400:
        _check_error(status, content, method, where)


def _check_headers(response: dict[str, Any], headers: Mapping[str, str], where: str) -> None:
    for name, described in response.get("headers", {}).items():
        assert headers.get(name) or not described["required"], f"without the header {name}: {where}"


def _check_error(status: int, content: bytes, method: str, where: str) -> None:
    if method == "HEAD":
        return
    body = _parsed(content)
    found = faults_of(body, {"$ref": "#/components/schemas/ErrorResponse"})
    assert not found, f"{found}: {where}"
    assert body["status"] == status, where


def _parsed(content: bytes) -> Any:
    return simplejson.loads(content, use_decimal=True)


def _instances(media_type: str, content: bytes) -> list[Any]:
    """What the schema of the media type speaks of: a body, each of its lines, or nothing that JSON Schema could check."""
    if media_type == "application/x-ndjson":
        return [_parsed(line) for line in content.splitlines()]
    return [_parsed(content)] if media_type == "application/json" else []


def _template(path: str) -> str | None:
    """The schema's path for a request's; literal ones win."""
    return next((template for template, pattern in _patterns() if pattern.fullmatch(path.rstrip("/"))), None)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    paths = sorted(schema()["paths"], key=lambda path: (path.count("{"), path))
    # Also paths as servers hand them on, %2F of a root object's id decoded.
    return [
        (path, re.compile(_PLACEHOLDER.sub("[^/]+", re.escape(path).replace(r"\{object_id\}", ".+")), re.DOTALL))
        for path in paths
    ]
