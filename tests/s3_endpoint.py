"""An S3 endpoint that checks signatures: OpenStack Swift's S3 API over a store in memory.

    python -m tests.s3_endpoint ACCOUNT:USER SECRET BUCKET

prints its port and serves until it is ended. Swift verifies every request as its servers do (middleware s3api and tempauth):
Signature Version 4 in the header or in the query, the method, the expiry. `Memory` stands for Swift's storage servers.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from swift.common.middleware import tempauth
from swift.common.middleware.s3api import s3api
from swift.common.swob import HTTPCreated, HTTPNoContent, HTTPNotFound, HTTPOk, wsgify


class Memory:
    """The objects of one bucket, by Swift's own API: `/v1/account/container/object`."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._objects: dict[str, tuple[bytes, str]] = {}

    @wsgify  # type: ignore[untyped-decorator]
    def __call__(self, request: Any) -> Any:
        denied = request.environ["swift.authorize"](request)  # as Swift's proxy asks
        if denied is not None:
            return denied
        _, _, _, *names = request.path.split("/", 4)
        if names[:1] != [self._bucket]:
            return HTTPNotFound(request=request)
        if len(names) < 2:
            return HTTPNoContent(request=request)
        return self._object(request, names[1])

    def _object(self, request: Any, key: str) -> Any:
        if request.method == "PUT":
            body = request.environ["wsgi.input"].read(request.content_length)
            self._objects[key] = body, request.headers["Content-Type"]
            return HTTPCreated(request=request, etag=_md5(body), last_modified=1)
        if key not in self._objects:
            return HTTPNotFound(request=request)
        if request.method == "DELETE":
            del self._objects[key]
            return HTTPNoContent(request=request)
        body, content_type = self._objects[key]
        return HTTPOk(request=request, body=body, content_type=content_type, etag=_md5(body), last_modified=1)


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # so that `Expect: 100-continue` is answered, for which botocore would wait a second

    def log_message(self, *_: Any) -> None:
        pass


def main(key: str, secret: str, bucket: str) -> None:
    account, user = key.split(":")
    configuration = {f"user_{account}_{user}": f"{secret} .admin"}
    checked = s3api.filter_factory({}, **configuration)(tempauth.filter_factory({}, **configuration)(Memory(bucket)))

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ.get("CONTENT_LENGTH"):
            environ.pop("CONTENT_LENGTH", None)  # wsgiref's way of saying that there is none
        answer: Iterable[bytes] = checked(environ | {"swift.cache": None}, start_response)
        return answer

    server = WSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
