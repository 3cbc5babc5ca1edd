"""What lineage steps say of their documents' statuses and times beside what the documents say, seen in one statement."""

from mixpeek_site import sql

_DIFFERENCES = """
SELECT d.document_id, l.status, d.internal_metadata ->> 'ingestion_status', l.created_at, d.created_at
FROM documents_lineagestep l JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id
WHERE l.status IS DISTINCT FROM CASE WHEN d.internal_metadata @? '$.ingestion_status ? (@.type() == "string")'
    THEN substr(d.internal_metadata ->> 'ingestion_status', 1, 40) END OR l.created_at <> d.created_at
ORDER BY 1
"""


def differences() -> list[sql.Row]:
    """Documents whose step keeps another status or time than theirs: id, and of both what is kept and the document's own."""
    return sql.rows(_DIFFERENCES)


def require_kept() -> None:
    assert differences() == []
