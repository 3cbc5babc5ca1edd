"""schemathesis over the published schema: whatever fits it, or almost does, is answered as it says.

No 5xx, no undocumented status, content type, header or body. The small run is the same each time; `full` looks further.
"""

import json
import zlib
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from requests.structures import CaseInsensitiveDict
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests import conformance
from tests.fuzz.conftest import Target

QUIET: Any = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
    "database": None,
}
# Ids in bodies that must agree with the path's.
_OF_PATH = {"collection_id": "collection_identifier", "document_id": "document_id", "bucket_id": "bucket_identifier"}

load_all_checks()
_checks = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]


def _schema(*, coverage: bool) -> Any:
    config = schemathesis.Config()
    project = config.projects.default
    project.phases.coverage.enabled = coverage
    project.generation.modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return schemathesis.openapi.from_dict(json.loads(json.dumps(conformance.schema())), config=config)


quick, thorough = _schema(coverage=False), _schema(coverage=True)


@quick.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=12, derandomize=True, phases=[Phase.explicit, Phase.generate], **QUIET)
def test_a_few_requests_of_each_operation(case: Any, target: Target) -> None:
    shoot(case, target)


@pytest.mark.full
@thorough.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=60, derandomize=True, **QUIET)
def test_many_requests_of_each_operation(case: Any, target: Target) -> None:
    shoot(case, target)


def shoot(case: Any, target: Target) -> None:
    """Three of four requests ask for what exists; the fourth as it was generated."""
    whole = json.dumps([case.path_parameters, case.query, str(case.body)], default=str, sort_keys=True)
    if zlib.crc32(whole.encode(errors="replace")) % 4:
        case.path_parameters = {name: target.ids[name] for name in case.path_parameters or {}}
        if isinstance(case.body, dict):
            case.body |= {
                name: target.ids[of] for name, of in _OF_PATH.items() if name in case.body and of in case.path_parameters
            }
    headers = {**(case.headers or {}), **target.headers}
    response = case.call(base_url=target.url, session=target.session, headers=headers, timeout=60)
    case.validate_response(response, checks=_checks)
    answered = {name: values[0] for name, values in response.headers.items()}
    path = urlsplit(response.request.url).path
    conformance.check(case.method.upper(), path, response.status_code, CaseInsensitiveDict(answered), response.content)
    if case.method.upper() == "DELETE":
        target.restore()
