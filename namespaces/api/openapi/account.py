"""Components of `/v1/me` and the health routes."""

from mixpeek_site.api.schema_parts import (
    BOOLEAN,
    INTEGER,
    OBJECT,
    STRING,
    TIME,
    Schema,
    array,
    closed,
    nullable,
    ref,
)

SERVICES = ("cache", "metadata", "vector_store", "object_storage", "task_queue", "inference")

COMPONENTS: dict[str, Schema] = {
    "MeKeyInfo": closed(
        {
            "name": STRING,
            "key_type": STRING,
            "permissions": array({"type": "string", "enum": ["READ", "WRITE", "DELETE", "ADMIN"]}),
            "expires_at": nullable(TIME),
        },
        ["name", "key_type", "permissions", "expires_at"],
    ),
    "MeResponse": closed(
        {
            "organization_id": STRING,
            "organization_name": STRING,
            "account_type": STRING,
            "user_email": nullable(STRING),
            "key": ref("MeKeyInfo"),
            "rate_limits": {"type": ["object", "null"], "additionalProperties": INTEGER},
            "principal_scoped": BOOLEAN,
        },
        ["organization_id", "account_type", "key"],
    ),
    "HealthServiceStatus": closed({**dict.fromkeys(SERVICES, BOOLEAN), "analytics": nullable(BOOLEAN)}, [*SERVICES, "analytics"]),
    "HealthServiceErrors": closed({name: nullable(STRING) for name in (*SERVICES, "analytics")}),
    "HealthCheckResponse": closed(
        {
            "status": {"type": "string", "enum": ["OK", "DEGRADED"]},
            "data": ref("HealthServiceStatus"),
            "errors": nullable(ref("HealthServiceErrors")),
            "meta": nullable(OBJECT),
        },
        ["status", "data"],
    ),
    "LivenessResponse": closed({"status": {"type": "string", "const": "OK"}}, ["status"]),
}
