"""Answers of searches: a list's, each document with its `_score`; and those of the public feature search."""

from typing import Final

import msgspec
from django.conf import settings

from documents.api.listing import RANKED_SOME, documents_json, first_groups, groups_json, rendered, rest_of
from documents.api.search_inputs import Asked
from documents.listing import expand
from documents.searching import Found, search, search_groups
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import pagination
from mixpeek_site.jsonio import JSONObject
from namespaces.scope import Scope

_UNSERVED: Final = (
    "No index serves this search, so it looked at the whole of a large collection. Declare the vectors in the collection's"
    " vector_indexes (type hnsw), and * as text in the namespace's payload_indexes for words."
)
_NOT_COMPARED: Final = "No collection has vectors of this name, feature_uri and dimension."


def search_answer(asked: Asked, scope: Scope) -> str:
    """The JSON text. Raises what searching does."""
    return _groups(asked, scope) if asked.listing.group_by else _documents(asked, scope)


def _documents(asked: Asked, scope: Scope) -> str:
    listing = asked.listing
    page, max_bytes = listing.page, settings.MAX_ANSWER_BYTES
    found = search(
        scope,
        asked.search,
        limit=page.limit,
        offset=page.offset,
        include_total=page.include_total,
        vectors=listing.shape.needs_vectors,
        max_bytes=max_bytes,
    )
    expanded = expand(scope, [row.document for row in found.rows], listing.expand, max_bytes=max_bytes)
    rows = found.rows[: len(expanded)]
    documents = [row.document for row in rows]
    rest = _rest(asked, scope, documents, found)
    rest["pagination"] = pagination(page, found.total, None, found.more or len(rows) < len(found.rows))
    rest["total_documents"] = rest["stats"]["total_documents"] = found.total
    return documents_json(rendered(listing, scope, documents, expanded, [row.position[0] for row in rows]), rest)


def _groups(asked: Asked, scope: Scope) -> str:
    listing = asked.listing
    assert listing.group_by is not None
    page, max_bytes = listing.page, settings.MAX_ANSWER_BYTES
    grouped = search_groups(
        scope,
        asked.search,
        listing.group_by,
        limit=page.limit,
        offset=page.offset,
        vectors=listing.shape.needs_vectors,
        max_bytes=max_bytes,
    )
    members = [row.document for row in grouped.found.rows]
    expanded = expand(scope, members, listing.expand, max_bytes=max_bytes)
    groups = first_groups(grouped.groups, len(expanded))
    documents = members[: sum(len(group.documents) for group in groups)]
    more = grouped.more or len(groups) < len(grouped.groups)
    rest = _rest(asked, scope, documents, grouped.found)
    rest["pagination"] = pagination(page, grouped.total_groups if page.include_total else None, None, more)
    rest["group_by_field"] = listing.group_by.name
    rest["stats"]["total_groups"] = grouped.total_groups
    scores = [row.position[0] for row in grouped.found.rows[: len(documents)]]
    return groups_json(groups, rendered(listing, scope, documents, expanded[: len(documents)], scores), rest)


def _rest(asked: Asked, scope: Scope, documents: list[StoredDocument], found: Found) -> JSONObject:
    rest = rest_of(asked.listing, scope, documents, False, found.unknown_collections)
    rest["warnings"] += _warnings(found)
    return rest


def _warnings(found: Found) -> list[str]:
    said = ((_UNSERVED, found.unserved), (_NOT_COMPARED, not found.compared), (RANKED_SOME, found.ranked_some))
    return [text for text, holds in said if holds]


# POST /v1/features/search -----------------------------------------------------------------------------------------------

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def feature_answer(asked: Asked, scope: Scope) -> str:
    """The JSON text: `results`, best first, and what the caller should know. Raises what searching does."""
    listing = asked.listing
    found = search(
        scope,
        asked.search,
        limit=listing.page.limit,
        vectors=listing.shape.needs_vectors,
        max_bytes=settings.MAX_ANSWER_BYTES,
    )
    documents, scores = [row.document for row in found.rows], [str(row.position[0]) for row in found.rows]
    texts = rendered(listing, scope, documents, [], scores)
    results = ",".join(map(_with_score, texts, documents, scores))
    rest: JSONObject = {"total": len(documents), "warnings": _warnings(found)}
    if found.unknown_collections:
        rest["unknown_collection_ids"] = found.unknown_collections
    return f'{{"results":[{results}],{jsonio.dumps(rest)[1:]}'


def _with_score(text: str, document: StoredDocument, score: str) -> str:
    """`score` beside `_score`, unless the document has a field of that name."""
    if '"score"' in document.payload and "score" in _members.decode(document.payload):
        return text
    return f'{text[:-1]},"score":{score}}}'
