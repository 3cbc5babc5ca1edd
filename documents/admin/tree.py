"""The decomposition tree of a root object: its stages drawn and told, and its documents one level at a time.

Without JavaScript each node's link opens the page at that node (`?at=`), with the way to it and its children; with it,
tree.js fetches the same levels from `nodes` as fragments of HTML, and what is searched for from `search`.
"""

import shlex
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import get_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from documents import tree_queries
from documents.admin import tree_diagram
from documents.admin.json_html import json_html
from documents.admin.tree_levels import FAILED, ORPHANS, Level, Tree, Which, along, branches, level, mark_failures, within
from documents.tree_queries import Root
from documents.trees import edges, failures, finding, ways
from mixpeek_site import jsonio
from namespaces.admin.access import page, require
from namespaces.admin.urls import list_url, tree_url

VIEW = ("documents.view_document", "documents.change_document")
LEAST_WANTED = 2  # characters of a search
_LEFT_OUT = "…"  # in a way that is too long for a line


@page
def tree_page(request: HttpRequest, namespace_id: int, object_id: str) -> HttpResponse:
    """`?at=` a document, `?group=` a list of the tree, `?q=` a search, `?failed=` the next FAILED after a document."""
    require(request, namespace_id, *VIEW)
    query = request.GET
    if "failed" in query:
        at = failures.following(namespace_id, object_id, query["failed"])
        return redirect(tree_url(namespace_id, object_id, at=at))
    root = tree_queries.root(namespace_id, object_id)
    if root is None:
        raise Http404("No object of this id is registered, and no document names it as its root.")
    tree = Tree(root.namespace_id, root.object_id)
    whole = ORPHANS if root.orphans and not root.first_level else ""
    shown = _asked_level(request, tree, whole)
    failed = sum(stage.statuses.get("FAILED", 0) for stage in root.stages)
    if failed:
        mark_failures(shown)
    name = root.fields.get("title") or root.fields.get("name") or root.object_id
    at, wanted = query.get("at"), query.get("q", "").strip()
    drawn = edges.edges(*tree, orphans=root.orphans > 0) if any(stage.tier > 1 for stage in root.stages) else []
    boxes = tree_diagram.rows(tree, root)
    context = {
        **admin.site.each_context(request),
        "title": f"{root.object_id}",
        "root": root,
        "name": name,
        "fields_json": json_html(jsonio.dumps(root.fields)),
        "blobs_json": json_html(jsonio.dumps(root.blobs)),
        "diagram": tree_diagram.draw(root, boxes, drawn) if root.stages else None,
        "root_name": tree_diagram.fitting(str(name), 14),
        "stages": _stages(root, boxes, drawn),
        "whole_group": whole,
        "level": shown,
        "levels_html": rendered(shown),
        "listed": _listed(root, shown.which),
        "at": at,
        "above": _above(shown) if at and not (query.get("after") or query.get("before")) else None,
        "orphans_shown": shown.which.group == ORPHANS,
        "partial": bool(at or Which.asked(query) != Which() or query.get("after") or query.get("before")),
        "failed": failed,
        "failures_counted": failures.COUNTED,
        "next_failed_url": tree_url(*tree, failed=at or ""),
        "failed_url": tree_url(*tree, group=FAILED),
        "orphans_url": tree_url(*tree, group=ORPHANS),
        "tree_url": tree_url(*tree),
        "lineage_url": reverse("admin:lineage", args=(namespace_id,)),
        "search_url": reverse("admin:tree_search", args=tree),
        "nodes_url": reverse("admin:tree_nodes", args=tree),
        "objects_url": list_url("namespaces_bucketobject", namespace=namespace_id, bucket=root.bucket_key),
        "documents_url": list_url("documents_document", namespace=namespace_id, root=root.object_id),
        "curl": _curl(request, root),
        **_search_context(tree, wanted),
        "may_view_object": root.object_key
        and any(request.user.has_perm(f"namespaces.{verb}_bucketobject") for verb in ("view", "change")),
        "may_edit_object": root.object_key and request.user.has_perm("namespaces.change_bucketobject"),
        "may_delete_object": root.object_key and request.user.has_perm("namespaces.delete_bucketobject"),
    }
    return render(request, "admin/tree/page.html", context)


@page
def tree_nodes(request: HttpRequest, namespace_id: int, object_id: str) -> HttpResponse:
    """As a fragment: a level or a further part of one, or with `?at=` (or `?failed=`) the tree open at a document."""
    require(request, namespace_id, *VIEW)
    tree = Tree(namespace_id, object_id)
    if "failed" in request.GET:
        at = failures.following(namespace_id, object_id, request.GET["failed"])
        if at is None:
            raise Http404("Nothing failed any more.")
        shown = _at(tree, at)
    else:
        shown = _asked_level(request, tree)
    mark_failures(shown)
    return HttpResponse(rendered(shown))


@page
def tree_search(request: HttpRequest, namespace_id: int, object_id: str) -> HttpResponse:
    """What is found in the tree, as a fragment."""
    require(request, namespace_id, *VIEW)
    tree = Tree(namespace_id, object_id)
    return render(request, "admin/tree/found.html", _search_context(tree, request.GET.get("q", "").strip()))


def _asked_level(request: HttpRequest, tree: Tree, otherwise: str = "") -> Level:
    """`otherwise`: the group when nothing is asked for."""
    query = request.GET
    asked = Which.asked(query)
    if asked == Which():
        asked = Which(group=otherwise)
    if query.get("at") and not (query.get("after") or query.get("before")):
        return _at(tree, query["at"])
    return level(tree, asked, asked.read(tree, within(query)))


def _at(tree: Tree, document_id: str) -> Level:
    way = ways.way(*tree, document_id)
    if way is None:
        raise Http404("This document is not in this tree.")
    return along(tree, way)


def _above(shown: Level) -> dict[str, Any] | None:
    """What is stored above the document that an opened tree begins with; None above a top."""
    above = shown.which.of
    if above is None:
        return None
    circle = any(branch.node.document_id == above for branch in branches(shown))
    return {"document_id": above, "circle": circle, "url": tree_url(*shown.tree, at=above)}


def rendered(shown: Level) -> SafeString:
    """The list items of a level. From the innermost level outwards: a template that includes itself can't go deep."""
    levels = [shown]
    while True:
        inner = next((branch.level for branch in levels[-1].branches if branch.level is not None), None)
        if inner is None:
            break
        levels.append(inner)
    template = get_template("admin/tree/nodes.html")
    html: SafeString = mark_safe("")
    for depth in reversed(range(len(levels))):
        html = mark_safe(template.render({"level": levels[depth], "inner": html}))
    return html


def _listed(root: Root, which: Which) -> dict[str, Any]:
    """What the list below the stages is, in words, and how many documents that are in all."""
    if which.of is not None:
        return {"heading": "Documents", "total": root.documents}
    stage = which.stage
    if stage is None:
        heading, total = {
            "": ("Documents", root.documents),
            ORPHANS: ("Documents whose parent is not stored", root.orphans),
            FAILED: ("Failed documents", sum(stage.statuses.get("FAILED", 0) for stage in root.stages)),
        }[which.group]
        return {"heading": heading, "total": total}
    found = next((each for each in root.stages if (each.collection, each.tier) == stage), None)
    if found is None:
        return {"heading": "Documents of a stage that there is not", "total": 0}
    total = found.documents if which.status is None else found.statuses.get(which.status, 0)
    status = f", {which.status.lower()}" if which.status else ""
    return {"heading": f"{found.name}, tier {found.tier}{status}", "total": total}


def _stages(root: Root, boxes: list[tree_diagram.Box], drawn: list[edges.Edge]) -> list[dict[str, Any]]:
    """The table of stages: each with what its documents were made from, in words."""
    names = {(stage.collection, stage.tier): stage.name for stage in root.stages}
    made: dict[tuple[str, int], list[str]] = {
        (stage.collection, stage.tier): [f"{stage.first_level:,} from the object"] if stage.first_level else []
        for stage in root.stages
    }
    for edge in drawn:
        if (edge.collection, edge.tier) in made:
            source = names.get((edge.source, edge.tier - 1), edge.source)
            made[edge.collection, edge.tier].append(f"{edge.documents:,} from {source}")
    return [{"box": box, "made": ", ".join(made[box.key])} for box in boxes]


def _search_context(tree: Tree, wanted: str) -> dict[str, Any]:
    """Two statements, none for nothing."""
    if len(wanted) < LEAST_WANTED:
        return {"sought": wanted, "too_short": bool(wanted), "found": None}
    found = finding.search(*tree, wanted)
    above = [_shortened(hit.above) for hit in found.hits]
    named = finding.titles(tree.namespace_id, (id for way in above for id in way if id != _LEFT_OUT))
    hits = [
        {"hit": hit, "url": tree_url(*tree, at=hit.document_id), "above": [named.get(id, id) for id in way]}
        for hit, way in zip(found.hits, above, strict=True)
    ]
    return {"sought": wanted, "found": found, "hits": hits, "read": finding.READ, "ids_read": finding.IDS_READ}


def _shortened(above: list[str]) -> list[str]:
    """The way to a hit in one line: its beginning and its end."""
    return above if len(above) <= 5 else [*above[:2], _LEFT_OUT, *above[-2:]]


def _curl(request: HttpRequest, root: Root) -> str:
    url = request.build_absolute_uri(f"/v1/objects/{quote(root.object_id, safe='')}/decomposition-tree")
    header = shlex.quote("X-Namespace: " + root.namespace)
    return f'curl -sS {shlex.quote(url)} \\\n  -H "Authorization: Bearer $API_KEY" \\\n  -H {header}'
