"""The start page's namespaces, and the search that takes any id to its page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from documents import tree_queries
from documents.admin.tree import VIEW
from namespaces.admin.access import page, require
from namespaces.admin.urls import change_url, document_url, list_url, tree_url

NAMESPACES_SHOWN = 25


def namespaces(request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("namespaces.view_namespace"):
        return {}
    found = tree_queries.newest_namespaces(NAMESPACES_SHOWN + 1)
    return {
        "namespaces": [
            {
                "namespace": each,
                "url": change_url("namespaces_namespace", each.key),
                "documents_url": list_url("documents_document", namespace=each.key),
                "collections_url": list_url("namespaces_collection", namespace=each.key),
                "buckets_url": list_url("namespaces_bucket", namespace=each.key),
                "objects_url": list_url("namespaces_bucketobject", namespace=each.key),
            }
            for each in found[:NAMESPACES_SHOWN]
        ],
        "more_namespaces_url": list_url("namespaces_namespace") if len(found) > NAMESPACES_SHOWN else "",
    }


@page
def find(request: HttpRequest) -> HttpResponse:
    """An id, whole: straight to its page, or a choice when several namespaces have it. Otherwise ids that begin so."""
    require(request, None, *VIEW)
    wanted = request.GET.get("q", "").strip()
    hits = [_hit(found) for found in tree_queries.find(wanted)] if wanted else []
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


def _hit(found: tree_queries.Found) -> dict[str, Any]:
    url = {
        "document": lambda: document_url(found.namespace_id, found.id),
        "object": lambda: tree_url(found.namespace_id, found.id),
        "collection": lambda: list_url("documents_document", namespace=found.namespace_id, collection=found.key),
        "bucket": lambda: list_url("namespaces_bucketobject", namespace=found.namespace_id, bucket=found.key),
        "namespace": lambda: list_url("documents_document", namespace=found.namespace_id),
    }[found.kind]()
    return {"found": found, "url": url}
