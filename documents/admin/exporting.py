"""Documents of a list as JSON lines: each as `manage.py export_documents` writes it, streamed in constant memory.

What `manage.py import_documents` takes back. Vectors are left out. A list's order and ticked rows are its own: its documents
are read in pages, each as of its moment, and not in one view as those of an export are.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.text import slugify

from documents.admin.asked import NARROWING, Asked
from documents.admin.listed import RefusedError, begun_ids, guarded
from documents.admin.selection import Selection, read_selection
from documents.admin.tree import VIEW
from documents.exporting import Asked as ExportAsked
from documents.exporting import Read, rendered
from documents.listing import read_page
from documents.services.many import documents_by_ids
from documents.stored import StoredDocument
from mixpeek_site.errors import ValidationError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import page, require
from namespaces.admin.urls import list_url

BATCH: Final = 500
BATCH_BYTES: Final = 8 * 1024 * 1024
"""What a batch's documents may have together, beyond its first."""
NATIVE: Final = ExportAsked()
_BY_ID: Final = 50
_WALK: Final = 1_000


@page
def export(request: HttpRequest, namespace_id: int) -> HttpResponseBase:
    """A download. A batch is a statement of its own: what changes meanwhile is there as of its batch.

    When something fails on the way the download breaks off, which the browser says. Raises PermissionDenied, Http404.
    """
    require(request, namespace_id, *VIEW)
    if request.method != "POST":
        return redirect(list_url("documents_document", namespace=namespace_id))
    selection = read_selection(request, namespace_id)
    if not selection.across and not selection.ticked:
        messages.warning(request, "Choose documents first: tick their rows, or all that match.")
        return redirect(selection.back)
    batches = _batches(selection)
    try:
        if selection.across:
            with guarded(selection.asked, BATCH):
                first = next(batches, [])  # what can't be read is said on a page, before the download begins
        else:
            first = next(batches, [])
    except RefusedError as refused:
        messages.error(request, refused.said)
        return redirect(selection.back)
    _record(request, namespace_id, selection)
    assert selection.asked.namespace is not None
    name = slugify(selection.asked.namespace.name) or "documents"
    return StreamingHttpResponse(
        _lines(chain([first], batches), selection.asked),
        content_type="application/x-ndjson",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{timezone.now():%Y-%m-%d-%H%M}.jsonl"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )


def _lines(batches: Iterable[list[StoredDocument]], asked: Asked) -> Iterator[bytes]:
    organization = asked.scope.organization_public_id
    for batch in batches:
        yield "".join(f"{rendered(Read(document, None), NATIVE, organization)}\n" for document in batch).encode()


def _batches(selection: Selection) -> Iterator[list[StoredDocument]]:
    if not selection.across:
        return _named(selection.asked, selection.ticked)
    return _beginning(selection.asked) if selection.asked.prefix else _matching(selection.asked)


def _matching(asked: Asked) -> Iterator[list[StoredDocument]]:
    """In the order of the list, by keyset."""
    position = None
    question = asked.question()
    while True:
        found = read_page(asked.scope, question, limit=BATCH, position=position, max_bytes=BATCH_BYTES)
        yield [row.document for row in found.rows]
        if not found.more or not found.rows:
            return
        position = found.rows[-1].position


def _beginning(asked: Asked) -> Iterator[list[StoredDocument]]:
    """In the order of ids."""
    last = ""
    while True:
        begun = begun_ids(asked, ("d.document_id",), bound=_WALK, limit=_WALK, after=last)
        yield from _named(asked, [row[0] for row in begun.rows])
        if begun.walked < _WALK:
            return
        last = begun.last


def _named(asked: Asked, document_ids: list[str]) -> Iterator[list[StoredDocument]]:
    for start in range(0, len(document_ids), _BY_ID):
        yield from _together(asked, document_ids[start : start + _BY_ID])


def _together(asked: Asked, document_ids: list[str]) -> Iterator[list[StoredDocument]]:
    """Those that are too large for one answer in halves."""
    try:
        yield list(documents_by_ids(asked.scope, document_ids).values())
    except ValidationError:
        if len(document_ids) == 1:
            raise
        half = len(document_ids) // 2
        yield from _together(asked, document_ids[:half])
        yield from _together(asked, document_ids[half:])


def _record(request: HttpRequest, namespace_id: int, selection: Selection) -> None:
    """By the names of the filters alone: their values may be of payloads."""
    narrowed = [name for name in NARROWING if name in selection.asked.query]
    changes = {"filters": narrowed or ["none"]} if selection.across else {"documents": len(selection.ticked)}
    assert selection.asked.namespace is not None
    with atomic():
        audit.record(request, namespace_id, "namespace", selection.asked.namespace.public_id, "exported", changes)
