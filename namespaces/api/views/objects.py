"""`/v1/buckets/{bucket}/objects`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import boolean, read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from mixpeek_site.errors import DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject
from namespaces import dependents, queries, services
from namespaces.api import payloads
from namespaces.api.inputs import read_batch, read_new_object, read_object_change
from namespaces.api.list_inputs import LIST_PARAMETERS, read_list
from namespaces.api.openapi import operations as schema
from namespaces.listing import OBJECTS
from namespaces.models import Bucket, BucketObject, Permission
from namespaces.unique_keys import Policy

_TAG = "Objects"
_URLS = ("return_presigned_urls", "return_urls", "return_url")
_PROCESS = schema.flag("auto_process", "Accepted; nothing is processed here.")
_POLICY = schema.choice(
    "policy", ["insert", "update", "upsert"], "When the bucket's unique key is taken; else as the bucket says."
)
_URL_FLAGS = [schema.flag(name, "Give blobs a `presigned_url`.") for name in _URLS]
_LIST_SCHEMA: dict[str, Any] = {
    "tag": _TAG,
    "answer": "ListObjectsResponse",
    "parameters": [*schema.LIST, *_URL_FLAGS],
}


class ObjectViewSet(ContractViewSet):
    permissions = {"list": Permission.READ}

    def require_resources(self, **kwargs: str) -> None:
        if object_id := kwargs.get("object_identifier"):
            queries.bucket_object(self.scope, kwargs["bucket_identifier"], object_id)
        else:
            super().require_resources(**kwargs)

    @schema.operation(
        "create_object",
        "Register an object",
        tag=_TAG,
        body="CreateObjectRequest",
        answer="ObjectResponse",
        parameters=[_POLICY, _PROCESS],
        errors=(409,),
        headers={"Location": "Where it is."},
    )
    def create(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        policy = _read_create_query(request)
        bucket = queries.bucket(self.scope, bucket_identifier)
        new = read_new_object(body, _ids(bucket))
        made = services.create_object(scope=self.scope, bucket_identifier=bucket.public_id, new=new, policy=policy)
        response = json_response(payloads.bucket_object(made, bucket.public_id, document_count=0))
        response.headers["Location"] = f"/v1/buckets/{bucket.public_id}/objects/{made.object_id}"
        return response

    @schema.operation(
        "create_objects_batch",
        "Register up to 100 objects",
        tag=_TAG,
        body="CreateObjectsBatchRequest",
        answer="CreateObjectsBatchResponse",
        parameters=[_POLICY, _PROCESS],
    )
    def create_batch(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        policy = _read_create_query(request)
        bucket = queries.bucket(self.scope, bucket_identifier)
        objects = read_batch(body, _ids(bucket))
        failed = {index: each for index, each in enumerate(objects) if isinstance(each, DomainError)}
        read = {index: each for index, each in enumerate(objects) if isinstance(each, services.NewObject)}
        results = services.create_objects(
            scope=self.scope, bucket_identifier=bucket.public_id, new=list(read.values()), policy=policy
        )
        succeeded = []
        for index, result in zip(read, results, strict=True):
            if result.bucket_object is None:
                assert result.error is not None
                failed[index] = result.error
            else:
                answer = payloads.bucket_object(result.bucket_object, bucket.public_id)
                succeeded.append(answer | {"object_index": index, "replayed": result.replayed, "replayed_by": None})
        return json_response(
            {
                "succeeded": succeeded,
                "failed": [
                    {"object_index": index, "error": failed[index].message, "error_type": type(failed[index]).__name__}
                    for index in sorted(failed)
                ],
                "total_requested": len(objects),
                "succeeded_count": len(succeeded),
                "failed_count": len(failed),
            }
        )

    @schema.operation("list_objects", "List a bucket's objects", body="ListObjectsRequest", **_LIST_SCHEMA)
    def list(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        body = read_object(request, empty={})[0] if request.method == "POST" else {}
        query = read_query(request, LIST_PARAMETERS | {*_URLS})
        bucket = queries.bucket(self.scope, bucket_identifier)
        given = read_list(query, body, "ListObjectsRequest", OBJECTS, [bucket.namespace_id, bucket.pk])
        with_urls = any([boolean(query, name) if body.get(name) is None else body[name] for name in _URLS])  # noqa: C419
        urls_for = services.owner_of(self.scope) if with_urls else None
        found = queries.objects_page(self.scope, bucket.public_id, given.listing, include_total=given.page.include_total)
        answers = [payloads.bucket_object(each, bucket.public_id, urls_for=urls_for) for each in found.items]
        select = body.get("select") or []
        return json_response(
            {
                "results": [payloads.selected(each, select) for each in answers] if select else answers,
                "pagination": given.pagination(found.total, found.next_position),
                "stats": payloads.object_list_stats(answers),
            }
        )

    @schema.operation(
        "get_object",
        "Get an object",
        tag=_TAG,
        answer="ObjectResponse",
        parameters=[*_URL_FLAGS, schema.flag("include_document_count", "Default true.")],
    )
    def retrieve(self, request: HttpRequest, bucket_identifier: str, object_identifier: str) -> HttpResponse:
        query = read_query(request, (*_URLS, "include_document_count"))
        bucket, found = queries.bucket_object(self.scope, bucket_identifier, object_identifier)
        return self._answer_with(
            bucket,
            found,
            with_urls=any(boolean(query, name) for name in _URLS),
            with_count=boolean(query, "include_document_count", default=True),
        )

    @schema.operation(
        "update_object",
        "Set fields of an object",
        tag=_TAG,
        body="UpdateObjectRequest",
        answer="ObjectResponse",
        errors=(409,),
    )
    def update(self, request: HttpRequest, bucket_identifier: str, object_identifier: str) -> HttpResponse:
        return self._set(request, bucket_identifier, object_identifier, "UpdateObjectRequest")

    @schema.operation(
        "patch_object",
        "Set fields of an object",
        tag=_TAG,
        body="PatchObjectRequest",
        answer="ObjectResponse",
        errors=(409,),
    )
    def partial_update(self, request: HttpRequest, bucket_identifier: str, object_identifier: str) -> HttpResponse:
        return self._set(request, bucket_identifier, object_identifier, "PatchObjectRequest")

    @schema.operation(
        "delete_object",
        "Delete an object",
        tag=_TAG,
        answer=None,
        status=204,
        parameters=[
            schema.flag("cascade", "Delete the documents that were made from it, too; without it they stay."),
        ],
    )
    def destroy(self, request: HttpRequest, bucket_identifier: str, object_identifier: str) -> HttpResponse:
        query = read_query(request, ("cascade",))
        cascade = boolean(query, "cascade")

        def documents_too() -> int:
            return dependents.documents.delete_of_object(self.scope, object_identifier)

        services.delete_object(
            scope=self.scope,
            bucket_identifier=bucket_identifier,
            object_id=object_identifier,
            take_along=documents_too if cascade else None,
        )
        return HttpResponse(status=204)

    def _set(self, request: HttpRequest, bucket_identifier: str, object_identifier: str, component: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        bucket = queries.bucket(self.scope, bucket_identifier)
        change = read_object_change(body, component, object_identifier, _ids(bucket))
        changed = services.update_object(
            scope=self.scope,
            bucket_identifier=bucket.public_id,
            object_id=object_identifier,
            key_prefix=change.key_prefix,
            fields=change.fields,
            blobs=change.blobs,
            system=change.system,
        )
        return self._answer_with(bucket, changed)

    def _answer_with(
        self, bucket: Bucket, row: BucketObject, *, with_urls: bool = False, with_count: bool = True
    ) -> HttpResponse:
        count = dependents.documents.count_of_object(bucket.namespace_id, row.object_id) if with_count else None
        urls_for = services.owner_of(self.scope) if with_urls else None
        answer: JSONObject = payloads.bucket_object(row, bucket.public_id, document_count=count, urls_for=urls_for)
        return json_response(answer)


def _ids(bucket: Bucket) -> tuple[str, str]:
    return bucket.public_id, bucket.name


def _read_create_query(request: HttpRequest) -> str | None:
    query = read_query(request, ("policy", "auto_process"))
    boolean(query, "auto_process")
    policy = query.get("policy") or None
    if policy is not None and policy not in list(Policy):
        raise ValidationError(Fault(("query", "policy"), f"must be one of {', '.join(Policy)}", "enum"))
    return policy
