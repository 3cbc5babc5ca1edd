"""Commands hold a batch at a time: five times the documents take no more memory."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import cast, server
from tests.cast import Api

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

FEW, MANY = 20_000, 100_000
MORE_AT_MOST = 40 * 1024  # KiB

# A process counts what it was forked from as its own, so a small one stands between the tests and the command.
MEASURED = """
import os, subprocess, sys
process = subprocess.Popen([sys.executable, "manage.py", *sys.argv[1:]], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    server.remove_committed()


def kibibytes(*arguments: str) -> int:
    """The most that a command of the project holds at once."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        cwd=server.PROJECT,
        env={**os.environ, "DATABASE_URL": server._database_url()},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def written(folder: Path, count: int) -> Path:
    """Trees of ten documents, half a kilobyte each."""
    file = folder / f"{count}.jsonl"
    with file.open("w") as lines:
        for number in range(count):
            tree, place = divmod(number, 10)
            source = (
                {"source_document_id": f"d{tree}_{place - 1}"} if place else {"source_type": "bucket", "source_object_id": "o"}
            )
            lines.write(json.dumps({"document_id": f"d{tree}_{place}", **source, "text": f"{number} " * 80}) + "\n")
    return file


def measured(api: Api, folder: Path, count: int) -> dict[str, int]:
    place = ["--organization", api.scope.organization_public_id, "--namespace", str(api.namespace)]
    collection = cast.collection(api)
    copy = str(folder / f"{count}.copy.jsonl")
    return {
        "import": kibibytes("import_documents", str(written(folder, count)), *place, "--collection", collection),
        "export": kibibytes("export_documents", *place, "--output", copy),
        "check_lineage": kibibytes("check_lineage", *place),
    }


def test_five_times_the_documents_take_no_more_memory(tmp_path: Path) -> None:
    few, many = (measured(cast.api(), tmp_path, count) for count in (FEW, MANY))
    more = {command: many[command] - few[command] for command in few}
    assert max(more.values()) < MORE_AT_MOST, (few, many)
    assert sum(1 for _ in (tmp_path / f"{MANY}.copy.jsonl").open()) == MANY
