"""What `BLOB_STORES` names must be there when the server starts. Run by every command; nothing goes over the network."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores.configuration import LocalOptions, S3Options


@checks.register(checks.Tags.files)
def usable_blob_stores(**_: Any) -> list[checks.CheckMessage]:
    try:
        blob_stores.stores()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), hint="docs/blobs.md lists what a store may say.", id="mixpeek_site.E010")]
    return [problem for options in settings.BLOB_STORES for problem in _problems(options)]


def _problems(options: LocalOptions | S3Options) -> Iterator[checks.CheckMessage]:
    if isinstance(options, LocalOptions):
        there = next(each for each in (options.directory, *options.directory.parents) if each.exists())
        if not _is_usable(there):
            yield checks.Error(
                f"The directory of the blobs, {options.directory}, can't be written.",
                hint="Name another one in BLOB_STORES (local:///…) or DATA_DIR, or give this user the right.",
                id="mixpeek_site.E011",
            )
    elif options.region is None and options.endpoint is None and not _region_is_known():
        yield checks.Warning(
            f"The region of the buckets {', '.join(options.buckets)} is not named; us-east-1 is assumed.",
            hint="Add ?region=… to the store in BLOB_STORES, or set AWS_DEFAULT_REGION.",
            id="mixpeek_site.W012",
        )


def _is_usable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)


def _region_is_known() -> bool:
    named = ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE")
    return any(os.environ.get(name) for name in named) or Path("~/.aws/config").expanduser().exists()
