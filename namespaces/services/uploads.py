"""Bytes that clients send: into the blob store, with a row that says so.

The row is written before the bytes and deleted after them. What no object ever names, or no longer, housekeeping deletes
(documents/blob_keeping.py).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from mixpeek_site import blob_stores, ids, jsonio, sql
from mixpeek_site.blob_stores import Owner, names
from mixpeek_site.errors import DomainError, Fault, PayloadTooLargeError, ValidationError
from mixpeek_site.jsonio import JSONObject
from namespaces import blobs as rules
from namespaces.blobs import Inline, Kept
from namespaces.scope import Scope, namespace_not_found, require_bucket

UPLOAD_PREFIX: Final = "upl_"
UNUSED_DAYS: Final = 1
"""How long bytes are kept that no object names."""

MAX_FILENAME: Final = 255
_COLUMNS: Final = "s.upload_id, s.url, s.size_bytes, s.checksum, s.content_type, s.filename"


def store_upload(
    *,
    scope: Scope,
    bucket_identifier: str,
    chunks: Iterable[bytes],
    content_type: str,
    filename: str | None,
    max_bytes: int,
) -> Kept:
    """Store a stream, whole or not at all.

    Raises NotFoundError for namespace or bucket, PayloadTooLargeError, ServiceUnavailableError, and what `chunks` raises.
    """
    namespace_id, _ = require_bucket(scope, bucket_identifier)
    owner = owner_of(scope)
    upload_id, url = ids.new_id(UPLOAD_PREFIX), blob_stores.new_url(owner, filename, content_type)
    sql.run(
        "INSERT INTO namespaces_storedblob (id, namespace_id, upload_id, url, filename, content_type, check_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, now() + make_interval(days => %s))",
        (ids.new_uuid7(), namespace_id, upload_id, url, filename, content_type, UNUSED_DAYS),
    )
    meter = _Meter(chunks, max_bytes)
    try:
        blob_stores.put(url, meter, content_type)
    except BaseException:
        discard(namespace_id, [(upload_id, url)])
        raise
    sql.run(
        "UPDATE namespaces_storedblob s SET size_bytes = %s, checksum = %s WHERE s.namespace_id = %s AND s.upload_id = %s",
        (meter.size, meter.checksum, namespace_id, upload_id),
    )
    return Kept(upload_id, url, meter.size, meter.checksum, content_type, filename)


def owner_of(scope: Scope) -> Owner:
    """One statement. Raises NotFoundError."""
    cte, params = scope.cte()
    row = sql.one(f"WITH {cte} SELECT namespace FROM scope", params)
    if row is None:
        raise namespace_not_found(scope.identifier)
    return Owner(scope.organization_public_id, row[0])


class PreparedBlobs:
    """The blobs of several objects as they are stored, each object's or what is wrong with them.

    Bytes in bodies are in the blob store by then. `hold` says which object names what; what none does is discarded at the end.
    """

    def __init__(self, scope: Scope, namespace_id: int, sent: Sequence[Sequence[JSONObject]]) -> None:
        """No statement where nothing is inline and nothing names an upload. Raises NotFoundError, ServiceUnavailableError."""
        self._namespace_id = namespace_id
        self._used: dict[int, list[str]] = {}
        self._made: dict[str, str] = {}  # URLs by upload id, of what was inline
        self.results: list[list[JSONObject] | DomainError] = []
        uploads = _uploads(namespace_id, [blob["upload_id"] for each in sent for blob in each if blob.get("upload_id")])
        found: list[list[Inline | Kept | None] | DomainError] = [_bytes_of(each, uploads) for each in sent]
        inline = [each for one in found if isinstance(one, list) for each in one if isinstance(each, Inline)]
        kept = iter(self._store(owner_of(scope), inline) if inline else ())
        for index, (blobs, known) in enumerate(zip(sent, found, strict=True)):
            if isinstance(known, DomainError):
                self.results.append(known)
                continue
            places = [next(kept) if isinstance(each, Inline) else each for each in known]
            self._used[index] = [each.upload_id for each in places if each is not None]
            self.results.append(_stored(blobs, places))

    def hold(self, index: int, object_uuid: Any) -> None:
        """The object has these blobs now. The caller holds the transaction. Raises ValidationError for an upload that is gone."""
        upload_ids = self._used.pop(index, [])
        if not upload_ids:
            return
        held = sql.run(
            "UPDATE namespaces_storedblob s SET held_by = %s, check_at = now() + make_interval(days => %s)"
            " WHERE s.namespace_id = %s AND s.upload_id = ANY(%s) AND NOT s.doomed",
            (object_uuid, UNUSED_DAYS, self._namespace_id, upload_ids),
        ).rowcount
        if held != len(set(upload_ids)):
            raise ValidationError(Fault(("body", "blobs"), "an upload was not used for too long, and is gone", "unknown_upload"))

    def discard_unused(self) -> None:
        """Delete what was inline and no object came to name: those refused, and those that an earlier call had made."""
        unused = {upload_id for each in self._used.values() for upload_id in each}
        discard(self._namespace_id, [(upload_id, url) for upload_id, url in self._made.items() if upload_id in unused])

    def _store(self, owner: Owner, inline: Sequence[Inline]) -> list[Kept]:
        kept = [_described(owner, each) for each in inline]
        sql.run(_INSERT, (self._namespace_id, UNUSED_DAYS, jsonio.dumps([_row(each) for each in kept])))
        self._made = {each.upload_id: each.url for each in kept}
        try:
            for place, each in zip(kept, inline, strict=True):
                blob_stores.put(place.url, [each.content], place.content_type)
        except BaseException:
            discard(self._namespace_id, list(self._made.items()))
            raise
        return kept


def discard(namespace_id: int, blobs: Sequence[tuple[str, str]]) -> None:
    """Delete blobs that nothing names, by upload id and URL, as far as it goes now: the rest is left to housekeeping."""
    for upload_id, url in blobs:
        with suppress(DomainError, psycopg.Error):
            blob_stores.delete(url)
            sql.run(
                "DELETE FROM namespaces_storedblob s WHERE s.namespace_id = %s AND s.upload_id = %s", (namespace_id, upload_id)
            )


class _Meter:
    """Chunks on their way, measured. Raises PayloadTooLargeError."""

    def __init__(self, chunks: Iterable[bytes], max_bytes: int) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._max_bytes:
                raise too_large(self._max_bytes)
            self._digest.update(chunk)
            yield chunk

    @property
    def checksum(self) -> str:
        return f"sha256:{self._digest.hexdigest()}"


def too_large(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"The upload is larger than {limit} bytes.", limit_bytes=limit)


_INSERT = """
INSERT INTO namespaces_storedblob (id, namespace_id, upload_id, url, filename, content_type, size_bytes, checksum, check_at)
SELECT n.id, %s, n.upload_id, n.url, n.filename, n.content_type, n.size_bytes, n.checksum, now() + make_interval(days => %s)
FROM jsonb_to_recordset(%s::jsonb) AS n (id uuid, upload_id text, url text, filename text, content_type text,
    size_bytes bigint, checksum text)
"""


def _row(kept: Kept) -> JSONObject:
    return {
        "id": str(ids.new_uuid7()),
        "upload_id": kept.upload_id,
        "url": kept.url,
        "filename": kept.filename,
        "content_type": kept.content_type,
        "size_bytes": kept.size_bytes,
        "checksum": kept.checksum,
    }


def _described(owner: Owner, inline: Inline) -> Kept:
    filename = None if inline.filename is None else inline.filename[:MAX_FILENAME]
    content_type = names.media_type(inline.content_type)
    if content_type == names.BINARY and filename:
        content_type = names.guessed(filename)
    return Kept(
        ids.new_id(UPLOAD_PREFIX),
        blob_stores.new_url(owner, filename, content_type),
        len(inline.content),
        f"sha256:{hashlib.sha256(inline.content).hexdigest()}",
        content_type,
        filename,
    )


def _uploads(namespace_id: int, upload_ids: Sequence[str]) -> dict[str, Kept]:
    """Those of the namespace whose bytes are there. One statement."""
    if not upload_ids:
        return {}
    found = sql.rows(
        f"SELECT {_COLUMNS} FROM namespaces_storedblob s"
        " WHERE s.namespace_id = %s AND s.upload_id = ANY(%s) AND s.size_bytes IS NOT NULL AND NOT s.doomed",
        (namespace_id, [sql.text(each) for each in upload_ids]),
    )
    return {row[0]: Kept(*row) for row in found}


def _bytes_of(sent: Sequence[JSONObject], uploads: dict[str, Kept]) -> list[Inline | Kept | None] | ValidationError:
    """Of each blob the bytes in its body, the upload that it names, or neither; or what is wrong."""
    found: list[Inline | Kept | None] = []
    faults = []
    for index, blob in enumerate(sent):
        place = ("body", "blobs", index)
        upload_id = blob.get("upload_id")
        try:
            each: Inline | Kept | None = rules.inline(blob)
        except ValueError as error:
            faults.append(Fault((*place, "data"), f"is not base64: {error}", "base64"))
            continue
        if upload_id is not None:
            if blob.get("data") is not None:
                faults.append(Fault((*place, "upload_id"), "give either data or upload_id", "contradiction"))
            elif upload_id not in uploads:
                faults.append(Fault((*place, "upload_id"), "this namespace has no such upload", "unknown_upload"))
            else:
                each = uploads[upload_id]
        if isinstance(each, Kept) and rules.contradicts(blob, each):
            faults.append(Fault((*place, "checksum"), "is not the SHA-256 of the upload", "checksum"))
        elif isinstance(each, Inline) and rules.contradicts(blob, _digest_only(each)):
            faults.append(Fault((*place, "checksum"), "is not the SHA-256 of the data", "checksum"))
        found.append(each)
    return ValidationError(*faults) if faults else found


def _digest_only(inline: Inline) -> Kept:
    checksum = f"sha256:{hashlib.sha256(inline.content).hexdigest()}"
    return Kept("", "", len(inline.content), checksum, "", None)


def _stored(blobs: Sequence[JSONObject], places: Sequence[Kept | None]) -> list[JSONObject]:
    return [rules.stored(blob, place) for blob, place in zip(blobs, places, strict=True)]
