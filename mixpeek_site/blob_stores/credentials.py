"""Keys of S3: from named environment variables, or found by botocore the usual way (environment, files, roles, …).

Finding them may ask other machines, and those of a role expire: both happens in threads of their own, so that a request waits
for an answer `FIRST_WAIT_SECONDS` once, and otherwise signs with what was found before.
"""

import logging
import os
import threading
import time
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from mixpeek_site.blob_stores.sigv4 import Credentials

logger = logging.getLogger("mixpeek.blobs")

FIRST_WAIT_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 60.0
"""How long what was found is used without asking botocore again, which renews a role's keys minutes before they expire."""


def named(prefix: str) -> Credentials:
    """Of `<prefix>_ACCESS_KEY_ID`, `<prefix>_SECRET_ACCESS_KEY` and, for a session, `<prefix>_SESSION_TOKEN`.

    Raises ImproperlyConfigured when one of the first two is missing.
    """
    access_key, secret_key, token = (
        os.environ.get(f"{prefix}_{name}", "").strip() for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    )
    if not access_key or not secret_key:
        raise ImproperlyConfigured(f"BLOB_STORES: {prefix}_ACCESS_KEY_ID and {prefix}_SECRET_ACCESS_KEY must both be set.")
    return Credentials(access_key, secret_key, token or None)


class Chain:
    """What botocore's chain finds in a session; asked again every `FRESH_SECONDS`, also when it found nothing."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._answered = threading.Event()
        self._found: Credentials | None = None

    def current(self) -> Credentials | None:
        """None: there are none, or finding them takes its time."""
        with self._lock:
            if self._asked_at is None or time.monotonic() - self._asked_at > FRESH_SECONDS:
                self._asked_at = time.monotonic()
                threading.Thread(target=self._ask, name="blob credentials", daemon=True).start()
        if not self._answered.is_set():
            self._answered.wait(FIRST_WAIT_SECONDS)
        return self._found

    def _ask(self) -> None:
        try:
            resolved = self._session.get_credentials()
            frozen = None if resolved is None else resolved.get_frozen_credentials()
            self._found = None if frozen is None else Credentials(frozen.access_key, frozen.secret_key, frozen.token)
        except Exception:
            logger.exception("The keys of a blob store could not be found")
            self._found = None
        finally:
            self._answered.set()
