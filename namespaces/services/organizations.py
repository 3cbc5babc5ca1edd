"""Organizations and their API keys."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from mixpeek_site.errors import AlreadyExistsError
from namespaces import credentials
from namespaces.models import ORGANIZATION_PREFIX, ApiKey, Organization, Permission
from namespaces.services.common import fault, name_taken, require_name


def create_organization(*, name: str) -> Organization:
    """Raises ValidationError for the name, AlreadyExistsError when it is taken."""
    require_name(name, ORGANIZATION_PREFIX)
    try:
        with transaction.atomic():
            return Organization.objects.create(name=name)
    except IntegrityError:
        raise name_taken("organization", name) from None


def create_api_key(
    *,
    organization: Organization,
    name: str,
    permission: Permission = Permission.READ,
    namespace_patterns: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token, which is seen here and never again: only its digest is stored.

    Raises ValidationError, and AlreadyExistsError when the organization has a key of that name that still works.
    """
    require_name(name, credentials.KEY_PREFIX)
    for pattern in namespace_patterns:
        if not 1 <= len(pattern) <= 255 or "*" in pattern[:-1]:
            raise fault("namespace_patterns", f"{pattern!r} must be a namespace's id or name, or a beginning with a trailing *")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise fault("expires_at", "is in the past")
    token = credentials.new_token()
    with transaction.atomic():
        # One organization's keys are made one after the other, so that two of one name can't pass the check at once.
        Organization.objects.select_for_update().get(pk=organization.pk)
        if working_keys(organization).filter(name=name).exists():
            raise AlreadyExistsError(f"The organization has a working key named {name!r} already.", resource="api_key", name=name)
        key = ApiKey.objects.create(
            organization=organization,
            name=name,
            digest=credentials.digest(token),
            prefix=token[: credentials.SHOWN_CHARACTERS],
            permission=permission,
            namespace_patterns=list(namespace_patterns),
            expires_at=expires_at,
        )
    return key, token


def revoke_api_key(*, key: ApiKey) -> ApiKey:
    """The key stops working within seconds, in every worker. One that is revoked already keeps its time."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=datetime.now(UTC))
    key.refresh_from_db()
    return key


def working_keys(organization: Organization | None = None) -> QuerySet[ApiKey]:
    """The keys that are not revoked and not expired."""
    keys = ApiKey.objects.filter(revoked_at=None).exclude(expires_at__lte=datetime.now(UTC))
    return keys if organization is None else keys.filter(organization=organization)
