"""New documents into their tables by COPY: rows as PostgreSQL's text, made while it is at the ones before them."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import psycopg
from django.db import connections

from documents import lineage
from documents.features import texts
from documents.importing.linking import Step
from documents.importing.preparing import NULL, Prepared, Times, copied
from mixpeek_site import jsonio
from mixpeek_site.errors import ServiceUnavailableError

_CHUNK_ROWS: Final = 500


class CrossedError(Exception):
    """Another batch brings the same ids in another order."""


class Rows:
    """Makes the rows of one collection's new documents."""

    def __init__(self, namespace_id: int, collection_id: int, version: int, times: Times) -> None:
        """`times`: of those that keep none of their own."""
        self._place = f"{collection_id}\t{namespace_id}\n"
        self._feature_place = f"{namespace_id}\t{collection_id}"
        self._version = version
        self._usual = _moments(times)

    def document(self, key: str, document_id: str, one: Prepared) -> str:
        created_at, updated_at = self._usual if one.times is None else _moments(one.times)
        columns = "\t".join((key, document_id, *map(copied, one.texts), one.given.schema_version or NULL))
        return f"{columns}\t{self._version}\t{created_at}\t{updated_at}\t{self._place}"

    def step(self, key: str, one: Prepared, step: Step) -> str:
        created_at, _ = self._usual if one.times is None else _moments(one.times)
        return f"{key}\t{step.row()}\t{copied(lineage.status(one.given.internal_metadata))}\t{created_at}\t{self._place}"

    def features(self, key: str, one: Prepared) -> Iterator[str]:
        for feature in one.features:
            if feature.removed:
                continue
            columns = (
                self._feature_place,
                key,
                copied(feature.name),
                copied(feature.feature_extractor_id),
                NULL if feature.payload is None else copied(jsonio.dumps(feature.payload)),
                copied(feature.kind),
                *(text or NULL for text in texts(feature)),
            )
            yield "\t".join(columns) + "\n"


def _moments(times: Times) -> tuple[str, str]:
    return times.created_at.isoformat(), times.updated_at.isoformat()


def copy_documents(rows: Iterator[str]) -> None:
    """This and the others raise CrossedError and ServiceUnavailableError; a refused row stays psycopg's error."""
    _copy(
        "COPY documents_document (id, document_id, payload, internal_metadata, system, source_blobs, document_blobs,"
        " schema_version, version, created_at, updated_at, collection_id, namespace_id) FROM STDIN",
        rows,
    )


def copy_steps(rows: Iterator[str]) -> None:
    _copy(
        "COPY documents_lineagestep (id, source_type, source_object_id, source_collection_id, source_document_id,"
        " root_object_id, root_bucket_id, path, tier, chain, status, created_at, collection_id, namespace_id) FROM STDIN",
        rows,
    )


def copy_features(rows: Iterator[str]) -> None:
    _copy(
        "COPY documents_feature (namespace_id, collection_id, document_id, name, feature_extractor_id, payload, kind, embedding,"
        " numbers, indices) FROM STDIN",
        rows,
    )


def _copy(statement: str, rows: Iterator[str]) -> None:
    """On Django's connection and in its transaction."""
    piece = list(islice(rows, _CHUNK_ROWS))
    if not piece:
        return
    cursor = psycopg.Cursor(connections["default"].connection)
    try:
        with cursor.copy(statement) as copy:
            while piece:
                copy.write("".join(piece).encode())
                piece = list(islice(rows, _CHUNK_ROWS))
    except psycopg.errors.ProgramLimitExceeded:
        raise
    except psycopg.errors.DeadlockDetected:
        raise CrossedError from None
    except psycopg.OperationalError as error:
        raise ServiceUnavailableError("The database can't be reached; try again shortly.") from error
