"""The decomposition tree of a root object: its stages, and its documents one level at a time.

Without JavaScript each node's link opens the page at that node (`?at=`), with the way to it and its children; with it,
tree.js fetches the same levels from `nodes` as fragments of HTML.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from documents import tree_queries
from documents.admin.json_html import json_html
from documents.tree_queries import Node, NodePage, Root, Stage
from mixpeek_site import jsonio
from namespaces.admin.access import page, require
from namespaces.admin.urls import list_url, tree_url

VIEW = ("documents.view_document", "documents.change_document")
ORPHANS = "orphans"


@dataclass(slots=True)
class Level:
    """Nodes below one parent, as shown."""

    branches: list["Branch"] = field(default_factory=list)
    of: str | None = None  # the parent document's id; None: the root object
    group: str = ""  # ORPHANS: documents whose parent is not stored
    next_position: str | None = None
    total: int | None = None  # given when only the one on the way is shown
    url: str = ""  # this level in full, for a browser without JavaScript
    more_url: str = ""
    nodes_url: str = ""  # the same as fragments
    more_nodes_url: str = ""


@dataclass(slots=True)
class Branch:
    node: Node
    level: Level | None = None  # None: closed
    here: bool = False


@page
def tree_page(request: HttpRequest, namespace_id: int, object_id: str) -> HttpResponse:
    require(request, namespace_id, *VIEW)
    root = tree_queries.root(namespace_id, object_id)
    if root is None:
        raise Http404("No object of this id is registered, and no document names it as its root.")
    at, after, group = request.GET.get("at"), request.GET.get("after"), request.GET.get("group", "")
    level = _way_to(root, at, after) if at else _top(root.namespace_id, object_id, group, after)
    context = {
        **admin.site.each_context(request),
        "title": f"{root.object_id}",
        "root": root,
        "name": root.fields.get("title") or root.fields.get("name"),
        "fields_json": json_html(jsonio.dumps(root.fields)),
        "blobs_json": json_html(jsonio.dumps(root.blobs)),
        "columns": _columns(root),
        "level": level,
        "group": group,
        "at": at,
        "after": after,
        "objects_url": list_url("namespaces_bucketobject", namespace=namespace_id, bucket=root.bucket_key),
        "orphans_url": tree_url(namespace_id, object_id, group=ORPHANS),
        "tree_url": tree_url(namespace_id, object_id),
        "may_view_object": root.object_key
        and any(request.user.has_perm(f"namespaces.{verb}_bucketobject") for verb in ("view", "change")),
        "may_edit_object": root.object_key and request.user.has_perm("namespaces.change_bucketobject"),
        "may_delete_object": root.object_key and request.user.has_perm("namespaces.delete_bucketobject"),
    }
    return render(request, "admin/tree/page.html", context)


@page
def nodes(request: HttpRequest, namespace_id: int, object_id: str) -> HttpResponse:
    """A level, or the next part of one, as a fragment."""
    require(request, namespace_id, *VIEW)
    of, after, group = request.GET.get("of"), request.GET.get("after"), request.GET.get("group", "")
    if of:
        level = _level(namespace_id, object_id, tree_queries.children(namespace_id, of, after), of=of)
    else:
        level = _top(namespace_id, object_id, group, after)
    return render(request, "admin/tree/nodes.html", {"level": level, "namespace_id": namespace_id, "object_id": object_id})


def _top(namespace_id: int, object_id: str, group: str, after: str | None) -> Level:
    read = tree_queries.orphans if group == ORPHANS else tree_queries.first_level
    return _level(namespace_id, object_id, read(namespace_id, object_id, after), group=ORPHANS if group == ORPHANS else "")


def _way_to(root: Root, at: str, after: str | None) -> Level:
    """The tree with only the way to a document open, and below it a page of its children."""
    found = tree_queries.path(root.namespace_id, at, after)
    if found is None or found.document.root_object_id != root.object_id:
        raise Http404("This document is not in this tree.")
    place = (root.namespace_id, root.object_id)
    level = _level(*place, found.below, of=at)
    for node in reversed(found.chain):
        branch = Branch(node, level, here=node is found.document)
        orphan = node.source_document_id is not None
        above = node.source_document_id if node is not found.chain[0] else None
        group = ORPHANS if above is None and orphan else ""
        level = _level(*place, NodePage([], None), of=above, group=group)
        level.branches = [branch]
        level.total = root.orphans if group else root.first_level
    for parent, shown in zip(found.chain, _along(level)[1:], strict=False):
        shown.total = parent.children
    return level


def _along(level: Level) -> list[Level]:
    """The levels of a way, top first, the one with the children left out."""
    found = []
    while level.branches and level.branches[0].level is not None and level.total is not None:
        found.append(level)
        level = level.branches[0].level
    return found


def _level(namespace_id: int, object_id: str, shown: NodePage, *, of: str | None = None, group: str = "") -> Level:
    nodes_url = reverse("admin:tree_nodes", args=(namespace_id, object_id))
    here: dict[str, Any] = {"at": of} if of else {"group": group or None}
    below: dict[str, Any] = {"of": of} if of else {"group": group or None}
    more = shown.next_position
    return Level(
        branches=[Branch(node) for node in shown.nodes],
        of=of,
        group=group,
        next_position=more,
        url=tree_url(namespace_id, object_id, **here),
        more_url=tree_url(namespace_id, object_id, **here, after=more) if more else "",
        nodes_url=_query(nodes_url, below),
        more_nodes_url=_query(nodes_url, {**below, "after": more}) if more else "",
    )


def _query(url: str, params: dict[str, Any]) -> str:
    return url + "?" + urlencode({name: value for name, value in params.items() if value is not None})


# Stages -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusPart:
    status: str
    documents: int
    percent: str


def status_parts(stage: Stage) -> list[StatusPart]:
    """The statuses of a stage, failures first, so that they are seen."""
    order = sorted(stage.statuses.items(), key=lambda item: (item[0] != "FAILED", -item[1], item[0]))
    return [StatusPart(name, count, f"{100 * count / stage.documents:.3f}") for name, count in order]


def _columns(root: Root) -> list[dict[str, Any]]:
    """Stages by tier, for the overview."""
    tiers: dict[int, list[dict[str, Any]]] = {}
    for stage in root.stages:
        tiers.setdefault(stage.tier, []).append({"stage": stage, "parts": status_parts(stage)})
    return [{"tier": tier, "stages": stages} for tier, stages in sorted(tiers.items())]
