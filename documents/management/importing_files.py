"""What `import_documents` says and keeps of a run: its options, its state, what became of the lines, for people or programs."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields
from typing import IO, Any, Final, NamedTuple

from django.core.management.base import CommandError

from documents.importing import Counts, Places, resuming
from documents.importing.pipeline import BATCH_SIZE, State
from documents.importing.reporting import FileCounts, complete_errors_file
from documents.importing.writing import ON_CONFLICT, Place
from mixpeek_site import jsonio
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS, add_json, positive
from mixpeek_site.management.progress import Progress

_JSON_PROGRESS_SECONDS: Final = 1.0
# Those that decide what a line becomes: an import that goes on has to have the same.
_MEANING: Final = (
    *("format", "types", "records", "map", "id_field", "collection_field", "create_collections"),
    *("on_conflict", "limit", "new_times"),
)


def add_running(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="fail",
        help="When a document_id exists already: fail reports the line (the default), skip leaves the stored document, "
        "replace does what PUT does, merge what PATCH does with the line as a JSON Merge Patch (application/merge-patch+json: "
        "objects merge, null removes, a key with a dot is a key and no path).",
    )
    parser.add_argument("--dry-run", action="store_true", help="Do everything, then undo it: nothing changes.")
    parser.add_argument("--errors", metavar="FILE", help="Where bad lines go; begun anew, or with --resume gone on with.")
    parser.add_argument(
        "--max-errors", metavar="N", type=positive, help="Stop when so many lines have failed; their batch is still finished."
    )
    parser.add_argument("--limit", metavar="N", type=positive, help="Read at most so many lines.")
    parser.add_argument(
        "--batch-size",
        metavar="N",
        type=positive,
        default=BATCH_SIZE,
        help=f"Lines in one transaction (default: {BATCH_SIZE}).",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        default=1,
        help="Processes that check and write, a batch each (default: 1). Of lines with the same id, which one comes first "
        "is then certain within a batch only.",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Go on with the import of these files that was interrupted; begin it if there is none.",
    )
    add_json(parser, "One JSON object with the result on standard output, and progress as JSON lines on standard error.")


# State --------------------------------------------------------------------------------------------------------------


class Beginning(NamedTuple):
    """How a run begins. `state`: None for one that leaves nothing; `finished`: the counts of one that is done already."""

    state: State | None
    finished: Counts | None
    said: str  # for people; may be empty


def begin(place: Place | Places, paths: Sequence[str], options: dict[str, Any]) -> Beginning:
    """Begin a run or go on with one. Raises CommandError when the input is not the same."""
    resume: bool = options["resume"]
    if options["dry_run"]:
        for name, is_given in (("resume", resume), ("jobs", options["jobs"] > 1)):
            if is_given:
                sentence = f"--dry-run is one transaction that leaves nothing: it goes without --{name}."
                raise CommandError(sentence, returncode=EXIT_WRONG_ARGUMENTS)
        return Beginning(None, None, "")
    given = {f"--{name.replace('_', '-')}": options.get(name) or None for name in _MEANING}
    if isinstance(place, Places):
        given["--collection"] = options["collection"]  # of rows that name none; else it is what the run is of
    now = resuming.identity(paths, given)
    namespace_id, collection_id = place.namespace_id, place.collection_id if isinstance(place, Place) else None
    if resume:
        resuming.hold_up(namespace_id, collection_id, now.names)
    stored = resuming.newest(namespace_id, collection_id, now.names)
    if stored is None or not resume:
        unfinished = stored is not None and not stored.is_finished and resuming.counts(stored.id).lines
        said = "An import of this input is unfinished, and --resume would go on with it: this begins anew." if unfinished else ""
        if resume:
            said = "There is no import of this input to go on with: this begins one."
        return Beginning(State(resuming.begin(namespace_id, collection_id, now)), None, said)
    difference = resuming.difference(stored, now)
    if difference is not None:
        what = "This is not the input that the import began with" if not stored.is_finished else "The import of this is done"
        raise CommandError(f"{what}: {difference}. Without --resume it begins anew.", returncode=EXIT_WRONG_ARGUMENTS)
    if stored.is_final:
        said = "This import is done already, so nothing was read. Without --resume it begins anew."
        return Beginning(None, resuming.counts(stored.id), said)
    run, done = resuming.take_over(stored)
    return Beginning(State(run, done), None, f"Going on: {number_of(done.counts.lines, 'line')} were done before.")


def committed(state: State | None, reported: Counts) -> Counts:
    """What became of all lines that are in, also of a batch that was not reported; as far as the database tells."""
    if state is not None:
        with suppress(ServiceUnavailableError):
            return resuming.counts(state.run.id)
    return reported


def errors_file(opened: ExitStack, path: str | None, sources: Sequence[str], state: State | None) -> IO[str] | None:
    """Raises CommandError when it can't be written or is the input itself."""
    if path is None:
        return None
    if os.path.exists(path) and any(source != "-" and os.path.samefile(path, source) for source in sources):
        raise CommandError("--errors names a file that is to be imported; give another one.")
    goes_on = state is not None and bool(state.done.spans)
    try:
        if goes_on and state is not None:
            complete_errors_file(path, resuming.failures(state.run.id))
        return opened.enter_context(open(path, "a" if goes_on else "w", encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error


# Telling ------------------------------------------------------------------------------------------------------------


class JSONProgress:
    """Progress as JSON lines, with the interface of `Progress`."""

    def __init__(self, size: int | None, stream: IO[str]) -> None:
        self._size = size
        self._stream = stream
        self._begun = self._said = time.monotonic()

    def update(self, count: int, position: int | None = None) -> None:
        now = time.monotonic()
        if now - self._said >= _JSON_PROGRESS_SECONDS:
            self._said = now
            per_second = round(count / max(self.seconds, 1e-9))
            self._tell({"progress": {"lines": count, "bytes": position, "of_bytes": self._size, "lines_per_second": per_second}})

    def write(self, text: str) -> None:
        self._tell({"message": text})

    def close(self) -> None: ...

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def _tell(self, value: dict[str, Any]) -> None:
        self._stream.write(jsonio.dumps(value) + "\n")
        self._stream.flush()


def progress(size: int | None, stream: IO[str], as_json: bool) -> Progress | JSONProgress:
    return JSONProgress(size, stream) if as_json else Progress(size, stream, "lines")


def result(counts: Counts, seconds: float, **more: Any) -> dict[str, Any]:
    """For programs."""
    numbers = {field.name: getattr(counts, field.name) for field in fields(counts) if field.name != "files"}
    files = {name: {"lines": file.lines, "failed": file.failed} for name, file in counts.files.items() if name}
    return {"lines": counts.lines, **numbers, "files": files, "seconds": round(seconds, 3), **more}


def closing(counts: Counts, before: int, seconds: float, dry_run: bool) -> str:
    """What became of the lines, in a sentence. `before`: how many of them earlier runs had done."""
    parts = [f"{counts.imported:,} imported"]
    parts += [f"{getattr(counts, word):,} {word}" for word in ("replaced", "merged", "skipped") if getattr(counts, word)]
    parts.append(f"{counts.failed:,} failed")
    here = counts.lines - before
    went_on = f", {before:,} of them before" if before else ""
    undone = " Dry run: nothing was changed." if dry_run else ""
    rate = f"in {seconds:.1f} s ({here / max(seconds, 1e-9):,.0f}/s)"
    return f"{number_of(counts.lines, 'line')}{went_on}: {', '.join(parts)}, {rate}.{undone}"


def of_file(counted: tuple[str, FileCounts]) -> str:
    file, counts = counted
    return f"{file}: {number_of(counts.lines, 'line')}, {counts.failed:,} failed"


def number_of(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
