"""Staff's pages of documents: lists, the page of one document, the decomposition tree of a root object."""

from documents.admin import pages
from documents.admin.lists import DocumentAdmin

pages.register()

__all__ = ["DocumentAdmin"]
