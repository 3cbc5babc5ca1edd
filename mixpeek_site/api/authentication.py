"""From the `Authorization` header to credentials (contract section 1)."""

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from mixpeek_site.errors import UnauthorizedError
from namespaces import credentials


def authenticate(request: HttpRequest) -> credentials.Credentials:
    """Raises UnauthorizedError for a missing, malformed, unknown, revoked or expired key."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if not header:
        raise UnauthorizedError("Send your API key as 'Authorization: Bearer sk_…'.")
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(credentials.KEY_PREFIX):
        raise UnauthorizedError("The Authorization header must be 'Bearer sk_…'.")
    return credentials.authenticate(token)


class BearerAuthentication(BaseAuthentication):
    """Names the scheme to the schema; requests go through `authenticate` (mixpeek_site/api/viewset.py)."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `sk_…`."}
