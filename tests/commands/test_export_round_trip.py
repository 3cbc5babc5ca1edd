"""An export, imported into an empty namespace, gives documents that are equal value for value in every rendering."""

import itertools
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import queries
from documents.exporting import SCHEMA_VERSIONS, Asked, begun
from mixpeek_site import jsonio
from mixpeek_site.errors import NotFoundError
from namespaces import services
from namespaces.models import Organization
from namespaces.scope import Scope
from tests import cast, generators
from tests.cast import Api

pytestmark = pytest.mark.django_db

COLLECTIONS = ("scenes", "shots", "frames")
IDS = [f"doc_{n}" for n in range(6)]

ids = st.sampled_from([*IDS, "gone"])
references = st.sampled_from(["o1", "o2", "é", "an object"])
steps = st.fixed_dictionaries(
    {"collection_id": st.sampled_from(["col_up", "col_of_scenes", "col_of_shots"]), "feature_extractor_id": st.just("x_v1")},
    optional={"document_id": ids, "timestamp": st.just("2024-05-01T00:00:00Z"), "more": generators.values},
)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda number: Decimal(repr(number or 0.0)))
dense = st.lists(floats, min_size=1, max_size=3)
vectors = st.one_of(
    dense,
    dense.flatmap(lambda row: st.just([row, row])),
    dense.map(lambda values: {"indices": list(range(len(values))), "values": values}),
)
names = st.sampled_from(["indices", "values", "é", "a.b", "default"])
feature = st.fixed_dictionaries(
    {"feature_extractor_id": st.sampled_from(["e1_v1", "e2_v1"])},
    optional={"payload": generators.objects, "vectors": st.dictionaries(names, vectors, max_size=2)},
)
roots = {"root_bucket_id": st.sampled_from(["bkt_a", "bkt_b"]), "chain": st.lists(steps, max_size=2)}
made_of_object = st.fixed_dictionaries({"source_object_id": references}, optional={"source_type": st.just("bucket"), **roots})
made_of_document = st.fixed_dictionaries(
    {"source_document_id": ids}, optional={"root_object_id": references, "path": st.just("bkt_a/col_up"), **roots}
)
lineage: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), made_of_object, made_of_document)
blob = {"field": st.just("video"), "url": st.just("s3://b/k")}
blobs = st.lists(st.fixed_dictionaries(blob, optional={"é": generators.values}), max_size=2)
system = st.fixed_dictionaries(
    {},
    optional={
        "modality": st.just("video"),
        "size_bytes": st.integers(0, 2**70),
        "processing": generators.objects,
        "content_hash": st.just("h"),
        "enrichments": generators.objects,
        "source_details": st.lists(
            st.fixed_dictionaries({"type": st.sampled_from(["bucket", "other"]), "object_id": references}), max_size=1
        ),
    },
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A create body of one of the generations, with whatever it may hold."""
    generation = draw(st.sampled_from(SCHEMA_VERSIONS))
    body = draw(generators.user_fields)
    from_where = draw(lineage)
    parts = draw(system)
    if generation == "native":
        body |= {"_internal": {**parts, "lineage": from_where, "metadata": draw(generators.objects)}}
    else:
        chain, path = from_where.pop("chain", None), from_where.pop("path", None)
        body |= {name: parts[name] for name in ("enrichments", "source_details", "content_hash") if name in parts}
        body |= {"document_schema_version": generation, "internal_metadata": draw(generators.objects)}
        body |= {"source_blobs": draw(blobs)}
        if generation == "v1":
            body |= {"lineage": {**from_where, "lineage_chain": chain or []}, "lineage_path": path}
        else:
            body |= {**from_where, "lineage_path": path, "lineage_chain": chain}
    body |= {"document_blobs": draw(blobs)}
    if draw(st.booleans()):
        body |= {"features": draw(st.lists(feature, max_size=2)), "vectors": draw(st.dictionaries(st.just("v"), vectors))}
    return body


created = st.tuples(st.sampled_from(COLLECTIONS), st.sampled_from(IDS), bodies())
later = st.tuples(st.sampled_from(["delete", "replace", "again"]), st.sampled_from(IDS), bodies())
_numbers = itertools.count(1)


histories = given(
    first=st.lists(created, min_size=3, max_size=8, unique_by=lambda each: each[1]), then=st.lists(later, max_size=4)
)


@settings(max_examples=8)
@histories
def test_export_then_import_gives_equal_documents(first: list[Any], then: list[Any], tmp_path: Path) -> None:
    goes_and_comes_back(first, then, tmp_path)


@pytest.mark.full
@settings(max_examples=300)
@histories
def test_export_then_import_gives_equal_documents_in_many_more_histories(
    first: list[Any], then: list[Any], tmp_path: Path
) -> None:
    goes_and_comes_back(first, then, tmp_path)


def goes_and_comes_back(first: list[Any], then: list[Any], tmp_path: Path) -> None:
    api = cast.api()
    for name in COLLECTIONS:
        services.create_collection(scope=api.scope, name=name, collection_id=f"col_of_{name}", config=config(name))
    # source_details of generation 1 give a root to what names none. A PUT that names another source leaves them as they are,
    # and who creates the document from what is shown, as an import does, gets that root again (docs/moving-your-data.md).
    again = {document_id for _, document_id, _ in then}
    first = [(collection, name, _without_details(body) if name in again else body) for collection, name, body in first]
    then = [(write, name, _without_details(body)) for write, name, body in then]
    stored: dict[str, str] = {}
    for collection, document_id, body in first:
        if api.post(f"/v1/collections/{collection}/documents", {**body, "document_id": document_id}).status_code == 200:
            stored[document_id] = collection
    for write, document_id, body in then:
        collection = stored.get(document_id, COLLECTIONS[0])
        place = f"/v1/collections/{collection}/documents"
        if write == "delete":
            api.delete(f"{place}/{document_id}")
        elif write == "replace":
            api.put(f"{place}/{document_id}", body)
        else:
            api.post(place, {**body, "document_id": document_id})
    assert_comes_back(api, tmp_path / f"{next(_numbers)}")


def _without_details(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "source_details"}


def config(name: str) -> dict[str, Any]:
    extractor = {"feature_extractor_name": f"{name}_splitter", "version": "v2"}
    return {"feature_extractor": extractor, "source": {"type": "none"}, "metadata": {"é": [1, None]}}


def assert_comes_back(api: Api, folder: Path, *options: str) -> None:
    copy = cast.api(Organization.objects.get(pk=api.scope.organization_id))
    folder.mkdir()
    documents, definitions = str(folder / "all.jsonl"), str(folder / "defs.jsonl")
    said = {"stdout": StringIO(), "stderr": StringIO()}
    place = ["--organization", api.scope.organization_public_id, "--namespace"]
    out = ["--output", documents, "--collections-file", definitions, "--vectors"]
    call_command("export_documents", *place, str(api.namespace), *out, **said)
    into = ["--collections-file", definitions, "--collection-field", "collection_id", *options]
    try:
        call_command("import_documents", documents, *place, str(copy.namespace), *into, **said)
    except SystemExit:
        raise AssertionError(said["stderr"].getvalue()) from None
    for schema_version in SCHEMA_VERSIONS:
        assert everything(copy.scope, schema_version) == everything(api.scope, schema_version)
    assert lineages(copy.scope) == lineages(api.scope)


def everything(scope: Scope, schema_version: str) -> list[Any]:
    """Every document in its order, with features and vectors; without what another namespace gives it."""
    with begun(scope, Asked(schema_version=schema_version, vectors=True), statement_seconds=30) as export:
        content = b"".join(piece.content for piece in export.pieces())
    documents = [jsonio.loads_stored(line.decode()) for line in content.splitlines()]
    for document in documents:
        if "_internal" in document:
            del document["_internal"]["namespace_id"], document["_internal"]["internal_id"]
    return [cast.compact(document) for document in documents]


def lineages(scope: Scope) -> list[Any]:
    found = [(name, document) for name in COLLECTIONS for document in IDS]
    return [_lineage(scope, name, document) for name, document in found]


def _lineage(scope: Scope, collection: str, document_id: str) -> Any:
    try:
        return queries.document_lineage(scope, collection, document_id)
    except NotFoundError:
        return None


KEPT = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2021-06-01T12:30:00.5Z"}


def imported(api: Api, folder: Path, bodies: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    """The `_internal` of documents imported from these lines, in their order."""
    file = folder / "lines.jsonl"
    file.write_text("".join(f"{jsonio.dumps(body)}\n" for body in bodies))
    place = ["--organization", api.scope.organization_public_id, "--namespace", str(api.namespace), "--collection", "scenes"]
    call_command("import_documents", str(file), *place, *options, stdout=StringIO(), stderr=StringIO())
    return [api.get(f"/v1/documents/{body['document_id']}").json()["_internal"] for body in bodies]


def test_an_import_keeps_times_unless_told_otherwise_and_the_api_never_does(tmp_path: Path) -> None:
    api = cast.api()
    cast.collection(api, "scenes")
    parent = {"document_id": "parent", "_internal": KEPT}
    child = {"document_id": "child", "source_document_id": "parent", "_internal": KEPT}
    found = imported(api, tmp_path, [child, parent])
    assert [{name: each[name] for name in KEPT} for each in found] == [KEPT, KEPT]
    assert {step["timestamp"] for step in found[0]["lineage"]["chain"]} == {KEPT["created_at"]}
    (new,) = imported(api, tmp_path, [{"document_id": "new", "_internal": KEPT}], "--new-times")
    made = api.post("/v1/collections/scenes/documents", {"_internal": KEPT}).json()["_internal"]
    assert min(new["created_at"], made["created_at"]) > "2022"


@pytest.mark.parametrize(
    "times",
    [
        {"created_at": KEPT["created_at"]},
        {**KEPT, "created_at": "2022-01-01T00:00:00Z"},
        {**KEPT, "updated_at": "2021-06-01T12:30:00"},
        {**KEPT, "updated_at": "soon"},
        {**KEPT, "created_at": "0001-01-01T00:00:00+14:00"},
        {**KEPT, "updated_at": 7},
    ],
)
def test_times_that_make_no_sense_are_not_kept(times: dict[str, Any], tmp_path: Path) -> None:
    api = cast.api()
    cast.collection(api, "scenes")
    (internal,) = imported(api, tmp_path, [{"document_id": "a", "_internal": times}])
    assert internal["created_at"] == internal["updated_at"] > "2022-02"
