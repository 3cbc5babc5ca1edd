"""Requests as a server hands them to the WSGI application: what a test says is sent, and nothing else."""

import io
from typing import Any

import simplejson

from mixpeek_site.wsgi import application
from tests.cast import Api, observed


class Answer:
    def __init__(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status_code = int(status.split()[0])
        self.headers = dict(headers)
        self.content = content

    def json(self) -> Any:
        return simplejson.loads(self.content, use_decimal=True)

    @property
    def error(self) -> str:
        return str(self.json()["error"]["type"])

    def __repr__(self) -> str:
        return f"<{self.status_code} {self.headers} {self.content[:300]!r}>"


def headers_of(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}", "X-Namespace": api.namespace or ""}


def send(
    method: str, url: str, headers: dict[str, str], body: bytes | None = None, *, stream: io.BytesIO | None = None
) -> Answer:
    """`body` None: neither body nor Content-Length; `stream` is what the server would read the body from."""
    path, _, query = url.partition("?")
    sent: dict[str, Any] = {
        **{"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": ""},
        **{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1"},
        **{"wsgi.url_scheme": "http", "wsgi.input": stream or io.BytesIO(body or b""), "wsgi.errors": io.StringIO()},
        **{"wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False},
    }
    if body is not None:
        sent["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        sent[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    caught: list[Any] = []
    response = application(sent, lambda status, answered, exc_info=None: caught.append((status, answered)))
    try:
        answer = Answer(caught[0][0], caught[0][1], b"".join(response))
    finally:
        getattr(response, "close", lambda: None)()
    observed(method, url, answer)
    return answer
