"""`native`: user fields at the root, everything of the system's below `_internal`."""

from documents.renderings import Extras, members, text_members
from documents.stored import StoredDocument, iso


def render(document: StoredDocument, organization_id: str, extras: Extras) -> str:
    blobs = extras.document_blobs or document.document_blobs
    asked = "" if extras.vectors is None else f'"vectors":{extras.vectors},'
    if extras.vector_names is not None:
        asked += f'"_vectors":{extras.vector_names},'
    return (
        f'{{"document_id":"{document.document_id}","collection_id":"{document.collection}",'
        f'{members(document.payload)}"document_blobs":{blobs},{asked}'
        f'"_internal":{{"internal_id":"{organization_id}","namespace_id":"{document.namespace}",'
        f'"document_id":"{document.document_id}","collection_id":"{document.collection}",'
        f"{_lineage(document)}{_parts(document, blobs)}{members(document.system)}"
        f'"created_at":"{iso(document.created_at)}","updated_at":"{iso(document.updated_at)}"}}}}'
    )


def _parts(document: StoredDocument, blobs: str) -> str:
    parts = ""
    if document.internal_metadata != "{}":
        parts = f'"metadata":{document.internal_metadata},'
    if document.source_blobs != "[]":
        parts += f'"source_blobs":{document.source_blobs},'
    if blobs != "[]":
        parts += f'"document_blobs":{blobs},'
    return parts


def _lineage(document: StoredDocument) -> str:
    if not document.has_lineage:
        return ""
    named = text_members(
        ("root_object_id", document.root_object_id),
        ("root_bucket_id", document.root_bucket_id),
        ("source_type", document.source_type),
        ("source_object_id", document.source_object_id),
        ("source_document_id", document.source_document_id),
        ("source_collection_id", document.source_collection_id),
        ("path", document.path),
    )
    chain = f'"chain":{document.chain},' if document.chain is not None else ""
    return f'"lineage":{{{(named + chain)[:-1]}}},'
