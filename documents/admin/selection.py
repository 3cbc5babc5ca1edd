"""Which documents an action of the list means: the rows that were ticked, or all that the list's filters match."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from django.http import HttpRequest, QueryDict

from documents.admin.asked import Asked, read_asked
from documents.admin.listed import ID_WALK, begun_ids, guarded
from documents.listing import read_lines
from documents.services.many import Named
from documents.trees.scoping import GONE
from mixpeek_site import jsonio, sql
from namespaces.admin.urls import list_url

MAX_CHANGED: Final = 5_000
"""Documents that one action changes at most."""

_COLUMNS: Final = (
    "d.document_id",
    "(SELECT x.public_id FROM namespaces_collection x WHERE x.id = d.collection_id)",
    "COALESCE(l.tier, 1)",
)


class Meant(NamedTuple):
    document_id: str
    collection: str
    tier: int

    @property
    def named(self) -> Named:
        return Named(self.document_id, self.collection)


@dataclass(frozen=True)
class Selection:
    """`across`: all that match, and not the `ticked` alone."""

    asked: Asked
    list_query: str
    across: bool
    ticked: list[str]

    @property
    def back(self) -> str:
        """The address of the list."""
        return list_url("documents_document") + self.asked.address()


def read_selection(request: HttpRequest, namespace_id: int) -> Selection:
    """Of a form of the list. Raises Http404 for a namespace that is gone."""
    given = QueryDict(request.POST.get("list", "")[:20_000])
    asked = read_asked(request, {**given.dict(), "namespace": str(namespace_id)})
    ticked = [each for each in dict.fromkeys(request.POST.getlist("_selected")) if each and sql.text(each)]
    return Selection(asked, given.urlencode(), "across" in request.POST, ticked)


class Resolved(NamedTuple):
    """`more`: there are more than may be changed at once. `gone`: of the ticked, those that are not there any more."""

    documents: list[Meant]
    more: bool
    gone: int

    @property
    def mark(self) -> str:
        return mark(each.document_id for each in self.documents)


def mark(document_ids: Iterable[str]) -> str:
    """By which a confirmation knows again the documents that it showed, in whatever order they come."""
    return sha256("\n".join(sorted(document_ids)).encode()).hexdigest()


def resolve(selection: Selection) -> Resolved:
    """The documents that are meant, the deepest of their trees first; MAX_CHANGED at most. One statement, bounded.

    Raises RefusedError for filters that mean nothing.
    """
    if selection.across:
        with guarded(selection.asked, MAX_CHANGED):
            found, more = _matching(selection.asked)
    else:
        found, more = _ticked(selection), False
    found.sort(key=lambda each: -each.tier)
    return Resolved(found[:MAX_CHANGED], more, 0 if selection.across else len(selection.ticked) - len(found))


def _matching(asked: Asked) -> tuple[list[Meant], bool]:
    if asked.prefix:
        begun = begun_ids(asked, _COLUMNS, bound=ID_WALK, limit=MAX_CHANGED + 1)
        found = [Meant._make(row[:-1]) for row in begun.rows]
        return found, len(found) > MAX_CHANGED or begun.walked >= ID_WALK
    lines = read_lines(asked.scope, asked.question(), _COLUMNS, limit=MAX_CHANGED)
    return [Meant._make(line.values) for line in lines.rows], lines.more or lines.ranked_some


_TICKED: Final = """
SELECT d.document_id, c.public_id, COALESCE(l.tier, 1)
FROM unnest(%s::text[]) AS wanted (document_id)
CROSS JOIN LATERAL (
    SELECT * FROM documents_document d WHERE d.namespace_id = %s AND d.document_id = wanted.document_id LIMIT 1
) d
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
"""


def _ticked(selection: Selection) -> list[Meant]:
    assert selection.asked.namespace is not None
    return [Meant._make(row) for row in sql.rows(_TICKED, (selection.ticked, selection.asked.namespace.pk))]


# What a delete means ----------------------------------------------------------------------------------------------------

COUNTED: Final = 10_000


class Impact(NamedTuple):
    """Of documents together: children that are not among them, by collection's name and in all, and what is below them at
    every level. Each counted up to COUNTED + 1.
    """

    by_collection: dict[str, int]
    children: int
    below: int


_IMPACT: Final = f"""
WITH RECURSIVE scope AS (SELECT %s::bigint AS namespace_id), {GONE}, chosen AS MATERIALIZED (
    SELECT d.id, d.document_id FROM unnest(%s::text[]) AS wanted (document_id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.document_id FROM documents_document d
        WHERE d.namespace_id = %s AND d.document_id = wanted.document_id LIMIT 1
    ) d
), tree (id, document_id) AS (
    SELECT chosen.id, chosen.document_id FROM chosen
  UNION
    SELECT d.id, d.document_id FROM tree
    CROSS JOIN LATERAL (
        SELECT l.id FROM documents_lineagestep l
        WHERE l.namespace_id = %s AND l.source_document_id = tree.document_id
          AND l.collection_id <> ALL((SELECT ids FROM gone)::bigint[]) OFFSET 0
    ) l
    CROSS JOIN LATERAL (SELECT d.id, d.document_id FROM documents_document d WHERE d.namespace_id = %s AND d.id = l.id OFFSET 0) d
), children AS MATERIALIZED (
    SELECT l.collection_id FROM chosen
    CROSS JOIN LATERAL (
        SELECT l.id, l.collection_id FROM documents_lineagestep l
        WHERE l.namespace_id = %s AND l.source_document_id = chosen.document_id
          AND l.collection_id <> ALL((SELECT ids FROM gone)::bigint[]) OFFSET 0
    ) l
    WHERE NOT EXISTS (SELECT FROM chosen other WHERE other.id = l.id)
    LIMIT {COUNTED + 1}
)
SELECT (SELECT jsonb_object_agg(named.name, named.documents) FROM (
           SELECT c.name, count(*) AS documents FROM children
           JOIN namespaces_collection c ON c.id = children.collection_id GROUP BY c.name
       ) named)::text,
       (SELECT count(*) FROM (SELECT FROM tree LIMIT (SELECT count(*) FROM chosen) + {COUNTED + 1}) bounded)
           - (SELECT count(*) FROM chosen)
"""


def impact(namespace_id: int, documents: list[Meant]) -> Impact:
    """Of deleting the documents together. One statement, whose work is bounded."""
    row = sql.one(_IMPACT, (namespace_id, [each.document_id for each in documents], *(namespace_id,) * 4))
    assert row is not None
    named: dict[str, int] = dict(jsonio.loads(row[0])) if row[0] else {}
    return Impact(dict(sorted(named.items(), key=lambda each: -each[1])), sum(named.values()), row[1])
