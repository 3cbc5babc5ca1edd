"""`/v1/me`: who asks."""

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response
from namespaces.api import payloads
from namespaces.api.openapi import operations as schema
from namespaces.models import Permission


class MeViewSet(ContractViewSet):
    in_namespace = False

    @schema.operation("get_me", "Who am I?", tag="Account", answer="MeResponse", in_namespace=False)
    def retrieve(self, request: HttpRequest) -> HttpResponse:
        read_query(request, ())
        key = self.credentials
        return json_response(
            {
                "organization_id": key.organization_public_id,
                "organization_name": key.organization_name,
                "account_type": "SELF_HOSTED",
                "user_email": None,
                "key": {
                    "name": key.key_name,
                    "key_type": "SECRET",
                    "permissions": [each.value for each in Permission if key.permission.includes(each)],
                    "expires_at": payloads.time(key.expires_at),
                },
                "rate_limits": None,
                "principal_scoped": False,
            }
        )
