"""`/v1/buckets`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import boolean, read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from namespaces import queries, services
from namespaces.api import payloads
from namespaces.api.inputs import read_bucket
from namespaces.api.list_inputs import LIST_PARAMETERS, read_list
from namespaces.api.openapi import operations as schema
from namespaces.listing import BUCKETS
from namespaces.models import Bucket, Permission

_TAG = "Buckets"
_LIST_SCHEMA: dict[str, Any] = {"tag": _TAG, "answer": "ListBucketsResponse", "parameters": schema.LIST}
_SET_SCHEMA: dict[str, Any] = {
    "tag": _TAG,
    "answer": "BucketResponse",
    "errors": (409,),
    "parameters": [schema.flag("force_schema_break", "Accepted; a bucket's schema is stored, not enforced.")],
}


class BucketViewSet(ContractViewSet):
    permissions = {"list": Permission.READ}

    @schema.operation(
        "create_bucket",
        "Create a bucket",
        tag=_TAG,
        body="BucketCreateRequest",
        answer="BucketResponse",
        errors=(409,),
        headers={"Location": "Where it is."},
    )
    def create(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_bucket(body, "BucketCreateRequest")
        assert given.name is not None
        made = services.create_bucket(
            scope=self.scope,
            name=given.name,
            bucket_id=given.chosen_id,
            description=given.first_description,
            config=given.config,
        )
        response = self._answer_with(made)
        response.headers["Location"] = f"/v1/buckets/{made.public_id}"
        return response

    @schema.operation("list_buckets", "List buckets", body="ListBucketsRequest", **_LIST_SCHEMA)
    def list(self, request: HttpRequest) -> HttpResponse:
        body = read_object(request, empty={})[0] if request.method == "POST" else {}
        query = read_query(request, LIST_PARAMETERS)
        place = [self.scope.organization_id, self.scope.identifier]
        given = read_list(query, body, "ListBucketsRequest", BUCKETS, place)
        found = queries.buckets_page(self.scope, given.listing)
        statistics = queries.bucket_statistics(found.items)
        results = [payloads.bucket(each, statistics[each.pk]) for each in found.items]
        return json_response(
            {
                "results": results,
                "pagination": given.pagination(found.total, found.next_position),
                "total_count": found.total,
                "stats": payloads.bucket_list_stats(results),
                "warnings": [],
            }
        )

    @schema.operation("get_bucket", "Get a bucket", tag=_TAG, answer="BucketResponse")
    def retrieve(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        read_query(request, ())
        return self._answer_with(queries.bucket(self.scope, bucket_identifier))

    @schema.operation("update_bucket", "Set fields of a bucket", body="BucketUpdateRequest", **_SET_SCHEMA)
    def update(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        return self._set(request, bucket_identifier, "BucketUpdateRequest")

    @schema.operation("patch_bucket", "Set fields of a bucket", body="BucketPatchRequest", **_SET_SCHEMA)
    def partial_update(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        return self._set(request, bucket_identifier, "BucketPatchRequest")

    @schema.operation(
        "delete_bucket",
        "Delete a bucket",
        tag=_TAG,
        answer="GenericDeleteResponse",
        parameters=[
            schema.flag("force_foreclose", "Delete its objects, too; without it a bucket with objects is a 409."),
        ],
        errors=(409,),
    )
    def destroy(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        query = read_query(request, ("force_foreclose",))
        services.delete_bucket(
            scope=self.scope, bucket_identifier=bucket_identifier, with_objects=boolean(query, "force_foreclose")
        )
        return json_response(payloads.deleted())

    def _set(self, request: HttpRequest, bucket_identifier: str, component: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ("force_schema_break",))
        given = read_bucket(body, component)
        changed = services.update_bucket(
            scope=self.scope,
            bucket_identifier=bucket_identifier,
            name=given.name,
            description=given.description,
            config=given.config,
        )
        return self._answer_with(changed)

    def _answer_with(self, row: Bucket) -> HttpResponse:
        return json_response(payloads.bucket(row, queries.bucket_statistics([row])[row.pk]))
