"""A batch into the database: COPY into the tables themselves, one transaction each.

What stands in the way of a batch is found before the COPY: ids that exist, parents, children that wait. COPY straight into
the tables costs PostgreSQL a fifth less than by way of a staging table; in return, a batch that can't go as a whole goes in
parts (`_InParts`), down to single lines.

Batches of several processes are written beside one another. The namespace is locked (documents/lineage.py) when a batch's
rows are there: what it was linked with is looked up again, and what came or changed meanwhile is linked up (`_settle`).
Where that is more than a link, and where rows that others may be at are written, the batch begins again `_Alone`.
"""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from django.conf import settings
from django.db import connection

from documents import lineage, services
from documents.counting import count_copied, count_gone
from documents.features import NamedFeature, clear_features, dimensions, extension, read_features
from documents.importing.copying import CrossedError, Rows, copy_documents, copy_features, copy_steps
from documents.importing.judging import Judged
from documents.importing.linking import Linked
from documents.importing.mapping import Mapping as FieldMapping
from documents.importing.places import Finder, OnePlace, Place
from documents.importing.preparing import Prepared, Times, failure, whole_body
from documents.importing.recording import NotRecorded, Recorder
from documents.importing.reporting import Counts, Failure
from documents.importing.rewriting import Texts, lock_rows, merge_rows, replace_rows
from documents.inputs import LineageInput, read_patch
from documents.models import DOCUMENT_PREFIX
from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import (
    AlreadyExistsError,
    DomainError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceUnavailableError,
    ValidationError,
)
from mixpeek_site.transactions import atomic

ON_CONFLICT = ("fail", "skip", "replace", "merge")
MAX_ABSENT_PARENTS = 1000
"""Locks that one batch takes for parents that are not stored: PostgreSQL has room for about 6,400 in all."""

_RETRIES: Final = 20
WAITS: Final = (1.0, 3.0, 10.0)  # seconds before a batch is tried again without a database
_LOCK_SECONDS: Final = 1.0  # that a written batch tries to lock the namespace, before it begins again


@dataclass(slots=True)
class Written:
    """What became of a batch."""

    counts: Counts = field(default_factory=Counts)
    failures: list[Failure] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    """Numbers of the lines that replaced a document."""

    def add(self, other: "Written") -> None:
        self.counts.add(other.counts)
        self.failures += other.failures
        self.replaced += other.replaced


class _InParts(Exception):
    """The batch goes in these parts, one after the other; without any, in halves."""

    def __init__(self, *parts: Sequence[Prepared]) -> None:
        self.parts: list[Sequence[Prepared]] = [part for part in parts if part]


class _Moves(Exception):
    """A single document that is to be replaced and gets other sources: `services` moves its subtree along."""


class _Refused(Exception):
    """A single document that does not get in."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


class _Again(Exception):
    """Another writer got in between the look and the write; the same batch again."""


class _Alone(Exception):
    """The same batch again, with the namespace locked from the beginning and while no other batch is at it."""


Answer = TypeVar("Answer")


def patiently(look: Callable[[], Answer]) -> Answer:
    """What `look` answers, which reads and changes nothing, also when the database is being restarted.

    Raises ServiceUnavailableError when that has taken long enough.
    """
    waits = iter(WAITS)
    while True:
        try:
            return look()
        except ServiceUnavailableError:
            if connection.in_atomic_block or not _wait(waits):
                raise


def _wait(waits: Iterator[float]) -> bool:
    """Wait for a database that is being restarted; False when that has been long enough."""
    connection.close()
    seconds = next(waits, 0.0)
    time.sleep(seconds)
    return seconds > 0


class Writer:
    """Writes batches. Of one that goes to several collections one follows the other, as the batch names them first."""

    def __init__(
        self,
        place: Place | Finder,
        on_conflict: str,
        *,
        with_locks: bool = True,
        mapping: FieldMapping | None = None,
        all_vectors: bool = False,
        waits: Sequence[float] = WAITS,
    ) -> None:
        """`with_locks`: False for a transaction that is rolled back, which must not hold others up until then. `mapping`:
        the one that lines were prepared with. `all_vectors`: a document that is replaced loses the vectors that are not given
        anew. `waits`: seconds before each further try without a database.
        """
        self._places: Finder = OnePlace(place) if isinstance(place, Place) else place
        self._place: Place  # of the documents that are just being written
        self._on_conflict = on_conflict
        self._with_locks = with_locks
        self._all_vectors = all_vectors
        self._waits = waits
        self._mapping = mapping
        self._look_first = on_conflict != "fail"
        """Whether to look for taken ids before the COPY; while none is expected, the unique index tells as well."""
        self._alone = False
        self._locked = set[str]()
        """Parents outside of the batch: those that are absent are locked."""
        self._recorder: Recorder = NotRecorded()

    def write_lines(self, items: Sequence[Prepared | Failure], recorder: Recorder) -> Written:
        """Store a batch and record it, in the order of its lines: they go in parts where two have the same id.

        Failures among the items are recorded only; they are not among those answered. Raises what `write` does,
        and ConflictError when another process goes on with the import.
        """
        self._recorder = recorder
        written = Written()
        part: list[Prepared] = []
        names = set[str]()
        for one in items:
            if isinstance(one, Failure):
                continue
            if one.document_id is not None:
                if one.document_id in names:
                    written.add(self.write(part))
                    part, names = [], set()
                names.add(one.document_id)
            part.append(one)
        written.add(self.write(part))
        return written

    def write(self, batch: Sequence[Prepared]) -> Written:
        """Store documents, no two of the same id; each transaction is durable on return.

        Raises NotFoundError when the collection is gone, ServiceUnavailableError when the database is, and where it has no
        vectors and the documents have.
        """
        if any(feature.kind for one in batch for feature in one.features):
            extension.require()
        waits = iter(self._waits)
        work: Callable[[], Written] = partial(self._write_whole, batch)
        written: Written | None = None
        self._alone = False
        for _ in range(_RETRIES):
            try:
                with atomic():
                    self._recorder.begin()
                    if written is not None and self._recorder.is_recorded():
                        break  # it was committed, which the connection did not live to tell
                    written = work()
                    self._recorder.record(len(batch), written.counts, written.failures)
                break
            except ServiceUnavailableError:
                if connection.in_atomic_block or not _wait(waits):
                    raise
                continue
            except _Again:
                continue
            except (_Alone, CrossedError):
                self._alone = True
                continue
            except psycopg.errors.UniqueViolation:
                self._look_first = True  # where one id is taken, more may be
                continue
            except psycopg.errors.ForeignKeyViolation:
                raise self._collection_gone() from None
            except _InParts as apart:
                return self._in_parts(apart.parts or _halves(batch))
            except _Moves:
                work = partial(self._move, batch[0])
            except _Refused as error:
                work = partial(_refused, error.failure)
            except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
                if len(batch) > 1:
                    return self._in_parts(_halves(batch))
                work = partial(_refused, _refused_by_database(batch[0], error))
        else:
            raise ServiceUnavailableError("Other writers keep getting in the way of the same documents.")
        assert written is not None
        self._recorder.recorded()
        return written

    def _in_parts(self, parts: list[Sequence[Prepared]]) -> Written:
        written = Written()
        for part in parts:
            written.add(self.write(part))
        return written

    def _move(self, one: Prepared) -> Written:
        """Raises _Refused."""
        assert one.document_id is not None
        place = self._places.find(one.collection)
        where: dict[str, Any] = {"scope": place.scope, "collection": place.collection.public_id, "document_id": one.document_id}
        parents = [one.parent_id] if one.parent_id is not None else []
        # Taken before the row is locked, which a service does first and, in a transaction of its own, lets go again.
        lineage.lock_documents(place.scope, exclusively=[one.document_id], shared=parents, namespace="exclusive")
        try:
            if self._on_conflict == "merge":
                services.patch_document(**where, given=read_patch(self._body(one), one.document_id))
                return Written(Counts(merged=1))
            if self._all_vectors:
                clear_features(place.namespace_id, [self._existing([one.document_id])[one.document_id].key])
            given = replace(one.given, payload=jsonio.loads_stored(one.texts[0]))
            services.replace_document(**where, given=given)
            return Written(Counts(replaced=1), replaced=[one.line.number])
        except ServiceUnavailableError:
            raise
        except DomainError as error:
            raise _Refused(failure(one.line, one.document_id, error)) from None

    def _body(self, one: Prepared) -> jsonio.JSONObject:
        body = whole_body(one.line)
        return self._mapping.apply(body)[0] if self._mapping else body

    def _collection_gone(self) -> NotFoundError:
        return NotFoundError(
            f"Collection {self._place.collection.name} was deleted meanwhile.",
            resource="collection",
            id=self._place.collection.public_id,
        )

    # One transaction ------------------------------------------------------------------------------------------------

    def _write_whole(self, batch: Sequence[Prepared]) -> Written:
        groups: dict[int, tuple[Place, list[Prepared]]] = {}
        for one in batch:
            place = self._places.find(one.collection)
            groups.setdefault(place.collection_id, (place, []))[1].append(one)
        for self._place, _ in groups.values():
            self._begin()
        if batch:
            self._lock(batch, [group for _, group in groups.values()])
        written = Written()
        try:
            for self._place, group in groups.values():
                written.add(self._write_group(group))
        except _InParts:
            if len(groups) == 1:
                raise
            raise _InParts(*_halves(batch)) from None  # what comes between the parts belongs to other collections
        return written

    def _write_group(self, batch: Sequence[Prepared]) -> Written:
        """Documents of one collection."""
        chosen = [one.document_id for one in batch if one.document_id is not None]
        existing = self._existing(chosen) if chosen and self._look_first else {}
        written, batch = self._without_wrong_vectors(batch, existing)
        if not existing:
            if batch:
                written.add(self._insert(batch))
            return written
        met = [one for one in batch if one.document_id in existing]
        written.add(self._meet(met, existing, batch))
        new = [one for one in batch if one.document_id not in existing]
        if new:
            written.add(self._insert(new))
        return written

    def _without_wrong_vectors(
        self, batch: Sequence[Prepared], existing: "dict[str | None, _Existing]"
    ) -> "tuple[Written, Sequence[Prepared]]":
        """The lines that are refused for the dimensions of their vectors, and the others. At most one statement."""
        stays = existing.keys() if self._on_conflict in ("skip", "fail") else ()
        looked_at = [() if one.document_id in stays else one.features for one in batch]
        wrong = dimensions.wrong_in(self._place.namespace_id, self._place.collection_id, looked_at)
        if not wrong:
            return Written(), batch
        self._look_before_refusing(batch)
        self._part_from_refused_parents(batch, wrong)
        failures = [failure(batch[number].line, batch[number].document_id, error) for number, error in wrong.items()]
        return Written(Counts(failed=len(wrong)), failures), [one for number, one in enumerate(batch) if number not in wrong]

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

    def _lock(self, batch: Sequence[Prepared], groups: Sequence[Sequence[Prepared]]) -> None:
        """Take the locks with which a batch begins. `groups`: those of its collections, which are written one after the other.

        A batch without chosen ids and parents can neither meet nor be waited for by others: it takes no lock.
        """
        outside = self._locked = set[str]().union(*map(_outside, groups))
        if not outside and all(one.document_id is None for one in batch):
            return
        if len(groups) > 1:
            self._require_alone()
        namespace_id = self._place.namespace_id
        if self._with_locks:
            lineage.enter_batch(namespace_id, alone=self._alone)
        absent = outside - _stored(namespace_id, outside)
        if len(absent) > MAX_ABSENT_PARENTS and len(batch) > 1:
            raise _InParts(*_halves(batch))
        if self._with_locks:
            if self._alone:
                lineage.lock_batch(namespace_id, absent_parents=absent)
            else:
                lineage.lock_absent(namespace_id, absent)
        if outside - absent and (outside - absent) - _stored(namespace_id, outside - absent):
            raise _Again  # a parent was deleted between the look and the lock

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
            self._require_alone()
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
        links = Links(_outside(new), self._parents(new), self._waited_for(new))
        if links.outside - self._locked - links.parents.keys():
            raise _Again  # a parent that the batch met was deleted since
        parents, buckets, waited_for = links.parents, self._buckets(new), links.waited_for
        judged = Judged(
            new,
            collection_names=(place.collection.public_id, place.collection.name),
            parents=parents,
            awaited=self._awaited(new, waited_for),
            buckets=buckets,
        )
        if judged.refused:
            self._look_before_refusing(new)
            self._part_from_refused_parents(new, judged.refused)
        linked = Linked(
            new,
            collection=place.collection,
            now=now,
            parents=parents,
            buckets=buckets,
            refused=judged.refused,
        )
        keys = ids.new_uuid7_texts(len(new))
        made_ids = iter(ids.new_ids(DOCUMENT_PREFIX, sum(one.document_id is None for one in new)))
        written.failures += judged.refused.values()
        written.counts.failed += len(judged.refused)
        kept = list(zip(keys, new, linked.steps, strict=True))
        if judged.refused:
            kept = [one for position, one in enumerate(kept) if position not in judged.refused]
        sql.run("SELECT set_config('plan_cache_mode', 'auto', true)")  # else each row's foreign keys are planned anew
        rows = Rows(place.namespace_id, place.collection_id, services.new_version(), Times(now, now))
        copy_documents(rows.document(key, one.document_id or next(made_ids), one) for key, one, _ in kept)
        copy_steps(rows.step(key, one, step) for key, one, step in kept if step is not None)
        copy_features(row for key, one, _ in kept for row in rows.features(key, one))
        count_copied(place.namespace_id, place.collection_id, len(kept))
        self._settle(new, links, judged)
        written.counts.imported = len(kept)
        return written

    def _settle(self, new: Sequence[Prepared], began: "Links", judged: Judged) -> None:
        """Lock the namespace, then link up what the batch could not know when it began.

        What others have stored since then is seen now; who comes later sees this batch. Raises _Alone where lines would
        have been judged differently, or might form a circle with what came.
        """
        namespace_id = self._place.namespace_id
        changed: list[str] = []
        waited_for = began.waited_for
        if self._with_locks and not self._alone and (began.outside or any(one.document_id for one in new)):
            self._lock_namespace()
            parents, waited_for = self._parents(new), self._waited_for(new, by_others=True)
            changed = [name for name in began.outside if parents.get(name) != began.parents.get(name)]
            is_gone = any(name not in parents for name in changed)
            others_came = bool(changed) or waited_for != began.waited_for
            if others_came and (is_gone or judged.refused or (waited_for and began.outside)):
                raise _Alone
        if changed:
            lineage.relink_below(namespace_id, changed)
        if waited_for:
            lineage.relink_below(namespace_id, judged.uppermost(waited_for))

    def _lock_namespace(self) -> None:
        """Raises _Alone when others hold it for long, or wait for this batch."""
        until = time.monotonic() + _LOCK_SECONDS
        seconds = 0.0005
        while not lineage.try_lock_namespace(self._place.namespace_id):
            if time.monotonic() > until:
                raise _Alone
            time.sleep(seconds)
            seconds = min(2 * seconds, 0.01)

    def _require_alone(self) -> None:
        """Before rows are written that are there: others that wait for them may have locked the namespace."""
        if self._with_locks and not self._alone:
            raise _Alone

    def _look_before_refusing(self, new: Sequence[Prepared]) -> None:
        """Lines whose ids are taken are nobody's parents in the batch: they go first, before others are refused for them."""
        if not self._look_first and any(one.document_id is not None for one in new):
            self._look_first = True
            raise _Again

    def _part_from_refused_parents(self, new: Sequence[Prepared], refused: Container[int]) -> None:
        """A line below one that is refused waits for a parent that is not stored, so that has to be locked like the others."""
        ids = {one.document_id for position, one in enumerate(new) if position in refused}
        if any(one.parent_id in ids for position, one in enumerate(new) if position not in refused):
            raise _InParts()

    def _waited_for(self, new: Sequence[Prepared], *, by_others: bool = False) -> set[str]:
        """The ids of new documents that stored ones wait for. `by_others`: that this batch's own do is left out."""
        chosen = [one.document_id for one in new if one.document_id is not None]
        return lineage.waited_for(self._place.namespace_id, chosen, by_others=by_others) if chosen else set()

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
        if self._on_conflict != "fail":
            self._require_alone()
        written = Written()
        ours = []
        for one in met:
            place = existing[one.document_id]
            if self._on_conflict != "fail" and place.collection_id == self._place.collection_id:
                ours.append(one)
                continue
            where = "" if place.collection_id == self._place.collection_id else f" in collection {place.collection}"
            error = AlreadyExistsError(f"Document {one.document_id} exists already{where}.")
            written.failures.append(failure(one.line, one.document_id, error))
            written.counts.failed += 1
        if ours:
            self._part_at_a_move(ours, existing, batch)
            if self._on_conflict == "merge":
                written.add(self._merge(ours, existing))
            else:
                self._replace(ours, existing)
                written.counts.replaced += len(ours)
                written.replaced += [one.line.number for one in ours]
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
        keys = [existing[one.document_id].key for one in ours]
        lock_rows(self._place.namespace_id, keys)
        rows = list(zip(keys, ours, strict=True))
        if replace_rows(self._place.namespace_id, rows, all_vectors=self._all_vectors) < len(ours):
            raise _Again  # one was deleted meanwhile, so it is new

    def _merge(self, ours: Sequence[Prepared], existing: "dict[str | None, _Existing]") -> Written:
        """What `services.patch_document` does with each line as a merge patch, for many."""
        written = Written()
        keys: list[Any] = []
        texts: list[Texts] = []
        features: list[tuple[Any, list[NamedFeature]]] = []
        for one in ours:
            assert one.document_id is not None
            key = existing[one.document_id].key
            try:
                given = read_patch(self._body(one), one.document_id)
                vectors = read_features(given)
                parts = (given.payload or None, given.internal_metadata or None, given.system or None)
                row = tuple(
                    None if part is None else jsonio.dumps(part) for part in (*parts, given.source_blobs, given.document_blobs)
                )
                services.require_size(sum(jsonio.stored_bytes(text) for text in row[3:] if text is not None))
            except DomainError as error:  # such as a null, which a create takes for absent
                written.failures.append(failure(one.line, one.document_id, error))
                written.counts.failed += 1
                continue
            keys.append(key)
            texts.append(row)
            if vectors:
                features.append((key, vectors))
        if not keys:
            return written
        namespace_id = self._place.namespace_id
        lock_rows(namespace_id, keys)
        if merge_rows(namespace_id, list(zip(keys, texts, strict=True)), features) < len(keys):
            raise _Again  # one was deleted meanwhile, so it is new
        written.counts.merged = len(keys)
        return written


class Links(NamedTuple):
    """What a batch is linked with: parents that it does not hold itself, those of them that are stored, and its ids that
    stored documents wait for.
    """

    outside: set[str]
    parents: dict[str, lineage.StoredParent]
    waited_for: set[str]


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


def _refused(one: Failure) -> Written:
    return Written(Counts(failed=1), [one])


def _refused_by_database(one: Prepared, error: psycopg.Error) -> Failure:
    """Nothing that is known passes the checks and ends here, but one line must not stop the rest."""
    if isinstance(error, psycopg.errors.ProgramLimitExceeded):
        limit: int = settings.MAX_DOCUMENT_BYTES
        reason = f"The document would exceed {limit} bytes of JSON."
        return Failure(one.line, one.document_id, reason, PayloadTooLargeError.__name__)
    reason = f"The database refuses it: {error.diag.message_primary or type(error).__name__}"
    return Failure(one.line, one.document_id, reason, ValidationError.__name__)


def _halves(batch: Sequence[Prepared]) -> list[Sequence[Prepared]]:
    return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]


def _stored(namespace_id: int, document_ids: Iterable[str]) -> set[str]:
    found = sql.rows(
        "SELECT document_id FROM documents_document WHERE namespace_id = %s AND document_id = ANY(%s)",
        (namespace_id, list(document_ids)),
    )
    return {row[0] for row in found}
