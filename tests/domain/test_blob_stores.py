"""Blob stores: what BLOB_STORES says, and which URLs are signed for whom. Nothing here goes over the network."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from hypothesis import given
from hypothesis import strategies as st

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores import Owner, configuration, names
from mixpeek_site.blob_stores.configuration import LocalOptions, S3Options
from mixpeek_site.blob_stores.credentials import Chain
from mixpeek_site.blob_stores.sigv4 import Credentials

HERE, THERE = Owner("org_a", "ns_a"), Owner("org_a", "ns_b")


@pytest.fixture
def stores(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("KEYS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("KEYS_SECRET_ACCESS_KEY", "secret")
    settings.PUBLIC_URL = "https://store.example"

    def use(text: str) -> None:
        settings.BLOB_STORES = configuration.read(text, tmp_path)

    return use


def test_a_list_of_stores_is_read(tmp_path: Path) -> None:
    text = "local:///srv/my%20blobs s3://films,stills-*?region=eu-west-1&style=path&prefix={namespace}/&namespaces=ns_a,ns_b*"
    assert configuration.read(text, tmp_path) == (
        LocalOptions(Path("/srv/my blobs")),
        S3Options(("films", "stills-*"), "eu-west-1", style="path", prefix="{namespace}/", namespaces=("ns_a", "ns_b*")),
    )
    assert configuration.read("local://", tmp_path) == (LocalOptions(tmp_path),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3:/films", "begins with local:// or s3://"),
        ("films", "begins with local:// or s3://"),
        ("local://here", "absolute"),
        ("local:// local:///b", "two local:// stores"),
        ("s3://", "no bucket's name"),
        ("s3://a", "no bucket's name"),
        ("s3://films/key", "no bucket's name"),
        ("s3://*", "first bucket must be a name"),
        ("s3://films?styl=path", "unknown option 'styl'"),
        ("s3://films?style=paths", "style is auto or path or virtual"),
        ("s3://films?region=", "region is given without a value"),
        ("s3://films?region=a&region=b", "region is given twice"),
        ("s3://films?endpoint=minio:9000", "endpoint is http(s)://host"),
        ("s3://films?endpoint=http://[", "endpoint is http(s)://host"),
        ("s3://films?credentials=keys", "environment variables"),
        ("s3://films?credentials=KEYS&profile=p", "either"),
        ("s3://films?prefix={ns}/", "prefix may hold"),
        ("s3://films?prefix={namespace}", "must end in /"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        configuration.read(text, tmp_path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://films?credentials=NOBODYS", "NOBODYS_ACCESS_KEY_ID"),
        ("s3://films?profile=nobodys", "the profile 'nobodys'"),
        ("local:///dev/null/blobs", "can't be written"),
    ],
)
def test_the_check_at_the_start_refuses_what_is_not_there(stores: Any, text: str, said: str) -> None:
    stores(text)
    with pytest.raises(SystemCheckError, match=said):
        call_command("check")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "It is no URL: it has no ://."),
        ("frame.jpg", "It is no URL: it has no ://."),
        ("://", "No blob store is configured for :// URLs."),
        ("gs://a/b", "No blob store is configured for gs:// URLs."),
        ("s3://books/a", "No blob store is configured for the bucket books."),
        ("s3://", "No blob store is configured for the bucket ."),
        ("s3://films", "Its key must have 1 to 1024 bytes."),
        ("s3://films/", "Its key must have 1 to 1024 bytes."),
        ("s3://films/" + "é" * 513, "Its key must have 1 to 1024 bytes."),
        ("s3://films/a/../b", "Its key has a part . or .., which those who fetch it leave out."),
        ("s3://any-!/a", "'any-!' is no bucket's name."),
        ("local://org_a/ns_b/00/1/x", "It belongs to another namespace."),
        ("local://org_b/ns_a/00/1/x", "It belongs to another namespace."),
        ("local://org_a/ns_a/../ns_b/x", "It is not the URL of a stored blob: local://organization/namespace/…/name."),
        ("local://org_a/ns_a/00/1/", "It is not the URL of a stored blob: local://organization/namespace/…/name."),
        ("local:///etc/passwd", "It is not the URL of a stored blob: local://organization/namespace/…/name."),
    ],
)
def test_what_is_not_signed_says_why(stores: Any, url: str, reason: str) -> None:
    stores("local:// s3://films,any-*?credentials=KEYS")
    assert blob_stores.sign(url, HERE) == (None, reason)


@given(
    url=st.one_of(st.text(), st.builds("{}://{}".format, st.sampled_from(["s3", "local", "S3", "http", "s3://films"]), st.text()))
)
def test_no_text_is_an_error(url: str) -> None:
    signed = blob_stores.sign(url, HERE)
    assert (signed.url is None) == bool(signed.reason)


def test_a_store_may_be_for_some_namespaces_alone(stores: Any) -> None:
    stores("local:// s3://films?credentials=KEYS&namespaces=ns_a,ns_x*")
    assert blob_stores.sign("s3://films/a", HERE).url
    assert blob_stores.sign("s3://films/a", Owner("org_a", "ns_x1")).url
    assert blob_stores.sign("s3://films/a", THERE).reason == "The blob store is not for this namespace."


def test_a_store_may_give_each_namespace_its_own_keys_alone(stores: Any) -> None:
    stores("local:// s3://films?credentials=KEYS&prefix=media/{namespace}/")
    assert blob_stores.sign("s3://films/media/ns_a/1.mp4", HERE).url
    for key in ("media/ns_b/1.mp4", "media/ns_a", "media/ns_ab/1.mp4", "1.mp4"):
        assert blob_stores.sign(f"s3://films/{key}", HERE).reason == "The blob store does not give this namespace such keys."


def test_an_upload_of_another_namespace_is_not_signed_though_its_bucket_is_shared(stores: Any) -> None:
    stores("s3://films?credentials=KEYS")
    url = blob_stores.new_url(HERE, "a b.mp4", "video/mp4")
    assert url.startswith("s3://films/mixpeek/org_a/ns_a/")
    assert blob_stores.sign(url, HERE).url
    for owner in (THERE, Owner("org_b", "ns_a")):
        assert blob_stores.sign(url, owner).reason == "It belongs to another namespace."
    assert blob_stores.sign("s3://films/reel/1.mp4", THERE).url


def test_of_two_stores_for_a_bucket_the_one_that_may_signs(stores: Any) -> None:
    stores("local:// s3://films?credentials=KEYS&namespaces=ns_b s3://films?credentials=KEYS&region=eu-west-1&namespaces=ns_a")
    assert "eu-west-1" in str(blob_stores.sign("s3://films/a", HERE).url)


def test_schemes_are_of_any_case(stores: Any) -> None:
    stores("local:// s3://films?credentials=KEYS&endpoint=http://minio:9000&style=path")
    assert str(blob_stores.sign("S3://films/A/b", HERE).url).startswith("http://minio:9000/films/A/b?X-Amz-Algorithm=")
    assert blob_stores.sign("HTTPS://host/A", HERE).url == "HTTPS://host/A"


@pytest.mark.parametrize(
    ("sent", "content_type", "safe"),
    [
        ("a.png", "image/png", "a.png"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("..\\a b\x00?.JPG", "image/jpeg", "a_b_.JPG"),
        (".htaccess", "application/x-none", "htaccess"),
        (None, "image/png", "blob.png"),
        ("é" * 200 + ".mp4", "video/mp4", "é" * 58 + ".mp4"),
        ("...", "application/x-none", "blob"),
    ],
)
def test_names_of_files_are_made_safe(sent: str | None, content_type: str, safe: str) -> None:
    assert names.safe(sent, content_type) == safe


class Session:
    """botocore's part of finding keys, which takes as long as a test says."""

    def __init__(self, *keys: str) -> None:
        self.keys = iter(keys)
        self.may_answer = threading.Event()

    def get_credentials(self) -> "Session":
        assert self.may_answer.wait(10)
        return self

    def get_frozen_credentials(self) -> Credentials:
        return Credentials(next(self.keys), "secret", "token")


def test_keys_that_take_long_to_find_hold_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpeek_site.blob_stores.credentials.FIRST_WAIT_SECONDS", 0.01)
    session = Session("AKIA1")
    chain = Chain(session)
    assert chain.current() is None
    session.may_answer.set()
    assert eventually(chain.current) == Credentials("AKIA1", "secret", "token")


def test_keys_are_renewed_without_waiting_for_the_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session("AKIA1", "AKIA2")
    session.may_answer.set()
    chain = Chain(session)
    assert eventually(chain.current).access_key == "AKIA1"
    session.may_answer.clear()
    monkeypatch.setattr("mixpeek_site.blob_stores.credentials.FRESH_SECONDS", -1.0)
    assert chain.current() == Credentials("AKIA1", "secret", "token")
    monkeypatch.setattr("mixpeek_site.blob_stores.credentials.FRESH_SECONDS", 60.0)
    session.may_answer.set()
    assert eventually(lambda: (found := chain.current()) and found.access_key == "AKIA2" and found)


def eventually(ask: Any) -> Any:
    until = time.monotonic() + 10
    while not (found := ask()) and time.monotonic() < until:
        time.sleep(0.005)
    return found
