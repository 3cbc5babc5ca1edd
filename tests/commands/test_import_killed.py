"""An import killed again and again, the command or the database, and gone on with: every line is in once, exactly.

Positions of the kills go to the test's output, and to the file that IMPORT_KILLS names.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mixpeek_site import jsonio
from tests import server
from tests.commands.killable_postgres import KillablePostgres

pytestmark = pytest.mark.full

LINES = 20_000
KILLS = 24
BATCH = 100
DATABASE_STARTS_AGAIN = (5, 13, 21)
DATABASE_STAYS_AWAY = (9, 17)


@pytest.fixture
def postgres() -> Iterator[KillablePostgres]:
    made = KillablePostgres()
    yield made
    made.remove()


def body(number: int, chance: random.Random) -> Any:
    """A third without ids; the others in trees of nine, of which some contradict nothing and some lines are bad."""
    fields: dict[str, Any] = {
        "n": number,
        "text": "é\t\\" * chance.randrange(20),
        "exact": jsonio.loads(f"0.{chance.getrandbits(80)}"),
    }
    if number % 997 == 3:
        return {**fields, "source_type": "planet"}
    if number % 3 == 0:
        return fields
    tree, place = divmod(number, 9)
    if place == 1:
        return {**fields, "document_id": f"d{number}", "source_type": "bucket", "source_object_id": f"o{tree}"}
    return {**fields, "document_id": f"d{number}", "source_document_id": f"d{tree * 9 + (2 if place == 4 else 1)}"}


def test_what_is_killed_goes_on_until_every_line_is_in_once(postgres: KillablePostgres, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    bodies = [body(number, chance) for number in range(LINES)]
    for begin in range(0, LINES, 1000):  # parents and children in any order, often in other batches
        bodies[begin : begin + 1000] = chance.sample(bodies[begin : begin + 1000], len(bodies[begin : begin + 1000]))
    file, errors = tmp_path / "input.jsonl", tmp_path / "errors.jsonl"
    file.write_text("".join(jsonio.dumps(one) + "\n" for one in bodies))
    for command in (["migrate", "-v0"], ["create_organization", "o"], ["create_namespace", "n"]):
        assert run(postgres, *command).wait(120) == 0
    arguments = ["import_documents", str(file), "--namespace", "n", "--collection", "c", "--create-collections", "--resume"]
    arguments += ["--batch-size", str(BATCH), "--errors", str(errors), "--json"]

    positions: list[tuple[int, str, str, int]] = []
    process: subprocess.Popen[str] | None = None
    for kill in range(KILLS):
        jobs = str(1 + kill % 2)
        process = process or run(postgres, *arguments, "--jobs", jobs)
        before = positions[-1][-1] if positions else 0  # each of them has to come to something
        wait_until_committed(postgres, max(LINES * (kill + chance.random()) / (KILLS + 1), before + 1), process)
        time.sleep(chance.random() / 20)
        if kill in DATABASE_STARTS_AGAIN or kill in DATABASE_STAYS_AWAY:
            postgres.kill()
            if kill in DATABASE_STAYS_AWAY:
                _, told = process.communicate(timeout=120)
                assert process.returncode == 1, told
                assert "--resume goes on from here" in told
                process = None
            postgres.start()
        else:
            process.kill()
            process.communicate()
            process = None
        positions.append((kill, "database" if process or kill in DATABASE_STAYS_AWAY else "command", jobs, committed(postgres)))
    report(positions)
    between = [position for *_, position in positions if 0 < position < LINES]
    assert len(positions) >= 20
    assert len(between) >= 15

    last = process or run(postgres, *arguments, "--jobs", "2")
    out, told = last.communicate(timeout=300)
    assert last.returncode == 3, told
    bad = [place for place, one in enumerate(bodies, 1) if one.get("source_type") == "planet"]
    answer = json.loads(out)
    assert (answer["lines"], answer["imported"], answer["failed"], answer["complete"]) == (
        LINES,
        LINES - len(bad),
        len(bad),
        True,
    )
    assert sorted(json.loads(line)["_import_error"]["line"] for line in errors.open()) == bad
    assert_stored(postgres, [one for one in bodies if one.get("source_type") != "planet"])
    checked = run(postgres, "check_lineage", "--json")
    assert checked.wait(120) == 0, checked.communicate()


def assert_stored(postgres: KillablePostgres, bodies: list[Any]) -> None:
    """The documents are those of the lines, value for value, and linked up; counts are exact."""
    with psycopg.connect(postgres.dsn) as database:
        rows = database.execute(
            "SELECT d.document_id, d.payload::text, l.root_object_id, l.tier FROM documents_document d"
            " LEFT JOIN documents_lineagestep l ON l.id = d.id"
        ).fetchall()
        [(counted,)] = database.execute("SELECT sum(delta) FROM documents_documentcount").fetchall()
    expected = Counter(jsonio.dumps({key: one[key] for key in ("n", "text", "exact")}) for one in bodies)
    stored = [(name, jsonio.loads_stored(payload), root, tier) for name, payload, root, tier in rows]
    assert Counter(jsonio.dumps({key: one[key] for key in ("n", "text", "exact")}) for _, one, _, _ in stored) == expected
    assert counted == len(stored) == len(bodies)
    by_number = {one["n"]: (name, root, tier) for name, one, root, tier in stored}
    names = {one["document_id"] for one in bodies if "document_id" in one}
    for one in bodies:
        name, root, tier = by_number[one["n"]]
        if "document_id" not in one:
            assert (root, tier) == (None, None)
            continue
        tree, place = divmod(one["n"], 9)
        depth = {1: 1, 4: 3}.get(place, 2)
        ancestors = {f"d{tree * 9 + 1}"} | ({f"d{tree * 9 + 2}"} if place == 4 else set())
        assert name == one["document_id"]
        if ancestors <= names | {name}:
            assert (root, tier) == (f"o{tree}", depth)


def run(postgres: KillablePostgres, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=server.PROJECT,
        env={**os.environ, "DATABASE_URL": postgres.url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def committed(postgres: KillablePostgres) -> int:
    """Lines of the input that are done."""
    with psycopg.connect(postgres.dsn) as database:
        [(lines,)] = database.execute("SELECT COALESCE(sum(end_line - first_line), 0) FROM documents_importedbatch").fetchall()
    return int(lines)


def wait_until_committed(postgres: KillablePostgres, lines: float, process: "subprocess.Popen[str]") -> None:
    for _ in range(6000):
        if committed(postgres) >= lines:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError(f"there were never {lines} lines")


def report(positions: list[tuple[int, str, str, int]]) -> None:
    told = [
        f"kill {kill}: {what}, --jobs {jobs}, {lines:,} of {LINES:,} lines committed" for kill, what, jobs, lines in positions
    ]
    print("\n".join(told))  # noqa: T201 - shown with -s and when the test fails
    if os.environ.get("IMPORT_KILLS"):
        Path(os.environ["IMPORT_KILLS"]).write_text("\n".join(told) + "\n")
