"""What the commands of places share: the choice of the organization."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from namespaces.models import Organization


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
