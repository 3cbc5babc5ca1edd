"""What the commands share that bring documents in: their options, what became of everything, how they end."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, Any, Final
from urllib.parse import urlsplit

from django.core.management.base import CommandError

from documents.importing import Counts, Failure, Line, Mapping, Options, Places, SourceError, run
from documents.importing.jobs import WorkerLost
from documents.importing.pipeline import BATCH_SIZE, State
from documents.importing.places import Place
from documents.importing.reporting import ErrorsFile
from documents.importing.writing import ON_CONFLICT
from documents.management.importing_files import committed
from documents.management.telling import JSONProgress, closing, number_of, result
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


def add_import_options(parser: ArgumentParser, what: str, *, resume: str, errors: str) -> None:
    """`what`: what arrives, in the plural; `resume`, `errors`: what these options mean."""
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="fail",
        help="When a document_id exists already: fail reports it (the default), skip leaves the stored document, replace does "
        "what PUT does, merge what PATCH does with a JSON Merge Patch (application/merge-patch+json: objects merge, null "
        "removes, a key with a dot is a key and no path).",
    )
    parser.add_argument("--resume", action="store_true", help=resume)
    parser.add_argument("--dry-run", action="store_true", help="Do everything, then undo it: nothing changes.")
    parser.add_argument("--errors", metavar="FILE", help=errors)
    parser.add_argument(
        "--max-errors", metavar="N", type=positive, help=f"Stop when so many {what} have failed; their batch is still finished."
    )
    parser.add_argument("--limit", metavar="N", type=positive, help=f"Read at most so many {what}.")
    parser.add_argument(
        "--batch-size",
        metavar="N",
        type=positive,
        default=BATCH_SIZE,
        help=f"{what.capitalize()} in one transaction (default: {BATCH_SIZE}).",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        default=1,
        help=f"Processes that check and write, a batch each (default: 1). Of {what} with the same id, which one comes first "
        "is then certain within a batch only.",
    )
    add_json(parser, "One JSON object with the result on standard output, and progress as JSON lines on standard error.")


def add_timeout(parser: ArgumentParser) -> None:
    """Of the server that things come from."""
    kind = whole_number(most=_MAX_TIMEOUT)
    parser.add_argument("--timeout", metavar="SECONDS", type=kind, default=60, help="For an answer (default: 60).")


def options_of(given: dict[str, Any], mapping: Mapping | None = None) -> Options:
    """How to import. Raises CommandError for what does not go together."""
    if given["dry_run"]:
        for name, is_given in (("resume", given["resume"]), ("jobs", given["jobs"] > 1)):
            if is_given:
                sentence = f"--dry-run is one transaction that leaves nothing: it goes without --{name}."
                raise CommandError(sentence, returncode=EXIT_WRONG_ARGUMENTS)
    return Options(
        given["on_conflict"],
        given["dry_run"],
        given["limit"],
        given["batch_size"],
        given["jobs"],
        given["max_errors"],
        mapping or None,
        given.get("new_times", False),
    )


def passing_over(how: Options, *, resume: bool) -> Options:
    """To go on where nothing is kept of how far it was: what is stored already is passed over, unless it is to be changed."""
    return replace(how, on_conflict="skip") if resume and how.on_conflict == "fail" else how


def goes_in_clear(url: str) -> bool:
    """Whether a key for this URL would cross a network unencrypted."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")
    except ValueError:  # no URL at all, which others say
        return False


def errors_file(opened: ExitStack, path: str | None, mode: str = "w") -> IO[str] | None:
    """Raises CommandError when it can't be written."""
    if path is None:
        return None
    try:
        return opened.enter_context(open(path, mode, encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error


class _TooManyErrors(Exception):
    """So many as were allowed have failed."""


class Arrivals:
    """What became of everything so far, in one run of the pipeline or several."""

    def __init__(
        self,
        command: StoreCommand,
        opened: ExitStack,
        size: int | None,
        what: str,
        *,
        errors: IO[str] | None,
        as_json: bool,
        in_bytes: bool = False,
        state: State | None = None,
    ) -> None:
        """`size`: how many are to come, or bytes; `what`: what they are; `state`: of a run that is kept."""
        self.what = what
        self._state = state
        self.counts = Counts()
        if state is not None:
            self.counts.add(state.done.counts)
        self.before, self._failed_before = self.counts.lines, self.counts.failed
        stream = command.progress_stream
        self._progress: Progress | JSONProgress
        if as_json:
            self._progress = JSONProgress(size, stream, what, in_bytes=in_bytes)
        else:
            self._progress = Progress(size, stream, what, in_bytes=in_bytes)
        opened.callback(self._progress.close)
        self._kept = ErrorsFile(errors, self._progress.write)

    @property
    def failed_here(self) -> int:
        """Without those of earlier runs."""
        return self.counts.failed - self._failed_before

    def run(
        self, lines: Iterable[Line], place: Place | Places, options: Options, position: Callable[[], int] | None = None
    ) -> None:
        """As `importing.run`, and counts on. `options.max_errors` is of all runs together; `position`: of bytes."""
        earlier = Counts()
        if self._state is None:  # else the run counts what it had done
            earlier.add(self.counts)
        most = options.max_errors
        if most is not None:
            options = replace(options, max_errors=most - self.failed_here)

        def report(so_far: Counts, failures: list[Failure], at: int) -> None:
            now = Counts()
            now.add(earlier)
            now.add(so_far)
            self.counts.replace_by(now)
            for failure in failures:
                self._kept.add(failure)
            self._kept.flush()
            here = now.lines - self.before
            self._progress.update(here, here if position is None else at)

        run(lines, place, options, report, position or (lambda: 0), self._state)
        if most is not None and self.failed_here >= most:
            raise _TooManyErrors

    def settle(self) -> None:
        """Count what is in though it was not reported, as far as the database tells."""
        self.counts.replace_by(committed(self._state, self.counts))

    def close(self) -> None:
        self._progress.close()

    def tell(self, text: str) -> None:
        """For people, beside the progress; to programs as a message."""
        self._progress.write(text)

    def as_json(self, **more: Any) -> dict[str, Any]:
        return result(self.counts, self.what, self._progress.seconds, **more)

    def closing(self, dry_run: bool) -> str:
        """What became of them, in a sentence."""
        return closing(self.counts, self.what, self.before, self._progress.seconds, dry_run)


class ArrivingCommand(StoreCommand):
    """A command that ends with what became of everything that arrived."""

    def bring(self, arrivals: Arrivals, work: Callable[[], dict[str, Any]], given: dict[str, Any]) -> None:
        """Do the work, which returns more for the JSON answer; say how it ended, and exit as documented.

        Raises CommandError when it could not go on.
        """
        dry_run: bool = given["dry_run"]
        complete, more = True, {}
        try:
            more = work()
        except _TooManyErrors:
            complete = False
            arrivals.settle()
            go_on = "" if dry_run else " The same command with --resume goes on."
            arrivals.tell(f"Stopped, because {number_of(arrivals.failed_here, arrivals.what)} failed.{go_on}")
        except (KeyboardInterrupt, SourceError, DomainError, WorkerLost) as error:
            arrivals.close()
            arrivals.settle()
            interrupted = isinstance(error, KeyboardInterrupt)
            if interrupted or arrivals.counts.lines:
                go_on = "" if dry_run else " These are stored; the same command with --resume goes on from here."
                arrivals.tell(f"{chr(10) + 'Interrupted. ' if interrupted else ''}{arrivals.closing(dry_run)}{go_on}")
            if given["json"]:
                self.answer(arrivals.as_json(**self.more(arrivals), complete=False, dry_run=dry_run))
            if interrupted:
                sys.exit(EXIT_INTERRUPTED)
            raise CommandError(getattr(error, "message", str(error))) from error
        arrivals.close()
        if given["json"]:
            self.answer(arrivals.as_json(**self.more(arrivals), complete=complete, dry_run=dry_run, **more))
        else:
            for line in (*self.parts(arrivals), arrivals.closing(dry_run)):
                self.stdout.write(line)
        if arrivals.counts.failed:
            if given["errors"]:
                arrivals.tell(f"What failed is in {given['errors']}: mend it there and feed that file to import_documents.")
            sys.exit(EXIT_PARTLY)

    def parts(self, arrivals: Arrivals) -> list[str]:
        """What is told of parts before the whole."""
        return []

    def more(self, arrivals: Arrivals) -> dict[str, Any]:
        """For the JSON answer, however it ends."""
        return {}
