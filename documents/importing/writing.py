"""A batch into the database: COPY into the tables themselves, one transaction each.

What stands in the way of a batch is found before the COPY, under the locks of documents/lineage.py: ids that exist,
parents, children that wait. COPY straight into the tables costs PostgreSQL a fifth less than by way of a staging table;
in return, a batch that can't go as a whole goes in parts (`_InParts`), down to single lines.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from django.db import connection, connections

from documents import lineage, services
from documents.counting import count_copied, count_gone
from documents.features import NamedFeature, array_text, write_features
from documents.importing.judging import Judged
from documents.importing.linking import Collection, Linked
from documents.importing.preparing import NULL, Prepared, copied, failure
from documents.importing.reporting import Counts, Failure
from documents.inputs import LineageInput
from documents.models import DOCUMENT_PREFIX
from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, DomainError, NotFoundError, ServiceUnavailableError
from mixpeek_site.transactions import atomic
from namespaces import scope as scopes
from namespaces.scope import Scope

ON_CONFLICT = ("fail", "skip", "replace")
MAX_ABSENT_PARENTS = 1000
"""Locks that one batch takes for parents that are not stored: PostgreSQL has room for about 6,400 in all."""

_RETRIES = 20
_WAITS = (1.0, 3.0, 10.0)  # seconds before a batch is tried again without a database
_CHUNK_ROWS = 500


@dataclass(slots=True)
class Written:
    """What became of a batch."""

    counts: Counts = field(default_factory=Counts)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        self.counts.add(other.counts)
        self.failures += other.failures


class _InParts(Exception):
    """The batch goes in these parts, one after the other."""

    def __init__(self, *parts: Sequence[Prepared]) -> None:
        self.parts: list[Sequence[Prepared]] = [part for part in parts if part]


class _Moves(Exception):
    """A single document that is to be replaced and gets other sources: `services` moves its subtree along."""


class _Again(Exception):
    """Another writer got in between the look and the write; the same batch again."""


class Place(NamedTuple):
    """Where the documents go."""

    scope: Scope
    namespace_id: int
    collection_id: int
    collection: Collection


def place_for(scope: Scope, collection_identifier: str) -> Place:
    """Raises NotFoundError for the namespace or the collection."""
    cte, params = scope.cte(collection_identifier)
    row = sql.one(
        f"WITH {cte} SELECT scope.namespace_id, scope.collection_id, c.public_id, c.name, c.feature_extractor_id"
        " FROM scope JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.id = scope.collection_id",
        params,
    )
    if row is None:
        scopes.require_collection(scope, collection_identifier)
        raise scopes.collection_not_found(collection_identifier)
    return Place(scope, row[0], row[1], Collection(*row[2:]))


class Writer:
    """Writes batches to one collection. No two documents of a batch may have the same id."""

    def __init__(self, place: Place, on_conflict: str, *, with_locks: bool = True) -> None:
        """`with_locks`: False for a transaction that is rolled back, which must not hold others up until then."""
        self._place = place
        self._on_conflict = on_conflict
        self._with_locks = with_locks
        self._look_first = on_conflict != "fail"
        """Whether to look for taken ids before the COPY; while none is expected, the unique index tells as well."""

    def write(self, batch: Sequence[Prepared]) -> Written:
        """Store a batch; each of its transactions is durable on return.

        Raises NotFoundError when the collection is gone, ServiceUnavailableError when the database is.
        """
        waits = iter(_WAITS)
        for _ in range(_RETRIES):
            try:
                with atomic():
                    return self._write_whole(batch)
            except ServiceUnavailableError:
                if connection.in_atomic_block or not self._wait(waits):
                    raise
                continue
            except _Again:
                continue
            except psycopg.errors.UniqueViolation:
                self._look_first = True  # where one id is taken, more may be
                continue
            except psycopg.errors.ForeignKeyViolation:
                raise self._collection_gone() from None
            except _InParts as apart:
                parts = apart.parts
            except _Moves:
                return self._move(batch[0])
            except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
                if len(batch) == 1:
                    return self._refused_by_database(batch[0], error)
                parts = _halves(batch)
            written = Written()
            for part in parts:
                written.add(self.write(part))
            return written
        raise ServiceUnavailableError("Other writers keep getting in the way of the same documents.")

    def _wait(self, waits: Iterator[float]) -> bool:
        """Wait for a database that is being restarted; False when that has been long enough."""
        connection.close()
        seconds = next(waits, 0.0)
        time.sleep(seconds)
        return seconds > 0

    def _refused_by_database(self, one: Prepared, error: psycopg.Error) -> Written:
        """Nothing that is known passes the checks and ends here, but one line must not stop the rest."""
        reason = f"The database refuses it: {error.diag.message_primary or type(error).__name__}"
        return Written(Counts(failed=1), [Failure(one.line, one.document_id, reason, "ValidationError")])

    def _move(self, one: Prepared) -> Written:
        assert one.document_id is not None
        place = self._place
        try:
            given = replace(one.given, payload=jsonio.loads_stored(one.texts[0]))
            services.replace_document(
                scope=place.scope, collection=place.collection.public_id, document_id=one.document_id, given=given
            )
        except ServiceUnavailableError:
            raise
        except DomainError as error:
            return Written(Counts(failed=1), [failure(one.line, one.document_id, error)])
        return Written(Counts(replaced=1))

    def _collection_gone(self) -> NotFoundError:
        return NotFoundError(
            f"Collection {self._place.collection.name} was deleted meanwhile.",
            resource="collection",
            id=self._place.collection.public_id,
        )

    # One transaction ------------------------------------------------------------------------------------------------

    def _write_whole(self, batch: Sequence[Prepared]) -> Written:
        self._begin()
        existing = self._look(batch)
        if not existing:
            return self._insert(batch)
        met = [one for one in batch if one.document_id in existing]
        written = self._meet(met, existing, batch)
        new = [one for one in batch if one.document_id not in existing]
        if new:
            written.add(self._insert(new))
        return written

    def _begin(self) -> None:
        """Settings of the transaction. Raises NotFoundError when the collection is gone."""
        place = self._place
        # A plan made for an empty table must not be kept while the import fills it.
        if not sql.one(
            "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
            " FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id"
            " WHERE c.namespace_id = %s AND c.id = %s AND c.deleted_at IS NULL AND n.deleted_at IS NULL",
            (place.namespace_id, place.collection_id),
        ):
            raise self._collection_gone()

    def _look(self, batch: Sequence[Prepared]) -> "dict[str | None, _Existing]":
        """Take the locks, then find the documents of the batch that exist.

        A batch without chosen ids and parents can neither meet nor be waited for by others: it takes no lock.
        """
        chosen = [one.document_id for one in batch if one.document_id is not None]
        outside = _outside(batch)
        if not chosen and not outside:
            return {}
        namespace_id = self._place.namespace_id
        absent = outside - _stored(namespace_id, outside)
        if len(absent) > MAX_ABSENT_PARENTS and len(batch) > 1:
            raise _InParts(*_halves(batch))
        if self._with_locks:
            lineage.lock_batch(namespace_id, absent_parents=absent)
        if outside - absent and (outside - absent) - _stored(namespace_id, outside - absent):
            raise _Again  # a parent was deleted between the look and the lock
        return self._existing(chosen) if chosen and self._look_first else {}

    def _existing(self, chosen: list[str]) -> "dict[str | None, _Existing]":
        """Those of the ids that are taken. Rows of deleted collections are in nobody's way any more: they go here."""
        namespace_id = self._place.namespace_id
        # Without a join: before the first ANALYZE the planner would rather read the whole collection for one.
        found = sql.rows(
            "SELECT d.document_id, d.id, d.collection_id FROM documents_document d"
            " WHERE d.namespace_id = %s AND d.document_id = ANY(string_to_array(%s, ','))",
            (namespace_id, ",".join(chosen)),  # ids hold no commas, and thousands of list items cost more than one text
        )
        if not found:
            return {}
        seen: dict[int, str] = dict(
            sql.rows(
                "SELECT c.id, c.public_id FROM namespaces_collection c"
                " WHERE c.namespace_id = %s AND c.id = ANY(%s) AND c.deleted_at IS NULL",
                (namespace_id, list({row[2] for row in found})),
            )
        )
        hidden = [row[1] for row in found if row[2] not in seen]
        if hidden:
            sql.run(
                "WITH gone AS (DELETE FROM documents_document d WHERE d.namespace_id = %s AND d.id = ANY(%s)"
                f" RETURNING d.namespace_id, d.collection_id), {count_gone('gone')} SELECT",
                (namespace_id, hidden),
            )
        return {row[0]: _Existing(row[1], row[2], seen[row[2]]) for row in found if row[2] in seen}

    def _insert(self, new: Sequence[Prepared]) -> Written:
        place = self._place
        written = Written()
        now = datetime.now(UTC)
        parents, buckets = self._parents(new), self._buckets(new)
        waited_for = self._waited_for(new)
        judged = Judged(
            new,
            collection_names=(place.collection.public_id, place.collection.name),
            parents=parents,
            awaited=self._awaited(new, waited_for),
            buckets=buckets,
        )
        if judged.refused:
            self._look_before_refusing(new)
        linked = Linked(
            new,
            collection=place.collection,
            timestamp=now.isoformat().split("+")[0].rstrip("0").rstrip(".") + "Z",
            parents=parents,
            buckets=buckets,
            refused=judged.refused,
        )
        keys = ids.new_uuid7_texts(len(new))
        made_ids = iter(ids.new_ids(DOCUMENT_PREFIX, sum(one.document_id is None for one in new)))
        tail = f"\t{services.new_version()}\t{now.isoformat()}\t{now.isoformat()}\t{place.collection_id}\t{place.namespace_id}\n"
        step_tail = f"\t{place.collection_id}\t{place.namespace_id}\n"
        written.failures += judged.refused.values()
        written.counts.failed += len(judged.refused)
        kept = list(zip(keys, new, linked.steps, strict=True))
        if judged.refused:
            kept = [one for position, one in enumerate(kept) if position not in judged.refused]
        sql.run("SELECT set_config('plan_cache_mode', 'auto', true)")  # else each row's foreign keys are planned anew
        # Rows are made while PostgreSQL is at the ones before them.
        _copy(
            _COPY_DOCUMENTS,
            (
                "\t".join((key, one.document_id or next(made_ids), *map(copied, one.texts), one.given.schema_version or NULL))
                + tail
                for key, one, _ in kept
            ),
        )
        _copy(
            _COPY_STEPS,
            (
                f"{key}\t{step.row()}\t{copied(lineage.status(one.given.internal_metadata))}{step_tail}"
                for key, one, step in kept
                if step is not None
            ),
        )
        _copy(_COPY_FEATURES, (row for key, one, _ in kept for row in _feature_rows(place.namespace_id, key, one.features)))
        count_copied(place.namespace_id, place.collection_id, len(kept))
        if waited_for:
            lineage.relink_below(place.namespace_id, judged.uppermost(waited_for))
        written.counts.imported = len(kept)
        return written

    def _look_before_refusing(self, new: Sequence[Prepared]) -> None:
        """Lines whose ids are taken are nobody's parents in the batch: they go first, before others are refused for them."""
        if not self._look_first and any(one.document_id is not None for one in new):
            self._look_first = True
            raise _Again

    def _waited_for(self, new: Sequence[Prepared]) -> set[str]:
        """The ids of new documents that stored ones wait for."""
        chosen = [one.document_id for one in new if one.document_id is not None]
        return lineage.waited_for(self._place.namespace_id, chosen) if chosen else set()

    def _awaited(self, new: Sequence[Prepared], waited_for: set[str]) -> dict[str, str]:
        """Of the stored parents, the new document that their sources lead up to."""
        if not waited_for:
            return {}
        parents = _outside(new)
        return lineage.tops(self._place.namespace_id, sorted(parents), sorted(waited_for)) if parents else {}

    def _parents(self, new: Sequence[Prepared]) -> dict[str, lineage.StoredParent]:
        wanted = _outside(new)
        return lineage.stored_parents(self._place.namespace_id, sorted(wanted)) if wanted else {}

    def _buckets(self, new: Sequence[Prepared]) -> dict[str, str]:
        """The buckets of the stored objects that documents come from, by object id."""
        sent = [one.given.lineage for one in new if one.has_lineage]
        wanted = {one.root_object_id for one in sent if one.source_type == "bucket" and one.root_object_id is not None}
        if not wanted:
            return {}
        found = sql.rows(
            "SELECT o.object_id, b.public_id FROM namespaces_bucketobject o"
            " JOIN namespaces_bucket b ON b.id = o.bucket_id AND b.namespace_id = o.namespace_id"
            " WHERE o.namespace_id = %s AND o.object_id = ANY(%s)",
            (self._place.namespace_id, sorted(wanted)),
        )
        return {row[0]: row[1] for row in found}

    # Documents that exist -------------------------------------------------------------------------------------------

    def _meet(self, met: Sequence[Prepared], existing: "dict[str | None, _Existing]", batch: Sequence[Prepared]) -> Written:
        if self._on_conflict == "skip":
            return Written(Counts(skipped=len(met)))
        written = Written()
        ours = []
        for one in met:
            place = existing[one.document_id]
            if self._on_conflict == "replace" and place.collection_id == self._place.collection_id:
                ours.append(one)
                continue
            where = "" if place.collection_id == self._place.collection_id else f" in collection {place.collection}"
            error = AlreadyExistsError(f"Document {one.document_id} exists already{where}.")
            written.failures.append(failure(one.line, one.document_id, error))
            written.counts.failed += 1
        if ours:
            self._part_at_a_move(ours, existing, batch)
            self._replace(ours, existing)
            written.counts.replaced += len(ours)
        return written

    def _part_at_a_move(
        self, ours: Sequence[Prepared], existing: "dict[str | None, _Existing]", batch: Sequence[Prepared]
    ) -> None:
        """A document that gets other sources goes by itself, between what comes before it and after it."""
        with_lineage = [one for one in ours if not one.given.lineage.is_empty()]
        if not with_lineage:
            return
        self._part_where_more_is_derived(with_lineage, existing, batch)
        stored = lineage.stored_lineage(self._place.namespace_id, [existing[one.document_id].key for one in with_lineage])
        for one in with_lineage:
            if services.changes_lineage(stored[existing[one.document_id].key], one.given.lineage):
                if len(batch) == 1:
                    raise _Moves
                position = next(n for n, other in enumerate(batch) if other is one)
                raise _InParts(batch[:position], batch[position : position + 1], batch[position + 1 :])

    def _part_where_more_is_derived(
        self, ours: Sequence[Prepared], existing: "dict[str | None, _Existing]", batch: Sequence[Prepared]
    ) -> None:
        """What a body says to be derived is compared with what a new document on an earlier line makes of it."""
        ids = [one.document_id for one in ours if one.document_id is not None and _names_what_is_derived(one.given.lineage)]
        new = [one for one in batch if one.document_id not in existing] if ids else []
        if not (waited_for := self._waited_for(new)):
            return
        positions = {one.document_id: position for position, one in enumerate(batch)}
        for name, above in lineage.tops(self._place.namespace_id, ids, sorted(waited_for)).items():
            if positions[above] < positions[name]:
                raise _InParts(batch[: positions[name]], batch[positions[name] :])

    def _replace(self, ours: Sequence[Prepared], existing: "dict[str | None, _Existing]") -> None:
        """What `services.replace_document` does, for many: what a body does not name stays."""
        rows = [
            (
                existing[one.document_id].key,
                one.texts[0],
                None if one.given.internal_metadata is None else one.texts[1],
                one.texts[2],
                None if one.given.source_blobs is None else one.texts[3],
                None if one.given.document_blobs is None else one.texts[4],
            )
            for one in ours
        ]
        columns = list(map(list, zip(*rows, strict=True)))
        sql.run(_LOCK, (self._place.namespace_id, columns[0]))
        found = sql.rows(_REPLACE, (services.new_version(), datetime.now(UTC), *columns, self._place.namespace_id))
        if len(found) < len(ours):
            raise _Again  # one was deleted meanwhile, so it is new
        for one in ours:
            if one.features:
                write_features(self._place.namespace_id, existing[one.document_id].key, one.features)


class _Existing(NamedTuple):
    key: Any
    collection_id: int
    collection: str


def _outside(batch: Sequence[Prepared]) -> set[str]:
    """The parents that the batch itself does not hold."""
    return {one.parent_id for one in batch if one.parent_id is not None}.difference(one.document_id for one in batch)


def _names_what_is_derived(given: LineageInput) -> bool:
    """Whether a document's lineage names more than its sources."""
    derived = (given.source_collection_id, given.root_object_id, given.root_bucket_id, given.path, given.chain)
    return given.source_document_id is not None and any(one is not None for one in derived)


def _halves(batch: Sequence[Prepared]) -> list[Sequence[Prepared]]:
    return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]


def _stored(namespace_id: int, document_ids: Iterable[str]) -> set[str]:
    found = sql.rows(
        "SELECT document_id FROM documents_document WHERE namespace_id = %s AND document_id = ANY(%s)",
        (namespace_id, list(document_ids)),
    )
    return {row[0] for row in found}


# The order in which all writes of many lock documents, before they write: so one waits for the other, and no two for each other.
_LOCK = """
SELECT FROM documents_document d WHERE d.namespace_id = %s AND d.id = ANY(%s) ORDER BY d.id FOR NO KEY UPDATE
"""
# v1 shows an empty metadata, source_details and enrichments where a document has none; put back, they must not come into being.
_REPLACE = """
UPDATE documents_document d
SET payload = CASE WHEN new.payload -> 'metadata' = '{}' AND NOT d.payload ? 'metadata'
                   THEN new.payload - 'metadata' ELSE new.payload END,
    internal_metadata = COALESCE(new.internal_metadata, d.internal_metadata),
    system = d.system || (SELECT COALESCE(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(new.system) e
                          WHERE e.value NOT IN ('[]', '{}') OR d.system ? e.key),
    source_blobs = COALESCE(new.source_blobs, d.source_blobs),
    document_blobs = COALESCE(new.document_blobs, d.document_blobs),
    version = GREATEST(d.version + 1, %s), updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')
FROM unnest(%s::uuid[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[])
    AS new (id, payload, internal_metadata, system, source_blobs, document_blobs)
WHERE d.namespace_id = %s AND d.id = new.id
RETURNING 1
"""

_COPY_DOCUMENTS = (
    "COPY documents_document (id, document_id, payload, internal_metadata, system, source_blobs, document_blobs,"
    " schema_version, version, created_at, updated_at, collection_id, namespace_id) FROM STDIN"
)
_COPY_STEPS = (
    "COPY documents_lineagestep (id, source_type, source_object_id, source_collection_id, source_document_id,"
    " root_object_id, root_bucket_id, path, tier, chain, status, collection_id, namespace_id) FROM STDIN"
)
_COPY_FEATURES = (
    "COPY documents_feature (namespace_id, document_id, name, feature_extractor_id, payload, kind, numbers, indices) FROM STDIN"
)


def _feature_rows(namespace_id: int, key: str, features: Iterable[NamedFeature]) -> list[str]:
    rows = []
    for feature in features:
        if feature.removed:
            continue
        columns = (
            str(namespace_id),
            key,
            copied(feature.name),
            copied(feature.feature_extractor_id),
            NULL if feature.payload is None else copied(jsonio.dumps(feature.payload)),
            copied(feature.kind),
            array_text(feature.numbers) or NULL,
            array_text(feature.indices) or NULL,
        )
        rows.append("\t".join(columns) + "\n")
    return rows


def _copy(statement: str, rows: Iterator[str]) -> None:
    """COPY rows as they are made, on Django's connection and in its transaction.

    Raises ServiceUnavailableError without a database; a refused row stays psycopg's error.
    """
    piece = list(islice(rows, _CHUNK_ROWS))
    if not piece:
        return
    cursor = psycopg.Cursor(connections["default"].connection)
    try:
        with cursor.copy(statement) as copy:
            while piece:
                copy.write("".join(piece).encode())
                piece = list(islice(rows, _CHUNK_ROWS))
    except psycopg.errors.ProgramLimitExceeded:
        raise
    except psycopg.OperationalError as error:
        raise ServiceUnavailableError("The database can't be reached; try again shortly.") from error
