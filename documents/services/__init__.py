"""Writing documents: one verb each, for the API, the admin and the commands alike.

A verb is one transaction and answers with the stored row, whose commit is durable by then. Creates without a parent,
replacements and patches that leave lineage alone are a single statement; the others lock first (documents/lineage.py).
"""

from documents.services.common import lineage_bytes, new_version, require_same_collection, require_size
from documents.services.creating import create_document
from documents.services.deleting import ON_CHILDREN, delete_document, delete_documents_of_root
from documents.services.moving import changes_lineage
from documents.services.updating import json_patch_document, patch_document, replace_document

__all__ = [
    "ON_CHILDREN",
    "changes_lineage",
    "create_document",
    "delete_document",
    "delete_documents_of_root",
    "json_patch_document",
    "lineage_bytes",
    "new_version",
    "patch_document",
    "replace_document",
    "require_same_collection",
    "require_size",
]
