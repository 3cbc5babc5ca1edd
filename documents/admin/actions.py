"""What staff do with chosen documents of a list: delete them, set their status. First what it means, then the deed.

Both are services' verbs in bounded batches, a transaction each, in which the audit says what was done.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize

from documents import services
from documents.admin.asked import MAX_STATUS, STATUSES
from documents.admin.listed import RefusedError
from documents.admin.selection import COUNTED, MAX_CHANGED, Meant, Resolved, Selection, impact, read_selection, resolve
from documents.services.many import delete_chosen, read_update, update_documents
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import page, require
from namespaces.admin.urls import list_url

BATCH: Final = 200
"""Documents of one transaction: a handful of statements however many they are, for which others wait."""


@page
def delete_many(request: HttpRequest, namespace_id: int) -> HttpResponse:
    """Raises PermissionDenied, Http404."""
    require(request, namespace_id, "documents.delete_document")
    begun = _begun(request, namespace_id)
    if isinstance(begun, HttpResponse):
        return begun
    selection, found = begun
    means = impact(namespace_id, found.documents)
    chosen = request.POST.get("on_children", "")
    problem = _changed(request, found)
    if "confirmed" in request.POST and not problem:
        if chosen not in services.ON_CHILDREN:
            problem = "Choose what becomes of their children."
        elif chosen == "restrict" and means.children:
            problem = f"{_counted(means.children)} children are not among them. Nothing was deleted."
        else:
            return _delete(request, namespace_id, selection, found.documents, chosen)
    context = {"impact": means, "counted": COUNTED, "chosen": chosen}
    return _page(request, "admin/documents/delete.html", "Delete documents", selection, found, problem, context)


def _delete(
    request: HttpRequest, namespace_id: int, selection: Selection, documents: Sequence[Meant], on_children: str
) -> HttpResponse:
    scope = selection.asked.scope
    gone, total = 0, 0
    changes = {"on_children": on_children, "documents": len(documents)}
    for part in _batches(documents, BATCH):
        try:
            with atomic():  # what is not recorded is not done
                named, of_part = delete_chosen(scope=scope, documents=[each.named for each in part], on_children=on_children)
                if named:
                    audit.record_many(request, namespace_id, "document", named, "deleted", changes)
        except DomainError as error:
            messages.error(request, f"{error.message} {_done(total)} deleted before; the others stay.")
            return redirect(selection.back)
        gone, total = gone + len(named), total + of_part
    below = f", and {total - gone:,} below them" if total > gone else ""
    messages.success(request, f"{_done(gone)} deleted{below}.")
    return redirect(selection.back)


@page
def set_status(request: HttpRequest, namespace_id: int) -> HttpResponse:
    """Raises PermissionDenied, Http404."""
    require(request, namespace_id, "documents.change_document")
    begun = _begun(request, namespace_id)
    if isinstance(begun, HttpResponse):
        return begun
    selection, found = begun
    status = request.POST.get("status", "").strip()
    problem = _changed(request, found)
    if "confirmed" in request.POST and not problem:
        problem = _wrong_status(status)
        if not problem:
            return _set(request, namespace_id, selection, found.documents, status)
    context = {"status": status, "statuses": STATUSES, "max_status": MAX_STATUS}
    return _page(request, "admin/documents/status.html", "Set status", selection, found, problem, context)


def _begun(request: HttpRequest, namespace_id: int) -> tuple[Selection, Resolved] | HttpResponse:
    """What an action is of, or the answer where there is nothing that it could do."""
    if request.method != "POST":
        return redirect(list_url("documents_document", namespace=namespace_id))
    selection = read_selection(request, namespace_id)
    try:
        found = resolve(selection)
    except RefusedError as refused:
        return _refused(request, selection, refused)
    if not found.documents or found.more:
        return _nothing(request, selection, found)
    return selection, found


def _wrong_status(status: str) -> str:
    if not 1 <= len(status) <= MAX_STATUS:
        return f"A status has 1 to {MAX_STATUS} characters."
    if next(jsonio.unstorable(status, ()), None) is not None:
        return "This holds characters that can't be stored."
    return ""


def _set(request: HttpRequest, namespace_id: int, selection: Selection, documents: Sequence[Meant], status: str) -> HttpResponse:
    scope = selection.asked.scope
    patch = {"internal_metadata": {"ingestion_status": status}}
    written = 0
    for collection, part in _by_collection(documents):
        updates = [read_update(each.document_id, patch) for each in part]
        try:
            with atomic():
                outcomes = update_documents(scope=scope, collection=collection, updates=updates)
                done = [each.document_id for each, fault in zip(part, outcomes, strict=True) if fault is None]
                if done:
                    changes = {"internal_metadata": ["ingestion_status"], "status": status, "documents": len(documents)}
                    audit.record_many(request, namespace_id, "document", done, "changed", changes)
        except DomainError as error:
            messages.error(request, f"{error.message} {_done(written)} changed before; the others are as they were.")
            return redirect(selection.back)
        written += len(done)
    left = len(documents) - written
    missed = f" {left:,} could not be changed: deleted meanwhile, or too large." if left else ""
    messages.success(request, f"{_done(written)} set to {status}.{missed}")
    return redirect(selection.back)


def _batches(documents: Sequence[Meant], size: int) -> Iterator[Sequence[Meant]]:
    for start in range(0, len(documents), size):
        yield documents[start : start + size]


def _by_collection(documents: Sequence[Meant]) -> Iterator[tuple[str, Sequence[Meant]]]:
    ordered = sorted(documents, key=lambda each: each.collection)
    for collection, group in groupby(ordered, key=lambda each: each.collection):
        for part in _batches(list(group), BATCH):
            yield collection, part


def _counted(number: int) -> str:
    return f"More than {COUNTED:,}" if number > COUNTED else f"{number:,}"


def _done(number: int) -> str:
    return f"{number:,} document{pluralize(number)} {'was' if number == 1 else 'were'}"


def _changed(request: HttpRequest, found: Resolved) -> str:
    """What to say when other documents match now than those that were shown."""
    if "confirmed" in request.POST and request.POST.get("mark") != found.mark:
        many = f"{len(found.documents):,} match" if len(found.documents) != 1 else "one matches"
        return f"These are not the documents that were shown before: {many} now. Look again before you go on."
    return ""


def _refused(request: HttpRequest, selection: Selection, refused: RefusedError) -> HttpResponse:
    messages.error(request, refused.said)
    return redirect(selection.back)


def _nothing(request: HttpRequest, selection: Selection, found: Resolved) -> HttpResponse:
    if found.more:
        messages.error(
            request, f"More than {MAX_CHANGED:,} documents match, which is as many as change at once. Narrow the list."
        )
    elif selection.across:
        messages.warning(request, "No document matches any more.")
    elif found.gone:
        messages.warning(request, "The chosen documents are gone.")
    else:
        messages.warning(request, "Choose documents first: tick their rows, or all that match.")
    return redirect(selection.back)


def _page(
    request: HttpRequest,
    template: str,
    title: str,
    selection: Selection,
    found: Resolved,
    problem: str,
    more: dict[str, Any],
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": title,
        "selection": selection,
        "found": found,
        "shown": found.documents[:10],
        "problem": problem,
        **more,
    }
    return render(request, template, context, status=409 if problem else 200)
