"""What the commands share: plain sentences for errors, and the choice of the organization."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError, ProgrammingError

from mixpeek_site.errors import DomainError, ValidationError
from namespaces.models import Organization


class PlaceCommand(BaseCommand):
    """What a script needs is alone on stdout; what a person wants to know is on stderr."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.work(**options)
        except ValidationError as error:
            raise CommandError("; ".join(f"{fault.location[-1]} {fault.message}" for fault in error.faults) + ".") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        except ProgrammingError as error:
            raise CommandError(f"The database is not set up: run manage.py migrate. ({_first_line(error)})") from error
        except OperationalError as error:
            raise CommandError(f"The database can't be reached. ({_first_line(error)})") from error

    def work(self, *args: Any, **options: Any) -> None:
        raise NotImplementedError

    def say(self, text: str) -> None:
        """For people."""
        self.stderr.write(text, style_func=str)


def add_organization(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--organization", metavar="O", help="The organization's name or id; may be left out when there is exactly one."
    )


def chosen_organization(identifier: str | None) -> Organization:
    """Raises CommandError with a sentence that says what to do."""
    if identifier is not None:
        found = Organization.objects.filter(public_id=identifier).first() or Organization.objects.filter(name=identifier).first()
        if found is None:
            raise CommandError(f"There is no organization {identifier!r}. There {_known()}.")
        return found
    organizations = list(Organization.objects.all()[:2])
    if not organizations:
        raise CommandError("There is no organization yet. Make one first: manage.py create_organization NAME")
    if len(organizations) > 1:
        raise CommandError(f"There is more than one organization: say which with --organization. There {_known()}.")
    return organizations[0]


def _known(limit: int = 10) -> str:
    names = list(Organization.objects.values_list("name", flat=True)[: limit + 1])
    if not names:
        return "is none at all yet"
    return f"are: {', '.join(map(repr, names[:limit]))}{', …' if len(names) > limit else ''}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
