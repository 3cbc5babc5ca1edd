"""Answers of lists: documents or groups, with what says how to go on (contract section 7)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from documents.api.list_inputs import Listing
from documents.api.selecting import selected
from documents.listing import expand, read_groups, read_page
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import pagination
from mixpeek_site.jsonio import JSONObject
from namespaces.scope import Scope


def list_response(listing: Listing, scope: Scope) -> HttpResponse:
    return HttpResponse(answer(listing, scope), content_type="application/json")


def answer(listing: Listing, scope: Scope, max_bytes: int | None = None) -> str:
    """The JSON text of a list's answer. Raises what reading does."""
    limit: int = max_bytes or settings.MAX_ANSWER_BYTES
    return _groups(listing, scope, limit) if listing.group_by else _documents(listing, scope, limit)


def _documents(listing: Listing, scope: Scope, max_bytes: int) -> str:
    page = listing.page
    found = read_page(
        scope,
        listing.question,
        limit=page.limit,
        offset=page.offset,
        position=listing.position,
        include_total=page.include_total,
        vectors=listing.shape.needs_vectors,
        max_bytes=max_bytes,
    )
    documents = [row.document for row in found.rows]
    cursor = listing.cursor(found.rows[-1].position) if found.more and found.rows else None
    rest = _rest(listing, documents, found.unserved, found.unknown_collections)
    rest["pagination"] = pagination(page, found.total, cursor, found.more)
    rest["total_documents"] = rest["stats"]["total_documents"] = found.total
    rendered = ",".join(_rendered(listing, scope, documents))
    return f'{{"results":[{rendered}],"groups":null,{jsonio.dumps(rest)[1:]}'


def _groups(listing: Listing, scope: Scope, max_bytes: int) -> str:
    assert listing.group_by is not None
    page = listing.page
    found = read_groups(
        scope,
        listing.question,
        listing.group_by,
        limit=page.limit,
        offset=page.offset,
        position=listing.position,
        vectors=listing.shape.needs_vectors,
        max_bytes=max_bytes,
    )
    documents = [document for group in found.groups for document in group.documents]
    cursor = listing.cursor(found.groups[-1].position) if found.more and found.groups else None
    rest = _rest(listing, documents, found.unserved, found.unknown_collections)
    rest["pagination"] = pagination(page, found.total_groups if page.include_total else None, cursor, found.more)
    rest["group_by_field"] = listing.group_by.name
    rest["total_documents"] = found.total_documents if page.include_total else None
    rest["stats"] |= {
        "total_documents": rest["total_documents"],
        "total_groups": found.total_groups,
        "avg_documents_per_group": round(found.total_documents / found.total_groups, 4) if found.total_groups else 0.0,
    }
    rendered = iter(_rendered(listing, scope, documents))
    groups = []
    for group in found.groups:
        members = ",".join([next(rendered) for _ in group.documents])
        groups.append(f'{{"group_key":{group.key},"documents":[{members}],"count":{group.count}}}')
    return f'{{"results":null,"groups":[{",".join(groups)}],{jsonio.dumps(rest)[1:]}'


def _rest(listing: Listing, documents: Sequence[StoredDocument], unserved: bool, unknown: list[str]) -> JSONObject:
    rest: JSONObject = {
        "pagination": None,
        "total_documents": None,
        "stats": {
            "total_documents": None,
            "avg_blobs_per_document": _average_blobs(documents),
            "total_groups": None,
            "avg_documents_per_group": None,
        },
        "group_by_field": None,
        "warnings": _warnings(listing, unserved),
    }
    if unknown:
        rest["unknown_collection_ids"] = unknown
    return rest


def _average_blobs(documents: Sequence[StoredDocument]) -> float:
    """Of the page's documents."""
    total = sum(len(jsonio.loads(document.document_blobs)) for document in documents if document.document_blobs != "[]")
    return round(total / len(documents), 4) if documents else 0.0


def _warnings(listing: Listing, unserved: bool) -> list[str]:
    if not unserved:
        return []
    return [
        "No index serves this filter or order, so the whole of a large collection was read. Equality and `in` are always"
        " served; for ranges and sorting declare the field in the namespace's payload_indexes."
    ]


def _rendered(listing: Listing, scope: Scope, documents: Sequence[StoredDocument]) -> list[str]:
    shape, organization = listing.shape, scope.organization_public_id
    texts = [shape.render(document, organization) for document in documents]
    if listing.expand:
        expanded = expand(scope, documents, listing.expand)
        texts = [_with_expanded(text, _expanded(expanded[place], shape, organization)) for place, text in enumerate(texts)]
    if listing.select is not None:
        texts = [selected(text, listing.select) for text in texts]
    return texts


def _expanded(found: dict[str, Any], shape: Any, organization: str) -> str:
    def text(value: Any) -> str:
        if isinstance(value, StoredDocument):
            return str(shape.render(value, organization))
        if isinstance(value, list):
            return f"[{','.join(map(text, value))}]"
        return jsonio.dumps(value)

    return "{" + ",".join(f"{jsonio.dumps(name)}:{text(value)}" for name, value in found.items()) + "}"


def _with_expanded(document: str, expanded: str) -> str:
    return f'{document[:-1]},"_expanded":{expanded}}}'
