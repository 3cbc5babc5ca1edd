"""Another server of the API over HTTP: asks again where an answer may come yet, and says plainly why it doesn't.

The key goes into one header and nowhere else; what a server says is quoted without it. Redirects are not followed.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3

from documents.importing.reading.lines import SourceError
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.jsonio import JSONObject

MAX_TRIES: Final = 9
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
_LONGEST_ASKED_WAIT: Final = 300.0
_PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


class _Answer(msgspec.Struct):
    """A list's answer; its rows as they came, so that numbers stay what they are."""

    results: list[msgspec.Raw] | None = None
    pagination: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a list answered: its rows as JSON, and what it says of pages."""

    rows: list[bytes]
    pagination: JSONObject


class RefusedError(SourceError):
    """The server does not do what was asked. `status`; `named`: the members and parameters that it objects to."""

    def __init__(self, message: str, status: int, named: frozenset[str]) -> None:
        super().__init__(message)
        self.status = status
        self.named = named


class Remote:
    """A server as a key sees it. Safe to be used by several threads."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float, connections: int, tell: Callable[[str], None]) -> None:
        """`tell`: for people, when an answer is waited for. Raises SourceError for a URL that is none."""
        try:
            parts = urlsplit(base_url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
            raise SourceError("The base URL must be http(s)://host[:port][/path], with nothing else in it.")
        if not api_key.isascii() or not api_key.isprintable() or not api_key:
            raise SourceError("The API key must be printable ASCII.")
        self.base_url = base_url.rstrip("/").removesuffix("/v1")
        self._key = api_key
        self._tell = tell
        self._pool = _pool(parts.scheme, host, timeout, connections)

    def list(self, path: str, *, namespace: str | None = None, query: Mapping[str, Any], body: JSONObject) -> Answer:
        """A page of a list. Raises RefusedError for what the server does not accept, SourceError when it does not answer."""
        found: Answer = self._ask("POST", path, namespace, query, body, _list_of)
        return found

    def get(self, path: str, *, namespace: str | None = None) -> JSONObject:
        """One thing. Raises as `list` does."""
        found: JSONObject = self._ask("GET", path, namespace, {}, None, _object_of)
        return found

    def _ask(
        self,
        method: str,
        path: str,
        namespace: str | None,
        query: Mapping[str, Any],
        body: JSONObject | None,
        read: Callable[[bytes], Any],
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        if namespace is not None:
            headers["X-Namespace"] = namespace
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = jsonio.dumps(body).encode()
        url = f"{self.base_url}/v1/{path}{'?' if query else ''}{urlencode(query)}"
        for tries in range(1, MAX_TRIES + 1):
            asked_wait = 0.0
            try:
                answer = self._pool.request(method, url, headers=headers, body=content, redirect=False, retries=False)
                if answer.status == 200:
                    return read(answer.data)
                if answer.status not in _PASSING:
                    raise self._refused(answer.status, answer.data, answer.headers.get("Location"), path)
                reason = f"answers {answer.status}"
                asked_wait = _retry_after(answer.headers.get("Retry-After"))
            except urllib3.exceptions.HTTPError as error:
                reason = _why(error)
                if _is_for_good(error):
                    raise SourceError(f"{self.base_url} can't be reached: {reason}") from None
            except _GarbageError:
                reason = "answers something that is not the JSON of the API"
            if tries == MAX_TRIES:
                break
            wait = max(asked_wait, min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (tries - 1)) * random.uniform(0.5, 1.0))
            if wait >= 5:
                self._tell(f"{self.base_url} {reason}; asking again in {wait:.0f} s ({tries} of {MAX_TRIES}).")
            time.sleep(wait)
        raise SourceError(f"{self.base_url} {reason}, also after {MAX_TRIES} tries.")

    def _refused(self, status: int, content: bytes, location: str | None, path: str) -> SourceError:
        said, named = _said(content)
        said = said.replace(self._key, "…")
        if 300 <= status < 400:
            return SourceError(f"{self.base_url} answers {status} and points to {location}: give that as the base URL.")
        if status == 401:
            return SourceError(f"{self.base_url} does not accept the API key (401).")
        if status == 403:
            return SourceError(f"The API key may not read {path} on {self.base_url} (403{': ' if said else ''}{said}).")
        return RefusedError(f"{self.base_url} answers {status} for {path}{': ' if said else ''}{said}", status, named)


class _GarbageError(Exception):
    """An answer that no server of the API gives: cut off, or from something in between."""


def segment(identifier: str) -> str:
    """An id or name as part of a path."""
    return quote(identifier, safe="")


def _list_of(content: bytes) -> Answer:
    try:
        found = msgspec.json.decode(content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _GarbageError from None
    if found.results is None:
        raise _GarbageError
    return Answer([bytes(row) for row in found.results], found.pagination or {})


def _object_of(content: bytes) -> JSONObject:
    try:
        found = jsonio.loads(content)
    except DomainError:
        raise _GarbageError from None
    if not isinstance(found, dict):
        raise _GarbageError
    return found


def _said(content: bytes) -> tuple[str, frozenset[str]]:
    """The message of an error, of whatever generation, and the names that it objects to."""
    try:
        body = msgspec.json.decode(content)
        error = body.get("error") or {}
        faults = (error.get("details") or {}).get("validation_errors") or body.get("detail") or []
        message = error.get("message") or (body["detail"] if isinstance(body.get("detail"), str) else "")
        places = [each.get("location") or each.get("loc") or [] for each in faults if isinstance(each, dict)]
        named = frozenset(str(part) for place in places for part in place)
    except (msgspec.MsgspecError, UnicodeDecodeError, AttributeError, TypeError):
        return "", frozenset()
    told = "; ".join(str(each.get("message") or each.get("msg") or "") for each in faults if isinstance(each, dict))
    return f"{message}{' ' if message and told else ''}{told}"[:500], named


def _pool(scheme: str, host: str, timeout: float, connections: int) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=min(timeout, 30.0), read=timeout),
        "maxsize": connections,
        "block": True,
        "cert_reqs": "CERT_REQUIRED",
    }
    proxy = getproxies().get(scheme)
    if proxy and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _why(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"its certificate is not accepted ({error})"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is not known"
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # which counts as a timeout there
        return "can't be reached"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "does not answer in time"
    return "breaks the connection" if isinstance(error, urllib3.exceptions.ProtocolError) else "can't be reached"


def _is_for_good(error: Exception) -> bool:
    return isinstance(error, urllib3.exceptions.SSLError | urllib3.exceptions.LocationValueError)


def _retry_after(header: str | None) -> float:
    """Seconds that a server asks to wait, as a number or a date; 0 when it does not say."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, min(seconds, _LONGEST_ASKED_WAIT)) if seconds == seconds else 0.0
