"""`manage.py revoke_api_key PREFIX_OR_NAME`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from mixpeek_site.management.base import StoreCommand, add_json
from namespaces import credentials, services
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import ApiKey


class Command(StoreCommand):
    interrupted = "The key is revoked or not: run it again, revoking one twice is no error."
    help = """Revoke an API key: every worker refuses it within seconds. Revoking one twice is not an error.

examples:
  manage.py revoke_api_key sk_AbCdEfG          # its visible prefix, as lists show it, or the whole key
  manage.py revoke_api_key ci --organization Acme

exit codes: 0 it is revoked, 1 there is no such key, or more than one, or the database can't be reached,
2 wrong arguments, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", metavar="PREFIX_OR_NAME", help="The key's name, visible prefix, or the whole key.")
        add_organization(parser)
        add_json(parser)

    def work(self, *, key: str, organization: str | None, json: bool, **options: Any) -> None:
        keys = ApiKey.objects.select_related("organization")
        if organization is not None:
            keys = keys.filter(organization=chosen_organization(organization))
        prefix = key[: credentials.SHOWN_CHARACTERS]
        found = list(keys.filter(Q(name=key) | Q(digest=credentials.digest(key))))
        if not found and key == prefix and key.startswith(credentials.KEY_PREFIX):
            found = list(keys.filter(prefix=prefix))
        working = [each for each in found if each.revoked_at is None]
        if not found:
            raise CommandError(f"There is no key named {key!r}, nor one with that prefix. The admin lists them all.")
        if not working:
            self.say(f"The key {found[-1]} of {found[-1].organization.name!r} is revoked already.")
            self._answer(found[-1], json, now=False)
            return
        if len(working) > 1:
            listed = "; ".join(f"{each.prefix} {each.name!r} of {each.organization.name!r}" for each in working)
            raise CommandError(f"{key!r} means more than one key; use a prefix or --organization: {listed}.")
        revoked = services.revoke_api_key(key=working[0])
        self.say(f"Revoked the key {revoked} of {revoked.organization.name!r}; it stops working within 5 seconds.")
        self._answer(revoked, json, now=True)

    def _answer(self, key: ApiKey, json: bool, *, now: bool) -> None:
        if json:
            about = {"name": key.name, "prefix": key.prefix, "organization": key.organization.name}
            self.answer({**about, "revoked_at": key.revoked_at, "revoked_now": now})
