"""How large the places of a question are, and how often a value occurs there: what the choice of a plan rests on.

PostgreSQL's own statistics know nothing of the values inside jsonb, so a sample of every large collection's documents is
counted here, as ANALYZE does for columns. Kept in this process and renewed now and then; a wrong guess costs time only.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from documents.counting import collection_count_sql
from documents.fields import LINEAGE_TEXTS
from documents.listing.access import Term
from documents.listing.questions import Places
from documents.listing.scoping import places_cte
from documents.stored import STEP_JOIN
from mixpeek_site import jsonio, sql
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

T = TypeVar("T")

SMALL: Final = 5_000
"""Documents up to which walking through all of them is as good as any index."""

SIZES_SECONDS: Final = 10
SAMPLE_SECONDS: Final = 300
_SAMPLED_COLLECTIONS: Final = 8  # of a question to a whole namespace: its largest
_PAGES: Final = 1500  # of the table that a sample reads at most
_KEPT: Final = 1000  # questions whose places' sizes are remembered
_KEPT_SAMPLES: Final = 64
_KEPT_TERMS: Final = 2000  # of a sample: the most frequent; what is rarer is rare
_LARGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of `size` documents hold a term, for those that more than one of them holds."""

    size: int
    counts: Counter[Term]
    taken: float
    documents: int  # in the collection when it was taken

    def frequency(self, term: Term) -> float:
        """The share of documents that hold the term: at least half a document of the sample."""
        return max(self.counts[term], 0.5) / max(self.size, 1)


@dataclass(frozen=True, slots=True)
class Statistics:
    """`documents` in all places together; samples of the largest with the number of documents each stands for."""

    documents: int
    namespace_id: int | None = None  # None: nothing is there
    samples: tuple[tuple[int, Sample], ...] = ()

    def frequency(self, term: Term) -> float:
        """The share of the documents that hold the term. Small collections and unknown ones are taken to be alike."""
        if term.column == "d.document_id":
            return 1 / max(self.documents, 1)
        sampled = sum(size for size, _ in self.samples)
        if not sampled:
            return 0.01
        return sum(size * sample.frequency(term) for size, sample in self.samples) / sampled


_lock = threading.Lock()
_sizes: dict[Any, tuple[float, list[tuple[int, int, int]]]] = {}
_samples: dict[int, Sample] = {}
_counts: dict[Any, tuple[float, int]] = {}
_shares: dict[str, tuple[float, float]] = {}


def forget() -> None:
    """As in a process just begun; for tests and benchmarks that fill collections."""
    with _lock:
        _sizes.clear()
        _samples.clear()
        _counts.clear()
        _shares.clear()


def statistics(scope: Scope, places: Places) -> Statistics:
    """Of the places of a question. No statement when they are remembered, one for the sizes, one for a sample."""
    found = _collections(scope, places)
    documents = sum(count for _, _, count in found)
    namespace_id = found[0][0] if found else None
    if documents <= SMALL:
        return Statistics(documents, namespace_id)
    largest = sorted(found, key=lambda each: -each[2])[:_SAMPLED_COLLECTIONS]
    samples = tuple(
        (count, _sample(namespace_id, collection_id, count)) for namespace_id, collection_id, count in largest if count > SMALL
    )
    return Statistics(documents, namespace_id, samples)


def largest(scope: Scope, places: Places) -> int | None:
    """The internal id of the collection with the most documents; None where there is none."""
    return max(_collections(scope, places), key=lambda found: found[2], default=(0, None, 0))[1]


def _collections(scope: Scope, places: Places) -> list[tuple[int, int, int]]:
    """Namespace, collection and number of documents of each place."""

    def read() -> list[tuple[int, int, int]]:
        cte, params = places_cte(scope, places)
        found = sql.rows(
            f"WITH {cte} SELECT x.namespace_id, x.collection_id, x.documents FROM (SELECT c.namespace_id, c.id AS collection_id,"
            f" {collection_count_sql('p')} AS documents FROM c, LATERAL (SELECT c.namespace_id, c.id AS collection_id) p) x",
            params,
        )
        return [(int(namespace), int(collection), int(count)) for namespace, collection, count in found]

    return _remembered(_sizes, (scope, places), read)


def _remembered(memory: dict[Any, tuple[float, T]], key: Any, read: Callable[[], T]) -> T:
    """What was read less than SIZES_SECONDS ago, or is read now."""
    now = time.monotonic()
    known = memory.get(key)
    if known and known[0] > now:
        return known[1]
    value = read()
    _keep(memory, key, (now + SIZES_SECONDS, value), _KEPT)
    return value


def _keep(memory: dict[Any, Any], key: Any, value: Any, most: int) -> None:
    with _lock:
        if len(memory) >= most:
            memory.pop(next(iter(memory)))
        memory[key] = value


def _sample(namespace_id: int, collection_id: int, documents: int) -> Sample:
    known = _samples.get(collection_id)
    now = time.monotonic()
    if known and now - known.taken < SAMPLE_SECONDS and known.documents / 2 <= documents <= known.documents * 2:
        return known
    counts: Counter[Term] = Counter()
    rows = _rows(namespace_id, collection_id)
    for payload, internal_metadata, system, *lineage in rows:
        terms: set[Term] = set()
        for column, text in (("d.payload", payload), ("d.internal_metadata", internal_metadata), ("d.system", system)):
            terms.update(Term(column, steps, value) for steps, value in _scalars(jsonio.loads(text), ()))
        terms.update(Term(f"l.{name}", (), text.lower()) for name, text in zip(LINEAGE_TEXTS, lineage, strict=True) if text)
        counts.update(terms)
    sample = Sample(
        len(rows), Counter({term: count for term, count in counts.most_common(_KEPT_TERMS) if count > 1}), now, documents
    )
    _keep(_samples, collection_id, sample, _KEPT_SAMPLES)
    return sample


def _rows(namespace_id: int, collection_id: int) -> list[sql.Row]:
    """Some 500 to 2,000 documents: of random pages of the table, and, should the collection have few there, of its ends.

    Of more than 2,000, some: the first of them would be the oldest, as pages are read in order.
    """
    columns = f"d.payload::text, d.internal_metadata::text, d.system::text, {', '.join(f'l.{name}' for name in LINEAGE_TEXTS)}"
    place = "d.namespace_id = %s AND d.collection_id = %s AND pg_column_size(d.payload) < 20000"
    share = sql.one(
        "SELECT LEAST(100, 100.0 * %s / GREATEST(pg_relation_size('documents_document') / 8192, 1))::float8", (_PAGES,)
    )
    assert share is not None
    found = sql.rows(
        f"SELECT {columns} FROM (SELECT * FROM documents_document d TABLESAMPLE SYSTEM (%s) WHERE {place}"
        f" ORDER BY random() LIMIT 2000) d{STEP_JOIN}",
        (share[0], namespace_id, collection_id),
    )
    for direction in ("", " DESC") if len(found) < 500 else ():
        found += sql.rows(
            f"SELECT {columns} FROM (SELECT * FROM documents_document d WHERE {place}"
            f" ORDER BY d.created_at{direction}, d.id{direction} LIMIT 500) d{STEP_JOIN}",
            (namespace_id, collection_id),
        )
    return found


def _scalars(value: object, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every scalar with the members that lead to it; arrays leave no trace, as in the index. Long texts are left out."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _scalars(member, (*steps, name))
    elif isinstance(value, list):
        for element in value[:_LARGEST_VALUE]:
            yield from _scalars(element, steps)
    elif isinstance(value, str):
        if len(value) <= _LARGEST_VALUE:
            yield steps, value.lower()
    elif value is not None:
        yield steps, value


def count_up_to(scope: Scope, places: Places, condition: Fragment, bound: int) -> int:
    """How many documents a condition over `d` finds in an index, counted up to `bound`. One statement, none for a while then."""

    def read() -> int:
        cte, params = places_cte(scope, places)
        row = sql.one(
            f"WITH {cte} SELECT count(*) FROM (SELECT FROM c CROSS JOIN LATERAL (SELECT FROM documents_document d"
            f" WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id AND {condition.text} LIMIT %s) x LIMIT %s) y",
            (*params, *condition.params, bound, bound),
        )
        return int(row[0]) if row else 0

    return _remembered(_counts, (scope, places, condition, bound), read)


def share_of_words(words: str) -> float:
    """The share of the documents of all namespaces that hold the words of a search, as PostgreSQL estimates it from what
    ANALYZE found in the index of words. Two statements, none for a while then.
    """

    def read() -> float:
        found = sql.one(
            "EXPLAIN (FORMAT JSON) SELECT FROM documents_document d"
            " WHERE documents_words(d.collection_id, d.payload) @@ websearch_to_tsquery('simple', %s)",
            (words,),
        )
        stored = sql.one("SELECT GREATEST(reltuples, 1)::float8 FROM pg_class WHERE oid = 'documents_document'::regclass")
        assert found is not None
        assert stored is not None
        plan = found[0] if isinstance(found[0], list) else jsonio.loads(found[0])
        return min(float(plan[0]["Plan"]["Plan Rows"]) / float(stored[0]), 1.0)

    return _remembered(_shares, words, read)


def share_of_any(statistics: Statistics, terms: Iterable[Term]) -> float:
    """The share of documents that hold one of the terms or more, at most 1."""
    return min(1.0, sum(statistics.frequency(term) for term in terms))
