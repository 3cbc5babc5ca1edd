"""Documents grouped by a field: pages over the groups, largest first, each with its first documents. One statement."""

from dataclasses import dataclass
from typing import Final

from documents import fields, filters, queries
from documents.features import Vectors, vectors_weight
from documents.fields import Field
from documents.listing.matching import Texts, add_found
from documents.listing.ordering import Ordering, Position, ordering
from documents.listing.pages import require_places
from documents.listing.planning import Plan, plan_all
from documents.listing.questions import Question
from documents.listing.scoping import places_cte
from documents.listing.statements import READ_AHEAD_BYTES, STORED_BYTES, add_unknown
from documents.listing.statistics import statistics
from documents.stored import STEP_JOIN, WIDTH, StoredDocument, ahead, columns
from mixpeek_site import sql
from mixpeek_site.errors import BadRequestError
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

MAX_MEMBERS: Final = 100


@dataclass(slots=True)
class Group:
    """`key`: JSON text of the value, `null` for documents that hold none. `documents`: the first of its `count`."""

    key: str
    count: int
    documents: list[StoredDocument]

    @property
    def position(self) -> Position:
        return [str(self.count), self.key]


@dataclass(frozen=True, slots=True)
class GroupPage:
    groups: list[Group]
    more: bool
    total_groups: int
    total_documents: int
    unknown_collections: list[str]
    unserved: bool


def read_groups(
    scope: Scope,
    question: Question,
    field: Field,
    *,
    limit: int,
    offset: int = 0,
    position: Position | None = None,
    vectors: Vectors = False,
    max_bytes: int,
) -> GroupPage:
    """`limit` groups of up to 100 documents each in the question's order; fewer where their JSON exceeds `max_bytes`.

    Raises what `pages.read_page` does.
    """
    order = ordering(question, {})
    known = statistics(scope, question.places)
    chosen = plan_all(scope, question, known)
    out = _statement(scope, question, field, order, chosen, limit, offset, position, vectors)
    with filters.bounded_regex(question.filters):
        found = sql.rows(out.text, out.params)
    if not found:
        raise queries.missing(scope, question.places.collection)
    unknown = require_places(question, found[0][-1])
    groups, complete = _read(scope, found, limit, max_bytes, vectors)
    more = not complete or (bool(found) and (found[-1][WIDTH] or 0) > limit)
    total_groups, total_documents = found[0][WIDTH + 4 : WIDTH + 6]
    return GroupPage(groups, more, int(total_groups or 0), int(total_documents or 0), unknown, chosen.unserved)


def _read(scope: Scope, found: list[sql.Row], limit: int, max_bytes: int, vectors: Vectors) -> tuple[list[Group], bool]:
    """The groups up to the limits. One that does not fit whole begins the next page; of the first, what fits is shown."""
    groups: list[Group] = []
    size = 0
    for row in found:
        place, key, count, internal_id = row[WIDTH : WIDTH + 4]
        if place is None or place > limit:
            break
        if len(groups) < place:
            if size > max_bytes:
                return groups, False
            groups.append(Group(key, int(count), []))
        if size > max_bytes:
            continue
        known = row[0] is not None
        document = StoredDocument._make(row[:WIDTH]) if known else queries.by_internal_id(scope, internal_id, vectors)
        if document is None:
            continue  # deleted since
        size += document.json_bytes
        if size > max_bytes and len(groups) > 1:
            return groups[:-1], False
        if size <= max_bytes or not groups[-1].documents:
            groups[-1].documents.append(document)
    return groups, True


def _statement(
    scope: Scope,
    question: Question,
    field: Field,
    order: Ordering,
    chosen: Plan,
    limit: int,
    offset: int,
    position: Position | None,
    vectors: Vectors,
) -> Texts:
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params)
    if question.search is not None:
        out.add(", q AS (SELECT websearch_to_tsquery('simple', %s) AS words)", question.search)
    keys = ", ".join(f"{key.text} AS {column}" for key, column in zip(order.keys, order.columns, strict=True))
    value, value_params = fields.value(field)
    selected = Fragment(
        f"{keys}, d.id, {STORED_BYTES} AS stored_bytes, COALESCE({value}, 'null') AS value",
        (*(param for key in order.keys for param in key.params), *value_params),
    )
    out.add(", matched AS MATERIALIZED (")
    add_found(out, question, chosen, selected, order, lineage=field.reads_lineage)
    out.add("), groups AS MATERIALIZED (SELECT value, count(*) AS size FROM matched GROUP BY value)")
    out.add(
        ", picked AS MATERIALIZED (SELECT value, size, row_number() OVER (ORDER BY size DESC, value = 'null', value) AS place"
        " FROM (SELECT * FROM groups"
    )
    if position is not None:
        count, key = _checked(position)
        out.add(" WHERE (-size, value = 'null', value) > (-%s::bigint, %s::jsonb = 'null', %s::jsonb)", count, key, key)
    out.add(" ORDER BY size DESC, value = 'null', value LIMIT %s OFFSET %s) g)", limit + 1, offset)
    out.add(
        f", members AS (SELECT m.*, p.place, p.size, row_number() OVER (PARTITION BY p.place ORDER BY {order.by('m.')}) AS number"
        " FROM matched m JOIN picked p ON p.value = m.value)"
        f" SELECT {columns(namespace='scope.namespace', vectors=vectors)}, page.place, page.value::text, page.size,"
        " page.id::text, (SELECT count(*) FROM groups), (SELECT sum(size) FROM groups)::bigint"
    )
    add_unknown(out, question)
    weight = vectors_weight("scope.namespace_id", "m.id", vectors)
    out.add(
        f" FROM scope LEFT JOIN LATERAL (SELECT m.*, {ahead(f'm.stored_bytes{weight}', 'm.place, m.number')} FROM members m"
        " WHERE m.number <= CASE WHEN m.place > %s THEN 1 ELSE %s END) page ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = page.id"
        f" AND page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true{STEP_JOIN} LEFT JOIN c ON c.id = d.collection_id"
        " ORDER BY page.place, page.number",
        limit,
        MAX_MEMBERS,
    )
    return out


def _checked(position: Position) -> tuple[str, str]:
    if len(position) != 2 or not str(position[0]).isdigit() or position[1] is None:
        raise BadRequestError("The cursor is not one of this list's groups.", parameter="cursor")
    return str(position[0]), position[1]
