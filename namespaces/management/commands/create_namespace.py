"""`manage.py create_namespace NAME`."""

from argparse import ArgumentParser
from typing import Any

from namespaces import services
from namespaces.management.base import PlaceCommand, add_organization, chosen_organization
from namespaces.models import Namespace


class Command(PlaceCommand):
    help = """Make a namespace in an organization. Its id is printed.

examples:
  manage.py create_namespace media
  manage.py create_namespace media --organization Acme --description "What the video pipeline makes" """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="1 to 255 characters, unique in the organization, not like an id (ns_…).")
        add_organization(parser)
        parser.add_argument("--description", help="A sentence for people.")
        parser.add_argument("--exist-ok", action="store_true", help="Succeed when there is one of that name already.")

    def work(self, *, name: str, organization: str | None, description: str | None, exist_ok: bool, **options: Any) -> None:
        owner = chosen_organization(organization)
        there = Namespace.objects.filter(organization=owner, name=name, deleted_at=None).first() if exist_ok else None
        if there is not None:
            self.say(f"The namespace {name!r} exists already.")
        else:
            there = services.create_namespace(organization_id=owner.pk, name=name, description=description)
            self.say(f"Made the namespace {name!r} in {owner.name!r}. Next: manage.py create_api_key NAME")
        self.stdout.write(there.public_id)
