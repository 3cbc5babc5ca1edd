"""Counts, distinct values and aggregates of a collection: they need the permission to read, whatever the method."""

from django.http import HttpRequest, HttpResponse

from documents import aggregation
from documents.aggregation import Aggregation, Result
from documents.api.openapi import aggregations as openapi
from mixpeek_site import jsonio
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from namespaces.models import Permission


class AggregationViewSet(ContractViewSet):
    permissions = dict.fromkeys(("count", "count_matching", "distinct", "aggregate"), Permission.READ)

    @openapi.COUNT
    def count(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        query = read_query(request, ("filters",))
        filters = aggregation.read_filters_text(query.get("filters"))
        collection, number = aggregation.count(self.scope, collection_identifier, filters)
        return json_response({"collection_id": collection, "count": number})

    @openapi.COUNT_MATCHING
    def count_matching(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request, empty={})
        read_query(request, ())
        collection, number = aggregation.count(self.scope, collection_identifier, aggregation.read_count(body))
        return json_response({"collection_id": collection, "count": number})

    @openapi.DISTINCT
    def distinct(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        asked = aggregation.read_distinct(body)
        found = aggregation.aggregate(self.scope, collection_identifier, asked)
        values = ",".join([f'{{"value":{value},"count":{count}}}' for value, count in found.rows])
        rest = {"total_distinct": len(found.rows), "query_info": {} if found.total == len(found.rows) else _cut(found)}
        return _spliced(f'{{"field":{jsonio.dumps(asked.keys[0].field.name)},"values":[{values}]', rest)

    @openapi.AGGREGATE
    def aggregate(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        asked = aggregation.read_aggregation(body)
        found = aggregation.aggregate(self.scope, collection_identifier, asked)
        info = {"collection_id": found.collection, "groups_returned": len(found.rows), "limit": asked.limit}
        return _spliced(f'{{"results":[{_results(asked, found)}]', {"total_groups": found.total, "query_info": info})


def _results(asked: Aggregation, found: Result) -> str:
    """`{"group":{alias:value},"metrics":{alias:value}}` for each group."""
    keys = [jsonio.dumps(key.alias) + ":" for key in asked.keys]
    metrics = [jsonio.dumps(metric.alias) + ":" for metric in asked.metrics]
    width = len(keys)
    return ",".join(
        [f'{{"group":{{{_members(keys, row[:width])}}},"metrics":{{{_members(metrics, row[width:])}}}}}' for row in found.rows]
    )


def _members(names: list[str], texts: tuple[str, ...]) -> str:
    return ",".join(map(str.__add__, names, texts))


def _cut(found: Result) -> dict[str, object]:
    return {"truncated": True, "reason": "limit", "distinct_values": found.total}


def _spliced(beginning: str, rest: dict[str, object]) -> HttpResponse:
    """JSON texts from the database go out as they are: nothing of a number is lost on the way."""
    return HttpResponse(f"{beginning},{jsonio.dumps(rest)[1:]}", content_type="application/json")
