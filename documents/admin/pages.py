"""The addresses of the pages that are no model's list or form."""

from documents.admin import deleting, document, editing, likeness, lineage, source, start, tree
from mixpeek_site import admin_site

_DOCUMENT = "document/<int:namespace_id>/<str:document_id>/"
_TREE = "tree/<int:namespace_id>/<reference:object_id>/"


def register() -> None:
    admin_site.add_page(_DOCUMENT, document.document_page, "document")
    admin_site.add_page(_DOCUMENT + "edit/", editing.edit_page, "document_edit")
    admin_site.add_page(_DOCUMENT + "delete/", deleting.delete_page, "document_delete")
    admin_site.add_page(_DOCUMENT + "source/", source.source_page, "document_source")
    admin_site.add_page(_DOCUMENT + "like/", likeness.like_page, "document_like")
    admin_site.add_page(_DOCUMENT + "raw/<str:rendering>/", document.raw, "document_raw")
    admin_site.add_page(_TREE, tree.tree_page, "tree")
    admin_site.add_page(_TREE + "nodes/", tree.tree_nodes, "tree_nodes")
    admin_site.add_page(_TREE + "search/", tree.tree_search, "tree_search")
    admin_site.add_page("find/", start.find, "find")
    admin_site.add_page("orphans/<int:namespace_id>/", start.orphans, "orphans")
    admin_site.add_page("lineage/<int:namespace_id>/", lineage.lineage_page, "lineage")
    admin_site.add_start_section(start.sections)
