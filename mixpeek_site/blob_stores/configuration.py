"""`BLOB_STORES`: which stores there are. A list of URLs, separated by blanks; the first store takes what is uploaded.

local://                                              a directory below DATA_DIR, served by this server
local:///srv/blobs                                    another directory
s3://films                                            a bucket of AWS
s3://films,stills?region=eu-central-1&profile=media   two, with the keys of a profile
s3://*?endpoint=https://minio.example:9000&style=path every bucket of another service
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args
from typing import Literal as _Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Style = _Literal["auto", "path", "virtual"]
PLACEHOLDERS: Final = ("{organization}", "{namespace}")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]*\*")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\{[^}]*\}?")


@dataclass(frozen=True, slots=True)
class LocalOptions:
    directory: Path


@dataclass(frozen=True, slots=True)
class S3Options:
    """`buckets`: names, or beginnings of them ending in `*`. `credentials`: the beginning of three environment variables.

    `prefix`, with its placeholders filled in, begins every key that may be signed; `namespaces` are the ids (or beginnings
    ending in `*`) of those that may use the store, none: all.
    """

    buckets: tuple[str, ...]
    region: str | None = None
    endpoint: str | None = None
    style: Style = "auto"
    credentials: str | None = None
    profile: str | None = None
    prefix: str = ""
    namespaces: tuple[str, ...] = ()

    @property
    def uploads(self) -> str:
        """Where the keys of what is uploaded begin, with placeholders."""
        if "{namespace}" in self.prefix:
            return self.prefix
        return f"{self.prefix or 'mixpeek/'}{{organization}}/{{namespace}}/"


Options = LocalOptions | S3Options


def is_bucket(name: str) -> bool:
    """Whether S3 could have a bucket of this name, by today's rules or by those of its first years."""
    return _BUCKET.fullmatch(name) is not None


def read(text: str, default_directory: Path) -> tuple[Options, ...]:
    """Raises ImproperlyConfigured with what is wrong and what is right."""
    options = tuple(_read(part, default_directory) for part in text.split())
    if not options:
        raise ImproperlyConfigured("BLOB_STORES names no store; leave it unset for a directory below DATA_DIR.")
    if sum(isinstance(each, LocalOptions) for each in options) > 1:
        raise ImproperlyConfigured("BLOB_STORES names two local:// stores; there can be one.")
    first = options[0]
    if isinstance(first, S3Options) and "*" in first.buckets[0]:
        raise ImproperlyConfigured(
            f"BLOB_STORES: the first store takes uploads, so its first bucket must be a name, not {first.buckets[0]!r}."
        )
    return options


def _read(text: str, default_directory: Path) -> Options:
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "local":
        if rest and not rest.startswith("/"):
            raise _wrong(text, "a local store is local:// or local:///absolute/directory")
        return LocalOptions(Path(unquote(rest)) if rest else default_directory)
    if separator and scheme == "s3":
        return _read_s3(text, *rest.partition("?")[::2])
    raise _wrong(text, "a store begins with local:// or s3://")


def _read_s3(text: str, buckets: str, query: str) -> S3Options:
    names = tuple(buckets.split(","))
    for name in names:
        if not (is_bucket(name) or _PATTERN.fullmatch(name)):
            raise _wrong(text, f"{name!r} is no bucket's name; write s3://bucket, s3://one,two or s3://*")
    options = dict(_options(text, query))
    namespaces = tuple(filter(None, options.pop("namespaces", "").split(",")))
    found = S3Options(buckets=names, namespaces=namespaces, **options)  # type: ignore[arg-type]
    for fault in _faults(found):
        raise _wrong(text, fault)
    return found


_NAMES: Final = ("region", "endpoint", "style", "credentials", "profile", "prefix", "namespaces")


def _options(text: str, query: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _NAMES:
            raise _wrong(text, f"unknown option {name!r}; there are {', '.join(_NAMES)}")
        if name in seen or not value:
            raise _wrong(text, f"{name} is given {'twice' if name in seen else 'without a value'}")
        seen.add(name)
        yield name, value


def _faults(options: S3Options) -> Iterator[str]:
    if options.style not in get_args(Style):
        yield f"style is {' or '.join(get_args(Style))}, not {options.style!r}"
    if options.endpoint is not None and not _is_origin(options.endpoint):
        yield f"endpoint is http(s)://host[:port], not {options.endpoint!r}"
    if options.credentials is not None and not _VARIABLE.fullmatch(options.credentials):
        yield f"credentials names environment variables by their beginning, such as MINIO, not {options.credentials!r}"
    if options.credentials is not None and options.profile is not None:
        yield "give either credentials or profile"
    for placeholder in _PLACEHOLDER.findall(options.prefix):
        if placeholder not in PLACEHOLDERS:
            yield f"prefix may hold {' and '.join(PLACEHOLDERS)}, not {placeholder}"
    if options.prefix and not options.prefix.endswith("/"):
        yield "prefix must end in /, so that no other one begins with it"


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.path.strip("/") and parts.port != 0
    except ValueError:
        return False


def _wrong(text: str, fault: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"BLOB_STORES: {text!r}: {fault}.")
