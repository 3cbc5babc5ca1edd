"""The documents of an export in their order, as of one moment: collection after collection, each in creation order."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from documents import filters
from documents.counting import collection_count_sql
from documents.exporting.asked import Asked
from documents.features import features_column
from documents.filters import Node
from documents.listing import Places, Question
from documents.listing.matching import Texts, add_conditions, add_found
from documents.listing.planning import Plan, plan
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from documents.stored import STEP_JOIN, WIDTH, StoredDocument, columns
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces import scope as scopes
from namespaces.scope import Scope

AT_ONCE: Final = 200
"""Documents that one statement fetches; a slow client's are under way as long as the statement's time allows."""


class Source(NamedTuple):
    """A collection that is exported, and how many documents it holds."""

    namespace_id: int
    namespace: str
    collection_id: int
    collection: str
    name: str
    documents: int


class Read(NamedTuple):
    """`features`: what was stored as features and vectors, the JSON text of an object; None where not asked for."""

    document: StoredDocument
    features: str | None


def sources(scope: Scope, collections: tuple[str, ...]) -> list[Source]:
    """The collections in the order of their creation. Raises NotFoundError for the namespace or one of them."""
    cte, params = places_cte(scope, Places(collections=collections or None))
    found = sql.rows(
        f"WITH {cte} SELECT scope.namespace_id, scope.namespace, p.collection_id, p.public_id, p.name,"
        f" {collection_count_sql('p')}"
        " FROM scope CROSS JOIN LATERAL (SELECT c.namespace_id, c.id AS collection_id, c.public_id, c.name FROM c) p"
        " ORDER BY p.collection_id",
        params,
    )
    if not found:
        scopes.require_namespace(scope)
    known = {name for row in found for name in row[3:5]}
    for asked in collections:
        if asked not in known:
            raise scopes.collection_not_found(asked)
    return [Source._make(row) for row in found]


def require_filters(node: Node | None) -> None:
    """Raises ValidationError for a regular expression that can't be run. No statement without one."""
    with filters.bounded_regex(node):
        pass


def read(scope: Scope, source: Source, asked: Asked, limit: int | None) -> Iterator[Read]:
    """The documents of one collection, inside a transaction; `limit` at most.

    No other statement may run meanwhile. Raises ServiceUnavailableError.
    """
    lossless = asked.vectors and asked.schema_version == "native"
    places = Places(source.collection)
    known = statistics(scope, places) if asked.filters is not None else None
    chosen = plan(scope, places, asked.filters, known, wanted=limit) if known is not None else Plan()
    out = _statement(source, asked, chosen, lossless, limit)
    with sql.cursor(out.text, out.params, at_once=AT_ONCE) as rows:
        for row in rows:
            yield Read(StoredDocument._make(row[:WIDTH]), row[WIDTH] if lossless else None)


def _statement(source: Source, asked: Asked, chosen: Plan, lossless: bool, limit: int | None) -> Texts:
    out = Texts()
    out.add(
        "WITH c AS (SELECT %s::bigint AS namespace_id, %s::bigint AS id, %s::text AS public_id, %s::text AS namespace)",
        *(source.namespace_id, source.collection_id, source.collection, source.namespace),
    )
    question = Question(Places(source.collection), asked.filters)
    read = columns(namespace="c.namespace", vectors=asked.vectors and not lossless)
    read += f", {features_column('d')}" if lossless else ""
    if chosen.gathers:
        out.add(", matched AS MATERIALIZED (")
        add_found(out, question, chosen, Fragment("d.created_at, d.id"), None)
        out.add(f"), page AS MATERIALIZED (SELECT * FROM matched ORDER BY created_at, id{_limit(limit)})")
        out.add(
            f" SELECT {read} FROM c CROSS JOIN page CROSS JOIN LATERAL (SELECT * FROM documents_document d"
            f" WHERE d.namespace_id = c.namespace_id AND d.id = page.id OFFSET 0) d{STEP_JOIN}"
            " ORDER BY page.created_at, page.id"
        )
        return out
    out.add(f" SELECT {read} FROM c JOIN documents_document d ON d.namespace_id = c.namespace_id AND d.collection_id = c.id")
    out.add(f"{STEP_JOIN} WHERE true")
    add_conditions(out, question, walked=True)
    out.add(f" ORDER BY d.created_at, d.id{_limit(limit)}")
    return out


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {limit}"
