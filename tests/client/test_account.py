"""Who asks and how the service is, through the official client."""

import pytest
from mixpeek import AccountApi, ApiClient, HealthApi, HealthCheckResponse

from tests.client.checks import typed


def test_me(client: ApiClient) -> None:
    me = typed(AccountApi(client).whoami_me_with_http_info())
    assert me.organization_id.startswith("org_")
    assert me.organization_name
    assert me.key.permissions == ["READ", "WRITE", "DELETE", "ADMIN"]


@pytest.mark.pgvector
def test_health_and_liveness(client: ApiClient) -> None:
    """The client has no model for them; health is the model of its deep check."""
    health = HealthCheckResponse.from_dict(HealthApi(client).healthcheck_health())  # type: ignore[arg-type]
    assert health is not None
    assert health.status == "OK"
    assert health.data.metadata is True
    assert HealthApi(client).liveness_health() == {"status": "OK"}


@pytest.mark.pgvector
@pytest.mark.parametrize("deep", [True, False])
def test_deep_health(client: ApiClient, deep: bool) -> None:
    health = typed(HealthApi(client).healthcheck_deep_health_with_http_info(deep=deep, metrics=True))
    assert health.status == "OK"
