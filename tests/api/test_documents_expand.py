"""`expand`: what documents point at, in lists and with a single document (contract sections 7 and 8)."""

from typing import Any

import pytest
from django.db import connection

from documents.listing import related
from namespaces import credentials, services
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Api


def expanded(documents: Documents, document_id: str, *names: str, **asked: Any) -> Any:
    """`_expanded` of one document, the same in a list and by itself."""
    answer = documents.list({"filters": {"document_id": document_id}, "expand": list(names), **asked})
    assert answer.status_code == 200, answer
    (found,) = answer.json()["results"]
    alone = documents.get(document_id, f"?expand={','.join(names)}")
    assert alone["_expanded"] == found["_expanded"]
    return found["_expanded"]


def ids(found: Any) -> list[str]:
    return [document["document_id"] for document in found]


@pytest.fixture
def tree(api: Api, documents: Documents) -> Documents:
    """An object's film, its two scenes, each scene's two frames; a document of its own."""
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket, "obj_film", title="The General")
    documents.create({"document_id": "film", "source_object_id": "obj_film"})
    for scene in ("scene_1", "scene_2"):
        documents.create({"document_id": scene, "source_document_id": "film", "title": scene})
        for frame in ("a", "b"):
            documents.create({"document_id": f"{scene}{frame}", "source_document_id": scene})
    documents.create({"document_id": "alone"})
    return documents


def test_parent_is_the_document_as_get_answers_it(tree: Documents) -> None:
    assert expanded(tree, "scene_1a", "parent") == {"parent": tree.get("scene_1")}


def test_parent_of_none_and_one_that_is_not_stored_are_null(tree: Documents) -> None:
    tree.create({"document_id": "waiting", "source_document_id": "doc_nowhere"})
    for document_id in ("alone", "film", "waiting"):
        assert expanded(tree, document_id, "parent") == {"parent": None}


def test_root_object_is_the_registered_object_as_get_answers_it(tree: Documents) -> None:
    tree.create({"document_id": "other", "source_object_id": "obj_nowhere"})
    (found,) = tree.api.post("/v1/buckets/list", {}).json()["results"]
    thing = tree.api.get(f"/v1/buckets/{found['bucket_id']}/objects/obj_film").json()
    assert thing["document_count"] == 7
    for document_id in ("film", "scene_2b"):
        assert expanded(tree, document_id, "root_object") == {"root_object": thing}
    assert expanded(tree, "alone", "root_object") == {"root_object": None}
    assert expanded(tree, "other", "root_object") == {"root_object": None}


def test_ancestors_come_root_first_without_the_document(tree: Documents) -> None:
    found = expanded(tree, "scene_2a", "ancestors")["ancestors"]
    assert found == [tree.get("film"), tree.get("scene_2")]
    assert expanded(tree, "film", "ancestors") == expanded(tree, "alone", "ancestors") == {"ancestors": []}


def test_children_come_in_creation_order(tree: Documents) -> None:
    found = expanded(tree, "film", "children")["children"]
    assert found == [tree.get("scene_1"), tree.get("scene_2")]
    assert ids(expanded(tree, "scene_2", "children")["children"]) == ["scene_2a", "scene_2b"]
    assert expanded(tree, "scene_1a", "children") == {"children": []}


def test_children_are_the_first_hundred(documents: Documents) -> None:
    parent = documents.new()
    made = [documents.new({"source_document_id": parent}) for _ in range(103)]
    assert ids(expanded(documents, parent, "children")["children"]) == made[:100]


def test_a_field_with_an_id_gives_the_document_or_null(documents: Documents) -> None:
    target = documents.create({"title": "x"})
    for value, found in (
        *((target["document_id"], target), ("doc_nowhere", None), (7, None), (None, None), ({"a": 1}, None)),
        *(("", None), ("é", None), ("x" * 200, None), (True, None)),
    ):
        made = documents.new({"metadata": {"similar": value}})
        assert expanded(documents, made, "metadata.similar") == {"metadata.similar": found}


def test_a_field_with_a_list_gives_what_is_found_in_its_order(documents: Documents) -> None:
    first, second = documents.new(), documents.new()
    made = documents.new({"similar": [second, "doc_nowhere", 7, None, first, second, {"id": first}], "none": []})
    found = expanded(documents, made, "similar", "none", "missing")
    assert ids(found.pop("similar")) == [second, first, second]
    assert found == {"none": [], "missing": None}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_path_through_an_array_gives_a_list_however_many_there_are(documents: Documents, count: int) -> None:
    products = [documents.new() for _ in range(2)]
    made = documents.new({"items": [{"product": {"id": each}} for each in products[:count]]})
    assert ids(expanded(documents, made, "items.product.id")["items.product.id"]) == products[:count]


def test_a_number_in_a_path_is_one_element(documents: Documents) -> None:
    first, second = documents.create(), documents.create()
    made = documents.new({"items": [first["document_id"], second["document_id"]], "map": {"0": first["document_id"]}})
    assert expanded(documents, made, "items.1", "items.7", "map.0") == {"items.1": second, "items.7": None, "map.0": first}


def test_a_pointer_reaches_keys_with_dots_and_fields_called_as_lineage_is(tree: Documents) -> None:
    film = tree.get("film")
    tree.create({"document_id": "odd", "parent": "film", "a.b": {"c/d": "film"}, "ü": "film", 'quo"te': ["film"]})
    names = ("parent", "/parent", "/a.b/c~1d", "ü", 'quo"te')
    found = expanded(tree, "odd", *names)
    assert found == {"parent": None, "/parent": film, "/a.b/c~1d": film, "ü": film, 'quo"te': [film]}


def test_system_and_lineage_names_that_hold_ids_work_as_well(tree: Documents) -> None:
    tree.create({"document_id": "more", "source_document_id": "scene_1", "internal_metadata": {"cut_from": "film"}})
    found = expanded(tree, "more", "source_document_id", "internal_metadata.cut_from", "lineage_chain.document_id", "created_at")
    assert found["source_document_id"] == tree.get("scene_1")
    assert found["internal_metadata.cut_from"] == tree.get("film")
    assert ids(found["lineage_chain.document_id"]) == ["film", "scene_1"]
    assert found["created_at"] is None


def test_references_go_anywhere_in_the_namespace(api: Api, documents: Documents) -> None:
    other = Documents(api, cast.collection(api))
    child = other.create({"source_document_id": documents.new({"document_id": "above"})})
    made = documents.new({"see": child["document_id"]})
    assert expanded(documents, made, "see") == {"see": child}
    assert expanded(other, child["document_id"], "parent") == {"parent": documents.get("above")}
    assert expanded(documents, "above", "children") == {"children": [child]}


def test_what_another_namespace_has_is_absent(documents: Documents) -> None:
    foreign = cast.api()
    theirs = Documents(foreign, cast.collection(foreign))
    cast.bucket_object(foreign, cast.bucket(foreign), "obj_theirs")
    theirs.create({"document_id": "above", "source_object_id": "obj_theirs"})
    theirs.create({"document_id": "below", "source_document_id": "mine"})
    documents.create({"document_id": "mine", "source_document_id": "above", "see": ["above", "below"], "root": "above"})
    documents.create({"document_id": "of_object", "source_object_id": "obj_theirs"})
    names = ("parent", "ancestors", "children", "see", "root")
    nothing: dict[str, Any] = {"parent": None, "ancestors": [], "children": [], "see": [], "root": None}
    assert expanded(documents, "mine", *names) == nothing
    assert expanded(documents, "of_object", "root_object") == {"root_object": None}


def test_documents_of_a_deleted_collection_are_not_shown(api: Api, documents: Documents) -> None:
    other = Documents(api, cast.collection(api))
    documents.create({"document_id": "root"})
    other.create({"document_id": "middle", "source_document_id": "root"})
    documents.create({"document_id": "leaf", "source_document_id": "middle", "see": ["middle"]})
    services.delete_collection(scope=api.scope, collection_identifier=other.collection)
    found = expanded(documents, "leaf", "parent", "ancestors", "see")
    assert found == {"parent": None, "ancestors": [], "see": []}
    assert expanded(documents, "root", "children") == {"children": []}


def test_deleted_documents_are_absent(tree: Documents) -> None:
    tree.delete("scene_1")
    assert expanded(tree, "scene_1a", "parent", "ancestors") == {"parent": None, "ancestors": []}
    assert ids(expanded(tree, "film", "children")["children"]) == ["scene_2"]


def test_references_in_a_circle_are_followed_one_step(documents: Documents) -> None:
    documents.create({"document_id": "a", "next": "b", "self": "a"})
    documents.create({"document_id": "b", "next": "a"})
    found = expanded(documents, "a", "next", "self")
    assert ids(found.values()) == ["b", "a"]
    assert "_expanded" not in found["next"]


def test_ancestors_end_where_stored_lineage_goes_in_a_circle(documents: Documents) -> None:
    """The server refuses such a move; rows that were written past it must not hold up a read."""
    for document_id, above in (("a", "c"), ("b", "a"), ("c", "b"), ("d", "b"), ("self", "x")):
        documents.create(
            {"document_id": document_id, "source_document_id": above} if document_id != "a" else {"document_id": "a"}
        )
    documents.patch("a", {"source_document_id": "elsewhere"})
    with connection.cursor() as cursor:
        for document_id, above in (("a", "c"), ("self", "self")):
            cursor.execute(
                "UPDATE documents_lineagestep l SET source_document_id = %s FROM documents_document d"
                " WHERE d.namespace_id = l.namespace_id AND d.id = l.id AND d.document_id = %s",
                (above, document_id),
            )
    assert ids(expanded(documents, "a", "ancestors")["ancestors"]) == ["b", "c"]
    assert ids(expanded(documents, "d", "ancestors")["ancestors"]) == ["c", "a", "b"]
    assert expanded(documents, "self", "ancestors") == {"ancestors": []}


@pytest.mark.parametrize("version", ["native", "v1", "v2"])
def test_expanded_documents_are_rendered_as_the_others(tree: Documents, version: str) -> None:
    found = expanded(tree, "scene_1a", "parent", "ancestors", schema_version=version) if version == "native" else None
    answer = tree.list({"filters": {"document_id": "scene_1a"}, "expand": ["parent"], "schema_version": version}).json()
    parent = answer["results"][0]["_expanded"]["parent"]
    assert parent == tree.get("scene_1", f"?schema_version={version}")
    assert found is None or found["parent"] == parent


@pytest.mark.pgvector
def test_expanded_documents_have_signed_urls_when_asked_and_no_vectors(documents: Documents) -> None:
    blobs = [{"field": "video", "url": "https://example.org/a.mp4"}]
    parent = documents.new({"document_blobs": blobs, "vectors": {"clip": [1.5]}})
    made = documents.new({"source_document_id": parent, "vectors": {"clip": [2.5]}})
    found = documents.get(made, "?expand=parent&return_url=true&return_vectors=true")
    assert found["vectors"] == {"clip": [2.5]}
    assert found["_expanded"]["parent"]["document_blobs"][0]["presigned_url"] == "https://example.org/a.mp4"
    assert "vectors" not in found["_expanded"]["parent"]


def test_select_keeps_what_is_expanded(tree: Documents) -> None:
    answer = tree.list({"filters": {"document_id": "scene_1a"}, "expand": ["parent"], "select": ["title"]}).json()
    assert answer["results"][0].keys() == {"document_id", "collection_id", "_expanded"}
    assert answer["results"][0]["_expanded"] == {"parent": tree.get("scene_1")}


def test_the_deepest_documents_are_expanded_and_selected(documents: Documents) -> None:
    deep: Any = 1
    for _ in range(63):
        deep = {"a": deep} if isinstance(deep, list) else [deep]
    parent = documents.create({"document_id": "above", "deep": deep, "internal_metadata": {"x": 1}})
    documents.create({"document_id": "below", "source_document_id": "above", "deep": deep, "see": {"it": "above"}})
    answer = documents.list({"filters": {"document_id": "below"}, "expand": ["parent", "see.it"], "select": ["deep"]}).json()
    (found,) = answer["results"]
    assert found["deep"] == deep
    assert found["_expanded"] == {"parent": parent, "see.it": parent}


def test_put_what_you_get_expanded(tree: Documents) -> None:
    before = tree.get("scene_1", "?expand=parent,children")
    after = tree.put("scene_1", before)
    assert after.status_code == 200, after
    del before["_expanded"], before["_internal"]["updated_at"]
    after = after.json()
    del after["_internal"]["updated_at"]
    assert after == before


def test_groups_expand_too(tree: Documents) -> None:
    asked = {
        "group_by": "source_document_id",
        "expand": ["parent"],
        "filters": {"field": "source_document_id", "operator": "exists"},
    }
    answer = tree.list(asked).json()
    parents = {
        group["group_key"]: [document["_expanded"]["parent"]["document_id"] for document in group["documents"]]
        for group in answer["groups"]
    }
    assert parents == {name: [name, name] for name in ("film", "scene_1", "scene_2")}


def test_names_are_separated_by_commas_in_the_query_and_may_be_one_string_in_the_body(tree: Documents) -> None:
    by_query = tree.api.get(f"{tree.path}?expand=parent,%20children,&limit=3").json()["results"]
    assert [document["_expanded"].keys() for document in by_query] == [{"parent", "children"}] * 3
    by_body = tree.list({"expand": "parent", "limit": 1}, "?expand=children").json()["results"]
    assert by_body[0]["_expanded"].keys() == {"parent"}
    assert "_expanded" not in tree.list({"expand": [], "limit": 1}).json()["results"][0]
    assert "_expanded" not in tree.get("film", "?expand=")


def test_a_name_given_twice_is_expanded_once(tree: Documents) -> None:
    assert tree.get("scene_1", "?expand=parent,parent")["_expanded"].keys() == {"parent"}


@pytest.mark.parametrize("name", ["_parent", "_internal", "_internal.lineage.source_document_id", "a..b", "vectors", "/a~2"])
def test_what_names_no_field_is_refused(documents: Documents, name: str) -> None:
    made = documents.new()
    response = documents.list({"expand": ["parent", name]})
    assert (response.status_code, response.faults) == (422, ["body.expand.1"])
    response = documents.api.get(documents.url(made, f"?expand=parent,{name}"))
    assert (response.status_code, response.faults) == (422, ["query.expand.1"])


@pytest.mark.parametrize("value", [7, [7], [""], {"parent": True}, ["x"] * 201])
def test_mistyped_names_are_refused(documents: Documents, value: Any) -> None:
    response = documents.list({"expand": value})
    assert (response.status_code, response.faults) == (422, ["body.expand"])


def test_by_itself_in_the_namespace_and_unknown(tree: Documents) -> None:
    found = tree.api.get("/v1/documents/scene_1a?expand=parent").json()
    assert found["_expanded"] == {"parent": tree.get("scene_1")}
    assert tree.api.get("/v1/documents/nowhere?expand=parent").status_code == 404


def test_an_expanded_answer_has_a_tag_of_its_own(tree: Documents) -> None:
    url = tree.url("scene_1", "?expand=children")
    plain, tag = (tree.api.get(each).headers["ETag"] for each in (tree.url("scene_1"), url))
    assert plain != tag
    assert tree.api.get(url, If_None_Match=tag).status_code == 304
    assert tree.api.get(url, If_None_Match=plain).status_code == 200
    tree.create({"source_document_id": "scene_1"})
    changed = tree.api.get(url, If_None_Match=tag)
    assert (changed.status_code, len(changed.json()["_expanded"]["children"])) == (200, 3)
    # Writes compare the version alone, which is the same.
    assert tree.patch("scene_1", {"x": 1}, If_Match=changed.headers["ETag"]).status_code == 200
    assert tree.patch("scene_1", {"x": 2}, If_Match=changed.headers["ETag"]).status_code == 412


def test_a_read_only_key_expands(tree: Documents) -> None:
    key = tree.api.key(Permission.READ)
    assert key.get(tree.url("scene_1", "?expand=parent")).json()["_expanded"]["parent"]["document_id"] == "film"


# Sizes ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def heavy(documents: Documents, settings: Any) -> Documents:
    """Five documents that lead to 40 kB each, where an answer may have 100 kB."""
    settings.MAX_ANSWER_BYTES = 100_000
    for number in range(5):
        documents.create({"document_id": f"target_{number}", "kind": number, "text": f"{number}" * 20_000})
        documents.create({"document_id": f"doc_{number}", "kind": "small", "see": [f"target_{number}"] * 2})
    return documents


def test_a_page_ends_before_what_it_leads_to_becomes_too_much(heavy: Documents) -> None:
    asked: dict[str, Any] = {"filters": {"kind": "small"}, "expand": ["see"], "include_total": True}
    pages = []
    answer = heavy.list(asked).json()
    pages.append(answer["results"])
    while cursor := answer["pagination"]["next_cursor"]:
        answer = heavy.list({**asked, "cursor": cursor}).json()
        pages.append(answer["results"])
    assert [ids(page) for page in pages] == [["doc_0", "doc_1"], ["doc_2", "doc_3"], ["doc_4"]]
    assert all(len(document["_expanded"]["see"]) == 2 for page in pages for document in page)
    assert answer["pagination"]["total"] == 5


def test_groups_end_there_too(heavy: Documents, settings: Any) -> None:
    asked: dict[str, Any] = {"filters": {"field": "see", "operator": "exists"}, "expand": ["see"], "group_by": "document_id"}
    first = heavy.list(asked).json()
    rest = heavy.list({**asked, "cursor": first["pagination"]["next_cursor"]}).json()
    assert [group["group_key"] for group in (*first["groups"], *rest["groups"])] == ["doc_0", "doc_1", "doc_2", "doc_3"]
    for number in range(5):
        heavy.patch(f"doc_{number}", {"part": "first" if number < 1 else "rest"})
    asked = {**asked, "group_by": "part"}
    first = heavy.list(asked).json()
    assert [(group["group_key"], group["count"], len(group["documents"])) for group in first["groups"]] == [("rest", 4, 2)]
    rest = heavy.list({**asked, "cursor": first["pagination"]["next_cursor"]}).json()
    assert [(group["group_key"], ids(group["documents"])) for group in rest["groups"]] == [("first", ["doc_0"])]
    for number in range(4):
        heavy.patch(f"doc_{number}", {"part": "two" if number < 2 else "more"})
    heavy.delete("doc_4")
    settings.MAX_ANSWER_BYTES = 150_000  # three documents: of the second group, one
    pages = [first := heavy.list(asked).json(), heavy.list({**asked, "cursor": first["pagination"]["next_cursor"]}).json()]
    assert [[ids(group["documents"]) for group in page["groups"]] for page in pages] == [
        [["doc_2", "doc_3"]],
        [["doc_0", "doc_1"]],
    ]
    settings.MAX_ANSWER_BYTES = 100_000
    one_group = heavy.list({**asked, "group_by": "kind"}).json()["groups"]
    assert [(group["count"], ids(group["documents"])) for group in one_group] == [(4, ["doc_0", "doc_1"])]


def test_a_document_that_leads_to_too_much_by_itself_is_refused(heavy: Documents) -> None:
    heavy.create({"document_id": "hub", "see": [f"target_{number}" for number in range(5)]})
    response = heavy.list({"filters": {"document_id": "hub"}, "expand": ["see"]})
    assert (response.status_code, response.faults) == (422, ["body.expand"])
    assert "hub leads to takes more than 100000 bytes" in response.json()["error"]["message"]
    response = heavy.api.get(heavy.url("hub", "?expand=see"))
    assert (response.status_code, response.faults) == (422, ["query.expand"])


@pytest.mark.parametrize("name", ["see", "parent", "ancestors", "children", "root_object"])
def test_what_is_large_is_read_in_several_statements(
    heavy: Documents, monkeypatch: pytest.MonkeyPatch, settings: Any, name: str
) -> None:
    settings.MAX_ANSWER_BYTES = 10_000_000
    bucket = cast.bucket(heavy.api)
    for number in range(3):
        cast.bucket_object(heavy.api, bucket, f"obj_{number}", text=f"{number}" * 20_000)
        above = f"above_{number}"
        heavy.create({"document_id": above, "source_object_id": f"obj_{number}", "text": f"{number}" * 20_000})
        heavy.create({"document_id": f"below_{number}", "source_document_id": above, "see": above, "text": "x" * 20_000})
    asked = {"filters": {"field": "document_id", "operator": "starts_with", "value": "below"}, "expand": [name]}
    if name == "children":
        asked["filters"] = {"field": "document_id", "operator": "starts_with", "value": "above"}
    whole = heavy.list(asked).json()["results"]
    assert len(whole) == 3
    assert all(document["_expanded"][name] for document in whole)
    monkeypatch.setattr(related, "READ_AHEAD_BYTES", 100)
    assert heavy.list(asked).json()["results"] == whole


@pytest.mark.parametrize("name", ["see", "parent", "ancestors"])
def test_ids_beyond_the_limit_of_an_answer_end_its_page(documents: Documents, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(related, "MAX_FOUND", 2)
    for number in range(3):
        documents.create({"document_id": f"above_{number}"})
    for number in range(3):
        documents.create({"document_id": f"below_{number}", "source_document_id": f"above_{number}", "see": f"above_{number}"})
    asked = {"filters": {"field": "see", "operator": "exists"}, "expand": [name]}
    first = documents.list(asked).json()
    found = ids(first["results"])
    rest = documents.list({**asked, "cursor": first["pagination"]["next_cursor"]}).json()
    assert found + ids(rest["results"]) == ["below_0", "below_1", "below_2"]
    assert 1 <= len(found) <= 2


# Statements ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_each_kind_is_one_statement_for_a_page_of_a_thousand(
    api: Api, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "CACHE_SECONDS", 600)
    cast.bucket_object(api, cast.bucket(api), "obj_root")
    others = Documents(api, cast.collection(api))
    others.create({"document_id": "root", "source_object_id": "obj_root"})
    plant(others, "above", "root", 1000)
    plant(documents, "page", "above_", 1000)
    plant(others, "below", "page_", 1000)

    def more(*names: str) -> tuple[int, list[Any]]:
        with statements() as sent:
            answer = documents.list({"limit": 1000, "expand": names})
        found = {document["n"]: document["_expanded"] for document in answer.json()["results"]}
        assert [each.keys() for each in found.values()] == [set(names)] * 1000
        return len(sent.data) - 1, [found[number] for number in numbers]  # the list itself is one

    numbers = range(1000)
    documents.list()  # looks up the key
    cost, found = more("parent", "see")
    assert cost == 1
    assert [ids(each.values()) for each in found] == [[f"above_{number}"] * 2 for number in numbers]
    cost, found = more("root_object")
    assert (cost, {each["root_object"]["object_id"] for each in found}) == (1, {"obj_root"})
    cost, found = more("ancestors")
    assert cost == 1
    assert [ids(each["ancestors"]) for each in found] == [["root", f"above_{number}"] for number in numbers]
    cost, found = more("children")
    assert cost == 1
    assert [ids(each["children"]) for each in found] == [[f"below_{number}"] for number in numbers]
    assert more("parent", "root_object", "ancestors", "children", "see")[0] == 4


def plant(documents: Documents, name: str, above: str, number: int) -> None:
    """So many documents `name_0`, …, each made from the one above of its number, or all from the same."""
    source = "%s || n" if above.endswith("_") else "%s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
WITH c AS (
    SELECT c.id, c.namespace_id, c.public_id FROM namespaces_collection c WHERE c.public_id = %s
), made AS (
    INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,
        source_blobs, document_blobs, version)
    SELECT gen_random_uuid(), c.namespace_id, c.id, %s || '_' || n, jsonb_build_object('n', n, 'see', {source}),
        '{{}}', '{{}}', '[]', '[]', 1
    FROM c CROSS JOIN generate_series(0, %s) AS n
    RETURNING id, namespace_id, collection_id, payload, created_at
)
INSERT INTO documents_lineagestep (id, namespace_id, collection_id, source_type, source_document_id,
    source_collection_id, root_object_id, tier, created_at)
SELECT made.id, made.namespace_id, made.collection_id, 'collection', made.payload ->> 'see', c.public_id, 'obj_root', 2,
    made.created_at
FROM made CROSS JOIN c
""",
            (documents.collection, name, above, number - 1),
        )
