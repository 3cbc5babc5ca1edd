"""Editing a document: its payload and internal metadata as JSON text, saved by the verb that PUT uses.

The form carries the version that it shows. A document that somebody else changed meanwhile is not overwritten: both
texts are shown, and the second save is a decision. `action=format` lays the texts out anew and saves nothing.
"""

import contextlib
import difflib
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from documents import queries, services
from documents.admin import curl
from documents.admin.document import Opened, base_context, open_document
from documents.inputs import RESERVED, DocumentInput, read_replace
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError, NotFoundError, PreconditionFailedError, ServiceUnavailableError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import namespace_of, page, require, staff_scope
from namespaces.admin.json_text import TextError, domain_error, locate, parse_object, pretty
from namespaces.admin.numbers import whole_number
from namespaces.admin.urls import document_url

MAX_DIFF_LINES = 4_000
MAX_EDITED = 2 * 1024 * 1024  # characters of a payload; a browser's text area gets slow beyond


@page
def edit_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, "documents.change_document")
    if request.method != "POST":
        opened = open_document(namespace_id, document_id, children=1)
        if len(opened.stored.payload) > MAX_EDITED:
            return _too_long(request, opened)
        return _form(request, opened, _stored_texts(opened), opened.stored.version)
    texts = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in ("payload", "internal_metadata")}
    try:
        opened = open_document(namespace_id, document_id, children=1)
    except NotFoundError:
        return _gone(request, namespace_id, document_id, texts)
    given, errors = _read(texts, document_id)
    version = request.POST.get("version", "")
    if given is None:
        return _form(request, opened, texts, version, errors=errors)
    if request.POST.get("action") == "format":
        return _form(request, opened, _formatted(texts), version, formatted=True)
    known = whole_number(version) or 0
    try:
        with atomic():  # what is not logged is not done
            services.replace_document(
                scope=staff_scope(opened.namespace), collection=None, document_id=document_id, given=given, versions=[known]
            )
            audit.record(request, namespace_id, "document", document_id, "changed", _changes(opened, given))
    except PreconditionFailedError:
        newer = queries.document(staff_scope(opened.namespace), None, document_id)
        opened = Opened(opened.namespace, newer, opened.path)
        return _form(request, opened, texts, newer.version, conflict=_difference(opened, texts))
    except NotFoundError:
        return _gone(request, namespace_id, document_id, texts)
    except ServiceUnavailableError as error:
        return _form(request, opened, texts, version, errors={"payload": TextError(error.message)}, status=503)
    except DomainError as error:
        return _form(request, opened, texts, version, errors={"payload": domain_error(texts["payload"], error)})
    messages.success(request, f"{document_id} was saved.")
    return redirect(document_url(namespace_id, document_id))


def _read(texts: dict[str, str], document_id: str) -> tuple[DocumentInput | None, dict[str, TextError]]:
    """What the texts mean, or what is wrong with them."""
    errors: dict[str, TextError] = {}
    given = None
    try:
        payload = parse_object(texts["payload"])
        for name in payload:
            if name in RESERVED or name.startswith("_"):
                place = locate(texts["payload"], [name]) or (None, None)
                raise TextError(f"“{name}” is a reserved name: the payload holds the user's fields only.", *place)
        given = read_replace(payload, document_id)
    except DomainError as error:
        errors["payload"] = domain_error(texts["payload"], error)
    except TextError as error:
        errors["payload"] = error
    try:
        metadata = parse_object(texts["internal_metadata"] or "{}")
        if given is not None:
            given.internal_metadata = metadata
    except TextError as error:
        errors["internal_metadata"] = error
    return (None if errors else given), errors


def _formatted(texts: dict[str, str]) -> dict[str, str]:
    return {name: pretty(parse_object(text or "{}")) for name, text in texts.items()}


def _changes(opened: Opened, given: DocumentInput) -> dict[str, Any]:
    """Which fields a save changes, by name."""
    stored = opened.stored
    metadata = audit.changed_paths(jsonio.loads_stored(stored.internal_metadata), given.internal_metadata)
    return {
        "payload": audit.changed_paths(jsonio.loads_stored(stored.payload), given.payload),
        "internal_metadata": metadata,
    }


def _stored_texts(opened: Opened) -> dict[str, str]:
    stored = opened.stored
    return {
        "payload": pretty(jsonio.loads_stored(stored.payload)),
        "internal_metadata": pretty(jsonio.loads_stored(stored.internal_metadata)),
    }


def _difference(opened: Opened, texts: dict[str, str]) -> list[tuple[str, str]]:
    """Lines with their kind (same, gone, new, place), from what is stored now to what would be saved."""
    found: list[tuple[str, str]] = []
    kinds = {"-": "gone", "+": "new", "@": "place"}
    for name, now in _stored_texts(opened).items():
        mine = texts[name] or "{}"
        with contextlib.suppress(TextError):
            mine = pretty(parse_object(mine))  # as it would be stored, so that only real differences show
        before, after = now.splitlines(), mine.splitlines()
        if len(before) + len(after) > MAX_DIFF_LINES:
            found.append(("place", f"{name}: too long to compare here"))
            continue
        lines = difflib.unified_diff(before, after, "", "", lineterm="", n=2)
        found += [(kinds.get(line[:1], "same"), line) for line in lines if not line.startswith(("---", "+++"))]
    return found


def _form(
    request: HttpRequest,
    opened: Opened,
    texts: dict[str, str],
    version: int | str,
    *,
    errors: dict[str, TextError] | None = None,
    conflict: list[tuple[str, str]] | None = None,
    formatted: bool = False,
    status: int = 200,
) -> HttpResponse:
    errors = errors or {}
    context = {
        **base_context(request, opened),
        "subtitle": "Edit",
        "version": version,
        "conflict": conflict,
        "formatted": formatted,
        "dirty": request.method == "POST" and texts != _stored_texts(opened),
        "limits": f"At most {settings.MAX_DOCUMENT_BYTES // 2**20} MiB and {settings.MAX_JSON_DEPTH} levels.",
        "editors": [
            _editor("payload", "Payload", "The user's fields: one JSON object.", texts, errors, 14),
            _editor(
                "internal_metadata", "Internal metadata", "ingestion_status and the like: one JSON object.", texts, errors, 6
            ),
        ],
        "errors": errors,
    }
    return render(request, "admin/document/edit.html", context, status=status)


def _editor(
    name: str, label: str, help_text: str, texts: dict[str, str], errors: dict[str, TextError], rows: int
) -> dict[str, Any]:
    text, error = texts[name], errors.get(name)
    excerpt = ""
    if error and error.line and error.column:
        lines = text.split("\n")
        line = lines[error.line - 1] if error.line <= len(lines) else ""
        start = max(0, error.column - 60)
        excerpt = f"{line[start : start + 120]}\n{' ' * (error.column - 1 - start)}^"
    rows = min(max(rows, text.count("\n") + 2), 40)
    return {"name": name, "label": label, "help": help_text, "text": text, "error": error, "excerpt": excerpt, "rows": rows}


def _too_long(request: HttpRequest, opened: Opened) -> HttpResponse:
    stored = opened.stored
    context = {
        **base_context(request, opened),
        "subtitle": "Edit",
        "size": len(stored.payload),
        "limit": MAX_EDITED // 2**20,
        "command": curl.commands(
            request.build_absolute_uri("/").rstrip("/"),
            stored.namespace,
            stored.collection,
            stored.document_id,
            stored.payload,
        )[1],
    }
    return render(request, "admin/document/too_long.html", context)


def _gone(request: HttpRequest, namespace_id: int, document_id: str, texts: dict[str, str]) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "This document was deleted meanwhile",
        "document_id": document_id,
        "namespace": namespace_of(namespace_id),
        "texts": texts,
    }
    return render(request, "admin/document/gone.html", context, status=404)
