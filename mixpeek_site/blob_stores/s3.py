"""Blobs in buckets of S3, or of what speaks its protocol."""

import tempfile
import threading
import time
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mixpeek_site import ids
from mixpeek_site.blob_stores import configuration, sigv4
from mixpeek_site.blob_stores.configuration import S3Options
from mixpeek_site.blob_stores.credentials import Chain, named
from mixpeek_site.blob_stores.interface import Owner, Signed
from mixpeek_site.blob_stores.sigv4 import Address
from mixpeek_site.errors import ServiceUnavailableError

SCHEME: Final = "s3://"
_MAX_KEY_BYTES: Final = 1024
_MAX_ADDRESSES: Final = 1000
_IN_MEMORY: Final = 4 * 2**20


class S3Store:
    """Raises ImproperlyConfigured when the variables or the profile that it names are not there."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._names = frozenset(name for name in options.buckets if not name.endswith("*"))
        self._beginnings = tuple(name[:-1] for name in options.buckets if name.endswith("*"))
        self._addresses: dict[str, Address] = {}
        self._lock = threading.Lock()
        self._sending: tuple[sigv4.Credentials, Any] | None = None
        self._named = named(options.credentials) if options.credentials else None
        if options.profile and options.profile not in self._session.available_profiles:
            raise ImproperlyConfigured(f"BLOB_STORES: the profile {options.profile!r} is not configured on this machine.")

    def holds(self, url: str) -> bool:
        bucket = _split(url)[0]
        return url.startswith(SCHEME) and (bucket in self._names or bucket.startswith(self._beginnings))

    def sign(self, url: str, owner: Owner) -> Signed | None:
        if not url.startswith(SCHEME):
            return None
        bucket, key = _split(url)
        if bucket not in self._names and not bucket.startswith(self._beginnings):
            return None
        address = self._addresses.get(bucket)
        if address is None and not configuration.is_bucket(bucket):
            return Signed(None, f"{_shown(bucket)} is no bucket's name.")
        fault = _fault(key) or _withheld(_reach(self._options, owner), key)
        if fault:
            return Signed(None, fault)
        keys = self._credentials()
        if keys is None:
            return Signed(None, f"The server has no keys for the bucket {bucket}.")
        return Signed(sigv4.signed_url(address or self._address(bucket), key, keys, settings.BLOB_URL_SECONDS, int(time.time())))

    def new_url(self, owner: Owner, name: str) -> str:
        uploads = _filled(self._options.uploads, owner)
        return f"{SCHEME}{self._options.buckets[0]}/{uploads}{ids.new_id('')}/{name}"

    def put(self, url: str, chunks: Iterable[bytes], content_type: str) -> None:
        bucket, key = _split(url)
        # S3 wants to know the size before the first byte.
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            for chunk in chunks:
                spool.write(chunk)
            size = spool.tell()
            spool.seek(0)
            self._asked("put_object", Bucket=bucket, Key=key, Body=spool, ContentLength=size, ContentType=content_type)

    def delete(self, url: str) -> None:
        bucket, key = _split(url)
        self._asked("delete_object", Bucket=bucket, Key=key, missing_is_fine=True)

    def _credentials(self) -> sigv4.Credentials | None:
        return self._named or self._chain.current()

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session

        return Session(profile=self._options.profile)  # by itself it looks at AWS_PROFILE

    @cached_property
    def _chain(self) -> Chain:
        return Chain(self._session)

    def _client(self, **keys: Any) -> Any:
        from botocore.config import Config

        return self._session.create_client(
            "s3",
            region_name=self._options.region or self._session.get_config_variable("region") or "us-east-1",
            endpoint_url=self._options.endpoint,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": self._options.style},
                connect_timeout=5,
                read_timeout=60,
                retries={"total_max_attempts": 3, "mode": "standard"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            **keys,
        )

    @cached_property
    def _describing(self) -> Any:
        """A client that says where buckets are; it never sends anything."""
        return self._client(aws_access_key_id="none", aws_secret_access_key="none")

    def _address(self, bucket: str) -> Address:
        """Where botocore would ask for the bucket's keys."""
        with self._lock:
            if len(self._addresses) >= _MAX_ADDRESSES:
                self._addresses.clear()
            found = self._addresses[bucket] = address(self._describing, bucket)
            return found

    def _asked(self, operation: str, *, missing_is_fine: bool = False, **arguments: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        keys = self._credentials()
        if keys is None:
            raise ServiceUnavailableError("The server has no keys for its blob store.")
        try:
            getattr(self._client_of(keys), operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            if missing_is_fine and isinstance(error, ClientError) and _status(error) == 404:
                return
            raise ServiceUnavailableError(f"The blob store does not answer as it should: {_said(error)}.") from error

    def _client_of(self, keys: sigv4.Credentials) -> Any:
        """One for all threads, as botocore allows: to make it takes longer than to send a small file."""
        with self._lock:
            if self._sending is None or self._sending[0] != keys:
                client = self._client(
                    aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key, aws_session_token=keys.token
                )
                self._sending = keys, client
            return self._sending[1]


def address(client: Any, bucket: str) -> Address:
    """Taken from a URL that botocore signs for the bucket's key `x`."""
    url: str = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"})
    before, _, query = url.partition("?")
    scheme, _, rest = before.partition("://")
    host, _, path = rest.partition("/")
    region = query.partition("X-Amz-Credential=")[2].partition("&")[0].split("%2F")[-3]
    return Address(f"{scheme}://{host}", f"/{path[:-1]}", region)


def _split(url: str) -> tuple[str, str]:
    """Bucket and key: all behind the first slash, as it is."""
    bucket, _, key = url[len(SCHEME) :].partition("/")
    return bucket, key


class _Reach(NamedTuple):
    """What a namespace may have of a store: keys that begin with `prefix`; of those with `all_uploads`, `uploads` alone."""

    allowed: bool
    prefix: str
    all_uploads: str
    uploads: str


@lru_cache(maxsize=4096)
def _reach(options: S3Options, owner: Owner) -> _Reach:
    allowed = not options.namespaces or any(_matches(pattern, owner.namespace) for pattern in options.namespaces)
    uploads = options.uploads
    return _Reach(allowed, _filled(options.prefix, owner), uploads.partition("{")[0], _filled(uploads, owner))


def _withheld(reach: _Reach, key: str) -> str:
    """Why the namespace may not have the key signed; "" if it may."""
    if not reach.allowed:
        return "The blob store is not for this namespace."
    if not key.startswith(reach.prefix):
        return "The blob store does not give this namespace such keys."
    if key.startswith(reach.all_uploads) and not key.startswith(reach.uploads):
        return "It belongs to another namespace."
    return ""


def _fault(key: str) -> str:
    try:
        size = len(key) if key.isascii() else len(key.encode())
    except UnicodeEncodeError:
        return "Its key is no text of UTF-8."
    if not 1 <= size <= _MAX_KEY_BYTES:
        return f"Its key must have 1 to {_MAX_KEY_BYTES} bytes."
    between = f"/{key}/"
    if "/./" in between or "/../" in between:
        return "Its key has a part . or .., which those who fetch it leave out."
    return ""


def _filled(template: str, owner: Owner) -> str:
    return template.replace("{organization}", owner.organization).replace("{namespace}", owner.namespace)


def _matches(pattern: str, namespace: str) -> bool:
    return namespace.startswith(pattern[:-1]) if pattern.endswith("*") else namespace == pattern


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")


def _status(error: Any) -> Any:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _said(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)
