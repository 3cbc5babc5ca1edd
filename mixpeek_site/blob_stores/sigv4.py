"""AWS Signature Version 4 in the query: a URL with which who has it may GET one object of S3 for a while.

The same bytes as botocore's `generate_presigned_url` (tests/domain/test_sigv4.py), some hundred times as fast: a page signs
thousands. Pure functions; nothing is fetched.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

from mixpeek_site.blob_stores.hmacs import Hmac

MAX_SECONDS: Final = 7 * 24 * 3600
"""S3 refuses URLs that are to be valid for longer."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_is_plain: Final = re.compile(r"[A-Za-z0-9_.~/-]*", re.ASCII).fullmatch
_sha256: Final = hashlib.sha256


class Credentials(NamedTuple):
    """`token`: of a session, such as a role's; None of keys that last."""

    access_key: str
    secret_key: str
    token: str | None = None


class Address(NamedTuple):
    """Where a bucket's keys are: `https://films.s3.eu-west-1.amazonaws.com` + `/`, or `http://host:9000` + `/films/`."""

    origin: str
    path: str
    region: str

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]


def signed_url(address: Address, key: str, credentials: Credentials, seconds: int, now: int) -> str:
    """The URL of GET, valid for `seconds` from `now` on, in seconds since 1970; `key` as it is, not quoted."""
    moment = _moment(address, credentials, seconds, now)
    path = address.path + (key if _is_plain(key) else quote(key, safe="/~"))
    request = f"GET\n{path}\n{moment.signed}"
    to_sign = moment.to_sign + _sha256(request.encode()).hexdigest()
    return f"{address.origin}{path}?{moment.sent}{moment.hmac.hexdigest(to_sign.encode())}"


class _Moment(NamedTuple):
    """What all URLs of a second share: the rest of the request, what precedes its digest, what is sent, the key's HMAC."""

    signed: str
    to_sign: str
    sent: str
    hmac: Hmac


@lru_cache(maxsize=256)
def _moment(address: Address, credentials: Credentials, seconds: int, now: int) -> _Moment:
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{address.region}/s3/aws4_request"
    credential = quote(f"{credentials.access_key}/{scope}", safe="-_.~")
    head = f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={time}&X-Amz-Expires={seconds}"
    token = "" if credentials.token is None else f"&X-Amz-Security-Token={quote(credentials.token, safe='-_.~')}"
    # Signed in the order of their names; botocore sends the token last.
    return _Moment(
        signed=f"{head}{token}&X-Amz-SignedHeaders=host\nhost:{address.host}\n\nhost\nUNSIGNED-PAYLOAD",
        to_sign=f"{_ALGORITHM}\n{time}\n{scope}\n",
        sent=f"{head}&X-Amz-SignedHeaders=host{token}&X-Amz-Signature=",
        hmac=_signing_key(credentials.secret_key, time[:8], address.region),
    )


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str) -> Hmac:
    """Of a day, a region and a secret: four digests that the URLs of a whole day share."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return Hmac(key)
