"""An import's state, kept in the database and committed with each batch, so that it can go on wherever it was killed.

A run is one import of an input into a collection. Each transaction of a batch also writes which lines it covered and what
became of them, and the lines that failed. Whoever goes on with a run takes it over: its `epoch` grows, which waits for
the transactions of a process that was killed but whose last statements PostgreSQL is still at, and lets it begin no other.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from documents.importing.batches import Batch, Done, Span, checksum
from documents.importing.preparing import Prepared
from documents.importing.reporting import Counts, Failure, FileCounts, error_line
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import ConflictError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic

STANDARD_INPUT: Final = "-"
_HEAD_BYTES: Final = 1 << 16
_FAILURES_AT_ONCE: Final = 500


class Identity(NamedTuple):
    """What an input is known by: its files' absolute names, their sizes and beginnings (of pipes neither is known), and the
    options that it is read by.
    """

    names: list[str]
    files: list[JSONObject]
    options: JSONObject


class Run(NamedTuple):
    """A run as a process has it; another process that goes on with it has the next epoch."""

    id: int
    epoch: int


class StoredRun(NamedTuple):
    """The newest run of an input."""

    id: int
    files: list[JSONObject]
    options: JSONObject
    is_finished: bool

    @property
    def is_final(self) -> bool:
        """Whether it is done and the same input can be told by looking; what comes through a pipe has to be read."""
        return self.is_finished and all("size" in file for file in self.files)


def identity(paths: Sequence[str], options: Mapping[str, Any]) -> Identity:
    """`options`: those that decide what a line becomes, by the name that a person gives them. Raises OSError."""
    files = [_file(path) for path in paths]
    return Identity([file["name"] for file in files], files, dict(options))


def _file(path: str) -> JSONObject:
    if path == STANDARD_INPUT:
        return {"name": path}
    if not stat.S_ISREG(os.stat(path).st_mode):
        return {"name": os.path.abspath(path)}  # a pipe, which can be opened once: what is read of it is gone
    with open(path, "rb") as file:
        head = hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
        return {"name": os.path.abspath(path), "size": os.fstat(file.fileno()).st_size, "head": head}


def difference(stored: StoredRun, now: Identity) -> str | None:
    """What of an input is not as it was when the run began, in a sentence; None: it is the same, as far as can be seen."""
    for before, file in zip(stored.files, now.files, strict=True):
        if before.get("size") != file.get("size"):
            return f"{file['name']} had {before.get('size'):,} bytes and now has {file.get('size'):,}"
        if before.get("head") != file.get("head"):
            return f"{file['name']} begins differently"
    for name in sorted(stored.options.keys() | now.options.keys()):
        was, given = stored.options.get(name), now.options.get(name)
        if was != given:
            return f"{name} was {_shown(was)} and now is {_shown(given)}"
    return None


def _shown(option: Any) -> str:
    return "not given" if option is None else option if isinstance(option, str) else jsonio.dumps(option)


# Runs ---------------------------------------------------------------------------------------------------------------


def newest(namespace_id: int, collection_id: int | None, names: list[str]) -> StoredRun | None:
    """The newest run of the files of these names into this place, of those that got so far that something is kept of them."""
    row = sql.one(
        """
SELECT r.id, r.files::text, r.options::text, r.finished_at IS NOT NULL FROM documents_importrun r
WHERE r.namespace_id = %s AND r.collection_id IS NOT DISTINCT FROM %s AND r.names = %s
AND (r.finished_at IS NOT NULL OR EXISTS (SELECT FROM documents_importedbatch b WHERE b.run_id = r.id))
ORDER BY r.id DESC LIMIT 1
""",
        (namespace_id, collection_id, names),
    )
    if row is None:
        return None
    return StoredRun(row[0], jsonio.loads_stored(row[1]), jsonio.loads_stored(row[2]), row[3])


def begin(namespace_id: int, collection_id: int | None, of: Identity) -> Run:
    row = sql.one(
        "INSERT INTO documents_importrun (namespace_id, collection_id, names, files, options, epoch, started_at)"
        " VALUES (%s, %s, %s, %s::jsonb, %s::jsonb, 1, now()) RETURNING id",
        (namespace_id, collection_id, of.names, jsonio.dumps(of.files), jsonio.dumps(of.options)),
    )
    assert row is not None
    return Run(row[0], 1)


def hold_up(namespace_id: int, collection_id: int | None, names: list[str]) -> None:
    """Let runs of these files that have not stored anything begin no batch any more; waits for the one that they are at."""
    sql.run(
        """
UPDATE documents_importrun r SET epoch = r.epoch + 1
WHERE r.namespace_id = %s AND r.collection_id IS NOT DISTINCT FROM %s AND r.names = %s AND r.finished_at IS NULL
AND NOT EXISTS (SELECT FROM documents_importedbatch b WHERE b.run_id = r.id)
""",
        (namespace_id, collection_id, names),
    )


def take_over(stored: StoredRun) -> tuple[Run, Done]:
    """Go on with a run: nobody else writes for it from now on. What is done is exact."""
    row = sql.one("UPDATE documents_importrun SET epoch = epoch + 1 WHERE id = %s RETURNING epoch", (stored.id,))
    if row is None:
        raise ConflictError("The import that was to go on was purged meanwhile.")
    found = sql.rows(
        "SELECT b.first_line, b.end_line, b.checksum FROM documents_importedbatch b WHERE b.run_id = %s ORDER BY b.first_line",
        (stored.id,),
    )
    return Run(stored.id, row[0]), Done([Span(*span) for span in found], counts(stored.id))


def counts(run_id: int) -> Counts:
    """What became of all lines so far, as it is committed."""
    row = sql.one(f"SELECT {_SUMS} FROM documents_importedbatch b WHERE b.run_id = %s", (run_id,))
    assert row is not None
    by_file = sql.rows(
        "SELECT f.key, sum((f.value ->> 0)::bigint)::bigint, sum((f.value ->> 1)::bigint)::bigint"
        " FROM documents_importedbatch b CROSS JOIN jsonb_each(b.files) f WHERE b.run_id = %s"
        " GROUP BY f.key ORDER BY min(b.first_line)",
        (run_id,),
    )
    return Counts(*map(int, row), files={name: FileCounts(lines, failed) for name, lines, failed in by_file})


def failures(run_id: int) -> Iterator[str]:
    """The lines of the errors file, in the input's order."""
    after = -1
    while found := sql.rows(
        "SELECT f.line_place, f.line FROM documents_importfailure f WHERE f.run_id = %s AND f.line_place > %s"
        " ORDER BY f.line_place LIMIT %s",
        (run_id, after, _FAILURES_AT_ONCE),
    ):
        for _, line in found:
            yield bytes(line).decode()
        after = found[-1][0]


def finish(run: Run) -> None:
    """The whole input is in, and its failures are told."""
    with atomic():
        sql.run("DELETE FROM documents_importfailure f WHERE f.run_id = %s", (run.id,))
        sql.run("UPDATE documents_importrun SET finished_at = now() WHERE id = %s AND epoch = %s", (run.id, run.epoch))


_SUMS: Final = ", ".join(
    f"COALESCE(sum(b.{name}), 0)::bigint" for name in ("imported", "replaced", "merged", "skipped", "failed")
)


# Batches ------------------------------------------------------------------------------------------------------------


class BatchRecorder:
    """Writes what became of a batch beside its documents; lines that failed before go with the documents around them."""

    def __init__(self, run: Run, batch: Batch) -> None:
        self._run = run
        self._batch = batch
        self._at = self._end = 0

    def begin(self) -> None:
        held = "SELECT FROM documents_importrun r WHERE r.id = %s AND r.epoch = %s FOR SHARE"
        if not sql.run(held, self._run).rowcount:
            raise ConflictError("Another process goes on with this import: this one ends here.")

    def is_recorded(self) -> bool:
        found = "SELECT 1 FROM documents_importedbatch b WHERE b.run_id = %s AND b.first_line = %s"
        return sql.one(found, (self._run.id, self._batch.first + self._at)) is not None

    def record(self, documents: int, counts: Counts, failures: Iterable[Failure]) -> None:
        items = self._batch.items
        end = self._at
        while documents or (end < len(items) and isinstance(items[end], Failure)):
            documents -= isinstance(items[end], Prepared)
            end += 1
        self._end = end
        covered = items[self._at : end]
        failed = [item for item in covered if isinstance(item, Failure)]
        all_failed = [*failed, *failures]
        by_file = Counts()
        by_file.by_file((item.line for item in covered), all_failed)
        first = self._batch.first
        sql.run(
            "INSERT INTO documents_importedbatch"
            " (run_id, first_line, end_line, checksum, files, imported, replaced, merged, skipped, failed)"
            " VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
            (
                self._run.id,
                first + self._at,
                first + end,
                checksum(item.line.raw for item in covered),
                jsonio.dumps({name: [file.lines, file.failed] for name, file in by_file.files.items()}),
                counts.imported,
                counts.replaced,
                counts.merged,
                counts.skipped,
                counts.failed + len(failed),
            ),
        )
        if all_failed:
            places = {id(item.line): first + place for place, item in enumerate(items)}
            sql.run(
                "INSERT INTO documents_importfailure (run_id, line_place, line)"
                " SELECT %s, * FROM unnest(%s::bigint[], %s::bytea[])",
                (self._run.id, [places[id(one.line)] for one in all_failed], [error_line(one).encode() for one in all_failed]),
            )

    def recorded(self) -> None:
        self._at = self._end
