"""Answers of lists: documents or groups, with what says how to go on (contract section 7)."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.http import HttpResponse

from documents.api.expanded import Expander
from documents.api.list_inputs import Listing
from documents.blobs import unavailable
from documents.listing import RANKED, Group, Value, expand, read_groups, read_page
from documents.renderings.selecting import selected
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import pagination
from mixpeek_site.blob_stores import Owner
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
    expanded = expand(scope, [row.document for row in found.rows], listing.expand, max_bytes=max_bytes)
    rows = found.rows[: len(expanded)]
    documents = [row.document for row in rows]
    more = found.more or len(rows) < len(found.rows)
    cursor = listing.cursor(rows[-1].position) if more and rows else None
    rest = rest_of(listing, scope, documents, found.unserved, found.unknown_collections)
    if found.ranked_some:
        rest["warnings"].append(RANKED_SOME)
    rest["pagination"] = pagination(page, found.total, cursor, more)
    rest["total_documents"] = rest["stats"]["total_documents"] = found.total
    return documents_json(rendered(listing, scope, documents, expanded), rest)


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
    members = [document for group in found.groups for document in group.documents]
    expanded = expand(scope, members, listing.expand, max_bytes=max_bytes)
    groups = first_groups(found.groups, len(expanded))
    documents = members[: sum(len(group.documents) for group in groups)]
    more = found.more or len(groups) < len(found.groups)
    cursor = listing.cursor(groups[-1].position) if more and groups else None
    rest = rest_of(listing, scope, documents, found.unserved, found.unknown_collections)
    rest["pagination"] = pagination(page, found.total_groups if page.include_total else None, cursor, more)
    rest["group_by_field"] = listing.group_by.name
    rest["total_documents"] = found.total_documents if page.include_total else None
    rest["stats"] |= {
        "total_documents": rest["total_documents"],
        "total_groups": found.total_groups,
        "avg_documents_per_group": round(found.total_documents / found.total_groups, 4) if found.total_groups else 0.0,
    }
    return groups_json(groups, rendered(listing, scope, documents, expanded[: len(documents)]), rest)


def documents_json(texts: Sequence[str], rest: JSONObject) -> str:
    """An answer of documents, by their JSON texts."""
    return f'{{"results":[{",".join(texts)}],"groups":null,{jsonio.dumps(rest)[1:]}'


def groups_json(groups: Sequence[Group], texts: Sequence[str], rest: JSONObject) -> str:
    """An answer of groups; `texts`: of all their documents, group after group."""
    each = iter(texts)
    shown = (
        f'{{"group_key":{group.key},"documents":[{",".join([next(each) for _ in group.documents])}],"count":{group.count}}}'
        for group in groups
    )
    return f'{{"results":null,"groups":[{",".join(shown)}],{jsonio.dumps(rest)[1:]}'


def first_groups(groups: Sequence[Group], documents: int) -> list[Group]:
    """The groups that have no more than so many documents together; of the first, so many of its own."""
    found: list[Group] = []
    for group in groups:
        if found and len(group.documents) > documents:
            break
        found.append(Group(group.key, group.count, group.documents[:documents]))
        documents -= len(found[-1].documents)
    return found


def rest_of(
    listing: Listing, scope: Scope, documents: Sequence[StoredDocument], unserved: bool, unknown: list[str]
) -> JSONObject:
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
        "warnings": _warnings(listing, scope, documents, unserved),
    }
    if unknown:
        rest["unknown_collection_ids"] = unknown
    return rest


def _average_blobs(documents: Sequence[StoredDocument]) -> float:
    """Of the page's documents."""
    total = sum(len(jsonio.loads(document.document_blobs)) for document in documents if document.document_blobs != "[]")
    return round(total / len(documents), 4) if documents else 0.0


def _warnings(listing: Listing, scope: Scope, documents: Sequence[StoredDocument], unserved: bool) -> list[str]:
    found = [UNSERVED] if unserved else []
    if listing.shape.urls:
        organization = scope.organization_public_id
        without = [
            (reason, document)
            for document in documents
            for reason in unavailable(document.document_blobs, Owner(organization, document.namespace))
        ]
        for reason in dict.fromkeys(reason for reason, _ in without):
            named = [document.document_id for each, document in without if each == reason]
            others = f" and {len(named) - 1} more" if len(named) > 1 else ""
            found.append(f"Blobs of {named[0]}{others} have no presigned_url: {reason}")
    return found


RANKED_SOME: Final = (
    f"More than {RANKED:,} documents of a collection hold these words; the best of {RANKED:,} of them are shown. More words"
    " or a filter narrow the search."
)
UNSERVED: Final = (
    "No index serves this filter, order or search, so the whole of a large collection was read. Equality and `in` are always"
    " served; for ranges and sorting declare the field in the namespace's payload_indexes, for `search` declare * as text."
)


def rendered(
    listing: Listing,
    scope: Scope,
    documents: Sequence[StoredDocument],
    expanded: Sequence[dict[str, Value]],
    scores: Sequence[str | None] = (),
) -> list[str]:
    """The documents' JSON texts; with `scores`, each with its `_score`."""
    shape, organization = listing.shape, scope.organization_public_id
    texts = [shape.render(document, organization) for document in documents]
    if listing.select is not None:
        texts = [selected(text, listing.select) for text in texts]
    if scores:
        texts = [f'{text[:-1]},"_score":{score}}}' for text, score in zip(texts, scores, strict=True)]
    if listing.expand:
        expander = Expander(shape, Owner(organization, documents[0].namespace if documents else ""))
        texts = [expander.with_expanded(*each) for each in zip(texts, expanded, strict=True)]
    return texts
