"""What the schema says of ancestors, descendants, and the documents of an object."""

from typing import Any, Final

from documents.api.openapi.lists import RENDERING
from mixpeek_site.api.schema import PAGE_PARAMETERS, operation, parameter
from mixpeek_site.api.schema_parts import COUNT, STRING, STRINGS, Schema, array, closed, described, ref

_TAG: Final = "Lineage"
_LIMIT: Final = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}, "How many.")
_PAGE: Final = tuple(_LIMIT if each.name == "limit" else each for each in PAGE_PARAMETERS)
_WALK: Final = tuple(each for each in _PAGE if each.name in ("limit", "page_size", "cursor", "next_cursor", "after"))
_LINK: Final = {"Link": 'Where there are more: `<…?cursor=…>; rel="next"`, relative to this URL (RFC 8288).'}


def _document(name: str, collection: str, **lineage: str) -> dict[str, Any]:
    return {
        "document_id": f"doc_{name}",
        "collection_id": collection,
        "title": name,
        "document_blobs": [],
        "_internal": {
            "internal_id": "org_0199f3b2c4d5e6f708192a3b",
            "namespace_id": "ns_xyz789",
            "document_id": f"doc_{name}",
            "collection_id": collection,
            "lineage": {"root_object_id": "obj_film", "root_bucket_id": "bkt_films", **lineage},
            "created_at": "2025-10-31T10:00:00Z",
            "updated_at": "2025-10-31T10:00:00Z",
        },
    }


_FRAME: Final = _document("frame_7", "col_frames", source_type="bucket", source_object_id="obj_film", path="bkt_films/col_frames")
_SCENE: Final = _document(
    "scene_2",
    "col_scenes",
    source_type="collection",
    source_collection_id="col_frames",
    source_document_id="doc_frame_7",
    path="bkt_films/col_frames/col_scenes",
)

COMPONENTS: dict[str, Schema] = {
    "Ancestors": array(
        ref("DocumentResponse"),
        maxItems=1000,
        description="What the document was made from, the root's document first, without the document itself.",
        examples=[[_FRAME]],
    ),
    "Descendants": array(
        ref("DocumentResponse"),
        maxItems=1000,
        description="What was made from the document: its children, then theirs, and so on; of one level, by their parents'"
        " creation and then by their own.",
        examples=[[_SCENE]],
    ),
    "ObjectDocumentsResponse": closed(
        {
            "root_object_id": STRING,
            "documents": described(array(ref("DocumentResponse"), maxItems=1000), "In creation order."),
            "total": described(COUNT, "How many documents there are in all, of the collections asked for."),
            "pagination": ref("PaginationResponse"),
            "unknown_collection_ids": described(STRINGS, "Of the collections asked for, those that do not exist."),
        },
        ["root_object_id", "documents", "total", "pagination"],
        examples=[
            {
                "root_object_id": "obj_film",
                "documents": [_FRAME, _SCENE],
                "total": 2,
                "pagination": {
                    **{"total": 2, "page": 1, "page_size": 1000, "total_pages": 1},
                    **{"next_page": None, "previous_page": None, "next_cursor": None},
                },
            }
        ],
    ),
}

ANCESTORS = operation(
    "get_document_ancestors",
    "What a document was made from",
    tag=_TAG,
    answer="Ancestors",
    parameters=(*RENDERING, *_WALK),
    optional_headers=_LINK,
)
DESCENDANTS = operation(
    "get_document_descendants",
    "What was made from a document",
    tag=_TAG,
    answer="Descendants",
    parameters=(*RENDERING, *_WALK),
    optional_headers=_LINK,
)
OBJECT_DOCUMENTS = operation(
    "get_documents_by_object",
    "The documents that come from an object",
    tag=_TAG,
    answer="ObjectDocumentsResponse",
    parameters=(
        *RENDERING,
        *_PAGE,
        parameter("collection_ids", array(STRING), "Ids or names of collections; given several times, or with commas between."),
    ),
    description="An object that is registered, or that a document names as its root, is known.",
)
