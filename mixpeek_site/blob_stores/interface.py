"""What a blob store is to those who use one."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Owner(NamedTuple):
    """The namespace on whose behalf a URL is signed or stored: the public ids of its organization and of itself."""

    organization: str
    namespace: str


class Signed(NamedTuple):
    """A URL that can be fetched for a while, or the reason why there is none."""

    url: str | None
    reason: str = ""


class Store(Protocol):
    """One place with bytes, which URLs of one scheme name. Nothing here but `put` and `delete` goes over the network."""

    def holds(self, url: str) -> bool:
        """Whether the URL is one of this store, whoever may see it."""
        ...

    def sign(self, url: str, owner: Owner) -> Signed | None:
        """Valid for `settings.BLOB_URL_SECONDS`. None: not a URL of this store."""
        ...

    def new_url(self, owner: Owner, name: str) -> str:
        """Where a new blob of the namespace goes; no two calls answer the same. `name` is a file's name, safe as it is."""
        ...

    def put(self, url: str, chunks: Iterable[bytes], content_type: str) -> None:
        """Store the bytes, whole or not at all. Raises ServiceUnavailableError, and what `chunks` raises."""
        ...

    def delete(self, url: str) -> None:
        """Remove the bytes; nothing where there are none. Raises ServiceUnavailableError."""
        ...
