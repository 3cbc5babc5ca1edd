"""`manage.py import_documents --resume`, `--jobs`, `--max-errors`, `--json`, `--on-conflict merge`."""

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from documents import housekeeping, lineage
from documents.importing import Mapping, Options, Places, jobs, lines_of, resuming, run
from documents.management import telling
from documents.models import Document, ImportedBatch, ImportFailure, ImportRun, LineageStep
from documents.trees import checking
from mixpeek_site import jsonio, processes, sql
from mixpeek_site.errors import DomainError, Fault, NotFoundError, ServiceUnavailableError, ValidationError
from tests import cast, generators, server
from tests.cast import Api
from tests.commands import running
from tests.commands.running import Ran, places, until

pytestmark = pytest.mark.django_db(transaction=True)
MERGE_PATCH = "application/merge-patch+json"


@pytest.fixture
def api() -> Iterator[Api]:
    yield cast.api()
    server.remove_committed()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api, "scenes")


def ran(api: Api, collection: str, file: Path, *options: str) -> Ran:
    return running.ran("import_documents", str(file), *places(api, collection), *options)


def written(folder: Path, bodies: list[Any], name: str = "input.jsonl") -> Path:
    file = folder / name
    file.write_text("".join((body if isinstance(body, str) else jsonio.dumps(body)) + "\n" for body in bodies))
    return file


def numbered(count: int, bad: range = range(0)) -> list[Any]:
    return [{"n": number, **({"_secret": 1} if number in bad else {})} for number in range(count)]


def stored_numbers() -> list[int]:
    return sorted(document.payload["n"] for document in Document.objects.all())


def failed_lines(errors: Path) -> list[int]:
    return [json.loads(line)["_import_error"]["line"] for line in errors.open()]


# Going on ----------------------------------------------------------------------------------------------------------------


def test_what_max_errors_stopped_goes_on_without_a_line_twice(api: Api, collection: str, tmp_path: Path) -> None:
    """Lines without ids: nothing but the run's state can tell which of them are in."""
    file, errors = written(tmp_path, numbered(100, bad=range(20, 60, 4))), tmp_path / "errors.jsonl"
    stopped = ran(api, collection, file, "--batch-size", "10", "--max-errors", "4", "--errors", str(errors))
    assert (stopped.code, stored_numbers()[-1]) == (3, 39)
    assert stopped.out.startswith("40 lines: 35 imported, 5 failed")
    assert "--resume goes on" in stopped.err
    rest = ran(api, collection, file, "--resume", "--batch-size", "7", "--errors", str(errors))
    assert rest.code == 3
    assert rest.out.startswith("100 lines, 40 of them before: 90 imported, 10 failed")
    assert stored_numbers() == [n for n in range(100) if n not in range(20, 60, 4)]
    assert failed_lines(errors) == [n + 1 for n in range(20, 60, 4)]


def test_what_is_done_is_not_done_again(api: Api, collection: str, tmp_path: Path) -> None:
    file = written(tmp_path, numbered(5))
    assert "begins one" in ran(api, collection, file, "--resume").err
    again = ran(api, collection, file, "--resume")
    assert (again.code, Document.objects.count()) == (0, 5)
    assert "done already" in again.err
    assert ran(api, collection, file).code == 0
    assert Document.objects.count() == 10


def test_a_run_begun_anew_says_that_another_one_could_go_on(api: Api, collection: str, tmp_path: Path) -> None:
    file = stopped_import(api, collection, tmp_path)
    assert "--resume would go on" in ran(api, collection, file, "--max-errors", "1").err


def stopped_import(api: Api, collection: str, folder: Path) -> Path:
    """Of ten lines the first five."""
    file = written(folder, numbered(10, bad=range(3, 4)))
    assert ran(api, collection, file, "--batch-size", "5", "--max-errors", "1").code == 3
    return file


@pytest.mark.parametrize(
    ("bodies", "options", "difference"),
    [
        (numbered(11, bad=range(3, 4)), [], r"input.jsonl had \d+ bytes and now has \d+"),
        ([{"n": 7}, *numbered(10, bad=range(3, 4))[1:]], [], "input.jsonl begins differently"),
        (numbered(10, bad=range(3, 4)), ["--on-conflict", "skip"], "--on-conflict was fail and now is skip"),
        (numbered(10, bad=range(3, 4)), ["--limit", "8"], "--limit was not given and now is 8"),
        (numbered(10, bad=range(3, 4)), ["--map", "n=m"], "--map was not given and now is "),
    ],
)
def test_another_input_is_refused(
    api: Api, collection: str, tmp_path: Path, bodies: list[Any], options: list[str], difference: str
) -> None:
    stopped_import(api, collection, tmp_path)
    with pytest.raises(CommandError, match=difference) as refused:
        ran(api, collection, written(tmp_path, bodies), "--resume", *options)
    assert refused.value.returncode == 2
    assert Document.objects.count() == 4


def test_an_input_that_differs_where_its_beginning_does_not_tell_is_refused(api: Api, collection: str, tmp_path: Path) -> None:
    long = [{"n": number, "text": "x" * 1000} for number in range(200)]
    file = written(tmp_path, [*long[:100], {"_secret": 1}, *long[100:]])
    ran(api, collection, file, "--batch-size", "50", "--max-errors", "1")
    long[90] = {"n": 90, "text": "y" * 1000}
    with pytest.raises(CommandError, match="rows 51 to 100 are not those that were imported"):
        ran(api, collection, written(tmp_path, [*long[:100], {"_secret": 1}, *long[100:]]), "--resume")
    assert Document.objects.count() == 149


def test_a_run_that_did_nothing_does_not_hide_the_one_that_was_stopped(api: Api, collection: str, tmp_path: Path) -> None:
    file = stopped_import(api, collection, tmp_path)
    with pytest.raises(CommandError, match="can't be written"):
        ran(api, collection, file, "--errors", str(tmp_path / "no such folder" / "errors.jsonl"))
    assert ran(api, collection, file, "--resume").out.startswith("10 lines, 5 of them before: 9 imported, 1 failed")
    assert stored_numbers() == [n for n in range(10) if n != 3]


def test_a_run_that_has_stored_nothing_yet_ends_when_another_goes_on_in_its_place(api: Api, collection: str) -> None:
    with started(api, collection, "-", "--batch-size", "10") as slow:
        while not ImportRun.objects.exists():
            time.sleep(0.05)
        run = ImportRun.objects.get()
        resuming.hold_up(run.namespace_id, run.collection_id, ["-"])
        feed(slow, numbered(25))
        _, told = slow.communicate(timeout=20)
    assert (slow.returncode, Document.objects.count()) == (1, 0)
    assert "Another process goes on with this import" in told


def test_the_collection_of_rows_that_name_none_is_part_of_what_an_import_is(api: Api, collection: str, tmp_path: Path) -> None:
    file = written(tmp_path, numbered(2))
    assert ran(api, collection, file, "--create-collections").code == 0
    with pytest.raises(CommandError, match=f"--collection was {collection} and now is another"):
        ran(api, "another", file, "--create-collections", "--resume")


class Fed:
    """Imports what comes on standard input, which has no size that could be compared."""

    def __init__(self, api: Api, collection: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._place = api, collection
        self._folder = folder
        self._monkeypatch = monkeypatch

    def __call__(self, bodies: list[Any], *options: str) -> Ran:
        with written(self._folder, bodies).open() as file:
            self._monkeypatch.setattr(sys, "stdin", file)
            return ran(*self._place, Path("-"), "--batch-size", "5", *options)


@pytest.fixture
def fed(api: Api, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fed:
    return Fed(api, collection, tmp_path, monkeypatch)


def test_of_standard_input_that_is_done_the_lines_themselves_tell_whether_it_is_the_same(fed: Fed) -> None:
    assert fed(numbered(10), "--resume").code == 0
    with pytest.raises(CommandError, match="are not those that were imported"):
        fed([{"day": 2}, *numbered(9)], "--resume")
    assert fed(numbered(10), "--resume").out.startswith("10 lines, 10 of them before: 10 imported, 0 failed")
    assert fed(numbered(12), "--resume").out.startswith("12 lines, 10 of them before: 12 imported")
    assert stored_numbers() == list(range(12))


def test_a_pipe_is_read_from_its_first_byte(api: Api, collection: str, tmp_path: Path) -> None:
    """As `<(zcat …)` of a shell gives one: however often a file that can be looked at twice is looked at."""
    bodies = [{"n": number, "text": "x" * 1000} for number in range(200)]
    content = written(tmp_path, bodies).read_bytes()
    reading, writing = os.pipe()
    with open(reading, "rb"), meanwhile(lambda: write_all(writing, content)):
        assert ran(api, collection, Path(f"/dev/fd/{reading}")).out.startswith("200 lines: 200 imported")
    assert stored_numbers() == list(range(200))


def write_all(pipe: int, content: bytes) -> None:
    with open(pipe, "wb") as file:
        file.write(content)


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(10)


def test_a_shorter_input_is_refused(fed: Fed) -> None:
    bodies = numbered(10, bad=range(8, 9))
    assert fed(bodies, "--max-errors", "1").code == 3
    with pytest.raises(CommandError, match="so it is not the same input"):
        fed(bodies[:7], "--resume")
    assert fed([*bodies, {"n": 10}], "--resume").out.startswith("11 lines, 10 of them before: 10 imported, 1 failed")


def test_parts_of_a_batch_are_recorded_with_the_bad_lines_between_them(api: Api, collection: str, tmp_path: Path) -> None:
    """A batch parts where two lines have the same id."""
    bodies: list[Any] = [{"document_id": name, "n": 0} for name in "abacabad"]
    bodies[2:2], bodies[5:5] = ["[]"], ["{"]
    file, errors = written(tmp_path, ["[]", *bodies, "[]"]), tmp_path / "errors.jsonl"
    assert ran(api, collection, file, "--on-conflict", "replace", "--errors", str(errors)).code == 3
    spans = list(ImportedBatch.objects.order_by("first_line").values_list("first_line", "end_line"))
    assert len(spans) > 3
    assert [end for _, end in spans] == [*[first for first, _ in spans[1:]], 12]
    assert failed_lines(errors) == [1, 4, 7, 12]


def test_failures_that_were_committed_and_not_written_get_into_the_errors_file(api: Api, collection: str, tmp_path: Path) -> None:
    file, errors = written(tmp_path, numbered(100, bad=range(0, 100, 10))), tmp_path / "errors.jsonl"
    ran(api, collection, file, "--batch-size", "20", "--max-errors", "6", "--errors", str(errors))
    kept = errors.read_bytes()
    assert len(kept.splitlines()) == ImportFailure.objects.count() == 6
    errors.write_bytes(kept[: len(kept) // 2])  # as a machine leaves it that lost its power
    ran(api, collection, file, "--resume", "--errors", str(errors))
    assert sorted(failed_lines(errors)) == list(range(1, 100, 10))
    assert not ImportFailure.objects.exists()


def test_a_run_that_another_process_goes_on_with_ends(api: Api, collection: str) -> None:
    with started(api, collection, "-", "--batch-size", "10") as slow:
        feed(slow, numbered(25))
        wait_for(20)
        sql.run("UPDATE documents_importrun SET epoch = epoch + 1")
        feed(slow, numbered(25))
        _, told = slow.communicate(timeout=20)
    assert (slow.returncode, Document.objects.count()) == (1, 20)
    assert "Another process goes on with this import" in told


def test_housekeeping_forgets_imports_of_long_ago(api: Api, collection: str, tmp_path: Path) -> None:
    ran(api, collection, written(tmp_path, numbered(1)))
    stopped_import(api, collection, tmp_path)
    assert not list(housekeeping.purge_import_runs(lambda: False))
    assert ImportRun.objects.count() == 2
    sql.run(
        "UPDATE documents_importrun SET started_at = now() - interval '8 days', finished_at = finished_at - interval '8 days'"
    )
    list(housekeeping.purge_import_runs(lambda: False))
    assert ImportRun.objects.get().finished_at is None
    sql.run("UPDATE documents_importrun SET started_at = now() - interval '31 days'")
    list(housekeeping.purge_import_runs(lambda: False))
    assert [model.objects.count() for model in (ImportRun, ImportedBatch, ImportFailure)] == [0, 0, 0]


def test_a_database_that_is_away_is_no_fault_of_lines(api: Api, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection is looked up when the first line for it comes; the lines go in when the database is there again."""
    places, away = Places(api.scope, collection, create=True), []

    def wait(seconds: float) -> None:
        away.append(seconds)
        monkeypatch.undo()

    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setattr(time, "sleep", wait)
    counts = run(lines_of([b"{}"]), places, Options(), lambda *_: None)
    assert (len(away), counts.imported, counts.failed) == (1, 1, 0)


def test_collections_that_are_not_there_are_remembered_up_to_a_number_and_without_what_their_look_up_held(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("documents.importing.places._MAX_REFUSED", 20)
    places, lines = Places(api.scope), (b'{"to": "no%d"}' % (number // 2) for number in range(100))
    counts = run(lines_of(lines), places, Options(mapping=Mapping.of([], None, "to")), lambda *_: None)
    assert counts.failed == 100
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, NotFoundError) and one.details["resource"] == "collection"]
    assert len(kept) <= 20
    assert [one for one in kept if one.__traceback__ or one.__context__] == []


# Jobs --------------------------------------------------------------------------------------------------------------------


def chained(count: int) -> list[Any]:
    """Trees of ten, of which every second one comes children first; their lines are far apart, so in different batches."""
    bodies = []
    for tree in range(count // 10):
        name = f"t{tree}"
        own: list[Any] = [{"document_id": f"{name}_0", "source_type": "bucket", "source_object_id": f"o{tree}"}]
        own += [{"document_id": f"{name}_{at}", "source_document_id": f"{name}_{(at - 1) // 2}"} for at in range(1, 10)]
        bodies.append(own[::-1] if tree % 2 else own)
    return [body for level in zip(*bodies, strict=True) for body in level]


@pytest.mark.parametrize("count", [1_000, pytest.param(20_000, marks=pytest.mark.full)])
def test_two_jobs_link_parents_and_children_of_all_batches(api: Api, collection: str, tmp_path: Path, count: int) -> None:
    file = written(tmp_path, chained(count))
    told = ran(api, collection, file, "--jobs", "2", "--batch-size", "73")
    assert (told.code, Document.objects.count()) == (0, count)
    assert Counter(LineageStep.objects.values_list("tier", flat=True)) == {
        1: count // 10,
        2: count // 5,
        3: count // 10 * 4,
        4: count // 10 * 3,
    }
    namespace_id = Document.objects.values_list("namespace_id", flat=True)[:1].get()
    assert [finding for batch in checking.check(namespace_id) for finding in batch.findings] == []


def test_two_jobs_bring_no_id_twice_and_report_in_the_order_of_lines(api: Api, collection: str, tmp_path: Path) -> None:
    names = [f"d{number % 150}" for number in range(300)]
    bodies = [{"document_id": name} for name in names[:150]] + [{"document_id": name} for name in reversed(names[150:])]
    file, errors = written(tmp_path, bodies), tmp_path / "errors.jsonl"
    told = ran(api, collection, file, "--jobs", "2", "--batch-size", "50", "--errors", str(errors))
    assert told.out.startswith("300 lines: 150 imported, 150 failed")
    assert sorted(failed_lines(errors)) == failed_lines(errors)
    assert set(Document.objects.values_list("document_id", flat=True)) == set(names)


def test_processes_that_are_still_starting_are_not_waited_for(
    api: Api, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, held_up = processes.start, []

    def start_and_hold_up(*arguments: Any) -> Any:
        process, pipe = start(*arguments)
        psutil.Process(process.pid).suspend()
        held_up.append(threading.Timer(20, process.kill))  # then it is a process that was lost
        held_up[-1].start()
        return process, pipe

    monkeypatch.setattr(processes, "start", start_and_hold_up)
    try:
        told = ran(api, collection, written(tmp_path, numbered(10)), "--jobs", "3", "--batch-size", "2")
    finally:
        for timer in held_up:
            timer.cancel()
    assert (told.code, len(held_up), stored_numbers()) == (0, 2, list(range(10)))


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("Collection c was not found.", resource="collection", id="c"),
        ValidationError(Fault(("body", "a"), "is wrong"), Fault(("body", "b"), "is missing")),
        ServiceUnavailableError("Later."),
    ],
)
def test_what_ends_a_process_of_an_import_is_told_as_it_is(error: DomainError) -> None:
    told = pickle.loads(pickle.dumps(jobs.Stopped.by(error))).error()
    assert (type(told), str(told), vars(told)) == (type(error), str(error), vars(error))


def test_a_killed_process_ends_the_import_which_then_goes_on(api: Api, collection: str, tmp_path: Path) -> None:
    file = written(tmp_path, numbered(8_000))
    with started(api, collection, str(file), "--jobs", "2", "--batch-size", "100") as process:
        wait_for(1000)
        parent = psutil.Process(process.pid)
        parent.suspend()  # so that it is not done before it is looked at
        children = [one for one in parent.children() if "spawn_main" in " ".join(one.cmdline())]
        assert len(children) == 1
        children[0].kill()
        parent.resume()
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"(pid {children[0].pid}) was killed by signal 9" in told
    assert "--resume goes on from here" in told
    assert ran(api, collection, file, "--jobs", "2", "--resume").code == 0
    assert stored_numbers() == list(range(8_000))


@pytest.mark.parametrize(("jobs", "stop"), [("2", signal.SIGINT), pytest.param("1", signal.SIGTERM, marks=pytest.mark.full)])
def test_ctrl_c_and_kill_keep_what_was_committed_and_say_how_to_go_on(
    api: Api, collection: str, stop: signal.Signals, jobs: str
) -> None:
    with started(api, collection, "-", "--batch-size", "100", "--jobs", jobs) as process:
        feed(process, numbered(450))
        wait_for(400)
        os.killpg(process.pid, stop) if stop == signal.SIGINT else process.terminate()  # a terminal interrupts the group
        _, told = process.communicate(timeout=20)
    assert (process.returncode, Document.objects.count()) == (130, 400)
    assert "Interrupted. 400 lines: 400 imported" in told
    assert "--resume goes on from here" in told
    assert "Traceback" not in told


def started(api: Api, collection: str, file: str, *options: str) -> "subprocess.Popen[str]":
    return running.started("import_documents", file, *places(api, collection), *options, start_new_session=True)


def feed(process: "subprocess.Popen[str]", bodies: list[Any]) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(jsonio.dumps(body) + "\n" for body in bodies))
    process.stdin.flush()


def wait_for(documents: int) -> None:
    until(f"{documents} documents", lambda: Document.objects.count() >= documents)


# Answers -------------------------------------------------------------------------------------------------------------------


def test_programs_get_one_object(api: Api, collection: str, tmp_path: Path) -> None:
    told = ran(api, collection, written(tmp_path, numbered(3, bad=range(1))), "--json")
    [line] = told.out.splitlines()
    answer = json.loads(line)
    assert (told.code, answer.pop("seconds") >= 0) == (3, True)
    assert answer.pop("files") == {str(tmp_path / "input.jsonl"): {"lines": 3, "failed": 1}}
    numbers = {"lines": 3, "imported": 2, "replaced": 0, "merged": 0, "skipped": 0, "failed": 1}
    assert answer == {**numbers, "complete": True, "dry_run": False}
    assert [list(json.loads(line)) for line in told.err.splitlines()] == [["message"]]


def test_progress_for_programs_names_what_is_counted(
    api: Api, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_JSON_PROGRESS_SECONDS", 0)
    file = written(tmp_path, numbered(3))
    progress = json.loads(ran(api, collection, file, "--json").err)["progress"]
    assert (progress.pop("lines_per_second") > 0, progress) == (True, {"lines": 3, "bytes": 24, "of_bytes": 24})
    told = StringIO()
    telling.JSONProgress(7, told, "points", in_bytes=False).update(3, 3)
    progress = json.loads(told.getvalue())["progress"]
    assert (progress.pop("points_per_second") > 0, progress) == (True, {"points": 3, "of_points": 7})


def test_a_dry_run_that_stops_does_not_advise_to_go_on(api: Api, collection: str, tmp_path: Path) -> None:
    told = ran(api, collection, written(tmp_path, ["[]"]), "--dry-run", "--max-errors", "1")
    assert told.err.splitlines()[-1] == "Stopped, because 1 line failed."
    assert "Dry run: nothing was changed." in told.out


def test_a_dry_run_leaves_no_run(api: Api, collection: str, tmp_path: Path) -> None:
    file = written(tmp_path, numbered(1))
    assert ran(api, collection, file, "--dry-run").code == 0
    assert not ImportRun.objects.exists()
    for option in (["--resume"], ["--jobs", "2"]):
        with pytest.raises(CommandError, match="goes without"):
            ran(api, collection, file, "--dry-run", *option)


# Merging -------------------------------------------------------------------------------------------------------------------


def test_identities_name_what_a_file_is(tmp_path: Path) -> None:
    file = written(tmp_path, [{}])
    now = resuming.identity([str(file), "-"], {"--x": 1})
    assert now.names == [str(file), "-"]
    assert now.files[0]["size"] == 3


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.none() | generators.user_fields,
        "internal_metadata": st.just({"x": None, "y": {"z": 1}}),
        "enrichments": st.none() | st.just({"e": 1}),
        "content_hash": st.none() | st.just("h"),
        "source_blobs": st.just([]),
        "document_blobs": st.just([{"field": "f", "url": "u"}]),
        "vectors": st.just({"v": [1]}),
        "a.b": st.just({"c": None}),
        "lineage": st.just({"source_document_id": "parent"}),
    },
)


@pytest.mark.pgvector
@given(stored=st.tuples(generators.user_fields, PARTS), sent=st.tuples(generators.user_fields, PARTS))
@example(stored=({}, {"metadata": {"a": 1, "b": 2}}), sent=({}, {"metadata": {"a": None}}))
@example(stored=({"a": {"x": 1}}, {"metadata": {}}), sent=({"a": [1]}, {"metadata": None, "a.b": {"c": None}}))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_merge_does_what_a_merge_patch_does(api: Api, collection: str, tmp_path: Path, stored: Any, sent: Any) -> None:
    path = f"/v1/collections/{collection}/documents"
    first, patch = ({**fields, **parts} for fields, parts in (stored, sent))
    Document.objects.all()._raw_delete("default")
    LineageStep.objects.all()._raw_delete("default")
    api.post(path, {"document_id": "parent", "source_type": "bucket", "source_object_id": "o"})
    created = [api.post(path, {**first, "document_id": name}).status_code for name in ("a", "b")]
    if created != [200, 200]:
        return
    answer = api.patch(f"{path}/a", patch, content_type=MERGE_PATCH)
    told = ran(api, collection, written(tmp_path, [{**patch, "document_id": "b"}]), "--on-conflict", "merge")
    assert (told.code == 0) == (answer.status_code == 200), told
    one, other = (api.get(f"{path}/{name}?return_vectors=true").json() for name in ("a", "b"))
    assert neutral(one, "a") == neutral(other, "b")
    if told.code == 0:
        assert told.out.startswith("1 line: 0 imported, 1 merged, 0 failed")


def neutral(document: Any, name: str) -> Any:
    """Without what differs from one to the next by nature."""
    assert document.pop("document_id") == name
    document["_internal"] = {key: value for key, value in document["_internal"].items() if key not in TIMES}
    for step in (document["_internal"].get("lineage") or {}).get("chain", ()):
        step.pop("timestamp", None)
    return json.loads(jsonio.dumps(document))


TIMES = ("created_at", "updated_at", "document_id")


def test_merge_imports_what_is_new_and_fails_what_is_elsewhere(api: Api, collection: str, tmp_path: Path) -> None:
    other = cast.collection(api, "other")
    ran(api, other, written(tmp_path, [{"document_id": "b"}]))
    ran(api, collection, written(tmp_path, [{"document_id": "a", "n": 1, "m": 1}]))
    bodies = [{"document_id": "a", "n": None}, {"document_id": "b"}, {"document_id": "c", "n": 2}, {"document_id": "c", "n": 3}]
    told = ran(api, collection, written(tmp_path, bodies), "--on-conflict", "merge")
    assert told.out.startswith("4 lines: 1 imported, 2 merged, 1 failed")
    assert [Document.objects.get(document_id=name).payload for name in "ac"] == [{"m": 1}, {"n": 3}]


def test_a_merge_that_makes_a_document_too_large_fails_its_line(api: Api, collection: str, tmp_path: Path, settings: Any) -> None:
    settings.MAX_DOCUMENT_BYTES = 20_000
    ran(api, collection, written(tmp_path, [{"document_id": name, "x": "x" * 15_000} for name in "ab"]))
    bodies = [{"document_id": "a", "y": "y" * 15_000}, {"document_id": "b", "y": 1}]
    told = ran(api, collection, written(tmp_path, bodies), "--on-conflict", "merge")
    assert told.out.startswith("2 lines: 0 imported, 1 merged, 1 failed")
    assert "(a): The document would exceed 20000 bytes" in told.err


def test_a_batch_that_holds_its_parents_is_linked_once(
    api: Api, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the namespace is locked at the end, what waits for the batch is looked up again: its own children do not."""
    relinked: list[list[str]] = []
    relink_below = lineage.relink_below

    def noted(namespace_id: int, names: list[str]) -> None:
        relinked.append(names)
        relink_below(namespace_id, names)

    monkeypatch.setattr(lineage, "relink_below", noted)
    ran(api, collection, written(tmp_path, chained(100)))
    assert relinked == []
    waiting = [{"document_id": "late", "source_document_id": "x"}]
    ran(api, collection, written(tmp_path, waiting))
    ran(api, collection, written(tmp_path, [{"document_id": "x"}, {"document_id": "y", "source_document_id": "x"}]))
    assert relinked == [["x"]]
