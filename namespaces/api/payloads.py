"""From rows to answers: every field that any generation's answer has, and what clients sent for processing as they sent it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores import Owner
from mixpeek_site.jsonio import JSONObject
from namespaces.api.openapi.objects import RESERVED
from namespaces.dependents import PayloadIndexState, VectorIndexState
from namespaces.models import Bucket, BucketObject, Collection, Namespace
from namespaces.queries import BucketStatistics, NamespaceCounts, declared_list
from namespaces.services.collections import PASSTHROUGH_EXTRACTOR, extractor_id

_EMPTY_SCHEMA: JSONObject = {"properties": {}}
_DELETED = {"message": "Successfully deleted", "success": True}


def deleted() -> JSONObject:
    return dict(_DELETED)


def time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, ending in Z; a zero fraction is left out."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def namespace(
    row: Namespace,
    counts: NamespaceCounts,
    states: Sequence[PayloadIndexState],
    vectors: Mapping[str, Mapping[str, int]],
) -> JSONObject:
    """`states`: of the payload indexes, in their order. `vectors`: of the collections' indexes of configured vectors, by name."""
    config = row.config
    indexes = [_index(*each) for each in zip(config.get("payload_indexes", []), states, strict=True)]
    return {
        "object": "namespace",
        "namespace_id": row.public_id,
        "namespace_name": row.name,
        "namespace_type": config.get("namespace_type", "standard"),
        "scope": config.get("scope", "org"),
        "infrastructure": config.get("infrastructure"),
        "trusted_issuers": config.get("trusted_issuers", []),
        "cost_cap_override": config.get("cost_cap_override"),
        "tiering": config.get("tiering"),
        "pinned": config.get("pinned"),
        "spend_budget": config.get("spend_budget"),
        "budget": None,
        "cluster_id": None,
        "description": row.description,
        "feature_extractors": [_extractor(each) for each in config.get("feature_extractors", [])],
        "payload_indexes": indexes,
        "payload_index_count": len(indexes),
        "document_count": counts.documents,
        "document_count_complete": True,
        "bucket_count": counts.buckets,
        "collection_count": counts.collections,
        "object_count": counts.objects,
        "auto_create_indexes": config.get("auto_create_indexes", False),
        "adaptive_indexing": config.get("adaptive_indexing", False),
        "vector_inference_map": None,
        "dynamic_vector_indexes": None,
        "mode": config.get("mode", "managed"),
        "vector_configs": [_vector_config(each, vectors) for each in declared_list(config, "vector_configs")],
        "clone_status": None,
        "clone_error": None,
        "clone_phase": None,
        "clone_task_id": None,
        "clone_dispatched_at": None,
        "source_namespace_id": None,
        "namespace_ready": True,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "expires_at": config.get("expires_at"),
    }


def _index(declared: JSONObject, state: PayloadIndexState) -> JSONObject:
    return {**declared, "status": state.status, **({} if state.error is None else {"error": state.error})}


def _vector_config(declared: Any, states: Mapping[str, Mapping[str, int]]) -> Any:
    """With the states of the indexes that collections have for it, when they have any."""
    found = states.get(declared["name"]) if isinstance(declared, dict) and isinstance(declared.get("name"), str) else None
    return {**declared, "indexes": dict(found)} if found else declared


def namespace_list_stats(results: Sequence[JSONObject]) -> JSONObject:
    """Of the namespaces on the page."""
    totals = {what: sum(each[f"{what[:-1]}_count"] for each in results) for what in _COUNTED}
    totals["feature_extractors"] = sum(len(each["feature_extractors"]) for each in results)
    totals["payload_indexes"] = sum(each["payload_index_count"] for each in results)
    return {
        **{f"total_{what}": total for what, total in totals.items()},
        "total_documents_complete": True,
        **{f"avg_{what}_per_namespace": _average(total, len(results)) for what, total in totals.items()},
    }


_COUNTED = ("documents", "buckets", "collections", "objects")


def namespace_stats(row: Namespace, counts: NamespaceCounts) -> JSONObject:
    return {
        "namespace_id": row.public_id,
        "document_count": counts.documents,
        "document_count_complete": True,
        "bucket_count": counts.buckets,
        "collection_count": counts.collections,
        "object_count": counts.objects,
    }


def collection(row: Collection, document_count: int, vectors: Sequence[VectorIndexState]) -> JSONObject:
    """`vectors`: of the vector indexes, in their order, and then of those that the namespace's vector_configs gave it."""
    config = row.config
    declared = declared_list(config, "vector_indexes")
    return {
        "collection_id": row.public_id,
        "collection_name": row.name,
        "description": row.description,
        "input_schema": config.get("input_schema", _EMPTY_SCHEMA),
        "output_schema": config.get("output_schema", _EMPTY_SCHEMA),
        "feature_extractor": _extractor(config.get("feature_extractor", PASSTHROUGH_EXTRACTOR)),
        "source": config.get("source", {"type": "none"}),
        "source_bucket_schemas": None,
        "source_lineage": [],
        "index_map": config.get("index_map"),
        "vector_indexes": [
            *(_vector_index(*each) for each in zip(declared, vectors, strict=False)),
            *(_vector_index({"source": "namespace"}, state) for state in vectors[len(declared) :]),
        ],
        "payload_indexes": config.get("payload_indexes", []),
        "embedding_task": config.get("embedding_task"),
        "enabled": config.get("enabled", True),
        "disabled_reason": None,
        "metadata": config.get("metadata"),
        "schedule": config.get("schedule"),
        "trigger_id": None,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "lifecycle_state": "active",
        "s3_vector_index": None,
        "last_lifecycle_transition": None,
        "tiering_rules": [],
        "tiering": config.get("tiering"),
        "document_count": document_count,
        "schema_version": 1,
        "last_schema_sync": None,
        "schema_sync_enabled": config.get("schema_sync_enabled", True),
        "document_schema": config.get("document_schema"),
        "schema_validation": config.get("schema_validation", "off"),
        "taxonomy_applications": config.get("taxonomy_applications", []),
        "cluster_applications": config.get("cluster_applications", []),
        "alert_applications": config.get("alert_applications", []),
        "retriever_enrichments": config.get("retriever_enrichments", []),
        "retriever_transform": _transform(config.get("retriever_transform")),
        "vector_count": None,
        "taxonomy_count": len(config.get("taxonomy_applications", [])),
        "retriever_count": len(config.get("retriever_enrichments", [])),
        "indexing_status": None,
        "indexing_status_scoped": None,
        "warnings": [],
    }


def _vector_index(declared: Any, state: VectorIndexState) -> JSONObject:
    """As it was sent, and what holds by default, and how far its index is."""
    sent = declared if isinstance(declared, dict) else {}
    index = {"dimensions": state.dimensions, "metric": state.metric, "state": state.status}
    index |= {} if state.error is None else {"error": state.error}
    index |= {} if state.size_bytes is None else {"size_bytes": state.size_bytes}
    about = {"name": state.name, "type": state.type, "feature_uri": state.feature_uri}
    inner = sent.get("index")
    return {
        **sent,
        **{name: value for name, value in about.items() if sent.get(name) is None},
        "index": {**(inner if isinstance(inner, dict) else {}), **index},
    }


def collection_list_stats(results: Sequence[JSONObject]) -> JSONObject:
    """Of the collections on the page."""
    documents = sum(each["document_count"] for each in results)
    return {
        "total_documents": documents,
        "avg_documents_per_collection": _average(documents, len(results)),
        "collections_with_taxonomies": sum(1 for each in results if each["taxonomy_count"]),
        "total_feature_extractors": len({each["feature_extractor"]["feature_extractor_id"] for each in results}),
        "total_taxonomies": sum(each["taxonomy_count"] for each in results),
        "total_retrievers": sum(each["retriever_count"] for each in results),
    }


def bucket(row: Bucket, statistics: BucketStatistics) -> JSONObject:
    config = row.config
    return {
        "bucket_id": row.public_id,
        "bucket_name": row.name,
        "description": row.description,
        "bucket_schema": config.get("bucket_schema"),
        "unique_key": config.get("unique_key"),
        "metadata": config.get("metadata", {}),
        "storage_class": config.get("storage_class"),
        "destination": config.get("destination"),
        "ingest_filter": config.get("ingest_filter"),
        "object_count": statistics.objects,
        "failed_object_count": statistics.failed,
        "total_size_bytes": statistics.total_size,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "last_upload_at": time(statistics.last_created_at),
        "stats_updated_at": time(statistics.last_updated_at),
        "status": "ACTIVE",
        "is_locked": False,
        "batch_stats": {"total": 0, "active": 0, "completed": 0, "failed": 0},
        "storage_stats": {
            "total_size_bytes": statistics.total_size,
            "avg_size_bytes": statistics.average_size,
            "max_size_bytes": statistics.largest,
            "min_size_bytes": statistics.smallest,
        },
        "source_adapter": config.get("source_adapter"),
    }


def bucket_list_stats(results: Sequence[JSONObject]) -> JSONObject:
    """Of the buckets on the page."""
    objects = sum(each["object_count"] for each in results)
    size = sum(each["total_size_bytes"] for each in results)
    return {
        "total_objects": objects,
        "total_size_bytes": size,
        "avg_objects_per_bucket": _average(objects, len(results)),
        "avg_size_per_bucket": _average(size, len(results)),
    }


def bucket_object(
    row: BucketObject, bucket_id: str, *, document_count: int | None = None, urls_for: Owner | None = None
) -> JSONObject:
    """`bucket_id` is the public one. User fields stand at the root, beside the object's own.

    `urls_for`: give blobs a `presigned_url`, which this namespace may have, or the reason why there is none.
    """
    return {
        **{name: value for name, value in row.fields.items() if name not in RESERVED},
        "object_id": row.object_id,
        "bucket_id": bucket_id,
        "key_prefix": row.key_prefix,
        "blobs": row.blobs if urls_for is None else [_with_url(blob, urls_for) for blob in row.blobs],
        "source_details": row.system.get("source_details", []),
        "edges": row.system.get("edges", []),
        "status": row.system.get("status", "PENDING"),
        "error": row.system.get("error"),
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "document_count": document_count,
        "consistency": None,
    }


def object_list_stats(results: Sequence[JSONObject]) -> JSONObject:
    """Of the objects on the page."""
    blobs = sum(len(each["blobs"]) for each in results)
    return {
        "total_objects": len(results),
        "total_blobs": blobs,
        "avg_blobs_per_object": _average(blobs, len(results)),
        "objects_by_status": dict(Counter(each["status"] for each in results)),
    }


def selected(answer: JSONObject, select: Sequence[str]) -> JSONObject:
    """The parts of an object's answer that dotted paths name; its ids always stay."""
    kept: JSONObject = {name: answer[name] for name in ("object_id", "bucket_id")}
    for path in select:
        names = path.split(".")
        source: Any = answer
        for name in names:
            source = source.get(name, _MISSING) if isinstance(source, dict) else _MISSING
        if source is _MISSING:
            continue
        target = kept
        for name in names[:-1]:
            below = target.get(name)
            target[name] = target = dict(below) if isinstance(below, dict) else {}
        target[names[-1]] = source
    return kept


_MISSING: Any = object()


def _extractor(sent: JSONObject) -> JSONObject:
    return {**sent, "feature_extractor_id": extractor_id(sent)}


def _transform(sent: JSONObject | None) -> JSONObject | None:
    """Each stage with its `parameters`, which clients require of an answer and do not send: those of its `config`."""
    stages = None if sent is None else sent.get("stages")
    if sent is None or not isinstance(stages, list):
        return sent
    return {**sent, "stages": [_stage(each) if isinstance(each, dict) else each for each in stages]}


def _stage(sent: JSONObject) -> JSONObject:
    config = sent.get("config")
    parameters = config.get("parameters") if isinstance(config, dict) else None
    return {"parameters": parameters if isinstance(parameters, dict) else {}, **sent}


def _with_url(blob: JSONObject, owner: Owner) -> JSONObject:
    url = blob["properties"].get("url")
    if not isinstance(url, str):
        return blob
    signed = blob_stores.sign(url, owner)
    return {**blob, "unavailable_reason": signed.reason} if signed.url is None else {**blob, "presigned_url": signed.url}


def _average(total: int, count: int) -> float:
    return round(total / count, 2) if count else 0.0
