"""Questions to the large collection of benchmarks/scale.py: the product's own code, and the best SQL for the same by hand.

What is written by hand knows the ids, the way that is best for the value asked for, and what the answer does not need; it
gives the same documents, as the same texts, and means the same: without regard to case, elements of arrays included.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.scale import COLLECTION, COMMON_WORD, NAMESPACE, ORGANIZATION, RARE_BUCKET, RARE_WORD, Place, document_id
from documents import aggregation, listing
from documents.fields import read_field
from documents.filters import read_filters
from documents.listing import Places, Question, Sort
from documents.listing.access import LINEAGE_TERMS, TERMS
from documents.listing.ordering import Position
from documents.payload_indexes import ready
from documents.services.many import documents_by_ids
from documents.stored import columns
from mixpeek_site import sql
from namespaces.scope import Scope

LIMIT = 50
MAX_BYTES = 64 * 1024 * 1024
SITE, OTHER_SITE, RARE_SITE, ABSENT_SITE = "site-07", "site-08", "site-rare", "site-none"
KIND = "kind-03"


class Pair(NamedTuple):
    """Both answers must be equal: ids of documents in their order, or numbers.

    `first`: the name of the pair whose page 1 this is a later page of. `whole`: the answer needs every document.
    """

    name: str
    ours: Callable[[], Any]
    raw: Callable[[], Any]
    first: str | None = None
    whole: bool = False
    slow: bool = False


class Asked:
    """The product's side."""

    def __init__(self) -> None:
        row = sql.one("SELECT id FROM namespaces_organization WHERE public_id = %s", (ORGANIZATION,))
        assert row is not None
        self.scope = Scope(row[0], ORGANIZATION, NAMESPACE, ())

    def page(
        self,
        filters: Any = None,
        *,
        sort: tuple[str, bool] | None = ("created_at", True),
        search: str | None = None,
        position: Position | None = None,
        limit: int = LIMIT,
        total: bool = False,
    ) -> Callable[[], Any]:
        order = Sort(read_field(sort[0], ()), sort[1]) if sort else None
        question = Question(Places(COLLECTION), read_filters(filters, ()), search, order)

        def ask() -> Any:
            page = listing.read_page(
                self.scope, question, limit=limit, position=position, include_total=total, max_bytes=MAX_BYTES
            )
            found = [row.document.document_id for row in page.rows]
            return (found, page.total) if total else found

        return ask

    def groups(self, field: str) -> Callable[[], Any]:
        question, by = Question(Places(COLLECTION)), read_field(field, ())

        def ask() -> Any:
            page = listing.read_groups(self.scope, question, by, limit=10, max_bytes=MAX_BYTES)
            return [(group.key, group.count, len(group.documents)) for group in page.groups]

        return ask

    def count(self, filters: Any = None) -> Callable[[], Any]:
        node = read_filters(filters, ())
        return lambda: aggregation.count(self.scope, COLLECTION, node)[1]


SELECTED = columns("d", f"'{COLLECTION}'::text", f"'{NAMESPACE}'::text")
STEP = " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"
PLACE = "d.namespace_id = %s AND d.collection_id = %s"
NEWEST = "d.created_at DESC, d.id DESC"


def has(path: str, *values: str) -> str:
    """One string there, as nearly always, at the cost of one; else whatever an array holds."""
    listed = ", ".join(f"'{value}'" for value in values)
    inner = ",".join(path.split("."))
    return (
        f"CASE jsonb_typeof(d.payload #> '{{{inner}}}') WHEN 'string' THEN lower(d.payload #>> '{{{inner}}}') IN ({listed})"
        f" ELSE EXISTS (SELECT FROM jsonb_path_query(d.payload, '$.{path}[*] ? (@.type() == \"string\")') v"
        f" WHERE lower(v #>> '{{}}') IN ({listed})) END"
    )


class ByHand:
    """The other side. Statements go the same way to the same connection, prepared."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ids = (place.namespace_id, place.collection_id)

    def walk(self, condition: str = "true", *, order: str = NEWEST, limit: int = LIMIT, after: Position | None = None) -> Any:
        """Along the order's index until the page is full."""
        sign = "<" if "DESC" in order else ">"
        params: tuple[Any, ...] = self.ids
        if after:
            condition += f" AND (d.created_at, d.id) {sign} (%s::timestamptz, %s::uuid)"
            params += tuple(after)
        statement = f"SELECT {SELECTED} FROM documents_document d{STEP} WHERE {PLACE} AND {condition} ORDER BY {order} LIMIT %s"
        return lambda: _ids(sql.rows(statement, (*params, limit)))

    def term(self, path: str, *values: str) -> str:
        test = " || ".join(f'@ == "{value}"' for value in values)
        return f"{TERMS} @? '$.\"{self.place.collection_id}\".{path}[*] ? ({test})'::jsonpath"

    def found(self, access: str, condition: str, *, order: str = NEWEST, limit: int = LIMIT) -> Any:
        """All matches by the index of terms, then the first of them."""
        statement = (
            f"WITH m AS MATERIALIZED (SELECT d.* FROM documents_document d WHERE {access} AND {condition}),"
            f" d AS (SELECT * FROM m d ORDER BY {order} LIMIT %s) SELECT {SELECTED} FROM d{STEP} ORDER BY {order}"
        )
        return lambda: _ids(sql.rows(statement, (limit,)))

    def by_root_bucket(self, bucket: str) -> Any:
        access = f"{LINEAGE_TERMS} @> ARRAY[hashtextextended('root_bucket_id:{bucket}', {self.place.collection_id})]"
        statement = (
            f"WITH m AS MATERIALIZED (SELECT l.* FROM documents_lineagestep l WHERE {access}"
            f" AND lower(l.root_bucket_id) = '{bucket}') SELECT {SELECTED} FROM m l JOIN documents_document d"
            f" ON d.namespace_id = l.namespace_id AND d.id = l.id ORDER BY {NEWEST} LIMIT %s"
        )
        return lambda: _ids(sql.rows(statement, (LIMIT,)))

    def sorted_by_year(self, *, descending: bool, after: Position | None = None, condition: str = "true") -> Any:
        direction, sign = ("DESC", "<") if descending else ("ASC", ">")
        key = self.year
        params: tuple[Any, ...] = self.ids
        if after:
            condition += f" AND ({key}, d.id) {sign} (%s::jsonb, %s::uuid)"
            params += (after[0], after[-1])
        statement = (
            f"SELECT {SELECTED} FROM documents_document d{STEP} WHERE {PLACE} AND {self.year_there} AND {condition}"
            f" ORDER BY {key} {direction}, d.id {direction} LIMIT %s"
        )
        return lambda: _ids(sql.rows(statement, (*params, LIMIT)))

    def in_range(self, condition: str) -> Any:
        """By the declared index, its matches put into the order."""
        statement = (
            f"WITH m AS MATERIALIZED (SELECT d.* FROM documents_document d WHERE {PLACE} AND {self.year_there} AND {condition}),"
            f" d AS (SELECT * FROM m d ORDER BY {NEWEST} LIMIT %s) SELECT {SELECTED} FROM d{STEP} ORDER BY {NEWEST}"
        )
        return lambda: _ids(sql.rows(statement, (*self.ids, LIMIT)))

    @property
    def year(self) -> str:
        return ready(self.place.namespace_id)[("metadata", "year"), "order"].key

    @property
    def year_there(self) -> str:
        return f"{ready(self.place.namespace_id)[('metadata', 'year'), 'order'].value} IS NOT NULL"

    def searched(self, words: str) -> Any:
        lexemes = f"documents_words({self.place.collection_id}, d.payload)"
        query = (
            f"(websearch_to_tsquery('simple', '{words}') && ('''' || E'\\x01' || {self.place.collection_id} || '''')::tsquery)"
        )
        rank = f"ts_rank({lexemes}, websearch_to_tsquery('simple', '{words}'))"
        indexed = "documents_words(d.collection_id, d.payload)"
        statement = (
            f"WITH m AS MATERIALIZED (SELECT d.id, {rank} AS rank FROM documents_document d WHERE {indexed} @@ {query}),"
            " p AS (SELECT * FROM m ORDER BY rank DESC, id DESC LIMIT %s)"
            f" SELECT {SELECTED} FROM p JOIN documents_document d ON d.namespace_id = %s AND d.id = p.id{STEP}"
            " ORDER BY p.rank DESC, p.id DESC"
        )
        return lambda: _ids(sql.rows(statement, (LIMIT, self.ids[0])))

    def groups(self, path: str) -> Any:
        statement = f"""
            WITH m AS MATERIALIZED (
                SELECT d.id, d.created_at, d.payload #> '{{{",".join(path.split("."))}}}' AS value
                FROM documents_document d WHERE {PLACE}
            ), g AS (SELECT value, count(*) AS size FROM m GROUP BY value ORDER BY size DESC, value LIMIT 10),
            p AS (
                SELECT * FROM (SELECT m.id, g.value, g.size, row_number() OVER (PARTITION BY m.value ORDER BY m.created_at, m.id)
                AS number FROM m JOIN g USING (value)) n WHERE number <= 100
            )
            SELECT {SELECTED}, p.value::text, p.size FROM p JOIN documents_document d ON d.namespace_id = %s AND d.id = p.id{STEP}
            ORDER BY p.size DESC, p.value, p.number"""

        def ask() -> Any:
            found: dict[tuple[str, int], int] = {}
            for *_, key, size in sql.rows(statement, (*self.ids, self.ids[0])):
                found[key, size] = found.get((key, size), 0) + 1
            return [(key, size, members) for (key, size), members in found.items()]

        return ask

    def counted(self, condition: str) -> Any:
        statement = f"SELECT count(*) FROM documents_document d WHERE {condition}"
        return lambda: sql.rows(statement)[0][0]

    def total(self) -> Any:
        statement = "SELECT sum(delta)::bigint FROM documents_documentcount WHERE namespace_id = %s AND collection_id = %s"
        return lambda: sql.rows(statement, self.ids)[0][0]

    def named(self, document_ids: list[str]) -> Any:
        statement = (
            f"SELECT {SELECTED} FROM unnest(%s::text[]) WITH ORDINALITY w(document_id, place)"
            " CROSS JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = %s AND d.document_id = w.document_id"
            f" LIMIT 1) d{STEP} ORDER BY w.place"
        )
        return lambda: _ids(sql.rows(statement, (document_ids, self.ids[0])))

    def created_after(self, documents: int) -> Position:
        """Of the document that is so many from the beginning."""
        row = sql.one(
            f"SELECT d.created_at::text, d.id::text FROM documents_document d WHERE {PLACE} ORDER BY d.created_at, d.id"
            " LIMIT 1 OFFSET %s",
            (*self.ids, documents),
        )
        assert row is not None
        return list(row)

    def year_after(self, documents: int, *, descending: bool) -> Position:
        direction = "DESC" if descending else "ASC"
        row = sql.one(
            f"SELECT ({self.year})::text, d.id::text FROM documents_document d WHERE {PLACE} AND {self.year_there}"
            f" ORDER BY {self.year} {direction}, d.id {direction} LIMIT 1 OFFSET %s",
            (*self.ids, documents),
        )
        assert row is not None
        return [row[0], None, row[1]]


def _ids(rows: list[sql.Row]) -> list[str]:
    return [row[0] for row in rows]


def _both(one: Callable[[], Any], other: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: (one(), other())


def pairs(place: Place) -> Iterator[Pair]:
    asked, hand = Asked(), ByHand(place)
    page, walk, found = asked.page, hand.walk, hand.found

    common, rare, absent = has("metadata.site", SITE), has("metadata.site", RARE_SITE), has("metadata.site", ABSENT_SITE)
    yield Pair("site = common", page({"metadata.site": SITE}), walk(common))
    yield Pair("site = rare", page({"metadata.site": RARE_SITE}), found(hand.term("metadata.site", RARE_SITE), rare))
    yield Pair("site = absent", page({"metadata.site": ABSENT_SITE}), found(hand.term("metadata.site", ABSENT_SITE), absent))

    def any_of(*values: str) -> Any:
        return {"field": "metadata.site", "operator": "in", "value": list(values)}

    listed = (RARE_SITE, ABSENT_SITE)
    yield Pair("site in common", page(any_of(SITE, OTHER_SITE)), walk(has("metadata.site", SITE, OTHER_SITE)))
    yield Pair("site in rare", page(any_of(*listed)), found(hand.term("metadata.site", *listed), has("metadata.site", *listed)))
    yield Pair(
        "site in absent",
        page(any_of(ABSENT_SITE, "nowhere")),
        found(hand.term("metadata.site", ABSENT_SITE, "nowhere"), has("metadata.site", ABSENT_SITE, "nowhere")),
    )
    two = f"{common} AND {has('metadata.kind', KIND)}"
    yield Pair(
        "site = and kind =",
        page({"metadata.site": SITE, "metadata.kind": KIND}),
        found(f"{hand.term('metadata.site', SITE)} AND {hand.term('metadata.kind', KIND)}", two),
    )
    yield Pair("root_bucket_id = rare", page({"root_bucket_id": RARE_BUCKET}), hand.by_root_bucket(RARE_BUCKET.lower()))

    oldest = "d.created_at, d.id"
    first = "page 1"
    yield Pair(first, page(sort=None), walk(order=oldest))
    deep = min(10_000, place.documents // LIMIT - 2)
    at = hand.created_after(deep * LIMIT - 1)
    yield Pair(f"page {deep:,}", page(sort=None, position=at), walk(order=oldest, after=at), first)
    yield Pair(
        f"page {deep:,}, common", page({"metadata.site": SITE}, sort=None, position=at), walk(common, order=oldest, after=at)
    )
    for descending in (False, True):
        name = f"by year {'desc' if descending else 'asc'}"
        order = ("metadata.year", descending)
        yield Pair(name, page(sort=order), hand.sorted_by_year(descending=descending))
        at = hand.year_after(deep * LIMIT - 1, descending=descending)
        yield Pair(
            f"{name}, page {deep:,}", page(sort=order, position=at), hand.sorted_by_year(descending=descending, after=at), name
        )

    def year(operator: str, value: int) -> Any:
        return {"field": "metadata.year", "operator": operator, "value": value}

    key = hand.year
    numeric = "jsonb_path_exists(d.payload, '$.metadata.year ? (@.type() == \"number\" && @ >= 2020)')"
    yield Pair("year >= 2020 (8 %)", page(year("gte", 2020)), walk(numeric))
    past = "jsonb_path_exists(d.payload, '$.metadata.year ? (@.type() == \"number\" && @ > 2025)')"
    yield Pair("year > 2025 (none)", page(year("gt", 2025)), hand.in_range(f"{key} > '2025' AND {key} < 'false' AND {past}"))
    both = [year("gte", 2020), {"field": "metadata.site", "value": RARE_SITE}]
    yield Pair(
        "year >= 2020, site = rare", page({"AND": both}), found(hand.term("metadata.site", RARE_SITE), f"{rare} AND {numeric}")
    )

    yield Pair("page 1 with total", page(sort=None, total=True), _both(walk(order=oldest), hand.total()))
    counted = hand.counted(f"{hand.term('metadata.site', SITE)} AND {common}")
    yield Pair("common with total", page({"metadata.site": SITE}, total=True), _both(walk(common), counted), slow=True)
    yield Pair("count", asked.count(), hand.total())
    yield Pair("count common", asked.count({"metadata.site": SITE}), counted, slow=True)
    yield Pair(
        "count rare",
        asked.count({"metadata.site": RARE_SITE}),
        hand.counted(f"{hand.term('metadata.site', RARE_SITE)} AND {rare}"),
    )
    yield Pair("search rare word", page(sort=None, search=RARE_WORD), hand.searched(RARE_WORD))
    yield Pair("search word of 1 %", page(sort=None, search=COMMON_WORD), hand.searched(COMMON_WORD), slow=True)
    yield Pair("group by site", asked.groups("metadata.site"), hand.groups("metadata.site"), whole=True, slow=True)

    yield Pair("page of 1,000", page(sort=None, limit=1000), walk(order=oldest, limit=1000))
    step = max(place.documents // 1000, 1)
    names = [document_id(number * step) for number in range(min(1000, place.documents))]
    yield Pair("batch-get of 1,000", lambda: list(documents_by_ids(asked.scope, names)), hand.named(names))
