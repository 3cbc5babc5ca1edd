"""`manage.py import_documents` as a process of its own: killed, interrupted, and beside clients of the API."""

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from documents.models import Document, LineageStep
from documents.services import many
from mixpeek_site import jsonio, sql
from tests import cast, server
from tests.api.racing import at_once
from tests.cast import Api
from tests.commands import running
from tests.commands.running import places

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Iterator[Api]:
    yield cast.api()
    server.remove_committed()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api)


def started(api: Api, collection: str, file: str, *options: str) -> subprocess.Popen[str]:
    """The command, running; its standard input is a pipe."""
    return running.started("import_documents", file, *places(api, collection), *options)


def lines(count: int) -> list[str]:
    """Ten documents to a tree."""
    return [json.dumps(body(number)) + "\n" for number in range(count)]


def body(number: int) -> dict[str, Any]:
    if number % 10 == 0:
        return {"document_id": f"d{number}", "source_type": "bucket", "source_object_id": f"o{number}"}
    return {"document_id": f"d{number}", "source_document_id": f"d{number - 1}"}


def sessions() -> set[int]:
    """Of the tests' database, by the process ids of PostgreSQL."""
    return {row[0] for row in sql.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")}


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    for _ in range(1200):
        if true():
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("it did not come to that within a minute")


@pytest.mark.full
def test_what_a_killed_import_leaves_is_whole_batches_and_a_second_run_completes_it(
    api: Api, collection: str, tmp_path: Path
) -> None:
    file = tmp_path / "input.jsonl"
    file.write_text("".join(lines(20_000)))
    for _ in range(3):
        before, others = Document.objects.count(), sessions()
        process = started(api, collection, str(file), "--on-conflict", "skip", "--batch-size", "250")
        wait_until(lambda before=before: Document.objects.count() > before, process)  # type: ignore[misc]
        time.sleep(random.random() / 4)
        process.kill()
        process.communicate()
        wait_until(lambda others=others: not sessions() - others)  # type: ignore[misc]
        ids = set(Document.objects.values_list("document_id", flat=True))
        assert ids == {f"d{number}" for number in range(len(ids))}
        assert len(ids) % 250 == 0
        assert LineageStep.objects.filter(root_object_id=None).count() == 0
    assert started(api, collection, str(file), "--on-conflict", "skip").wait(120) == 0
    assert Document.objects.count() == LineageStep.objects.exclude(root_object_id=None).count() == 20_000


@pytest.mark.parametrize("imported_one", ["parent", "child"])
def test_a_parent_and_its_child_that_come_at_once_by_import_and_api_are_linked(
    api: Api, collection: str, tmp_path: Path, imported_one: str
) -> None:
    path = f"/v1/collections/{collection}/documents"
    for number in range(12):
        parent = {"document_id": f"p{number}", "source_type": "bucket", "source_object_id": "root"}
        child = {"document_id": f"c{number}", "source_document_id": f"p{number}"}
        first, second = (parent, child) if imported_one == "parent" else (child, parent)
        file = tmp_path / f"{number}.jsonl"
        file.write_text(json.dumps(first))
        at_once(connected(partial(load, api, collection, file)), connected(partial(api.post, path, second)))
    assert LineageStep.objects.filter(tier=2, root_object_id="root").count() == 12


def test_an_import_that_replaces_and_writes_of_many_never_lock_one_another_up(api: Api, collection: str, tmp_path: Path) -> None:
    """Each of them would end as the victim of a deadlock: with 503, or in an import's wait of a second."""
    names = [f"d{number}" for number in range(300)]
    file = tmp_path / "input.jsonl"
    file.write_text("".join(json.dumps({"document_id": name}) + "\n" for name in names))
    load(api, collection, file)
    file.write_text("".join(json.dumps({"document_id": name, "n": 1}) + "\n" for name in reversed(names)))
    before = deadlocks()
    data = jsonio.dumps({"m": 1})

    def patch_all() -> None:
        for _ in range(20):
            many.update_matching(scope=api.scope, collection=collection, node=None, parts={"payload": data})

    def replace_all() -> None:
        for _ in range(20):
            load(api, collection, file, on_conflict="replace")

    at_once(connected(replace_all), connected(patch_all))
    assert deadlocks() == before


def deadlocks() -> int:
    """How many PostgreSQL has broken in the tests' database."""
    sql.run("SELECT pg_stat_clear_snapshot()")
    row = sql.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert row is not None
    return int(row[0])


def load(api: Api, collection: str, file: Path, **options: Any) -> None:
    assert running.ran("import_documents", str(file), *places(api, collection), **options).code == 0


def connected(call: Callable[[], object]) -> Callable[[], object]:
    """For a thread of its own, whose connection ends with the call."""

    def run() -> object:
        try:
            return call()
        finally:
            connections.close_all()

    return run
