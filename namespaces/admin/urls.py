"""Links between the admin's pages. Pages of documents are named here only; their app serves them."""

import base64
from typing import Any

from django.urls import register_converter, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from mixpeek_site.ids import CHOSEN_ID


class ReferenceConverter:
    """An object's id in a path. What lineage refers to may be any text; what is not a plain id is written in base64."""

    regex = "[A-Za-z0-9_.:-]{1,128}|~[A-Za-z0-9_-]+"

    def to_python(self, value: str) -> str:
        if not value.startswith("~"):
            return value
        padded = value[1:] + "=" * (-len(value[1:]) % 4)
        try:
            return base64.urlsafe_b64decode(padded).decode()
        except ValueError:
            raise ValueError("not base64 of UTF-8") from None

    def to_url(self, value: str) -> str:
        if CHOSEN_ID.fullmatch(value) and value not in (".", ".."):
            return value
        return "~" + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


register_converter(ReferenceConverter, "reference")


def tree_url(namespace_id: int, object_id: str, **query: Any) -> str:
    """The decomposition tree of a root object."""
    return _with(reverse("admin:tree", args=(namespace_id, object_id)), query)


def document_url(namespace_id: int, document_id: str, **query: Any) -> str:
    return _with(reverse("admin:document", args=(namespace_id, document_id)), query)


def list_url(model: str, **query: Any) -> str:
    """The list of a model (`documents_document`), filtered."""
    return _with(reverse(f"admin:{model}_changelist"), query)


def change_url(model: str, key: Any) -> str:
    return reverse(f"admin:{model}_change", args=(key,))


def _with(url: str, query: dict[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{url}?{urlencode(given)}" if given else url


def link(url: str, text: Any) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


def code(text: Any) -> SafeString:
    return format_html('<code class="id">{}</code>', text)


def code_link(url: str, text: Any) -> SafeString:
    return format_html('<a class="id" href="{}">{}</a>', url, text)


def status_chip(status: str | None) -> SafeString | None:
    return format_html('<span class="chip" data-status="{}">{}</span>', status, status.lower()) if status else None
