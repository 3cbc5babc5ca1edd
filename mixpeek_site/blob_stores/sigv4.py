"""AWS Signature Version 4 in the query: a URL with which who has it may GET one object of S3 for a while.

The same bytes as botocore's `generate_presigned_url` (tests/domain/test_sigv4.py), some hundred times as fast: a page signs
thousands. Pure functions; nothing is fetched.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

MAX_SECONDS: Final = 7 * 24 * 3600
"""S3 refuses URLs that are to be valid for longer."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


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


def signed_url(address: Address, key: str, credentials: Credentials, seconds: int, now: datetime) -> str:
    """The URL of GET, valid for `seconds` from `now` (UTC) on; `key` as it is, not quoted."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{address.region}/s3/aws4_request"
    path = address.path + quote(key, safe="/~")
    credential = quote(f"{credentials.access_key}/{scope}", safe="-_.~")
    head = f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={time}&X-Amz-Expires={seconds}"
    token = "" if credentials.token is None else f"&X-Amz-Security-Token={quote(credentials.token, safe='-_.~')}"
    # In the order of their names, as they are signed; botocore sends the token last.
    request = f"GET\n{path}\n{head}{token}&X-Amz-SignedHeaders=host\nhost:{address.host}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"{_ALGORITHM}\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(credentials.secret_key, time[:8], address.region), to_sign.encode(), "sha256").hex()
    return f"{address.origin}{path}?{head}&X-Amz-SignedHeaders=host{token}&X-Amz-Signature={signature}"


def now() -> datetime:
    return datetime.now(UTC)


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    """Of a day, a region and a secret: four digests that the URLs of a whole day share."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
