"""Searches: by a vector, by words, or by both."""

from django.http import HttpRequest, HttpResponse

from documents.api.openapi import searches as openapi
from documents.api.search_answers import feature_answer, search_answer
from documents.api.search_inputs import (
    FEATURE_SEARCH_PARAMETERS,
    SEARCH_PARAMETERS,
    read_collection_search,
    read_feature_search,
    read_search_body,
)
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, read_object
from namespaces.models import Permission


class SearchViewSet(ContractViewSet):
    permissions = dict.fromkeys(("search_documents", "search_features"), Permission.READ)

    @openapi.SEARCH
    def search_documents(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body = read_search_body(request)
        asked = read_collection_search(read_query(request, SEARCH_PARAMETERS), body, self.scope, collection_identifier)
        return HttpResponse(search_answer(asked, self.scope), content_type="application/json")

    @openapi.SEARCH_FEATURES
    def search_features(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request)
        asked = read_feature_search(read_query(request, FEATURE_SEARCH_PARAMETERS), body)
        return HttpResponse(feature_answer(asked, self.scope), content_type="application/json")
