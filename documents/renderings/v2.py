"""`v2`: user fields and lineage flat at the root."""

from documents.renderings import Extras, members, text_members
from documents.stored import StoredDocument


def render(document: StoredDocument, organization_id: str, extras: Extras) -> str:
    return (
        f'{{"document_id":"{document.document_id}","collection_id":"{document.collection}",'
        f"{members(document.payload)}{flat_lineage(document)}"
        f'"lineage_chain":{document.chain or "[]"},{common(document, extras)[:-1]}}}'
    )


def flat_lineage(document: StoredDocument) -> str:
    """The lineage's own fields at the root; absent ones are left out."""
    return text_members(
        ("root_object_id", document.root_object_id),
        ("root_bucket_id", document.root_bucket_id),
        ("source_type", document.source_type),
        ("source_collection_id", document.source_collection_id),
        ("source_document_id", document.source_document_id),
        ("source_object_id", document.source_object_id),
        ("lineage_path", document.path),
    )


def common(document: StoredDocument, extras: Extras) -> str:
    """What v1 and v2 share: system part, blobs, and what was asked for."""
    asked = f'"presigned_urls":{extras.presigned_urls},'
    for name, value in (
        ("presigned_url", extras.presigned_url),
        ("vectors", extras.vectors),
        ("vector", extras.vector),
        ("_vectors", extras.vector_names),
    ):
        if value is not None:
            asked += f'"{name}":{value},'
    return (
        f'"internal_metadata":{document.internal_metadata},"source_blobs":{document.source_blobs},'
        f'"document_blobs":{extras.document_blobs or document.document_blobs},{asked}'
    )
