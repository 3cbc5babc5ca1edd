"""Bearer keys: from the token that a client sends to what it may do.

A worker keeps what it found for a few seconds, so that a request costs no look-up; a revoked key therefore dies in
every worker within `CACHE_SECONDS`. Unknown tokens are not kept: guessing must not fill memory.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from mixpeek_site import sql
from mixpeek_site.errors import UnauthorizedError
from namespaces.models import Permission

CACHE_SECONDS = 3.0
CACHE_ENTRIES = 4096
KEY_PREFIX = "sk_"
SHOWN_CHARACTERS = 10

_cache: dict[bytes, tuple[float, "Credentials"]] = {}

_SELECT = """
SELECT k.digest, k.id, k.name, k.permission, k.namespace_patterns, k.expires_at, o.id, o.public_id, o.name
FROM namespaces_apikey k JOIN namespaces_organization o ON o.id = k.organization_id
WHERE k.digest = %s AND k.revoked_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks: a key and its organization."""

    key_id: int
    key_name: str
    permission: Permission
    namespace_patterns: tuple[str, ...]
    expires_at: datetime | None
    organization_id: int
    organization_public_id: str
    organization_name: str


def new_token() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def authenticate(token: str) -> Credentials:
    """The credentials of a token. Raises UnauthorizedError when it is unknown, revoked or expired."""
    hashed = digest(token)
    cached = _cache.get(hashed)
    found = cached[1] if cached is not None and cached[0] > time.monotonic() else _look_up(hashed)
    if found.expires_at is not None and found.expires_at <= datetime.now(UTC):
        raise UnauthorizedError("This API key has expired.")
    return found


def _look_up(hashed: bytes) -> Credentials:
    _cache.pop(hashed, None)
    row = sql.one(_SELECT, (hashed,))
    if row is None or not hmac.compare_digest(bytes(row[0]), hashed):
        raise UnauthorizedError("This API key is unknown or revoked.")
    _, key_id, name, permission, patterns, expires_at, organization_id, organization, organization_name = row
    found = Credentials(
        key_id, name, Permission(permission), tuple(patterns), expires_at, organization_id, organization, organization_name
    )
    if len(_cache) >= CACHE_ENTRIES:
        _cache.clear()
    _cache[hashed] = (time.monotonic() + CACHE_SECONDS, found)
    return found
