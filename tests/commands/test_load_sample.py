"""`manage.py load_sample`: Python's standard library in three tiers."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from documents.models import Document, LineageStep
from documents.sample import stdlib
from documents.sample.stdlib import Module
from namespaces import services
from namespaces.models import BucketObject, Collection
from tests import cast
from tests.cast import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(stdlib, "WELL_KNOWN", frozenset(("json", "textwrap", "bisect")))
    return cast.api()


def load(api: Api, *options: str) -> str:
    out = StringIO()
    organization = api.scope.organization_public_id
    call_command("load_sample", "--organization", organization, *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_modules_classes_and_methods_hang_together(api: Api) -> None:
    load(api)
    found = api.get("/v1/documents/method:json.decoder.JSONDecoder.raw_decode").json()
    lineage = found["_internal"]["lineage"]
    assert lineage["root_object_id"] == "stdlib:json.decoder"
    assert [step.get("document_id") for step in lineage["chain"]] == [
        "module:json.decoder",
        "class:json.decoder.JSONDecoder",
        None,
    ]
    assert [step["feature_extractor_id"] for step in lineage["chain"]][1:] == [
        "python_module_splitter_v1",
        "python_class_splitter_v1",
    ]
    assert BucketObject.objects.filter(object_id=lineage["root_object_id"]).exists()


def test_a_method_carries_what_people_look_for(api: Api) -> None:
    load(api)
    found = api.get("/v1/documents/method:json.decoder.JSONDecoder.raw_decode").json()
    metadata: Any = found["metadata"]
    assert metadata["signature"] == "def raw_decode(self, s, idx=0)"
    assert metadata["docstring"].startswith("Decode a JSON document")
    assert metadata["source"].startswith("    def raw_decode(")
    assert metadata["lines"]["last"] - metadata["lines"]["first"] == metadata["source"].count("\n") - 1
    assert found["_internal"]["metadata"] == {"ingestion_status": "COMPLETED"}


def test_the_tiers_are_three_collections(api: Api) -> None:
    load(api)
    tiers = {
        collection.name: set(LineageStep.objects.filter(collection=collection).values_list("tier", flat=True))
        for collection in Collection.objects.all()
    }
    assert tiers == {"modules": {1}, "definitions": {2}, "methods": {3}}


def test_loading_again_changes_nothing(api: Api) -> None:
    assert "(0 new)" not in load(api)
    before = set(Document.objects.values_list("document_id", "version"))
    assert "(0 new)" in load(api)
    assert set(Document.objects.values_list("document_id", "version")) == before


def test_a_module_that_can_not_be_parsed_is_a_failed_document(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("print 'hello'\n")
    made = stdlib.decompose(Module("old", path, "old.py"))
    assert made.module["internal_metadata"]["ingestion_status"] == "FAILED"
    assert "SyntaxError" in made.module["internal_metadata"]["error"]
    assert (made.definitions, made.methods) == ([], [])


def test_one_name_defined_twice_makes_two_documents(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("try:\n    def f(): pass\nexcept E:\n    def f(): pass\nclass C:\n    async def é(self): pass\n")
    made = stdlib.decompose(Module("m", path, "m.py"))
    assert [one["document_id"] for one in made.definitions] == ["function:m.f", "function:m.f:2", "class:m.C"]
    assert made.methods[0]["document_id"].startswith("method:m.C.-")


def test_collections_of_those_names_that_are_not_the_samples_are_left_alone(api: Api) -> None:
    cast.collection(api, "methods")
    with pytest.raises(CommandError, match="load it into another namespace"):
        load(api)
    assert not Document.objects.exists()


@pytest.mark.pgvector
def test_with_vectors_it_is_searched_by_meaning(api: Api) -> None:
    load(api)
    assert "(0 new)" in load(api, "--embed")
    call_command("embed", "decode JSON from a string", stdout=(out := StringIO()))
    body = {"vector": json.loads(out.getvalue()), "limit": 3, "select": ["document_id"]}
    answer = api.post("/v1/collections/methods/documents/search", body).json()
    assert {one["document_id"].split(":")[1].split(".")[0] for one in answer["results"]} == {"json"}
    [declared] = api.get("/v1/collections/methods").json()["vector_indexes"]
    assert (declared["name"], declared["index"]["dimensions"]) == ("text", 256)


def test_with_several_namespaces_one_must_be_named(api: Api) -> None:
    services.create_namespace(organization_id=api.scope.organization_id, name="second")
    with pytest.raises(CommandError, match="say which with --namespace"):
        load(api)
    assert "documents" in load(api, "--namespace", "second")
