"""`manage.py import_from_server`, from a real server to another place: everything equal, whatever happens on the way."""

import itertools
import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import psycopg
import pytest
import urllib3
from django.core.management import CommandError

from documents.importing import described
from documents.importing.described import ObjectCounts
from documents.importing.reading import remote
from documents.importing.reading.server import body_of
from documents.models import Document
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject
from namespaces import queries, services
from namespaces.models import BucketObject, Organization, Permission
from tests import cast, server
from tests.cast import Api
from tests.commands import running
from tests.commands.running import Ran, places
from tests.data_sets import test_page as page

pytestmark = pytest.mark.django_db(transaction=True)

TIERS = ("books", "chapters", "verses")
VECTORS: list[dict[str, Any]] = [
    {"text": [0.1, 1 / 3, 16777217.0]},
    {"text": [1, 2], "tokens": [[0.5, 0.1], [1, 2]]},
    {"words": {"indices": [4_000_000_000, 7], "values": [0.3, 1.5]}},
]


class Place(NamedTuple):
    """A server, and a key to it."""

    url: str
    key: str
    organization: str


def ran(there: Place, here: Organization, *options: str) -> Ran:
    named = ["--base-url", there.url, "--api-key", there.key, "--organization", here.public_id]
    return running.ran("import_from_server", *named, *options)


@pytest.fixture
def source() -> Iterator[Api]:
    yield cast.api()
    server.remove_committed()


@pytest.fixture
def here(source: Api) -> Organization:
    """Where things are brought: another organization."""
    return cast.organization()


@pytest.fixture
def there(source: Api, server: str) -> Place:
    key = source.key(Permission.READ)
    assert key.token is not None
    return Place(server, key.token, source.scope.organization_public_id)


# What is there --------------------------------------------------------------------------------------------------------


def fill(api: Api, folder: Path, count: int) -> None:
    """A bucket with objects, three tiers of collections, documents of every kind; children before their parents."""
    key = {"fields": ["isbn"], "default_policy": "upsert"}
    bucket = cast.bucket(api, "library", unique_key=key, metadata={"team": "archive"})
    for number in range(5):
        blob = {"property": "video", "type": "video", "data": f"s3://library/{number}.mp4", "metadata": {"n": 0.10}}
        new = services.NewObject(
            f"book:{number}", f"/{number}", {"isbn": number, "tags": {"ü": [None]}}, [blob], {"status": "FAILED"}
        )
        services.create_object(scope=api.scope, bucket_identifier=bucket, new=new)
    ids = [cast.collection(api, tier, feature_extractor=extractor(tier), description=tier) for tier in TIERS]
    for number, (tier, collection) in reversed(list(enumerate(zip(TIERS, ids, strict=True)))):
        file = folder / f"{tier}.jsonl"
        bodies = [body(number, n, bucket) for n in range(count if number else 5)]
        file.write_text("".join(f"{jsonio.dumps(each)}\n" for each in bodies))
        load(api, collection, file)
    assert api.delete("/v1/collections/chapters/documents/chapters:7").status_code == 200  # its verses keep what it gave
    assert api.patch("/v1/documents/chapters:8", {"changed": True}).status_code == 200


def extractor(tier: str) -> dict[str, Any]:
    return {"feature_extractor_name": f"{tier}_splitter", "version": "v2", "parameters": {"size": 0.50}}


def body(tier: int, number: int, bucket: str) -> dict[str, Any]:
    made: dict[str, Any] = {"document_id": f"{TIERS[tier]}:{number}", "n": number, "metadata": {"Ünï.cödé/~": ["😀", None, {}]}}
    if tier == 0:
        made |= {"source_type": "bucket", "root_bucket_id": bucket, "source_object_id": f"book:{number}"}
    elif number % 50 == 49:
        chain = [{"collection_id": "col_gone", "feature_extractor_id": "x_v1", "document_id": f"gone:{number}"}]
        made["_internal"] = {"lineage": {"source_document_id": f"gone:{number}", "root_object_id": "lost", "chain": chain}}
    elif number % 50 != 48:  # else without lineage
        made["source_document_id"] = f"{TIERS[tier - 1]}:{number % 5 if tier == 1 else number}"
    made |= {"v1": {"document_schema_version": "v1"}, "v2": {"document_schema_version": "v2"}}.get(f"v{number % 4}", {})
    if number % 3 == 0:
        made |= cast.vectors(**(VECTORS[number % len(VECTORS)] if number % 2 else VECTORS[number // 3 % len(VECTORS)]))
    if number % 7 == 0:
        made["internal_metadata"] = {"ingestion_status": "COMPLETED", "exact": 2**64 + 1}
        made["document_blobs"] = [{"field": "video", "url": "https://cdn.example/x.mp4", "extra": [1]}]
        made["source_blobs"] = [{"blob_id": "b", "n": 1}]
    if number % 11 == 0:
        made["_internal"] = {**made.get("_internal", {}), "modality": "text", "size_bytes": 5, "processing": {"a": 1}}
    return made


def load(api: Api, collection: str, file: Path) -> None:
    assert running.ran("import_documents", str(file), *places(api, collection)).code == 0


NOT_COMPARED = ("namespace_id", "internal_id")


# Both sides, compared -------------------------------------------------------------------------------------------------


def everything(url: str, token: str, namespace: str) -> dict[str, Any]:
    """All that the API shows of a namespace, by kind and id, without what belongs to the server."""
    pool = urllib3.PoolManager()
    headers = {"Authorization": f"Bearer {token}", "X-Namespace": namespace, "Content-Type": "application/json"}

    def listed(path: str, **body: Any) -> Iterator[Any]:
        cursor = None
        while True:
            asked = json.dumps({**body, "limit": 1000, "cursor": cursor} if cursor else {**body, "limit": 1000})
            answer = pool.request("POST", f"{url}/v1/{path}", body=asked, headers=headers)
            assert answer.status == 200, answer.data
            found = jsonio.loads(answer.data)
            yield from found["results"]
            cursor = found["pagination"]["next_cursor"]
            if cursor is None:
                return

    shown: dict[str, Any] = {}
    for kind in ("collections", "buckets"):
        for one in listed(f"{kind}/list"):
            shown[f"{kind} {one[kind[:-1] + '_name']}"] = without(one, "last_upload_at", "stats_updated_at")
    for one in listed("buckets/library/objects/list"):
        shown[f"object {one['object_id']}"] = one
    for version in ("native", "v1", "v2", None):
        asked: dict[str, Any] = {"schema_version": version} if version else {}
        for one in listed("documents/list", return_vectors=True, **asked):
            shown[f"{version} {one['document_id']}"] = without(one, *NOT_COMPARED)
    return shown


def without(one: Any, *names: str) -> Any:
    """The same without members of these names, wherever they are."""
    if isinstance(one, list):
        return [without(item, *names) for item in one]
    if not isinstance(one, dict):
        return one
    return {name: without(value, *names) for name, value in one.items() if name not in names}


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The first things that differ, for people."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        ours, theirs = one.get(name), other.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            found += [f"{name}.{inner}" for inner in difference(ours, theirs)]
        elif ours != theirs:
            found.append(f"{name}: {ours} != {theirs}")
        if len(found) > 3:
            break
    return found


def assert_same(source: Api, here: Organization, there: Place) -> None:
    token = cast.token(here, Permission.READ)
    name = queries.namespace(source.scope).name
    assert difference(everything(there.url, there.key, name), everything(there.url, token, name)) == []
    assert findings(here.public_id, name) == findings(there.organization, name)


def findings(organization: str, namespace: str) -> set[tuple[str, str]]:
    """Kinds and documents that `check_lineage` finds: orphans, because it raises where something contradicts."""
    checked = running.ran("check_lineage", "--namespace", namespace, "--organization", organization, "--json")
    assert checked.code == 0
    found = [json.loads(line) for line in checked.out.splitlines()]
    return {(each["kind"], each["document_id"]) for each in found if each["kind"] != "summary"}


def test_everything_arrives_equal_in_every_rendering(source: Api, here: Organization, there: Place, tmp_path: Path) -> None:
    fill(source, tmp_path, 150)
    found = ran(there, here, "--create", "--partitions", "2")
    assert (found.code, found.out.split(", in")[0]) == (0, "304 documents: 304 imported, 0 failed"), found.err
    assert "Objects: 5 imported." in found.err
    assert_same(source, here, there)


# A server that fails, or is older ---------------------------------------------------------------------------------------


class Between(BaseHTTPRequestHandler):
    """Passes requests on to a server, unless `spoil` answers them itself."""

    target: str
    spoil: "ClassVar[Callable[[Between, int], bool]]"
    count = 0
    lock = threading.Lock()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        with self.lock:
            type(self).count += 1
            number = self.count
        self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not type(self).spoil(self, number):
            self.answer(*self.asked(self.path, self.content))

    def asked(self, path: str, content: bytes) -> tuple[int, bytes]:
        kept = ("Authorization", "X-Namespace", "Content-Type")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        found = urllib3.request(self.command, self.target + path, body=content or None, headers=headers, retries=False)
        return found.status, found.data

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def between(there: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Place]]:
    """Makes places from functions that spoil requests."""
    monkeypatch.setattr(remote, "_FIRST_WAIT", 0.01)
    running = []

    def start(spoil: Callable[[Any, int], bool]) -> Place:
        handler = type("Spoiled", (Between,), {"target": there.url, "spoil": spoil, "count": 0})
        listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        running.append(listening)
        return there._replace(url=f"http://127.0.0.1:{listening.server_port}")

    yield start
    for listening in running:
        listening.shutdown()
        listening.server_close()


def test_answers_that_fail_on_the_way_are_asked_for_again(
    source: Api, here: Organization, there: Place, between: Callable[..., Place], tmp_path: Path
) -> None:
    fill(source, tmp_path, 60)
    met = []

    def spoil(request: Between, number: int) -> bool:
        if number % 2:
            return False
        kind = number // 2 % 5
        met.append(kind)
        if kind == 0:
            request.answer(429, b"{}", Retry_After="0")
        elif kind == 1:
            request.answer(503, b"<html>", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
        elif kind == 2:
            request.answer(200, request.asked(request.path, request.content)[1][:-40])  # cut off, and still 200
        elif kind == 3:
            request.answer(200, b"<html>Maintenance</html>")
        else:
            request.close_connection = True
        return True

    found = ran(between(spoil), here, "--create", "--partitions", "3")
    assert (found.code, found.out.split(", in")[0]) == (0, "124 documents: 124 imported, 0 failed"), found.err
    assert set(met) == {0, 1, 2, 3, 4}
    assert_same(source, here, there)


def test_a_server_that_goes_away_ends_the_command_and_resume_completes_it(
    source: Api, here: Organization, there: Place, between: Callable[..., Place], tmp_path: Path
) -> None:
    fill(source, tmp_path, 150)
    pages = itertools.count()

    def spoil(request: Between, number: int) -> bool:
        if "documents/list" not in request.path or "limit=1000" not in request.path or next(pages) < 4:
            return False
        request.close_connection = True
        return True

    with pytest.raises(CommandError, match="breaks the connection, also after 9 tries"):
        ran(between(spoil), here, "--create", "--batch-size", "25")
    arrived = Document.objects.filter(namespace__organization=here).count()
    assert 0 < arrived < 304
    found = ran(there, here, "--resume", "--json")
    told = json.loads(found.out)
    assert (found.code, told["skipped"], told["imported"], told["objects"]["skipped"]) == (0, arrived, 304 - arrived, 5)
    assert_same(source, here, there)


def test_an_older_server_is_read_in_its_own_shape_by_offsets_and_small_pages(
    source: Api, here: Organization, there: Place, between: Callable[..., Place], tmp_path: Path
) -> None:
    """It knows no partitions, no renderings, no cursors; limits stand in the query, up to 100; errors as FastAPI has them."""
    fill(source, tmp_path, 120)

    def spoil(request: Between, number: int) -> bool:
        path, _, query = request.path.partition("?")
        if not path.endswith("/list"):
            return False
        asked = json.loads(request.content or b"{}")
        parameters = dict(part.split("=") for part in query.split("&") if part)
        parameters.pop("schema_version", None)
        unknown = asked.keys() & {"partition", "limit", "offset", "filters"}
        if unknown:
            faults = [{"loc": ["body", name], "msg": "extra fields not permitted"} for name in sorted(unknown)]
            request.answer(422, json.dumps({"detail": faults}).encode())
        elif int(parameters.get("limit", 10)) > 100:
            request.answer(422, json.dumps({"detail": [{"loc": ["query", "limit"], "msg": "too many"}]}).encode())
        else:
            shape = "&schema_version=v2" if "documents" in path else ""
            query = "&".join(f"{name}={value}" for name, value in parameters.items())
            status, content = request.asked(f"{path}?{query}{shape}", request.content)
            answer = jsonio.loads(content)
            answer["pagination"] = {"total": None, "page_size": 100}
            request.answer(status, jsonio.dumps(answer).encode())
        return True

    found = ran(between(spoil), here, "--create", "--partitions", "2")
    assert (found.code, found.out.split(", in")[0]) == (0, "244 documents: 244 imported, 0 failed"), found.err
    assert "knows no partitions" in found.err
    assert "in its own shape only" in found.err
    token, name = cast.token(here, Permission.READ), queries.namespace(source.scope).name
    ours, theirs = everything(there.url, there.key, name), everything(there.url, token, name)
    flat = [key for key in ours if key.startswith("v2 ")]
    assert len(flat) == 244
    shown = [{key: without(every[key], "timestamp") for key in flat} for every in (ours, theirs)]  # v2 has no times
    assert difference(*shown) == []
    assert Document.objects.filter(namespace__organization=here, schema_version="v2").count() == 244


def test_members_that_only_others_know_are_kept_in_the_internal_metadata() -> None:
    row = {
        "document_id": "d",
        "title": "x",
        "searchable_at": "2026-01-01",
        "_shard": 3,
        "_internal": {"metadata": {"a": 1}, "_acl": {"read": ["x"]}, "lineage": None, "tier": None},
        "vector": [0.1],
    }
    assert json.loads(body_of(json.dumps(row).encode())) == {
        "document_id": "d",
        "title": "x",
        "_internal": {"metadata": {"a": 1, "source_members": {"_shard": 3, "_acl": {"read": ["x"]}}}, "lineage": None},
        "vectors": {"default": [0.1]},
    }
    whole = b'{"document_id": "d", "n": 1e400, "_internal": {"modality": "x"}}'
    assert body_of(whole) is whole


@pytest.mark.django_db
@pytest.mark.parametrize("on_conflict", ["skip", "replace"])
def test_an_object_whose_unique_key_is_anothers_fails_and_one_that_is_there_itself_does_not(on_conflict: str) -> None:
    api = cast.api()
    shown = {"bucket_id": "bkt_0000000000000000000000aa", "bucket_name": "goods", "unique_key": {"fields": ["sku"]}}
    bucket = described.bucket(api.scope, {**shown, "bucket_schema": {"properties": {"sku": {"type": "string"}}}}, tell=print)
    told: list[str] = []

    def brought(*objects: JSONObject) -> ObjectCounts:
        return described.objects(api.scope, bucket, map(str.encode, map(json.dumps, objects)), on_conflict, tell=told.append)

    assert brought({"object_id": "a", "sku": "A", "n": 1}) == ObjectCounts(imported=1)
    own = ObjectCounts(failed=1, skipped=1) if on_conflict == "skip" else ObjectCounts(failed=1, replaced=1)
    assert brought({"object_id": "b", "sku": "A"}, {"object_id": "a", "sku": "A"}) == own
    assert told == ["bucket goods, object b: Bucket 'goods' has another object with the same sku."]
    assert ("n" in BucketObject.objects.get(bucket=bucket).fields) == (on_conflict == "skip")


# What is asked for ------------------------------------------------------------------------------------------------------


@pytest.mark.pgvector
def test_chosen_collections_without_vectors_into_another_namespace(
    source: Api, here: Organization, there: Place, tmp_path: Path
) -> None:
    fill(source, tmp_path, 20)
    name = queries.namespace(source.scope).name
    found = ran(there, here, "--from-namespace", name, "--into", "mine", "--create", "--collections", "verses", "--no-vectors")
    assert found.out.startswith("20 documents: 20 imported, 0 failed")
    shown = everything(there.url, cast.token(here, Permission.READ), "mine")
    assert [key for key in shown if key.startswith("collections")] == ["collections verses"]
    assert shown["native verses:3"]["vectors"] == {}
    again = ran(there, here, "--from-namespace", name, "--into", "mine", "--on-conflict", "replace", "--json")
    told = json.loads(again.out)
    assert (told["replaced"], told["imported"], told["objects"]["replaced"]) == (20, 24, 5)
    assert everything(there.url, cast.token(here, Permission.READ), "mine")["native verses:3"]["vectors"] != {}


def test_a_dry_run_leaves_nothing(source: Api, here: Organization, there: Place, tmp_path: Path) -> None:
    fill(source, tmp_path, 20)
    found = ran(there, here, "--create", "--dry-run")
    assert found.out.startswith("44 documents: 44 imported, 0 failed")
    assert "nothing was changed" in found.out
    assert here.namespaces.count() == 0


def test_what_can_not_begin_says_why_and_never_shows_the_key(
    source: Api, here: Organization, there: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_FIRST_WAIT", 0.001)
    name = queries.namespace(source.scope).name
    other = cast.token(cast.organization(), Permission.READ)
    for place, options, said in (
        (there._replace(key="sk_wrong"), ("--create",), "does not accept the API key"),
        (there._replace(key=other), ("--create",), "sees no namespaces"),
        (there._replace(key=other), ("--from-namespace", name), f"sees no namespace {name}"),
        (there, (), "--create makes it"),
        (there, ("--collections", "nope"), "no collection nope"),
        (there._replace(url="http://127.0.0.1:1"), (), "can't be reached, also after 9 tries"),
        (there._replace(url="ftp://x"), (), "base URL must be"),
    ):
        with pytest.raises(CommandError, match=said) as refused:
            ran(place, here, *options)
        assert place.key not in str(refused.value)


def test_a_collection_of_the_same_name_and_another_id_is_not_written_to(
    source: Api, here: Organization, there: Place, tmp_path: Path
) -> None:
    fill(source, tmp_path, 20)
    mine = cast.api(here)
    cast.collection(mine, "chapters")
    with pytest.raises(CommandError, match="a collection 'chapters' already, with another id"):
        ran(there, here, "--into", str(mine.namespace))
    assert Document.objects.filter(namespace__organization=here).count() == 0


# Two databases, and kill -9 ---------------------------------------------------------------------------------------------


def command(database: str, *arguments: str) -> subprocess.Popen[str]:
    """A command of its own on another database."""
    return running.started(*arguments, database=database)


def told(database: str, *arguments: str) -> str:
    process = command(database, *arguments)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out.strip()


@pytest.mark.full
def test_killed_again_and_again_it_ends_with_exactly_what_the_source_has(source: Api, there: Place, tmp_path: Path) -> None:
    fill(source, tmp_path, 700)
    name = queries.namespace(source.scope).name
    options = ("import_from_server", "--base-url", there.url, "--api-key", there.key, "--create", "--batch-size", "40")
    with server.another_database() as database, psycopg.connect(database, autocommit=True) as looking:
        told(database, "create_organization", "theirs")

        def arrived() -> int:
            row = looking.execute("SELECT count(*) FROM documents_document").fetchone()
            assert row is not None
            return int(row[0])

        killed_at = []
        for number in range(4):
            more = () if number == 0 else ("--resume",)
            process = command(database, *options, *more, "--partitions", str(1 + number % 3), "--jobs", str(1 + number % 2))
            target = arrived() + random.randrange(1, 400)
            while process.poll() is None and arrived() < target:
                time.sleep(0.01)
            process.kill()
            process.communicate()
            killed_at.append(arrived())
        assert len(set(killed_at)) > 2, killed_at
        assert killed_at[0] < 1404
        last = json.loads(told(database, *options, "--resume", "--json", "--partitions", "2", "--jobs", "2"))
        assert (last["failed"], last["skipped"] + last["imported"]) == (0, 1404)
        key = told(database, "create_api_key", "looking", "--permission", "READ")
        with server.serving("--workers", "1", database=database) as url:
            assert difference(everything(there.url, there.key, name), everything(url, key, name)) == []
        found = told(database, "check_lineage", "--json")
        orphans = {json.loads(line)["document_id"] for line in found.splitlines() if json.loads(line)["kind"] == "orphan"}
        assert ("orphan", "verses:7") in findings(there.organization, name)
        assert {("orphan", each) for each in orphans} == findings(there.organization, name)


@pytest.mark.full
def test_ctrl_c_says_how_to_go_on(source: Api, there: Place, tmp_path: Path) -> None:
    fill(source, tmp_path, 1500)
    with server.another_database() as database, psycopg.connect(database, autocommit=True) as looking:
        told(database, "create_organization", "theirs")
        options = ("--base-url", there.url, "--api-key", there.key, "--create", "--batch-size", "2")
        process = command(database, "import_from_server", *options)
        while process.poll() is None and not looking.execute("SELECT 1 FROM documents_document LIMIT 1").fetchone():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, "--resume goes on" in err, there.key in err) == (130, True, False), err


@pytest.mark.full
def test_the_page_about_another_server_does_what_it_says(there: Place, source: Api, tmp_path: Path) -> None:
    services.update_namespace(scope=source.scope, name="old")
    bucket = cast.bucket(source, "films")
    cast.bucket_object(source, bucket, "metropolis")
    films, scenes = cast.collection(source, "films"), cast.collection(source, "scenes")
    root = {"document_id": "film", "source_type": "bucket", "root_bucket_id": bucket, "source_object_id": "metropolis"}
    source.post(f"/v1/collections/{films}/documents", root)
    for number in range(2):
        scene = {"document_id": f"scene:{number}", "source_document_id": "film", **cast.vectors(clip=[number, 0.1])}
        source.post(f"/v1/collections/{scenes}/documents", scene)
    with server.another_database() as database:
        told(database, "create_organization", "walker")
        for line, said in page.steps(other_server=True):
            asked = line.replace("http://127.0.0.1:8001", there.url).replace("sk_…", there.key)
            assert page.alike(page.walk(asked, tmp_path, database)) == page.alike(said), line
