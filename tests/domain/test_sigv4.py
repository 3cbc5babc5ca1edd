"""Our signed URLs are botocore's, byte for byte."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.credentials
import pytest
from botocore.config import Config
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpeek_site.blob_stores.s3 import address
from mixpeek_site.blob_stores.sigv4 import Credentials, signed_url

KEYS = st.text(
    st.one_of(st.sampled_from(list(" +/%?#&=~é~*'();:@\\{}[]|<>\"^`$,!\t\n文𝄞.")), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=40,
)
TOKENS = st.one_of(st.none(), st.text("ABCxyz0189+/=-_%", min_size=1, max_size=60))


@cache
def client(region: str, style: str, endpoint: str | None) -> Any:
    return Session().create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="replaced",
        aws_secret_access_key="replaced",
        config=Config(signature_version="s3v4", s3={"addressing_style": style}),
    )


@pytest.mark.parametrize(
    ("region", "style", "endpoint"),
    [
        ("us-east-1", "path", None),
        ("us-east-1", "auto", None),
        ("eu-central-1", "virtual", None),
        ("cn-north-1", "auto", None),
        ("us-east-1", "path", "http://127.0.0.1:9000"),
        ("garage", "virtual", "https://s3.example"),
    ],
)
@settings(max_examples=40, deadline=None)
@given(
    key=KEYS,
    bucket=st.sampled_from(["films", "a.dotted.bucket"]),
    seconds=st.integers(1, 604800),
    credentials=st.builds(Credentials, st.sampled_from(["AKIA1", "test:us/er"]), st.sampled_from(["s", "a+/=é"]), TOKENS),
)
def test_a_signed_url_is_botocores(
    region: str, style: str, endpoint: str | None, key: str, bucket: str, seconds: int, credentials: Credentials
) -> None:
    botocores = client(region, style, endpoint)
    botocores._request_signer._credentials = botocore.credentials.Credentials(*credentials)  # a client of its own takes 0.1 s
    expected = botocores.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds)
    time = expected.partition("X-Amz-Date=")[2][:16]
    now = int(datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    assert signed_url(address(botocores, bucket), key, credentials, seconds, now) == expected
