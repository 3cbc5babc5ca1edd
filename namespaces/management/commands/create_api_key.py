"""`manage.py create_api_key NAME`."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from mixpeek_site.management.base import StoreCommand, add_json
from namespaces import services
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import Namespace, Organization, Permission


class Command(StoreCommand):
    interrupted = "A key that was made and not shown is of no use: the admin lists it, revoke_api_key NAME revokes it."
    help = """Make an API key. The key alone is printed on stdout, once: only its digest is stored.

Permissions, each including those before it: READ, WRITE, DELETE, ADMIN.

examples:
  manage.py create_api_key ingest --permission WRITE --namespace media
  manage.py create_api_key dashboard --namespace 'team-*' archive --expires-in 90
  KEY=$(manage.py create_api_key ci --permission ADMIN --organization Acme)
  manage.py create_api_key ci --json | jq -r .api_key

exit codes: 0 made and printed, 1 the name is taken or not allowed, or the database can't be reached, 2 wrong arguments,
130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="What people call the key; unique among the organization's working keys.")
        add_organization(parser)
        parser.add_argument("--permission", type=str.upper, choices=Permission.values, default=Permission.READ.value)
        parser.add_argument(
            "--namespace",
            metavar="PATTERN",
            nargs="+",
            action="extend",
            default=[],
            help="Limit the key to these namespaces: ids, names, or beginnings of them ending in *. Default: all.",
        )
        parser.add_argument("--expires-in", metavar="DAYS", type=_days, help="The key stops working after so many days.")
        add_json(parser)

    def work(
        self,
        *,
        name: str,
        organization: str | None,
        permission: str,
        namespace: list[str],
        expires_in: timedelta | None,
        json: bool,
        **options: Any,
    ) -> None:
        owner = chosen_organization(organization)
        key, token = services.create_api_key(
            organization=owner,
            name=name,
            permission=Permission(permission),
            namespace_patterns=namespace,
            expires_at=None if expires_in is None else datetime.now(UTC) + expires_in,
        )
        until = "" if key.expires_at is None else f", until {key.expires_at:%Y-%m-%d %H:%M} UTC"
        where = f"the namespaces {', '.join(namespace)}" if namespace else "all namespaces"
        self.say(f"Made the key {name!r} ({key.prefix}…) of {owner.name!r}: {permission} in {where}{until}.")
        for pattern in namespace:
            if not _matches_one(owner, pattern):
                self.say(f"Note: no namespace matches {pattern!r} yet.")
        self.say("This is the only time it is shown:")
        self.stderr.flush()
        if json:
            about = {"name": name, "prefix": key.prefix, "permission": permission, "namespaces": namespace}
            self.answer({"api_key": token, **about, "organization": owner.name, "expires_at": key.expires_at})
        else:
            self.stdout.write(token)


def _days(text: str) -> timedelta:
    try:
        days = float(text)
        if days > 0:
            span = timedelta(days=days)
            datetime.now(UTC) + span  # raises OverflowError beyond the year 9999
            return span
    except (ValueError, OverflowError):
        pass
    raise ArgumentTypeError(f"{text!r} is not a number of days above 0")


def _matches_one(owner: Organization, pattern: str) -> bool:
    lookup, text = ("startswith", pattern[:-1]) if pattern.endswith("*") else ("exact", pattern)
    there = Q(**{f"public_id__{lookup}": text}) | Q(**{f"name__{lookup}": text})
    return Namespace.objects.filter(there, organization=owner, deleted_at=None).exists()
