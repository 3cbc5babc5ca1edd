"""What the commands share that bring documents from elsewhere: their options, what became of them, how it is told."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, Any, Final
from urllib.parse import urlsplit

from django.core.management.base import CommandError

from documents.importing import Counts, Failure, Line, Mapping, Options, Places, SourceError, run
from documents.importing.jobs import WorkerLost
from documents.importing.pipeline import BATCH_SIZE
from documents.importing.reporting import ErrorsFile
from documents.importing.writing import ON_CONFLICT, Place
from documents.management.importing_files import JSONProgress
from mixpeek_site.errors import DomainError
from mixpeek_site.management.base import (
    EXIT_INTERRUPTED,
    EXIT_PARTLY,
    EXIT_WRONG_ARGUMENTS,
    StoreCommand,
    add_json,
    positive,
    whole_number,
)
from mixpeek_site.management.progress import Progress

_MAX_TIMEOUT: Final = 86_400
_OUTCOMES: Final = ("imported", "replaced", "merged", "skipped", "failed")


def add_import_options(parser: ArgumentParser, what: str) -> None:
    """`what`: what arrives, in the plural."""
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="fail",
        help="When a document_id exists already: fail reports it (the default), skip leaves the stored document, replace does "
        "what PUT does, merge what PATCH does with a JSON Merge Patch.",
    )
    parser.add_argument("--resume", action="store_true", help="Go on with an import that did not end: pass over what is in.")
    parser.add_argument("--dry-run", action="store_true", help="Do everything, then undo it: nothing changes.")
    parser.add_argument("--errors", metavar="FILE", help="Where what failed goes, as JSON lines; it is begun anew.")
    parser.add_argument("--max-errors", metavar="N", type=positive, help="Stop when so many have failed.")
    parser.add_argument("--limit", metavar="N", type=positive, help=f"Read at most so many {what}.")
    parser.add_argument(
        "--batch-size", metavar="N", type=positive, default=BATCH_SIZE, help=f"In one transaction (default: {BATCH_SIZE})."
    )
    parser.add_argument(
        "--jobs", metavar="N", type=positive, default=1, help="Processes that check and write, a batch each (default: 1)."
    )
    add_json(parser, "One JSON object with the result on standard output, and progress as JSON lines on standard error.")


def add_timeout(parser: ArgumentParser) -> None:
    """Of the server that things come from."""
    kind = whole_number(most=_MAX_TIMEOUT)
    parser.add_argument("--timeout", metavar="SECONDS", type=kind, default=60, help="For an answer (default: 60).")


def options_of(given: dict[str, Any], mapping: Mapping | None = None) -> Options:
    """How to import. Raises CommandError for what does not go together."""
    if given["dry_run"] and given["jobs"] > 1:
        raise CommandError("--dry-run goes in one transaction, so without --jobs.", returncode=EXIT_WRONG_ARGUMENTS)
    on_conflict = given["on_conflict"]
    if given["resume"] and on_conflict == "fail":
        on_conflict = "skip"
    return Options(
        on_conflict, given["dry_run"], given["limit"], given["batch_size"], given["jobs"], given["max_errors"], mapping or None
    )


def goes_in_clear(url: str) -> bool:
    """Whether a key for this URL would cross a network unencrypted."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")
    except ValueError:  # no URL at all, which others say
        return False


class _TooManyErrors(Exception):
    """So many as were allowed have failed."""


class Arrivals:
    """What became of everything so far, in one run of the pipeline or several."""

    def __init__(
        self, command: StoreCommand, opened: ExitStack, total: int | None, what: str, *, errors: str | None, as_json: bool
    ) -> None:
        """`total`: how many are to come; `what`: what they are. Raises CommandError when the errors file can't be written."""
        self.counts = Counts()
        self._begun = time.monotonic()
        stream = command.progress_stream
        self._progress = JSONProgress(total, stream) if as_json else Progress(total, stream, what, in_bytes=False)
        opened.callback(self._progress.close)
        self._kept = ErrorsFile(_errors_file(opened, errors), self._progress.write)
        self._what = what

    def run(self, lines: Iterable[Line], place: Place | Places, options: Options) -> None:
        """As `importing.run`, and counts on. `options.max_errors` is of all runs together."""
        before = Counts()
        before.add(self.counts)
        if options.max_errors is not None:
            options = replace(options, max_errors=options.max_errors - before.failed)

        def report(so_far: Counts, failures: list[Failure], position: int) -> None:
            now = Counts()
            now.add(before)
            now.add(so_far)
            self.counts.replace_by(now)
            for failure in failures:
                self._kept.add(failure)
            self._kept.flush()
            self._progress.update(now.lines, now.lines)

        counts = run(lines, place, options, report)
        if options.max_errors is not None and counts.failed >= options.max_errors:
            raise _TooManyErrors

    def close(self) -> None:
        self._progress.close()

    def tell(self, text: str) -> None:
        """For people, beside the progress."""
        self._progress.write(text)

    def as_json(self, **more: Any) -> dict[str, Any]:
        numbers = {name: getattr(self.counts, name) for name in _OUTCOMES}
        return {self._what: self.counts.lines, **numbers, "seconds": round(self._seconds, 3), **more}

    def closing(self, dry_run: bool) -> str:
        """What became of them, in a sentence."""
        numbers = {name: getattr(self.counts, name) for name in _OUTCOMES}
        told = [f"{number:,} {name}" for name, number in numbers.items() if number or name in ("imported", "failed")]
        undone = " Dry run: nothing was changed." if dry_run else ""
        lines, seconds = self.counts.lines, self._seconds
        return f"{lines:,} {self._what}: {', '.join(told)}, in {seconds:.1f} s ({lines / max(seconds, 1e-9):,.0f}/s).{undone}"

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begun


class ArrivingCommand(StoreCommand):
    """A command that ends with what became of everything that arrived."""

    def bring(self, arrivals: Arrivals, work: Callable[[], dict[str, Any]], given: dict[str, Any]) -> None:
        """Do the work, which returns more for the JSON answer; say how it ended, and exit as documented.

        Raises CommandError when it could not go on.
        """
        dry_run: bool = given["dry_run"]
        go_on = "" if dry_run else " What came in is stored; the same command with --resume goes on."
        complete, more = True, {}
        try:
            more = work()
        except _TooManyErrors:
            complete = False
            arrivals.tell(f"Stopped, because {arrivals.counts.failed:,} failed.{go_on}")
        except (KeyboardInterrupt, SourceError, DomainError, WorkerLost) as error:
            arrivals.close()
            interrupted = isinstance(error, KeyboardInterrupt)
            if interrupted or arrivals.counts.lines:
                self.say(f"{chr(10) + 'Interrupted. ' if interrupted else ''}{arrivals.closing(dry_run)}{go_on}")
            if given["json"]:
                self.answer(arrivals.as_json(complete=False, dry_run=dry_run))
            if interrupted:
                sys.exit(EXIT_INTERRUPTED)
            raise CommandError(getattr(error, "message", str(error))) from error
        arrivals.close()
        if given["json"]:
            self.answer(arrivals.as_json(complete=complete, dry_run=dry_run, **more))
        else:
            self.stdout.write(arrivals.closing(dry_run))
        if arrivals.counts.failed:
            if given["errors"]:
                self.say(f"What failed is in {given['errors']}: mend it there and feed that file to import_documents.")
            sys.exit(EXIT_PARTLY)


def _errors_file(opened: ExitStack, path: str | None) -> IO[str] | None:
    if path is None:
        return None
    try:
        return opened.enter_context(open(path, "w", encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
