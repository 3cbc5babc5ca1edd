"""`manage.py create_namespace NAME`."""

from argparse import ArgumentParser
from typing import Any

from mixpeek_site.management.base import StoreCommand, add_json
from namespaces import services
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import Namespace


class Command(StoreCommand):
    interrupted = "It was made, or nothing was: run it again with --exist-ok."
    help = """Make a namespace in an organization. Its id is printed.

examples:
  manage.py create_namespace media
  manage.py create_namespace media --organization Acme --description "What the video pipeline makes"
  manage.py create_namespace media --exist-ok    # for scripts that may run again

exit codes: 0 it is there, 1 the name is taken or not allowed, or the database can't be reached, 2 wrong arguments,
130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="1 to 255 characters, unique in the organization, not like an id (ns_…).")
        add_organization(parser)
        parser.add_argument("--description", help="A sentence for people.")
        parser.add_argument("--exist-ok", action="store_true", help="Succeed when there is one of that name already.")
        add_json(parser)

    def work(
        self, *, name: str, organization: str | None, description: str | None, exist_ok: bool, json: bool, **options: Any
    ) -> None:
        owner = chosen_organization(organization)
        there = Namespace.objects.filter(organization=owner, name=name, deleted_at=None).first() if exist_ok else None
        created = there is None
        if there is not None:
            self.say(f"The namespace {name!r} exists already.")
        else:
            there = services.create_namespace(organization_id=owner.pk, name=name, description=description)
            self.say(f"Made the namespace {name!r} in {owner.name!r}. Next: manage.py create_api_key NAME")
        if json:
            self.answer({"namespace_id": there.public_id, "name": there.name, "organization": owner.name, "created": created})
        else:
            self.stdout.write(there.public_id)
