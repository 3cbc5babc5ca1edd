"""The overview: each namespace at a glance, what needs somebody's attention, and who did what last."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timesince import timesince, timeuntil

from documents import overview, surveying
from documents.admin.growth import Growth, growth
from documents.admin.tree import VIEW
from documents.overview import Behind, ExpiringKey, Line
from namespaces.admin import history
from namespaces.admin.access import is_bound, namespace_of, page, reached, require
from namespaces.admin.urls import change_url, document_url, list_url, tree_url

NAMESPACES_SHOWN: Final = 25
ENTRIES_SHOWN: Final = 12
ORPHANS_SHOWN: Final = 50
ORPHANS_WALKED: Final = 50_000


class Card(NamedTuple):
    """A namespace, its growth, and where to go from it."""

    line: Line
    growth: Growth
    objects: str
    failed: str
    newest: str
    urls: dict[str, str]


class Matter(NamedTuple):
    """Something that needs attention; `tone`: bad, warn or calm."""

    tone: str
    sign: str
    text: str
    where: str
    url: str
    more: str = ""


def sections(request: HttpRequest) -> dict[str, Any]:
    """What the start page shows. Three statements, and one for staff that may be limited."""
    user = request.user
    context: dict[str, Any] = {"bound": is_bound(request)}
    matters: list[Matter] = []
    if user.has_perm("namespaces.view_namespace"):
        found = overview.namespaces(reached(request), NAMESPACES_SHOWN + 1)
        lines = sorted(found[:NAMESPACES_SHOWN], key=_newest, reverse=True)
        may_view = any(user.has_perm(permission) for permission in VIEW)
        matters += [matter for line in lines for matter in _matters(line, may_view)]
        context["cards"] = [_card(line) for line in lines]
        context["more_namespaces_url"] = list_url("namespaces_namespace") if len(found) > NAMESPACES_SHOWN else ""
        if not is_bound(request):
            matters += _behind(overview.behind(), user.has_perm("namespaces.view_apikey"))
        context["matters"] = sorted(matters, key=lambda matter: ("bad", "warn", "calm").index(matter.tone))
    if user.has_perm("namespaces.view_auditentry"):
        context["entries"] = history.entries(reached(request), history.Asked(), limit=ENTRIES_SHOWN)
        context["audit_url"] = list_url("namespaces_auditentry")
    return context


def _newest(line: Line) -> tuple[bool, datetime]:
    """Where documents came last first, then the newest namespace."""
    return (line.newest_document is not None, line.newest_document or line.created_at)


def _card(line: Line) -> Card:
    return Card(
        line,
        growth(line),
        _objects(line),
        _bounded(line.failed, overview.COUNTED_FAILED),
        timesince(line.newest_document, depth=1) if line.newest_document else "",
        {
            "objects": list_url("namespaces_bucketobject", namespace=line.key),
            "documents": list_url("documents_document", namespace=line.key),
            "collections": list_url("namespaces_collection", namespace=line.key),
            "buckets": list_url("namespaces_bucket", namespace=line.key),
            "settings": change_url("namespaces_namespace", line.key),
            "failed": list_url("documents_document", namespace=line.key, status="FAILED"),
            "orphans": reverse("admin:orphans", args=(line.key,)),
        },
    )


def _objects(line: Line) -> str:
    if line.objects <= overview.COUNTED_OBJECTS:
        return f"{line.objects:,}"
    counted = line.objects_surveyed or 0
    return f"{counted:,}" if counted > overview.COUNTED_OBJECTS else f"{overview.COUNTED_OBJECTS:,}+"


def _bounded(count: int, bound: int) -> str:
    return f"{count:,}" if count <= bound else f"{bound:,}+"


def _matters(line: Line, may_view: bool) -> list[Matter]:
    found = []
    settings = change_url("namespaces_namespace", line.key)
    if line.failed and may_view:
        url = list_url("documents_document", namespace=line.key, status="FAILED")
        text = "failed document" if line.failed == 1 else "failed documents"
        found.append(Matter("bad", _bounded(line.failed, overview.COUNTED_FAILED), text, line.name, url))
    if line.indexes_failed:
        text = "payload index could not be built" if line.indexes_failed == 1 else "payload indexes could not be built"
        found.append(Matter("bad", f"{line.indexes_failed}", text, line.name, settings))
    if line.orphans and may_view:
        text = "document whose parent is not stored" if line.orphans == 1 else "documents whose parent is not stored"
        url = reverse("admin:orphans", args=(line.key,))
        found.append(Matter("warn", _bounded(line.orphans, surveying.COUNTED_ORPHANS), text, line.name, url))
    if line.indexes_pending:
        text = "payload index is being built" if line.indexes_pending == 1 else "payload indexes are being built"
        found.append(Matter("calm", f"{line.indexes_pending}", text, line.name, settings))
    return found


def _behind(behind: Behind, may_view_keys: bool) -> list[Matter]:
    found = []
    if behind.housekeeping_is_late:
        since = f"for {timesince(behind.housekeeping_at, depth=1)}" if behind.housekeeping_at else "yet"
        more = "manage.py serve runs it, or manage.py housekeep"
        found.append(Matter("bad", "late", f"Housekeeping has not run {since}", "", "", more))
    if may_view_keys:
        found += [_key(key) for key in behind.keys[: overview.KEYS_SHOWN]]
        if len(behind.keys) > overview.KEYS_SHOWN:
            url = list_url("namespaces_apikey", state="working")
            found.append(Matter("warn", "keys", "More API keys expire soon", "", url))
    if behind.purging:
        text = "deleted collection is being purged" if behind.purging == 1 else "deleted collections are being purged"
        found.append(Matter("calm", _bounded(behind.purging, overview.COUNTED_PLACES - 1), text, "", ""))
    return found


def _key(key: ExpiringKey) -> Matter:
    now = datetime.now(UTC)
    name = f"API key {key.name}"
    said = (
        f"expired {timesince(key.expires_at, now, depth=1)} ago"
        if key.expired
        else (f"expires in {timeuntil(key.expires_at, now, depth=1)}")
    )
    url = change_url("namespaces_apikey", key.key)
    return Matter("calm" if key.expired else "warn", "key", f"{name} {said}", key.organization, url)


@page
def orphans(request: HttpRequest, namespace_id: int) -> HttpResponse:
    """Documents whose parent is not stored: what a bounded part of the walk through the steps meets, and the next."""
    require(request, namespace_id, *VIEW)
    namespace = namespace_of(namespace_id)
    after = surveying.position(request.GET.get("after"))
    piece = surveying.walk(namespace_id, after, steps=ORPHANS_WALKED, most=ORPHANS_SHOWN)
    context = {
        **admin.site.each_context(request),
        "title": "Documents whose parent is not stored",
        "namespace": namespace,
        "orphans": [
            (
                each,
                document_url(namespace_id, each.document_id),
                tree_url(namespace_id, each.root_object_id, at=each.document_id) if each.root_object_id else "",
            )
            for each in piece.orphans
        ],
        "next_url": "?" + urlencode({"after": surveying.place(piece.after)}) if piece.after else "",
        "begun": "after" in request.GET,
    }
    return render(request, "admin/orphans.html", context)


@page
def find(request: HttpRequest) -> HttpResponse:
    """An id, whole: straight to its page, or a choice when several namespaces have it. Otherwise ids that begin so."""
    require(request, None, *VIEW)
    wanted = request.GET.get("q", "").strip()
    hits = [_hit(found) for found in overview.find(reached(request), wanted)] if wanted else []
    if len(hits) == 1:
        return redirect(hits[0]["url"])
    context = {
        **admin.site.each_context(request),
        "title": "Find an id",
        "wanted": wanted,
        "hits": hits,
        "prefix_url": list_url("documents_document", q=wanted) if wanted else "",
        "objects_url": list_url("namespaces_bucketobject", q=wanted) if wanted else "",
    }
    return render(request, "admin/find.html", context)


def _hit(found: overview.Found) -> dict[str, Any]:
    url = {
        "document": lambda: document_url(found.namespace_id, found.id),
        "object": lambda: tree_url(found.namespace_id, found.id),
        "collection": lambda: list_url("documents_document", namespace=found.namespace_id, collection=found.key),
        "bucket": lambda: list_url("namespaces_bucketobject", namespace=found.namespace_id, bucket=found.key),
        "namespace": lambda: list_url("documents_document", namespace=found.namespace_id),
    }[found.kind]()
    return {"found": found, "url": url}
