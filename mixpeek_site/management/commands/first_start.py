"""`manage.py first_start`: what `make run` needs on a fresh database, and nothing on one that is in use."""

import secrets
from argparse import ArgumentParser
from io import StringIO
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction

from mixpeek_site import env
from mixpeek_site.management.base import StoreCommand, add_json
from namespaces import services
from namespaces.models import ApiKey, Namespace, Organization, Permission


class Command(StoreCommand):
    interrupted = "Run it again: it completes what was begun."
    help = """On a database without API keys: make an organization, a namespace, a staff user and an ADMIN key, load the sample,
and print how to sign in, the key last. Nothing is shown a second time. On any other database it does nothing. One that
was interrupted is completed by the next.

examples:
  manage.py first_start                          what make run does
  manage.py first_start --name acme --no-sample
  manage.py first_start --json | jq -r .api_key

exit codes: 0 done, or done already, 1 the database can't be reached or is not set up, 2 wrong arguments,
130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="example", help="of the organization and the namespace (default: example)")
        parser.add_argument("--no-sample", action="store_true", help="leave the sample out")
        add_json(parser)

    def work(self, *, name: str, no_sample: bool, json: bool, **options: Any) -> None:
        # The key is made last, so its absence says that this has not run to its end.
        if ApiKey.objects.exists():
            if json:
                self.answer({"done": False, "reason": "there are API keys already"})
            return
        organization = Organization.objects.first() or services.create_organization(name=name)
        namespaces = Namespace.objects.filter(organization=organization, deleted_at=None)
        namespace = namespaces.first() or services.create_namespace(organization_id=organization.pk, name=name)
        if not no_sample:
            # What it says on stderr is where to look next, which the lines below say with the port of this start.
            place = {"namespace": namespace.public_id, "organization": organization.name}
            call_command("load_sample", **place, stdout=StringIO() if json else self.stdout, stderr=StringIO())
        self.hand_over(organization, namespace, json)

    def hand_over(self, organization: Organization, namespace: Namespace, json: bool) -> None:
        """Make the user and the key together and print them: whoever sees the one sees the other."""
        password = secrets.token_urlsafe(12)
        users = get_user_model().objects
        with transaction.atomic():
            user = users.filter(username="admin").first()
            if user is None:
                users.create_superuser("admin", password=password)
            _, token = services.create_api_key(organization=organization, name="first start", permission=Permission.ADMIN)
        url = f"http://127.0.0.1:{env.integer('PORT', 8000)}"
        if json:
            about = {"organization": organization.name, "namespace": namespace.name, "namespace_id": namespace.public_id}
            own = {"user": "admin", "password": password if user is None else None, "api_key": token}
            self.answer({"done": True, **about, "admin": f"{url}/admin/", "docs": f"{url}/docs", **own})
            return
        sign_in = f"user admin, password {password}" if user is None else "the user admin that was there already"
        self.stdout.write(
            f"\n"
            f"  organization  {organization.name}\n"
            f"  namespace     {namespace.name} ({namespace.public_id})\n"
            f"  admin         {url}/admin/  {sign_in}\n"
            f"  docs          {url}/docs\n"
            f"  try           curl -H 'Authorization: Bearer KEY' -H 'X-Namespace: {namespace.name}' \\\n"
            f"                {url}/v1/collections/definitions/documents\n"
            f"\n"
            f"Neither the password nor this ADMIN key is shown again. The key:\n"
            f"{token}"
        )
