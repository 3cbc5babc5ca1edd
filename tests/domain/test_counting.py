"""Counts equal COUNT(*): after any sequence of writes, after any of them at once, and at every moment in between."""

import importlib
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import counting, housekeeping, importing, services
from documents.importing.places import place_for
from documents.inputs import read_create, read_patch
from documents.models import DocumentCount
from documents.services import many
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.transactions import atomic
from namespaces import services as places
from namespaces.dependents import documents
from namespaces.models import Collection
from tests import cast
from tests.counts import differences, require_exact

IDS = [f"doc_{number}" for number in range(12)]
OBJECTS = ["obj_1", "obj_2"]


class _UndoneError(Exception):
    pass


class World:
    """One namespace, and every verb that changes how many documents it has. A refused verb changes nothing."""

    def __init__(self, collections: int = 3) -> None:
        self.api = cast.api()
        self.collections = [cast.collection(self.api) for _ in range(collections)]
        [self.namespace_id] = Collection.objects.filter(public_id=self.collections[0]).values_list("namespace_id", flat=True)

    def create(self, collection: int, name: str | None, source: str | None) -> None:
        body: dict[str, Any] = {} if name is None else {"document_id": name}
        if source is not None:
            body["source_object_id" if source in OBJECTS else "source_document_id"] = source
        services.create_document(scope=self.api.scope, collection=self.collections[collection], given=read_create(body))

    def delete(self, name: str, on_children: str) -> None:
        services.delete_document(scope=self.api.scope, collection=None, document_id=name, on_children=on_children)

    def move(self, name: str, source: str) -> None:
        given = read_patch({"source_document_id": source}, name)
        services.patch_document(scope=self.api.scope, collection=None, document_id=name, given=given)

    def load(self, collection: int, names: list[str | None], on_conflict: str) -> None:
        bodies = [{"source_object_id": OBJECTS[0]} | ({} if name is None else {"document_id": name}) for name in names]
        lines = importing.lines_of(jsonio.dumps(body).encode() for body in bodies)
        place = place_for(self.api.scope, self.collections[collection])
        importing.run(lines, place, importing.Options(on_conflict, batch_size=4), lambda *_: None)

    def undo(self, collection: int, name: str) -> None:
        """A transaction that creates and deletes, and is rolled back."""
        with atomic():
            self.create(collection, None, None)
            self.create(collection, name, None)
            self.delete(name, "detach")
            raise _UndoneError

    def delete_many(self, collection: int, names: list[str]) -> None:
        many.delete_documents(scope=self.api.scope, collection=self.collections[collection], document_ids=names)

    def delete_root(self, name: str) -> None:
        services.delete_documents_of_root(scope=self.api.scope, object_id=name)

    def replace_collection(self, collection: int) -> None:
        """Delete the collection; another takes its place."""
        gone, self.collections[collection] = self.collections[collection], cast.collection(self.api)
        places.delete_collection(scope=self.api.scope, collection_identifier=gone)

    def purge(self) -> None:
        list(housekeeping.purge_collections(lambda: False))

    def fold(self) -> None:
        for place in counting.crowded(2):
            counting.fold(*place)


# One after the other ------------------------------------------------------------------------------------------------

numbers = st.integers(0, 2)
names = st.sampled_from(IDS[:6])
sources = st.none() | names | st.sampled_from(OBJECTS)
verbs = st.one_of(
    st.tuples(st.just("create"), numbers, st.none() | names, sources),
    st.tuples(st.just("create"), numbers, names, names),
    st.tuples(st.just("delete"), names, st.sampled_from(services.ON_CHILDREN)),
    st.tuples(st.just("move"), names, names),
    st.tuples(st.just("load"), numbers, st.lists(st.none() | names, max_size=9), st.sampled_from(["fail", "skip", "replace"])),
    st.tuples(st.just("undo"), numbers, names),
    st.tuples(st.just("delete_many"), numbers, st.lists(names, unique=True)),
    st.tuples(st.just("delete_root"), st.sampled_from(OBJECTS)),
    st.tuples(st.just("replace_collection"), numbers),
    st.tuples(st.sampled_from(["purge", "fold"])),
)


def attempt(world: World, verb: tuple[Any, ...]) -> bool:
    """Whether it was done."""
    try:
        getattr(world, verb[0])(*verb[1:])
    except DomainError:
        return False
    except _UndoneError:
        return True
    return True


@pytest.mark.django_db
@settings(max_examples=60)
@given(st.lists(verbs, min_size=5, max_size=25))
def test_whatever_is_written_is_counted(sequence: list[tuple[Any, ...]]) -> None:
    world = World()
    for verb in sequence:
        attempt(world, verb)
        require_exact()


@pytest.mark.django_db
def test_a_fold_leaves_one_row_with_the_sum_and_none_for_nothing() -> None:
    world = World(collections=2)
    for name in IDS:
        world.create(0, name, None)
    for collection in (0, 1):
        world.create(collection, "doc_gone", None)
        world.delete("doc_gone", "detach")
    world.fold()
    assert list(DocumentCount.objects.values_list("delta", flat=True)) == [len(IDS)]
    require_exact()


@pytest.mark.django_db
def test_a_fold_takes_so_many_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(collections=1)
    monkeypatch.setattr(counting, "FOLD_AT_ONCE", 5)
    for _ in range(9):
        world.create(0, None, None)
    [place] = counting.crowded(2)
    assert [counting.fold(*place) for _ in range(4)] == [5, 5, 1, 1]
    assert counting.crowded(2) == []
    require_exact()


@pytest.mark.django_db
def test_housekeeping_folds_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(collections=2)
    monkeypatch.setattr(counting, "FOLD_AT_ONCE", 10)
    for _ in range(counting.FOLD_FROM):
        world.create(0, None, None)
    world.create(1, None, None)
    world.create(1, None, None)
    assert list(housekeeping.fold_counts(lambda: False)) == []
    assert sorted(DocumentCount.objects.values_list("delta", flat=True)) == [1, 1, counting.FOLD_FROM]
    require_exact()


@pytest.mark.django_db(transaction=True)
def test_housekeeping_clears_up_after_a_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "CLEAR_UP_FROM", counting.FOLD_FROM)
    world = World(collections=1)
    for _ in range(counting.FOLD_FROM):
        world.create(0, None, None)
    list(housekeeping.fold_counts(lambda: False))
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'documents_documentcount'::regclass")
        assert cursor.fetchone() == (1,)  # what VACUUM found
    require_exact()


@pytest.mark.django_db
def test_a_purged_collection_takes_its_counts_along() -> None:
    world = World(collections=2)
    for collection in (0, 0, 1):
        world.create(collection, None, None)
    world.replace_collection(0)
    assert documents.count_by_namespace([world.namespace_id]) == {world.namespace_id: 1}
    world.purge()
    assert list(DocumentCount.objects.values_list("delta", flat=True)) == [1]
    require_exact()


@pytest.mark.django_db
def test_the_migration_counts_what_is_there() -> None:
    world = World()
    for collection in (0, 0, 1):
        world.create(collection, None, None)
    world.replace_collection(1)
    DocumentCount.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("documents.migrations.0007_document_counts").FILL)
    assert sorted(DocumentCount.objects.values_list("delta", flat=True)) == [1, 2]
    require_exact()


# At the same moment -------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return World()


class Crowd:
    """Threads with a connection each that begin together; those behind the writers go on until the writers are done."""

    def __init__(self) -> None:
        self._writers: list[Callable[[], object]] = []
        self._behind: list[Callable[[], object]] = []
        self._errors: list[BaseException] = []
        self._done = threading.Event()

    def write(self, work: Callable[[], object]) -> None:
        self._writers.append(work)

    def meanwhile(self, work: Callable[[], object]) -> None:
        """Call `work` again and again, at least once after the last write."""
        self._behind.append(work)

    def run(self) -> None:
        barrier = threading.Barrier(len(self._writers) + len(self._behind))
        writers = [threading.Thread(target=self._call, args=(barrier, work)) for work in self._writers]
        behind = [threading.Thread(target=self._call, args=(barrier, partial(self._repeat, work))) for work in self._behind]
        for thread in (*writers, *behind):
            thread.start()
        for thread in writers:
            thread.join(120)
        self._done.set()
        for thread in behind:
            thread.join(60)
        assert not any(thread.is_alive() for thread in (*writers, *behind))
        if self._errors:
            raise self._errors[0]

    def _call(self, barrier: threading.Barrier, work: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            work()
        except BaseException as error:
            self._errors.append(error)
        finally:
            connections.close_all()

    def _repeat(self, work: Callable[[], object]) -> None:
        last = False
        while not last:
            last = self._done.is_set()
            work()


def never_different() -> None:
    assert differences() == []


class Tally:
    """Bounds of a namespace's count: what has been confirmed, and what has been begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = {1: 0, -1: 0}
        self._confirmed = {1: 0, -1: 0}

    def write(self, change: int, work: Callable[[], object]) -> None:
        with self._lock:
            self._begun[change] += 1
        work()
        with self._lock:
            self._confirmed[change] += 1

    def read(self, count: Callable[[], int]) -> None:
        """An answer has every write that was confirmed before it was asked for, and none that began after it came."""
        with self._lock:
            before = dict(self._confirmed)
        found = count()
        with self._lock:
            after = dict(self._begun)
        assert before[1] - after[-1] <= found <= after[1] - before[-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 8))])
def test_whatever_is_written_at_once_is_counted(world: World, seed: int) -> None:
    crowd, done = Crowd(), set[str]()

    def some_of(*verbs: Callable[[random.Random], tuple[Any, ...]], times: int = 25, lane: int = 0) -> None:
        chance = random.Random(f"{seed} {lane}")
        for _ in range(times):
            verb = chance.choice(verbs)(chance)
            if attempt(world, verb):
                done.add(verb[0])

    def name(chance: random.Random) -> str:
        return chance.choice(IDS)

    def creating(chance: random.Random) -> tuple[Any, ...]:
        return "create", chance.randrange(3), chance.choice([None, *IDS]), chance.choice([None, *OBJECTS, *IDS])

    def deleting(chance: random.Random) -> tuple[Any, ...]:
        return "delete", name(chance), chance.choice(services.ON_CHILDREN)

    def deleting_many(chance: random.Random) -> tuple[Any, ...]:
        return "delete_many", chance.randrange(3), chance.sample(IDS, 4)

    def moving(chance: random.Random) -> tuple[Any, ...]:
        return "move", name(chance), name(chance)

    def loading(chance: random.Random) -> tuple[Any, ...]:
        chosen = [chance.choice([None, *IDS]) for _ in range(9)]
        return "load", chance.randrange(3), chosen, chance.choice(["fail", "skip", "replace"])

    def undoing(chance: random.Random) -> tuple[Any, ...]:
        return "undo", chance.randrange(3), name(chance)

    def replacing(chance: random.Random) -> tuple[Any, ...]:
        return "replace_collection", chance.randrange(3)

    for lane in range(4):
        crowd.write(partial(some_of, creating, creating, deleting, moving, undoing, lane=lane))
    crowd.write(partial(some_of, loading, times=6, lane=5))
    crowd.write(partial(some_of, deleting_many, lambda _: ("delete_root", OBJECTS[0]), times=15, lane=6))
    crowd.write(partial(some_of, replacing, times=4, lane=7))
    crowd.meanwhile(world.purge)
    for _ in range(2):
        crowd.meanwhile(world.fold)
    crowd.meanwhile(never_different)
    crowd.run()
    assert done == {"create", "delete", "move", "undo", "load", "delete_many", "delete_root", "replace_collection"}
    require_exact()
    world.purge()
    require_exact()


@pytest.mark.django_db(transaction=True)
def test_no_reader_sees_a_fold_half_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "FOLD_AT_ONCE", 7)
    tally, crowd, folded, read = Tally(), Crowd(), [0], [0]

    def write(lane: int) -> None:
        for number in range(100):
            tally.write(1, partial(world.create, lane % 2, f"doc_{lane}_{number}", None))
            if number % 3 == 2:
                tally.write(-1, partial(world.delete, f"doc_{lane}_{number - 1}", "detach"))

    def fold() -> None:
        folded[0] += sum(counting.fold(*place) for place in counting.crowded(2))

    def count() -> int:
        read[0] += 1
        return documents.count_by_namespace([world.namespace_id]).get(world.namespace_id, 0)

    for lane in range(8):
        crowd.write(partial(write, lane))
    for _ in range(2):
        crowd.meanwhile(fold)
        crowd.meanwhile(never_different)
        crowd.meanwhile(partial(tally.read, count))
    crowd.run()
    assert folded[0] > 100
    assert read[0] > 20
    require_exact()
    while counting.crowded(2):
        world.fold()
    assert sorted(DocumentCount.objects.values_list("delta", flat=True)) == [4 * 67] * 2


@pytest.mark.django_db(transaction=True)
def test_two_folds_of_the_same_rows_add_up_to_one(world: World) -> None:
    for _ in range(10):
        for _ in range(20):
            world.create(0, None, None)
        crowd = Crowd()
        for _ in range(6):
            crowd.write(world.fold)
        crowd.run()
        require_exact()


@pytest.mark.django_db(transaction=True)
def test_a_fold_waits_for_nobody(world: World) -> None:
    """Neither for one that has not committed yet, which holds the rows it folds, nor for a writer."""
    for _ in range(10):
        world.create(0, None, None)
    [place] = counting.crowded(2)
    crowd = Crowd()
    with atomic():
        counting.fold(*place)
        crowd.write(partial(counting.fold, *place))
        crowd.write(partial(world.create, 0, None, None))
        begun = time.monotonic()
        crowd.run()
        assert time.monotonic() - begun < 5
    require_exact()


@pytest.mark.django_db(transaction=True)
def test_a_reader_sees_what_was_committed_when_its_statement_began(world: World) -> None:
    world.create(0, None, None)
    crowd = Crowd()
    count = partial(documents.count_by_namespace, [world.namespace_id])
    seen: list[dict[int, int]] = []
    with atomic():
        world.create(0, None, None)
        crowd.write(lambda: seen.append(count()))
        crowd.run()
    assert [*seen, count()] == [{world.namespace_id: 1}, {world.namespace_id: 2}]
