"""What every command of the project has in common: its help, sentences instead of tracebacks, JSON, Ctrl-C and SIGTERM.

A command names its examples and exit codes in its `help`, writes what a script needs to stdout and what a person wants
to know to stderr (`say`). tests/commands/test_manners.py holds every command to that; docs/commands.md is made of it.
"""

import os
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import Error as DatabaseError

from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError, ValidationError

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_WRONG_ARGUMENTS: Final = 2
EXIT_PARTLY: Final = 3
EXIT_INTERRUPTED: Final = 130

_MOST: Final = 2**63 - 1  # of what PostgreSQL counts with
_WENT_AWAY: Final = ("57P01", "57P02", "57P03")
_NOT_SET_UP: Final = ("42P01", "42703")


class StoreCommand(BaseCommand):
    """What a script needs is alone on stdout; what a person wants to know is on stderr. SIGTERM is as Ctrl-C."""

    interrupted = "Nothing was changed."
    """How things stand after Ctrl-C, and how to go on."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _terminable():
                self.work(**options)
                self.stdout.flush()
        except ValidationError as error:
            raise CommandError("; ".join(f"{fault.location[-1]} {fault.message}" for fault in error.faults) + ".") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        except (DatabaseError, psycopg.Error) as error:
            raise CommandError(_of_the_database(error)) from error
        except BrokenPipeError:
            _forget_stdout()
            raise CommandError("Nobody reads the output any more.") from None
        except OSError as error:
            _forget_stdout()
            raise CommandError(_of_the_system(error)) from error
        except KeyboardInterrupt:
            self.say(f"\nInterrupted. {self.interrupted}")
            sys.exit(EXIT_INTERRUPTED)

    def work(self, *args: Any, **options: Any) -> None:
        raise NotImplementedError

    def say(self, text: str) -> None:
        """For people."""
        self.stderr.write(text, style_func=str)

    def ask(self, question: str) -> str:
        """What a person types; nothing at the end of the input. The question does not mix with what a script reads."""
        self.stderr.write(question, style_func=str, ending=" ")
        self.stderr.flush()
        return sys.stdin.readline().strip()

    def answer(self, value: dict[str, Any]) -> None:
        """For programs: one JSON object, on one line of stdout. Times are ISO 8601, in UTC."""
        told = {name: _time(each) if isinstance(each, datetime) else each for name, each in value.items()}
        self.stdout.write(jsonio.dumps(told))

    @property
    def progress_stream(self) -> Any:
        """Where progress goes; Django's own wrapper ends every write with a new line."""
        return self.stderr._out


def add_json(parser: ArgumentParser, what: str = "Answer with one JSON object, on one line of standard output.") -> None:
    parser.add_argument("--json", action="store_true", help=what)


def whole_number(least: int = 1, most: int = _MOST) -> Callable[[str], int]:
    """The type of an option."""

    def read(text: str) -> int:
        try:
            number = int(text) if text.isascii() and text.isdecimal() else None
        except ValueError:  # thousands of digits
            number = None
        if number is None or not least <= number <= most:
            raise ArgumentTypeError(f"must be a whole number from {least} to {most:,}")
        return number

    return read


positive: Final = whole_number()


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM as Ctrl-C, so that nothing half is left and the command says how things stand."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)


def _of_the_database(error: Exception) -> str:
    """What the database's error means, in a sentence; the error may be psycopg's, or Django's around one."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    said = first_line(error)
    if state is None or state in _WENT_AWAY:
        return f"The database can't be reached, or went away. ({said})"
    if state in _NOT_SET_UP:
        return f"The database is not set up: run manage.py migrate. ({said})"
    return f"PostgreSQL refused: {said}"


def _of_the_system(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _forget_stdout() -> None:
    """What is still to be written there, and can't be, would fail once more when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
