"""`manage.py backup` and `restore` on real databases: consistent under writers, refused when damaged, whole when killed.

Each test has databases of its own, beside the suite's; the commands run in processes of their own, or in this one with
Django's connection pointed there.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from psycopg import sql
from pytest_django import DjangoDbBlocker

from documents.models import Document
from mixpeek_site.backups import BackupError, archive, checks, dumping, programs, restoring
from mixpeek_site.backups.manifest import Manifest, TableCheck, encoded
from mixpeek_site.backups.server import Server
from tests import cast, server

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 20
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def backup(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a small store with all sorts of rows."""
    file = tmp_path_factory.mktemp("backup") / "store.backup"
    with django_db_blocker.unblock():
        fill()
        call_command("backup", str(file), stdout=StringIO(), stderr=StringIO())
        server.remove_committed()
    return file


def fill() -> None:
    api = cast.api()
    cast.bucket_object(api, cast.bucket(api), "o1", title="Ünicode \U0001f3ac")
    path = f"/v1/collections/{cast.collection(api, 'scenes')}/documents"
    for number in range(40):
        parent = {"source_document_id": f"d{number - 1}"} if number % 10 else {"source_type": "bucket", "source_object_id": "o1"}
        body = {
            "document_id": f"d{number}",
            "exact": 2**64 + number,
            "text": 'é\n\t\\"' * number,
            **cast.vectors(v=[1.5, -2e-30]),
        }
        assert api.post(path, body | parent).status_code == 200
    cast.collection(api, "empty")


@pytest.fixture
def databases() -> Iterator[Callable[[], str]]:
    """Makes empty databases, and drops them with all that restores put beside them."""
    made: list[str] = []

    def make() -> str:
        made.append(f"{connection.settings_dict['NAME']}_backup{next(_numbers)}")
        with maintenance() as there:
            there.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(made[-1])))
        return made[-1]

    yield make
    for name in made:
        for each in beside(name):
            drop(each)


@contextmanager
def maintenance() -> Iterator[psycopg.Connection[Any]]:
    with Server.of(connection.settings_dict).connect_for_maintenance() as there:
        yield there


def beside(name: str) -> list[str]:
    """The database, and those that restores made beside it."""
    with maintenance() as there:
        return [each for (each,) in there.execute("SELECT datname FROM pg_database WHERE datname ~ %s", (f"^{name}($|_)",))]


def drop(name: str) -> None:
    with maintenance() as there:
        there.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def at(database: str) -> Iterator[None]:
    """Django's connection to another database."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


def run(database: str, *arguments: str) -> tuple[str, str]:
    """stdout and stderr of a command that works on a database."""
    out, err = StringIO(), StringIO()
    with at(database):
        call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def started(database: str, *arguments: str) -> subprocess.Popen[str]:
    parts = urlsplit(server._database_url())
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=server.PROJECT,
        env={**os.environ, "DATABASE_URL": urlunsplit(parts._replace(path=f"/{database}"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def contents(database: str) -> dict[str, TableCheck]:
    with at(database), Server.of(connection.settings_dict).connect() as there:
        return checks.check(there, checks.tables(there))


def manifest_of(file: Path) -> Manifest:
    with archive.opened(file) as found:
        return found.manifest


def altered(file: Path, to: Path, **changes: Any) -> Path:
    """A whole backup whose manifest says something else."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        new.writestr(archive.DUMP, old.read(archive.DUMP))
        new.writestr(archive.MANIFEST, encoded(replace(manifest_of(file), **changes)))
    return to


# What goes in comes out ----------------------------------------------------------------------------------------------


def test_a_backup_restores_every_row_of_every_table(backup: Path, databases: Callable[[], str], tmp_path: Path) -> None:
    database = databases()
    out, err = run(database, "restore", str(backup))
    assert "every table compared" in out
    assert "A backup of " in err
    run(database, "backup", str(tmp_path / "again"), "--verify")
    first, second = manifest_of(backup), manifest_of(tmp_path / "again")
    assert first.tables == second.tables == contents(database)
    assert first.inventory == second.inventory
    assert first.inventory.counts["documents"] == first.tables["public.documents_document"].rows == 40
    assert [(each.collection, each.documents) for each in first.inventory.collections] == [("scenes", 40), ("empty", 0)]
    with at(database):
        stored = {document.document_id: document.payload["exact"] for document in Document.objects.all()}
    assert stored == {f"d{number}": 2**64 + number for number in range(40)}
    assert beside(database) == [database]


def test_checksums_see_a_change_of_one_value_and_no_change_of_order(backup: Path, databases: Callable[[], str]) -> None:
    database = databases()
    run(database, "restore", str(backup))
    before = contents(database)
    with at(database), connection.cursor() as cursor:
        cursor.execute("UPDATE documents_document SET document_id = document_id")  # every row lies elsewhere now
    assert contents(database) == before
    with at(database), connection.cursor() as cursor:
        cursor.execute("UPDATE documents_document SET payload = payload || '{\"exact\": 1}' WHERE document_id = 'd7'")
    assert checks.differences(before, contents(database)) == ["rows of public.documents_document have other contents"]


def test_a_backup_beside_writers_is_of_one_moment(databases: Callable[[], str], tmp_path: Path) -> None:
    """Each transaction writes a parent and its child; the backup has both or neither, and its manifest counts them."""
    api = cast.api()
    path = f"/v1/collections/{cast.collection(api)}/documents"
    ended = threading.Event()

    def write(writer: int) -> None:
        for number in itertools.count():
            if ended.is_set():
                break
            parent = f"p{writer}-{number}"
            with transaction.atomic():
                assert api.post(path, {"document_id": parent}).status_code == 200
                assert api.post(path, {"document_id": f"c{parent}", "source_document_id": parent}).status_code == 200
        connections.close_all()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: Document.objects.count() >= 100)
        before = Document.objects.count()
        call_command("backup", str(tmp_path / "b"), stdout=StringIO(), stderr=StringIO())
        after = Document.objects.count()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        server.remove_committed()
    documents = manifest_of(tmp_path / "b").inventory.counts["documents"]
    assert before <= documents < after
    database = databases()
    run(database, "restore", str(tmp_path / "b"))
    with at(database), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE document_id LIKE 'p%'),"
            " (SELECT sum(delta) FROM documents_documentcount) FROM documents_document"
        )
        assert cursor.fetchone() == (documents, documents / 2, documents)


# Files that are not as they were written ------------------------------------------------------------------------------


def test_a_bit_that_flipped_anywhere_is_noticed_or_does_not_matter(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    chance = random.Random(5)
    ends = [*range(64), *range(len(whole) - 400, len(whole))]
    noticed = 0
    for place in [chance.randrange(len(whole)) for _ in range(20)] + chance.sample(ends, 30):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        (tmp_path / "damaged").write_bytes(damaged)
        read = read_or_refused(tmp_path / "damaged")
        noticed += read is None
        # What was not noticed is a time or a permission in the zip's directory; the dump's SHA-256 is in the manifest.
        assert read in (None, manifest_of(backup))
    assert noticed >= 30


def read_or_refused(file: Path) -> Manifest | None:
    try:
        with archive.opened(file) as found:
            dumping.read_back(found, lambda done: None)
            return found.manifest
    except BackupError:
        return None


def test_what_is_restored_is_the_file_that_was_read_whatever_gets_its_name_meanwhile(
    backup: Path, databases: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b"
    shutil.copy(backup, file)
    opened = archive.opened

    @contextmanager
    def opened_and_replaced(path: Path) -> Iterator[archive.Archive]:
        with opened(path) as found:
            (tmp_path / "other").write_text("something else")
            os.replace(tmp_path / "other", file)
            yield found

    monkeypatch.setattr(archive, "opened", opened_and_replaced)
    assert "the backup is good" in run(databases(), "restore", str(file), "--dry-run")[0]


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.9999])
def test_a_file_that_was_cut_short_is_refused(backup: Path, tmp_path: Path, share: float) -> None:
    whole = backup.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BackupError, match=r"It is (empty|cut short)|no backup"), archive.opened(tmp_path / "cut"):
        pytest.fail("was opened")


def test_files_of_something_else_are_refused_before_anything_is_touched(
    backup: Path, databases: Callable[[], str], tmp_path: Path
) -> None:
    database = databases()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    with zipfile.ZipFile(backup) as found:
        (tmp_path / "bare.dump").write_bytes(found.read(archive.DUMP))
    (tmp_path / "text").write_text("Dear diary")
    (tmp_path / "key").write_bytes(b"PK\x03\x04")
    refusals = {
        tmp_path / "other.zip": "a zip file of something else",
        tmp_path / "bare.dump": "a bare dump of pg_dump",
        tmp_path / "text": "no backup of this product",
        tmp_path / "key": "cut short",
        tmp_path / "absent": "No such file",
        tmp_path: "Is a directory",
        altered(backup, tmp_path / "1", product="other"): "names another product",
        altered(backup, tmp_path / "2", format=2): "later release",
        altered(backup, tmp_path / "3", dump=replace(manifest_of(backup).dump, sha256="0" * 64)): "SHA-256",
        altered(backup, tmp_path / "4", tables={"public.more": TableCheck(0, "0")}): "lacks tables: public.more",
        altered(backup, tmp_path / "5", postgresql="99.1"): r"of PostgreSQL 99.1, and the server is PostgreSQL \d+",
        altered(backup, tmp_path / "6", dump=replace(manifest_of(backup).dump, pg_dump="99.1")): r"99\.1, and .* are needed",
        altered(backup, tmp_path / "8", extensions={"vector": "9.9", "not_there": "1"}): "not_there.*install it",
        altered(backup, tmp_path / "7", migrations={"documents": ["0999_ahead"]}): "later release.*documents.0999_ahead",
    }  # fmt: skip
    for file, reason in refusals.items():
        with pytest.raises(CommandError, match=reason):
            run(database, "restore", str(file))
    assert beside(database) == [database]
    assert contents(database) == {}


def test_what_differs_from_the_manifest_after_the_restore_is_not_swapped_in(
    backup: Path, databases: Callable[[], str], tmp_path: Path
) -> None:
    database = databases()
    tables = manifest_of(backup).tables
    wrong = tables | {"public.documents_document": TableCheck(41, "1")}
    with pytest.raises(CommandError, match="documents_document has 40 rows, not 41"):
        run(database, "restore", str(altered(backup, tmp_path / "wrong", tables=wrong)))
    assert (beside(database), contents(database)) == ([database], {})


def test_programs_of_the_servers_version_are_taken_else_later_ones_never_older() -> None:
    there = [programs.Programs(Path(f"/{version}"), version) for version in ("18.1", "15.20", "17beta1")]
    assert [programs.choose(least, "", there).version for least in (15, 16, 18)] == ["15.20", "17beta1", "18.1"]
    with pytest.raises(
        BackupError, match=r"server is PostgreSQL 19\.2, and .* 19 or later are needed; found: 18\.1 in /18\.1, 15"
    ):
        programs.choose(19, "The database server is PostgreSQL 19.2", there)
    with pytest.raises(BackupError, match="found: none"):
        programs.choose(15, "", [])
    assert min(each.major for each in programs.installed()) >= 15


def test_later_programs_than_the_server_back_up_and_restore_and_overlook_only_what_the_server_can_not_know(
    databases: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of PostgreSQL 17 and later, which set a timeout that earlier servers have no name for."""
    latest = max(programs.installed(), key=lambda one: one.major)
    monkeypatch.setattr(programs, "installed", lambda: iter([latest]))
    database, file = databases(), tmp_path / "b"
    run(connection.settings_dict["NAME"], "backup", str(file))
    assert "every table compared" in run(database, "restore", str(file))[0]
    of = Server.of(connection.settings_dict)
    with archive.opened(file) as found, pytest.raises(BackupError, match="already exists"):
        restoring.restore_into(of, database, found, lambda done: None, lambda text: None)


# What is there already ------------------------------------------------------------------------------------------------


def test_a_database_that_holds_data_is_left_alone_unless_asked(backup: Path, tmp_path: Path) -> None:
    database = connection.settings_dict["NAME"]
    fill()
    try:
        before = contents(database)
        with pytest.raises(CommandError, match=r"holds data: 1 namespace, 2 collections, 40 documents.* --replace"):
            run(database, "restore", str(backup))
        assert (contents(database), beside(database)) == (before, [database])
    finally:
        server.remove_committed()


def test_what_was_replaced_and_can_not_be_dropped_is_told_and_the_restore_is_done(
    backup: Path, databases: Callable[[], str]
) -> None:
    """PostgreSQL does not drop a database with a subscription."""
    database = databases()
    with of_database(database) as there:
        there.execute("CREATE SUBSCRIPTION elsewhere CONNECTION '' PUBLICATION p WITH (connect = false, slot_name = NONE)")
    out, err = run(database, "restore", str(backup), "--json")
    kept = json.loads(out)["kept"]
    with of_database(kept) as there:
        there.execute("DROP SUBSCRIPTION elsewhere")
    assert "could not be dropped: database" in err
    assert f"The database {kept} is what a restore replaced" in err
    assert contents(database) == manifest_of(backup).tables


@contextmanager
def of_database(name: str) -> Iterator[psycopg.Connection[Any]]:
    with Server.of(connection.settings_dict).connect(name) as there:
        yield there


@pytest.mark.full
def test_data_are_replaced_only_when_asked_and_are_told_first(backup: Path, databases: Callable[[], str]) -> None:
    database = databases()
    run(database, "restore", str(backup))
    with at(database), connection.cursor() as cursor:
        cursor.execute("UPDATE documents_document SET payload = '{}'")
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(database)} SET search_path = public, pg_catalog")
    changed = contents(database)
    with pytest.raises(CommandError, match=r"holds data: 1 namespace, 2 collections, 40 documents.* --replace"):
        run(database, "restore", str(backup))
    process = started(database, "restore", str(backup), "--replace")
    assert process.communicate(timeout=60)[1].endswith(
        "Not confirmed: nothing was changed. (--no-input goes on without the question.)\n"
    )
    assert process.returncode == 1
    run(database, "restore", str(backup), "--dry-run")
    assert contents(database) == changed
    out, _ = run(database, "restore", str(backup), "--replace", "--no-input", "--keep-replaced", "--json")
    assert contents(database) == manifest_of(backup).tables
    assert contents(json.loads(out)["kept"]) == changed
    with at(database), connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("public, pg_catalog",)
    run(database, "restore", str(backup), "--replace", "--no-input")
    assert sorted(beside(database)) == [database, json.loads(out)["kept"]]


@pytest.mark.full
def test_clients_that_keep_connecting_do_not_keep_a_restore_from_ending(backup: Path, databases: Callable[[], str]) -> None:
    database = databases()
    ended = threading.Event()
    met: list[str] = []

    def come_again() -> None:
        of = replace(Server.of(connection.settings_dict), database=database)
        while not ended.is_set():
            with suppress(psycopg.OperationalError), of.connect() as there:
                met.append(str(there.execute("SELECT to_regclass('documents_document')").fetchone()))
                there.execute("SELECT pg_sleep(0.05)")

    threads = [threading.Thread(target=come_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        run(database, "restore", str(backup))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert contents(database) == manifest_of(backup).tables
    assert met[0] == "(None,)"


@pytest.mark.full
def test_a_backup_of_an_earlier_release_is_migrated(backup: Path, databases: Callable[[], str], tmp_path: Path) -> None:
    database, other = databases(), databases()
    run(database, "restore", str(backup))
    run(database, "migrate", "documents", "0012", "--verbosity", "0")
    run(database, "backup", str(tmp_path / "old"))
    assert "0013_lineage_walks" not in manifest_of(tmp_path / "old").migrations["documents"]
    out, err = run(other, "restore", str(tmp_path / "old"), "--json")
    assert "The backup is of an earlier release" in err
    assert json.loads(out)["migrated"] >= 1
    run(other, "migrate", "--check")


def test_without_the_right_to_make_databases_it_says_who_can_help(backup: Path, databases: Callable[[], str]) -> None:
    database = databases()
    role = f"{database}_role"
    with maintenance() as there:
        there.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    user = connection.settings_dict["USER"]
    connection.settings_dict["USER"] = role
    try:
        with pytest.raises(CommandError, match=r"may not make databases: .* CREATEDB"):
            run(database, "restore", str(backup))
    finally:
        connection.settings_dict["USER"] = user
        with maintenance() as there:
            there.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


# Interrupted ----------------------------------------------------------------------------------------------------------


@contextmanager
def held_up() -> Iterator[None]:
    """pg_dump, and nothing before it, waits for a sequence of the suite's database."""
    with Server.of(connection.settings_dict).connect(autocommit=False) as holder:
        holder.execute("ALTER SEQUENCE namespaces_organization_id_seq RENAME TO held")
        yield
        holder.rollback()


def dumping_now() -> int:
    """The process of pg_dump that waits on the suite's database, once there is one."""
    found: list[int] = []

    def look() -> bool:
        with maintenance() as there:
            rows = there.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'mixpeek backup%%' AND datname = %s"
                " AND wait_event_type = 'Lock'",
                (connection.settings_dict["NAME"],),
            )
            found.extend(pid for (pid,) in rows)
        return bool(found)

    wait_for(look)
    return found[0]


def test_ctrl_c_and_sigterm_leave_nothing_half_and_the_old_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("the old one")
    with held_up():
        process = started(connection.settings_dict["NAME"], "backup", str(tmp_path / "b"), "--force")
        pid = dumping_now()
        assert (tmp_path / "b.partial").stat().st_mode & 0o777 == 0o600
        second = started(connection.settings_dict["NAME"], "backup", str(tmp_path / "b"), "--force")
        assert "Another process is writing" in second.communicate(timeout=30)[1]
        process.send_signal(signal.SIGTERM)  # as tests/commands/test_manners.py has it, both do the same
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "There is no new backup" in err
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("b", "the old one")]
    with maintenance() as there:
        assert there.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() == (0,)


def test_a_dump_that_fails_or_is_killed_leaves_no_file_by_that_name(tmp_path: Path) -> None:
    with held_up():
        process = started(connection.settings_dict["NAME"], "backup", str(tmp_path / "b"))
        pid = dumping_now()
        with maintenance() as there:
            there.execute("SELECT pg_terminate_backend(%s)", (pid,))
        _, err = process.communicate(timeout=20)
        assert (process.returncode, list(tmp_path.iterdir())) == (1, [])
        assert "pg_dump failed" in err
        assert "Traceback" not in err
        process = started(connection.settings_dict["NAME"], "backup", str(tmp_path / "b"))
        dumping_now()
        process.kill()
        process.communicate()
        assert [file.name for file in tmp_path.iterdir()] == ["b.partial"]
    call_command("backup", str(tmp_path / "b"), stdout=StringIO(), stderr=StringIO())
    assert [file.name for file in tmp_path.iterdir()] == ["b"]
    with pytest.raises(CommandError, match="exists already; --force"):
        call_command("backup", str(tmp_path / "b"), stdout=StringIO(), stderr=StringIO())


@pytest.mark.full
def test_a_restore_killed_anywhere_leaves_the_old_data_or_all_of_the_new(backup: Path, databases: Callable[[], str]) -> None:
    database = databases()
    run(database, "restore", str(backup))
    with at(database), connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_document WHERE document_id = 'd39'")
    old, new = contents(database), manifest_of(backup).tables
    begun = time.monotonic()
    process = started(database, "restore", str(backup), "--dry-run")
    assert process.wait(60) == 0
    takes = time.monotonic() - begun
    midway = 0
    for number in range(KILLS):
        process = started(database, "restore", str(backup), "--replace", "--no-input")
        if number % 2:  # anywhere, by the clock; the others while there is something half-way
            time.sleep(takes * (0.4 + 0.7 * (number + 0.5) / KILLS))
        else:
            while process.poll() is None and not any("_restoring_" in name for name in beside(database)):
                time.sleep(0.01)
            time.sleep(takes * 0.3 * number / KILLS)
        process.kill()
        process.communicate()
        midway += any("_restoring_" in name for name in beside(database))
        assert contents(database) in (old, new), f"kill {number}"
    assert midway >= KILLS // 4, "few kills came while there was something half-way"
    run(database, "restore", str(backup), "--replace", "--no-input")
    assert contents(database) == new
    assert not [name for name in beside(database) if "_restoring_" in name]
