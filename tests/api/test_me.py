"""/v1/me"""

from datetime import UTC, datetime, timedelta

from namespaces import services
from namespaces.models import Organization, Permission
from tests import cast
from tests.cast import Api


def test_who_asks(api: Api) -> None:
    organization = Organization.objects.get(pk=api.scope.organization_id)
    expires_at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    _, token = services.create_api_key(organization=organization, name="ci", permission=Permission.WRITE, expires_at=expires_at)
    assert Api(token).get("/v1/me").json() == {
        "organization_id": organization.public_id,
        "organization_name": organization.name,
        "account_type": "SELF_HOSTED",
        "user_email": None,
        "key": {
            "name": "ci",
            "key_type": "SECRET",
            "permissions": ["READ", "WRITE"],
            "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
        },
        "rate_limits": None,
        "principal_scoped": False,
    }


def test_it_needs_no_namespace_and_takes_any(api: Api) -> None:
    assert Api(api.token).get("/v1/me/").status_code == 200
    assert Api(api.token, "ns_nowhere").get("/v1/me").status_code == 200


def test_it_needs_a_key(db: None) -> None:
    for token in (None, "sk_wrong", "nonsense"):
        response = Api(token).get("/v1/me")
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_an_expired_key_is_401(db: None) -> None:
    key, token = services.create_api_key(organization=cast.organization(), name="ci")
    key.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    key.save()
    assert Api(token).get("/v1/me").status_code == 401
