"""What every command of the project has in common: its help, sentences instead of tracebacks, JSON, Ctrl-C.

A command names its examples and exit codes in its `help`, writes what a script needs to stdout and what a person wants
to know to stderr (`say`). tests/commands/test_manners.py holds every command to that; docs/commands.md is made of it.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError, ProgrammingError

from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError, ValidationError

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_WRONG_ARGUMENTS: Final = 2
EXIT_PARTLY: Final = 3
EXIT_INTERRUPTED: Final = 130


class StoreCommand(BaseCommand):
    """What a script needs is alone on stdout; what a person wants to know is on stderr."""

    interrupted = "Nothing was changed."
    """How things stand after Ctrl-C, and how to go on."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.work(**options)
        except ValidationError as error:
            raise CommandError("; ".join(f"{fault.location[-1]} {fault.message}" for fault in error.faults) + ".") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        except (ProgrammingError, psycopg.errors.UndefinedTable) as error:
            raise CommandError(f"The database is not set up: run manage.py migrate. ({first_line(error)})") from error
        except OperationalError as error:
            raise CommandError(f"The database can't be reached. ({first_line(error)})") from error
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


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
