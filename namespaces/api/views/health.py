"""`/v1/health` and `/v1/health/liveness`: no key is needed."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import boolean, read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response
from mixpeek_site.jsonio import JSONObject
from namespaces import health
from namespaces.api.openapi import operations as schema
from namespaces.api.openapi.account import SERVICES

_TAG = "Health"
_OF_DATABASE = ("metadata", "vector_store")
_CHECK_SCHEMA: dict[str, Any] = {
    "tag": _TAG,
    "answer": "HealthCheckResponse",
    "in_namespace": False,
    "authenticated": False,
    "parameters": [
        schema.flag("deep", "Adds what the database is to `meta`."),
        schema.flag("metrics", "Adds times to `meta`."),
    ],
}


class HealthViewSet(ContractViewSet):
    in_namespace = False
    authenticated = False

    @schema.operation("get_health", "Is the service well?", **_CHECK_SCHEMA)
    def check(self, request: HttpRequest) -> HttpResponse:
        return json_response(_answer(request))

    @schema.operation("get_deep_health", "Is the service well? The same by its later name", **_CHECK_SCHEMA)
    def deep_check(self, request: HttpRequest) -> HttpResponse:
        return json_response(_answer(request))

    @schema.operation(
        "get_liveness", "Is the process alive?", tag=_TAG, answer="LivenessResponse", in_namespace=False, authenticated=False
    )
    def liveness(self, request: HttpRequest) -> HttpResponse:
        read_query(request, ())
        return json_response({"status": "OK"})


def _answer(request: HttpRequest) -> JSONObject:
    query = read_query(request, ("deep", "metrics"))
    deep, metrics = boolean(query, "deep"), boolean(query, "metrics")
    found = health.check_database()
    faults = found.missing if found.fault is None else dict.fromkeys(_OF_DATABASE, found.fault)
    meta: JSONObject = {}
    if deep:
        meta["database_version"] = found.version
    if metrics:
        meta["database_milliseconds"] = found.milliseconds
    return {
        "status": "DEGRADED" if faults else "OK",
        "data": {**{name: name not in faults for name in SERVICES}, "analytics": None},
        "errors": faults or None,
        "meta": meta or None,
    }
