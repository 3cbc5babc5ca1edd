"""`manage.py create_organization NAME`."""

from argparse import ArgumentParser
from typing import Any

from namespaces import services
from namespaces.management.base import PlaceCommand
from namespaces.models import Organization


class Command(PlaceCommand):
    help = """Make an organization: the tenant that owns namespaces and keys. Its id is printed.

examples:
  manage.py create_organization Acme
  manage.py create_organization Acme --exist-ok    # for scripts that may run again"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="1 to 255 characters, unique.")
        parser.add_argument("--exist-ok", action="store_true", help="Succeed when there is one of that name already.")

    def work(self, *, name: str, exist_ok: bool, **options: Any) -> None:
        organization = Organization.objects.filter(name=name).first() if exist_ok else None
        if organization is not None:
            self.say(f"The organization {name!r} exists already.")
        else:
            organization = services.create_organization(name=name)
            self.say(f"Made the organization {name!r}. Next: manage.py create_namespace NAME")
        self.stdout.write(organization.public_id)
