"""The overview: each namespace at a glance, what needs somebody's attention, and who did what last."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timesince import timesince, timeuntil

from documents import attention, overview, surveying
from documents.admin.growth import Growth, growth
from documents.admin.tree import VIEW
from documents.attention import Behind, Counted, ExpiringKey, Wanted
from documents.overview import Line
from namespaces.admin import history
from namespaces.admin.access import is_bound, namespace_of, page, reached, require
from namespaces.admin.urls import change_url, document_url, list_url, tree_url

NAMESPACES_SHOWN: Final = 25
ENTRIES_SHOWN: Final = 12
MATTERS_SHOWN: Final = 8  # namespaces of a kind
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
    """What the start page shows. Four statements, and one for staff that may be limited."""
    user = request.user
    context: dict[str, Any] = {"bound": is_bound(request)}
    if user.has_perm("namespaces.view_namespace"):
        found = overview.namespaces(reached(request), NAMESPACES_SHOWN + 1)
        may_view = any(user.has_perm(permission) for permission in VIEW)
        context["cards"] = [_card(line, may_view) for line in sorted(found[:NAMESPACES_SHOWN], key=_newest, reverse=True)]
        context["more_namespaces_url"] = list_url("namespaces_namespace") if len(found) > NAMESPACES_SHOWN else ""
        context |= _attention(request, may_view)
    if user.has_perm("namespaces.view_auditentry"):
        context["entries"] = history.entries(reached(request), history.Asked(), limit=ENTRIES_SHOWN)
        context["audit_url"] = list_url("namespaces_auditentry")
    return context


def _attention(request: HttpRequest, may_view: bool) -> dict[str, Any]:
    """What needs attention, the worst first, and what was looked at and is well: of nothing else is that said."""
    matters: list[Matter] = []
    well: list[str] = []
    if reached(request) != frozenset():
        wanted = attention.wanted(reached(request))
        matters += _of_namespaces(wanted, may_view)
        if may_view:
            well.append("no document failed")
        if may_view and wanted.surveyed:
            well.append("every parent is stored")
        well.append("every payload index is built")
    if not is_bound(request):
        may_view_keys = request.user.has_perm("namespaces.view_apikey")
        matters += _behind(attention.behind(), may_view_keys)
        well += ["no key is about to expire"] if may_view_keys else []
        well.append("housekeeping runs")
    said = ", ".join(well)
    return {
        "matters": sorted(matters, key=lambda matter: ("bad", "warn", "calm").index(matter.tone)),
        "all_is_well": f"{said[:1].upper()}{said[1:]}." if said else "",
    }


def _newest(line: Line) -> tuple[bool, datetime]:
    """Where documents came last first, then the newest namespace."""
    return (line.newest_document is not None, line.newest_document or line.created_at)


def _card(line: Line, may_view: bool) -> Card:
    return Card(
        line,
        growth(line),
        _objects(line),
        _bounded(line.failed, attention.COUNTED_FAILED) if line.failed and may_view else "",
        timesince(line.newest_document, depth=1) if line.newest_document else "",
        {
            "objects": list_url("namespaces_bucketobject", namespace=line.key),
            "documents": list_url("documents_document", namespace=line.key),
            "collections": list_url("namespaces_collection", namespace=line.key),
            "buckets": list_url("namespaces_bucket", namespace=line.key),
            "settings": change_url("namespaces_namespace", line.key),
            "failed": list_url("documents_document", namespace=line.key, status="FAILED"),
            "lineage": reverse("admin:lineage", args=(line.key,)) if may_view else "",
        },
    )


def _objects(line: Line) -> str:
    if line.objects <= overview.COUNTED_OBJECTS:
        return f"{line.objects:,}"
    counted = line.objects_surveyed or 0
    return f"{counted:,}" if counted > overview.COUNTED_OBJECTS else f"{overview.COUNTED_OBJECTS:,}+"


def _bounded(count: int, bound: int) -> str:
    return f"{count:,}" if count <= bound else f"{bound:,}+"


def _of_namespaces(wanted: Wanted, may_view: bool) -> list[Matter]:
    def settings(key: int) -> str:
        return change_url("namespaces_namespace", key)

    def failures(key: int) -> str:
        return list_url("documents_document", namespace=key, status="FAILED")

    def orphans(key: int) -> str:
        return reverse("admin:orphans", args=(key,))

    found = []
    if may_view:
        words = ("failed document", "failed documents")
        found += _told("bad", wanted.failed, attention.COUNTED_FAILED, words, failures, wanted.failed_elsewhere)
        words = ("document whose parent is not stored", "documents whose parent is not stored")
        found += _told("warn", wanted.orphans, surveying.COUNTED_ORPHANS, words, orphans, wanted.orphans_elsewhere)
    many = attention.LISTED * 100
    words = ("payload index could not be built", "payload indexes could not be built")
    found += _told("bad", wanted.indexes_failed, many, words, settings)
    words = ("payload index is being built", "payload indexes are being built")
    return found + _told("calm", wanted.indexes_pending, many, words, settings)


def _told(
    tone: str,
    counted: list[Counted],
    bound: int,
    words: tuple[str, str],
    url: Callable[[int], str],
    elsewhere: bool = False,
) -> list[Matter]:
    """A line for each namespace with the most of it, and one for the others together."""
    found = [
        Matter(tone, _bounded(each.number, bound), words[each.number != 1], each.name, url(each.key))
        for each in counted[:MATTERS_SHOWN]
    ]
    others = len(counted) - len(found)
    if others or elsewhere:
        sign = f"{others}+" if elsewhere else f"{others}"
        text = f"more namespace{'' if sign == '1' else 's'} with the same: {words[1]}"
        found.append(Matter(tone, sign, text, "", list_url("namespaces_namespace")))
    return found


def _behind(behind: Behind, may_view_keys: bool) -> list[Matter]:
    found = []
    if behind.housekeeping_is_late:
        since = f"for {timesince(behind.housekeeping_at, depth=1)}" if behind.housekeeping_at else "yet"
        more = "manage.py serve runs it, or manage.py housekeep"
        found.append(Matter("bad", "late", f"Housekeeping has not run {since}", "", "", more))
    if may_view_keys:
        found += [_key(key) for key in behind.keys[: attention.KEYS_SHOWN]]
        if len(behind.keys) > attention.KEYS_SHOWN:
            url = list_url("namespaces_apikey", state="working")
            found.append(Matter("warn", "keys", "More API keys expire soon", "", url))
    if behind.purging:
        text = "deleted collection is being purged" if behind.purging == 1 else "deleted collections are being purged"
        found.append(Matter("calm", _bounded(behind.purging, attention.COUNTED_PURGING - 1), text, "", ""))
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
