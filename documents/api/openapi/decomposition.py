"""What the schema says of an object's tree in numbers and of the impact of deletes, and their components."""

from typing import Any, Final

from documents.trees.stages import MAX_STAGE_IDS, MAX_TREE_IDS
from mixpeek_site.api.schema import flag, operation
from mixpeek_site.api.schema_parts import BOOLEAN, COUNT, STRING, STRINGS, Schema, array, closed, described, nullable, ref

_TAG: Final = "Lineage"
_BUCKET, _SCENES, _FACES = "bkt_0199f3b2c4d5e6f708192a3b", "col_0199f3b2c4d5e6f708192a3c", "col_0199f3b2c4d5e6f708192a3d"

_FACES_STAGE: Final[dict[str, Any]] = {
    "collection_id": _FACES,
    "collection_name": "faces",
    "tier": 2,
    "path": f"{_BUCKET}/{_SCENES}/{_FACES}",
    "feature_extractor_id": "face_detector_v1",
    "document_count": 1208,
    "statuses": {"COMPLETED": 1200, "FAILED": 5, "UNKNOWN": 3},
    "children": [],
}
_SCENES_STAGE: Final[dict[str, Any]] = {
    "collection_id": _SCENES,
    "collection_name": "scenes",
    "tier": 1,
    "path": f"{_BUCKET}/{_SCENES}",
    "feature_extractor_id": "scene_splitter_v1",
    "document_count": 42,
    "statuses": {"COMPLETED": 42},
    "children": [_FACES_STAGE],
}

COMPONENTS: dict[str, Schema] = {
    "DecompositionTreeResponse": closed(
        {
            "root_object_id": STRING,
            "root_bucket_id": described(nullable(STRING), "The object's bucket, or the one that its documents name."),
            "object": {
                "anyOf": [ref("ObjectResponse"), {"type": "null"}],
                "description": "Null when it is not registered and only documents refer to it.",
            },
            "total_documents": COUNT,
            "max_tier": described(COUNT, "0 without documents."),
            "tree": array(ref("DecompositionStage"), description="The stages with nothing above them."),
        },
        ["root_object_id", "root_bucket_id", "object", "total_documents", "max_tier", "tree"],
        examples=[
            {
                "root_object_id": "obj_metropolis",
                "root_bucket_id": _BUCKET,
                "object": None,
                "total_documents": 1250,
                "max_tier": 2,
                "tree": [_SCENES_STAGE],
            }
        ],
    ),
    "DecompositionStage": closed(
        {
            "collection_id": STRING,
            "collection_name": STRING,
            "tier": described(COUNT, "Number of collections on the way from the root."),
            "path": described(nullable(STRING), "Null where no document on the way named a bucket."),
            "feature_extractor_id": described(STRING, "The extractor that the collection is configured with."),
            "document_count": COUNT,
            "statuses": {
                "type": "object",
                "additionalProperties": COUNT,
                "description": "Documents by their ingestion_status, of which the first 40 characters count; UNKNOWN where"
                " there is none, or none that is a string.",
            },
            "document_ids": described(
                STRINGS,
                f"When asked for: in creation order, the first {MAX_STAGE_IDS:,}, as long as the tree's stages before this one"
                f" leave room for them among {MAX_TREE_IDS:,} in all.",
            ),
            "document_ids_truncated": described(BOOLEAN, "Beside document_ids: whether some are left out."),
            "children": array(
                ref("DecompositionStage"),
                description="The stages made from this one: those whose path (or, without one, chain) continues this one's.",
            ),
        },
        ["collection_id", "collection_name", "tier", "path", "feature_extractor_id", "document_count", "statuses", "children"],
        examples=[_FACES_STAGE],
    ),
    "ImpactTarget": closed(
        {
            "type": {"type": "string", "enum": ["object", "document"]},
            "object_id": STRING,
            "bucket_id": described(nullable(STRING), "Null when the object is not registered."),
            "document_id": STRING,
            "collection_id": STRING,
        },
        ["type"],
    ),
    "ImpactResponse": closed(
        {
            "target": ref("ImpactTarget"),
            "documents": described(COUNT, "What a cascading delete would take; a document itself is counted."),
            "orphaned": described(
                COUNT,
                "What a detaching delete would leave without their parent: a document's children, or an object's first level.",
            ),
            "blobs": described(COUNT, "How many blobs the documents of a cascade name, and the object itself."),
            "by_collection": array(
                closed({"collection_id": STRING, "tier": COUNT, "count": COUNT}, ["collection_id", "tier", "count"]),
                description="The documents of a cascade, by tier and collection.",
            ),
        },
        ["target", "documents", "orphaned", "blobs", "by_collection"],
        examples=[
            {
                "target": {"type": "document", "document_id": "doc_0199f3b2c4d5e6f708192a3e", "collection_id": _SCENES},
                "documents": 31,
                "orphaned": 30,
                "blobs": 31,
                "by_collection": [
                    {"collection_id": _SCENES, "tier": 1, "count": 1},
                    {"collection_id": _FACES, "tier": 2, "count": 30},
                ],
            }
        ],
    ),
}

TREE = operation(
    "get_decomposition_tree",
    "An object's documents, stage by stage",
    tag=_TAG,
    answer="DecompositionTreeResponse",
    parameters=(flag("include_document_ids", "List the documents' ids, too."),),
    description="How many documents were made from an object, in which collections, at which depth, and in which status. An"
    " object is known that is registered or that documents name as their root.",
)
OBJECT_IMPACT = operation(
    "get_object_impact", "What deleting an object would orphan or take along", tag=_TAG, answer="ImpactResponse"
)
BUCKET_OBJECT_IMPACT = operation(
    "get_bucket_object_impact", "What deleting a bucket's object would orphan or take along", tag=_TAG, answer="ImpactResponse"
)
DOCUMENT_IMPACT = operation(
    "get_document_impact", "What deleting a document would orphan or take along", tag=_TAG, answer="ImpactResponse"
)
