"""`v1`: lineage nested (and flat), `metadata` always there, generation 1's source_details and enrichments."""

from documents.renderings import Extras, members, text_members
from documents.renderings.v2 import common, flat_lineage
from documents.stored import StoredDocument
from mixpeek_site import jsonio


def render(document: StoredDocument, organization_id: str, extras: Extras) -> str:
    system = jsonio.loads(document.system) if document.system != "{}" else {}
    details = jsonio.dumps(system.get("source_details", []))
    enrichments = jsonio.dumps(system.get("enrichments", {}))
    return (
        f'{{"document_id":"{document.document_id}","collection_id":"{document.collection}",'
        f'"document_schema_version":"{document.schema_version or "v1"}",'
        f"{members(document.payload)}{_metadata_if_absent(document)}{_lineage(document)}{flat_lineage(document)}"
        f'"source_details":{details},"enrichments":{enrichments},{common(document, extras)[:-1]}}}'
    )


def _metadata_if_absent(document: StoredDocument) -> str:
    if '"metadata": ' in document.payload and "metadata" in jsonio.loads(document.payload):
        return ""
    return '"metadata":{},'


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
    )
    chain = f'"lineage_chain":{document.chain},' if document.chain is not None else ""
    return f'"lineage":{{{(named + chain)[:-1]}}},' if named or chain else ""
