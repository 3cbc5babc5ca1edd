"""Many documents in one request (contract section 7): named one by one, or all that filters match."""

from documents.services.many.chosen import Named, delete_chosen
from documents.services.many.common import Bounds
from documents.services.many.deleting import delete_documents, delete_matching
from documents.services.many.getting import documents_by_ids
from documents.services.many.reading import Update, read_matching_update, read_update
from documents.services.many.updating import update_documents, update_matching

__all__ = [
    "Bounds",
    "Named",
    "Update",
    "delete_chosen",
    "delete_documents",
    "delete_matching",
    "documents_by_ids",
    "read_matching_update",
    "read_update",
    "update_documents",
    "update_matching",
]
