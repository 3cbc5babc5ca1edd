"""`manage.py import_from_qdrant`: real collections of qdrant-client's local mode, and the same over HTTP."""

import builtins
import json
import shutil
import struct
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from qdrant_client import QdrantClient, models

from tests import cast
from tests.cast import Api
from tests.commands import running
from tests.commands.running import Ran, places

pytestmark = pytest.mark.django_db

UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
ODD = {"Ünï.cödé/~": {"": [1, 2.5, None, {"😀": "\u2028"}]}, "title": "A  film", "big": 2**63 - 1, "tiny": 1e-300}


def ran(api: Api, collection: str, *options: str) -> Ran:
    return running.ran("import_from_qdrant", *places(api, collection), *options)


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api, "films")


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A copy of `filled` of the test's own."""
    return Path(shutil.copytree(filled, tmp_path / "qdrant"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`named`: dense, multi and sparse vectors; `plain`: one vector without a name, 600 points."""
    path = tmp_path_factory.mktemp("filled") / "qdrant"
    client = QdrantClient(path=str(path))
    dense = models.VectorParams(size=3, distance=models.Distance.DOT)
    rows = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    client.create_collection(
        "named",
        vectors_config={
            "title": dense,
            "image": dense,
            "tokens": models.VectorParams(size=2, distance=models.Distance.DOT, multivector_config=rows),
        },
        sparse_vectors_config={"words": models.SparseVectorParams()},
    )
    vectors: dict[str, Any] = {
        "title": [0.1, -1e-20, 16777217.0],
        "image": [1 / 3, 2 / 3, 1.0],
        "tokens": [[0.7, 2.0], [3.0, 0.1]],
        "words": models.SparseVector(indices=[4_000_000_000, 7], values=[0.3, 1.5]),
    }
    reserved = {"document_id": "other", "_score": 3, "vectors": [1], "lineage": None}
    client.upsert(
        "named",
        [
            models.PointStruct(id=42, payload=ODD, vector=vectors),
            models.PointStruct(id=UUID, payload=reserved, vector={"title": [1.0, 2.0, 3.0]}),
            models.PointStruct(id=2**64 - 1, payload=None, vector={"words": models.SparseVector(indices=[], values=[])}),
        ],
    )
    client.create_collection("plain", vectors_config=dense)
    points = [models.PointStruct(id=n, payload={"n": n}, vector=[n, 0.5, 0.1]) for n in range(600)]
    client.upsert("plain", points)
    client.close()
    return path


def single(numbers: list[float]) -> list[float]:
    """The nearest float32s."""
    return [struct.unpack("f", struct.pack("f", number))[0] for number in numbers]


@pytest.mark.pgvector
def test_ids_payload_and_vectors_of_every_kind_arrive(api: Api, collection: str, folder: Path) -> None:
    assert ran(api, collection, "--path", str(folder), "--collection-name", "named").code == 0
    found = json.loads(api.get("/v1/documents/42?return_vectors=true").content)
    assert {name: found[name] for name in ODD} == ODD
    vectors = found["vectors"]
    assert sorted(vectors) == ["image", "title", "tokens", "words"]
    assert single(vectors["title"]) == single([0.1, -1e-20, 16777217.0])
    assert single(vectors["image"]) == single([1 / 3, 2 / 3, 1.0])
    assert [single(row) for row in vectors["tokens"]] == [single([0.7, 2.0]), single([3.0, 0.1])]
    pairs = zip(vectors["words"]["indices"], single(vectors["words"]["values"]), strict=True)
    assert sorted(pairs) == [(7, 1.5), (4_000_000_000, *single([0.3]))]
    assert "vectors" in api.get(f"/v1/documents/{UUID}?return_vectors=true").json()
    assert api.get(f"/v1/documents/{2**64 - 1}?return_vectors=true").json()["vectors"] == {}


@pytest.mark.pgvector
def test_reserved_keys_of_the_payload_become_user_fields_under_a_prefix(api: Api, collection: str, folder: Path) -> None:
    mapped = ("--map", "/q.vectors=numbers")
    ran(api, collection, "--path", str(folder), "--collection-name", "named", "--reserved-prefix", "q.", *mapped)
    found = api.get(f"/v1/documents/{UUID}").json()
    assert {name: found[name] for name in found if name.startswith("q.")} == {
        "q.document_id": "other",
        "q._score": 3,
        "q.lineage": None,
    }
    assert found["numbers"] == [1]


@pytest.mark.pgvector
def test_pages_prefix_names_limit_and_a_second_run(api: Api, collection: str, folder: Path) -> None:
    plain = ("--path", str(folder), "--collection-name", "plain", "--id-prefix", "film:", "--vector-name", "text")
    assert ran(api, collection, *plain, "--limit", "300").out.startswith("300 points: 300 imported, 0 failed")
    again = ran(api, collection, *plain, "--resume", "--json")
    told = json.loads(again.out)
    assert (told["imported"], told["skipped"], told["failed"], told["points_there"]) == (300, 300, 0, 600)
    found = api.get("/v1/documents/film:599?return_vectors=true").json()
    assert found["n"] == 599
    assert single(list(map(float, found["vectors"]["text"]))) == single([599, 0.5, 0.1])
    assert ran(api, collection, *plain, "--limit", "2").code == 3


@pytest.mark.pgvector
def test_a_payload_in_the_shape_of_documents_is_taken_for_one(api: Api, collection: str, tmp_path: Path) -> None:
    client = QdrantClient(path=str(tmp_path / "q"))
    client.create_collection("c", vectors_config=models.VectorParams(size=1, distance=models.Distance.DOT))
    payload = {"document_id": "doc_1", "title": "x", "_internal": {"lineage": {"source_type": "bucket", "root_object_id": "o"}}}
    client.upsert("c", [models.PointStruct(id=str(uuid.uuid4()), payload=payload, vector=[1.0])])
    client.close()
    assert ran(api, collection, "--path", str(tmp_path / "q"), "--collection-name", "c", "--as-documents").code == 0
    found = api.get("/v1/documents/doc_1?return_vectors=true&schema_version=v2").json()
    assert (found["root_object_id"], found["title"], found["vector"]) == ("o", "x", [1])


def test_what_can_not_be_stored_is_reported_by_its_id_and_kept(api: Api, collection: str, tmp_path: Path) -> None:
    client = QdrantClient(path=str(tmp_path / "q"))
    client.create_collection("c", vectors_config={})
    payloads: list[dict[str, Any]] = [{"a": 1}, {"nul": "\0"}, {"_x": 1, "payload__x": 2}, {"nan": float("nan")}]
    for number, payload in enumerate(payloads):
        client.upsert("c", [models.PointStruct(id=number, payload=payload, vector={})])
    client.close()
    errors = tmp_path / "bad.jsonl"
    found = ran(api, collection, "--path", str(tmp_path / "q"), "--collection-name", "c", "--errors", str(errors))
    assert found.code == 3
    assert "4 points: 1 imported, 3 failed" in found.out
    kept = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [each["document_id"] for each in kept] == ["1", "2", "3"]
    assert "payload__x" in kept[1]["_import_error"]["reason"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--collection-name", "nope"), "it has: named, plain"),
        (("--collection-name", "plain", "--reserved-prefix", "_"), "must begin with something else"),
    ],
)
def test_what_can_not_begin_says_why(api: Api, collection: str, folder: Path, options: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        ran(api, collection, "--path", str(folder), *options)


def test_a_folder_that_is_none_is_not_made_one(api: Api, collection: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no folder of qdrant-client's local mode"):
        ran(api, collection, "--path", str(tmp_path / "typo"), "--collection-name", "c")
    assert not (tmp_path / "typo").exists()


def test_without_qdrant_client_the_command_says_what_to_install(
    api: Api, collection: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "qdrant_client":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CommandError, match="pip install qdrant-client"):
        ran(api, collection, "--path", str(folder), "--collection-name", "plain")


# Over HTTP: what Qdrant's REST API answers is worded by a stand-in, from a local collection ---------------------------


class Rest(BaseHTTPRequestHandler):
    """The routes of a Qdrant server that an import asks. Every third answer is a failure that passes."""

    client: QdrantClient
    requests = 0

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(asked) if asked else {}
        Rest.requests += 1
        name = self.path.split("/")[2].partition("?")[0] if self.path.count("/") > 1 else ""
        result: Any
        if self.headers.get("api-key") != "secret":
            return self._send(403, {"status": {"error": "forbidden"}})
        if Rest.requests % 3 == 0 and "scroll" in self.path:
            return self._send(503, {"status": {"error": "busy"}})
        if self.path.endswith("/exists"):
            result = {"exists": self.client.collection_exists(name)}
        elif self.path.endswith("/count"):
            result = {"count": self.client.count(name).count}
        else:
            found, following = self.client.scroll(name, limit=body["limit"], offset=body.get("offset"), with_vectors=True)
            result = {"points": [json.loads(each.model_dump_json()) for each in found], "next_page_offset": following}
        return self._send(200, {"result": result, "status": "ok", "time": 0.0})

    def _send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def rest(folder: Path) -> Iterator[str]:
    Rest.client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
    Rest.requests = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    Rest.client.close()


@pytest.mark.pgvector
def test_a_server_is_read_page_by_page_and_asked_again_when_it_is_busy(
    api: Api, collection: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "secret")
    assert ran(api, collection, "--url", rest, "--collection-name", "plain").out.startswith("600 points: 600 imported, 0 failed")
    assert ran(api, collection, "--url", rest, "--collection-name", "named", "--id-prefix", "n").code == 0
    words = json.loads(api.get("/v1/documents/n42?return_vectors=true").content)["vectors"]["words"]
    assert dict(zip(words["indices"], single(words["values"]), strict=True)) == {4_000_000_000: single([0.3])[0], 7: 1.5}


def test_a_wrong_key_and_a_server_that_is_not_there_end_the_command(api: Api, collection: str, rest: str) -> None:
    with pytest.raises(CommandError, match="the API key is missing or wrong") as refused:
        ran(api, collection, "--url", rest, "--collection-name", "plain", "--api-key", "hush")
    assert "hush" not in str(refused.value)
    with pytest.raises(CommandError, match="can't be read"):
        ran(api, collection, "--url", "http://127.0.0.1:1", "--collection-name", "plain")
