"""Signing a page's blobs beside reading the page: 1,000 documents with two blobs each, in S3 and in the local store.

    DATABASE_URL=… python -m benchmarks.signing      in an empty database that was migrated

Times are milliseconds of the whole answer, in this process, without HTTP: the least of ten.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
os.environ |= {"BENCH_ACCESS_KEY_ID": "AKIA1", "BENCH_SECRET_ACCESS_KEY": "secret", "PUBLIC_URL": "https://store.example"}

import django

django.setup()

from django.conf import settings  # noqa: E402

from documents import blobs, services  # noqa: E402
from documents.api.list_inputs import read_listing  # noqa: E402
from documents.api.listing import answer  # noqa: E402
from documents.inputs import read_create  # noqa: E402
from mixpeek_site.blob_stores import configuration  # noqa: E402
from namespaces import services as places  # noqa: E402
from namespaces.models import Organization  # noqa: E402
from namespaces.scope import Scope  # noqa: E402

DOCUMENTS = 1000


def least(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(10):
        blobs._signed.cache_clear()  # what was signed for an answer of the same second
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times) * 1000


def main() -> None:
    settings.BLOB_STORES = configuration.read("local:// s3://films?credentials=BENCH", Path(tempfile.gettempdir()))
    organization: Organization = places.create_organization(name=f"signing {time.time()}")
    namespace = places.create_namespace(organization_id=organization.pk, name="signing")
    scope = Scope(organization.pk, organization.public_id, namespace.public_id, ())
    stores = {"s3": "s3://films", "local": f"local://{organization.public_id}/{namespace.public_id}"}
    for name, beginning in stores.items():
        collection = places.create_collection(scope=scope, name=name, config={"source": {"type": "none"}}).public_id
        for number in range(DOCUMENTS):
            named = [
                {
                    "field": field,
                    "url": f"{beginning}/{number % 100:02}/{number}/{field}.jpg",
                    "type": "image",
                    "size_bytes": 1234,
                }
                for field in ("frame", "thumbnail")
            ]
            body = {"title": f"Frame {number}", "metadata": {"second": number / 25}, "document_blobs": named}
            services.create_document(scope=scope, collection=collection, given=read_create(body))
        plain, signed = (
            least(lambda flag=flag, collection=collection: answer(  # type: ignore[misc]
                read_listing({}, {"limit": DOCUMENTS, "return_url": flag}, scope, collection), scope
            ))
            for flag in (False, True)
        )  # fmt: skip
        print(f"{name:6} read {plain:6.1f} ms   read and signed {signed:6.1f} ms   signing {signed - plain:6.1f} ms")


if __name__ == "__main__":
    main()
