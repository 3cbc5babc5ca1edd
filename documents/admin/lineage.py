"""What contradicts in a namespace's lineage, as `manage.py check_lineage` finds it, and repairing it.

A part of the check at a time: as much as is looked through in some seconds, up to so many findings; then one goes on.
"""

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.http import urlencode

from documents.admin.tree import VIEW
from documents.trees import checking
from documents.trees.checking import CYCLE, ORPHAN, REPAIRED, START, STRAY, Finding
from mixpeek_site.errors import DomainError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import is_bound, namespace_of, page, require
from namespaces.admin.urls import document_url

SECONDS: Final = 2.0
"""After which no further steps are looked at for a page, nor repaired at once."""
SHOWN: Final = 50
_OF_A_CIRCLE: Final = 20

_LAST: Final = UUID(int=2**128 - 1)


class Part(NamedTuple):
    """A part of the check: what it found, without orphans, and where the next one begins; None after the last."""

    steps: int
    findings: list[Finding]
    after: UUID | None


@page
def lineage_page(request: HttpRequest, namespace_id: int) -> HttpResponse:
    """`?after=` the internal id of a step: what comes after it. A POST repairs what a page showed, from there `until` its end."""
    repairing = request.method == "POST"
    require(request, namespace_id, *(("documents.change_document",) if repairing else VIEW))
    namespace = namespace_of(namespace_id)
    begin = _position(request.GET.get("after")) or START[0]
    if repairing:
        _repair(request, namespace_id, begin, _position(request.POST.get("until")) or _LAST)
        return redirect(request.get_full_path())
    part = _look(namespace_id, begin)
    fixed = _repairable(request, part.findings)
    context = {
        **admin.site.each_context(request),
        "title": "Lineage that contradicts",
        "namespace": namespace,
        "part": part,
        "rows": [_row(namespace_id, one) for one in part.findings],
        "begun": begin != START[0],
        "until": part.after or _LAST,
        "next_url": "?" + urlencode({"after": str(part.after)}) if part.after else "",
        "repaired": len(fixed),
        "strays_left": sum(one.kind in REPAIRED for one in part.findings) - len(fixed),
        "may_change": request.user.has_perm("documents.change_document"),
        "orphans_url": reverse("admin:orphans", args=(namespace_id,)),
    }
    return render(request, "admin/lineage.html", context)


def _batches(namespace_id: int, begin: UUID) -> Iterator[checking.Batch]:
    """Until the time is up; each without its orphans, which are right."""
    ends = time.monotonic() + SECONDS
    after: checking.Position | None = (begin, namespace_id)
    while after is not None:
        batch = checking.look(namespace_id, after)
        yield batch._replace(findings=[one for one in batch.findings if one.kind != ORPHAN])
        after = batch.after if time.monotonic() < ends else None


def _look(namespace_id: int, begin: UUID) -> Part:
    steps, found = 0, list[Finding]()
    after: UUID | None = None
    for batch in _batches(namespace_id, begin):
        steps, found = steps + batch.steps, found + batch.findings
        if len(found) > SHOWN:
            return Part(steps, found[:SHOWN], found[SHOWN - 1].id)
        after = batch.after[0] if batch.after else None
    return Part(steps, found, after)


def _repairable(request: HttpRequest, findings: list[Finding]) -> list[Finding]:
    """A stray step may belong to another namespace's document: not for staff that is limited to some."""
    bound = is_bound(request)
    return [one for one in findings if one.kind in REPAIRED and not (bound and one.kind == STRAY)]


def _repair(request: HttpRequest, namespace_id: int, begin: UUID, until: UUID) -> None:
    """A transaction for each batch, in which the audit says what was repaired."""
    done = rewritten = 0
    try:
        for batch in _batches(namespace_id, begin):
            fixed = _repairable(request, [one for one in batch.findings if one.id <= until])
            if fixed:
                with atomic():  # what is not recorded is not done
                    rewritten += checking.repair(fixed)
                    changes = {"lineage": "repaired", "documents": len(fixed)}
                    names = [one.document_id or str(one.id) for one in fixed]
                    audit.record_many(request, namespace_id, "document", names, "changed", changes)
                done += len(fixed)
            if batch.after is None or batch.after[0] >= until:
                break
    except DomainError as error:
        messages.error(request, f"{error.message} {_documents(done)} repaired before.")
        return
    if done:
        written = f"{rewritten:,} step{pluralize(rewritten)} {'was' if rewritten == 1 else 'were'} written"
        messages.success(request, f"{_documents(done)} repaired; {written}, what is below included.")
    else:
        messages.warning(request, "There was nothing to repair any more.")


def _documents(number: int) -> str:
    return f"{number:,} document{pluralize(number)} {'was' if number == 1 else 'were'}"


def _row(namespace_id: int, one: Finding) -> dict[str, Any]:
    """A finding as a line of the page."""
    written = [(name, one.recorded[name], one.derived[name]) for name in one.recorded]
    return {
        "kind": "circle" if one.kind == CYCLE else one.kind,
        "id": one.document_id or str(one.id),
        "collection": one.collection,
        "url": document_url(namespace_id, one.document_id) if one.document_id else "",
        "move_url": reverse("admin:document_source", args=(namespace_id, one.document_id)) if one.kind == CYCLE else "",
        "circle": [(each, document_url(namespace_id, each)) for each in one.cycle[:_OF_A_CIRCLE]],
        "circle_more": max(0, len(one.cycle) - _OF_A_CIRCLE),
        "values": [] if one.kind == CYCLE else written,
        "names": [] if one.kind == CYCLE else [name for name in one.differs if name not in one.recorded],
    }


def _position(text: str | None) -> UUID | None:
    """As an address or a form has it; what is malformed is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
