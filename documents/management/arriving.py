"""What the commands share that bring documents from elsewhere: their options, what became of the lines, how it is told."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import IO, Any

from django.core.management.base import CommandError

from documents.importing import Counts, Failure, Line, Options, SourceError, run
from documents.importing.pipeline import BATCH_SIZE
from documents.importing.reporting import ErrorsFile
from documents.importing.writing import ON_CONFLICT, Place
from mixpeek_site.errors import DomainError
from mixpeek_site.management.base import EXIT_INTERRUPTED, EXIT_PARTLY, add_json
from mixpeek_site.management.progress import Progress
from namespaces.management.base import PlaceCommand

_OUTCOMES = ("imported", "replaced", "merged", "skipped", "failed")


def add_import_options(parser: ArgumentParser, what: str) -> None:
    """`what`: what arrives, in the plural."""
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="fail",
        help="When a document_id exists already: fail reports it (the default), skip leaves the stored document, "
        "replace does what PUT does" + (", merge what PATCH does." if "merge" in ON_CONFLICT else "."),
    )
    parser.add_argument("--dry-run", action="store_true", help="Do everything, then undo it: nothing changes.")
    parser.add_argument("--errors", metavar="FILE", help="Where what failed goes, as JSON lines; it is begun anew.")
    parser.add_argument("--limit", metavar="N", type=positive, help=f"Read at most so many {what}.")
    parser.add_argument(
        "--batch-size", metavar="N", type=positive, default=BATCH_SIZE, help=f"In one transaction (default: {BATCH_SIZE})."
    )
    add_json(parser)


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("must be a whole number from 1")
    return int(text)


class Arrivals:
    """What became of everything so far, in one run of the pipeline or several."""

    def __init__(self, command: PlaceCommand, opened: ExitStack, total: int | None, errors: str | None, what: str) -> None:
        """`total`: how many are to come; `what`: what they are. Raises CommandError when the errors file can't be written."""
        self.counts = Counts()
        self._begun = time.monotonic()
        stream: Any = command.stderr._out  # Django's wrapper ends every write with a new line
        self._progress = opened.enter_context(Progress(total, stream, what, in_bytes=False))
        self._kept = ErrorsFile(_errors_file(opened, errors), self._progress.write)
        self._what = what

    def run(self, lines: Iterable[Line], place: Place, options: Options) -> None:
        """As `importing.run`."""
        before = Counts()
        before.add(self.counts)

        def report(so_far: Counts, failures: list[Failure], position: int) -> None:
            now = Counts()
            now.add(before)
            now.add(so_far)
            self.counts.replace_by(now)
            for failure in failures:
                self._kept.add(failure)
            self._kept.flush()
            self._progress.update(now.lines)

        run(lines, place, options, report)

    def close(self) -> None:
        self._progress.close()

    def tell(self, text: str) -> None:
        """For people, beside the progress."""
        self._progress.write(text)

    def as_json(self, **more: Any) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._begun, 3)
        return {**self._numbers(), "seconds": seconds, **more}

    def _numbers(self) -> dict[str, int]:
        return {name: getattr(self.counts, name) for name in _OUTCOMES}

    def closing(self, dry_run: bool) -> str:
        """What became of them, in a sentence."""
        seconds = time.monotonic() - self._begun
        told = [f"{number:,} {name}" for name, number in self._numbers().items() if number or name in ("imported", "failed")]
        undone = " Dry run: nothing was changed." if dry_run else ""
        lines = self.counts.lines
        return f"{lines:,} {self._what}: {', '.join(told)}, in {seconds:.1f} s ({lines / max(seconds, 1e-9):,.0f}/s).{undone}"


class ArrivingCommand(PlaceCommand):
    """A command that ends with what became of everything that arrived."""

    how_to_go_on = " What came in is stored; --on-conflict skip goes on from here."

    def bring(
        self, arrivals: Arrivals, work: Callable[[], dict[str, Any]], *, dry_run: bool, as_json: bool, errors: str | None
    ) -> None:
        """Do the work, which returns more for the JSON answer; say how it ended and exit as documented.

        Raises CommandError when it could not go on.
        """
        go_on = "" if dry_run else self.how_to_go_on
        try:
            more = work()
        except KeyboardInterrupt:
            arrivals.close()
            self.say(f"\nInterrupted. {arrivals.closing(dry_run)}{go_on}")
            sys.exit(EXIT_INTERRUPTED)
        except (SourceError, DomainError) as error:
            arrivals.close()
            self.say(f"{arrivals.closing(dry_run)}{go_on}")
            raise CommandError(str(error)) from error
        arrivals.close()
        if as_json:
            self.answer(arrivals.as_json(dry_run=dry_run, **more))
        else:
            self.stdout.write(arrivals.closing(dry_run))
        if arrivals.counts.failed:
            if errors:
                self.say(f"What failed is in {errors}: mend it there and feed that file to import_documents.")
            sys.exit(EXIT_PARTLY)


def _errors_file(opened: ExitStack, path: str | None) -> IO[str] | None:
    if path is None:
        return None
    try:
        return opened.enter_context(open(path, "w", encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
