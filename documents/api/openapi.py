"""What the schema says of the documents' routes."""

from drf_spectacular.utils import extend_schema

CREATE = extend_schema(operation_id="create_document")
RETRIEVE = extend_schema(operation_id="get_document")
REPLACE = extend_schema(operation_id="update_document")
PATCH = extend_schema(operation_id="patch_document")
DELETE = extend_schema(operation_id="delete_document")
LIST = extend_schema(operation_id="list_documents")
LINEAGE = extend_schema(operation_id="get_document_lineage")
