"""`manage.py create_organization NAME`."""

from argparse import ArgumentParser
from typing import Any

from mixpeek_site.management.base import StoreCommand, add_json
from namespaces import services
from namespaces.models import Organization


class Command(StoreCommand):
    interrupted = "It was made, or nothing was: run it again with --exist-ok."
    help = """Make an organization: the tenant that owns namespaces and keys. Its id is printed.

examples:
  manage.py create_organization Acme
  manage.py create_organization Acme --exist-ok    # for scripts that may run again
  ORG=$(manage.py create_organization Acme)

exit codes: 0 it is there, 1 the name is taken or not allowed, or the database can't be reached, 2 wrong arguments,
130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="1 to 255 characters, unique.")
        parser.add_argument("--exist-ok", action="store_true", help="Succeed when there is one of that name already.")
        add_json(parser)

    def work(self, *, name: str, exist_ok: bool, json: bool, **options: Any) -> None:
        organization = Organization.objects.filter(name=name).first() if exist_ok else None
        created = organization is None
        if organization is not None:
            self.say(f"The organization {name!r} exists already.")
        else:
            organization = services.create_organization(name=name)
            self.say(f"Made the organization {name!r}. Next: manage.py create_namespace NAME")
        if json:
            self.answer({"organization_id": organization.public_id, "name": organization.name, "created": created})
        else:
            self.stdout.write(organization.public_id)
