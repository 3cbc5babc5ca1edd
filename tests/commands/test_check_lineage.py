"""`manage.py check_lineage`: orphans are told, contradictions too and repaired with --fix, whatever they are."""

import random
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from documents.trees import checking
from mixpeek_site import jsonio, sql
from tests import cast
from tests.api.places import Documents
from tests.cast import Api
from tests.commands.running import ran

pytestmark = pytest.mark.django_db
EXTRACTOR = {"feature_extractor_name": "scenes", "version": "v1"}


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def tree(api: Api) -> Documents:
    """top; top_0, top_1; top_0_0 … top_1_2; a leaf below each of those: fifteen documents."""
    documents = Documents(api, cast.collection(api, feature_extractor=EXTRACTOR))
    below = Documents(api, cast.collection(api))
    documents.create({"document_id": "top", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    for first in range(2):
        documents.create({"document_id": f"top_{first}", "source_document_id": "top"})
        for second in range(3):
            below.create({"document_id": f"top_{first}_{second}", "source_document_id": f"top_{first}"})
            leaf = {"document_id": f"leaf_{first}_{second}", "source_document_id": f"top_{first}_{second}"}
            below.create(leaf | {"internal_metadata": {"ingestion_status": "COMPLETED"}})
    return documents


def check(*arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines for scripts and the text for people."""
    told = ran("check_lineage", *arguments)
    return told.code, told.out.splitlines(), told.err


def recorded() -> list[Any]:
    names = "id, namespace_id, collection_id, source_type, source_object_id, source_collection_id, source_document_id"
    return sql.rows(
        f"SELECT {names}, root_object_id, root_bucket_id, path, tier, chain::text, status, created_at"
        " FROM documents_lineagestep ORDER BY id"
    )


def write(document_id: str, assignments: str) -> None:
    """By hand, past everything that keeps lineage right."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE documents_lineagestep l SET {assignments} FROM documents_document d"
            " WHERE d.id = l.id AND d.document_id = %s",
            [document_id],
        )


def test_what_the_api_wrote_is_right(tree: Documents) -> None:
    code, lines, told = check()
    assert (code, lines) == (0, [])
    assert "15 steps in" in told


def test_an_orphan_is_listed_and_no_fault(tree: Documents) -> None:
    tree.delete("top_0")
    before = recorded()
    for arguments in ((), ("--fix",)):
        code, lines, told = check(*arguments)
        assert code == 0
        assert [line.split()[0] for line in lines] == ["orphan"] * 3
        assert "top_0_1: its parent top_0 is not stored" in "\n".join(lines)
        assert "3 orphans, 0 contradictions" in told
    assert recorded() == before


def test_children_of_a_deleted_collection_are_orphans_with_their_record_kept(api: Api, tree: Documents) -> None:
    before = recorded()
    api.delete(f"/v1/collections/{tree.collection}")
    code, lines, _ = check("--fix")
    assert (code, len(lines)) == (0, 6)
    assert recorded() == before


BROKEN = [
    "root_object_id = 'obj_other'",
    "root_bucket_id = NULL",
    "path = 'bkt_1/elsewhere'",
    "tier = 40",
    "chain = NULL",
    "chain = chain #- '{0}'",
    "chain = jsonb_set(chain, '{0,document_id}', '\"other\"')",
    "chain = '5'",
    "chain = '{}'",
    "chain = '[]'",
    "chain = '[1, 2]'",
    "source_collection_id = 'col_other'",
    "status = 'FAILED'",
    "created_at = l.created_at - interval '1 day'",
    "collection_id = (SELECT min(id) FROM namespaces_collection WHERE id <> l.collection_id)",
]


@pytest.mark.parametrize("assignments", BROKEN)
@pytest.mark.parametrize("document_id", ["top_0", "leaf_1_2"])
def test_a_contradiction_is_told_and_repaired(tree: Documents, document_id: str, assignments: str) -> None:
    before = recorded()
    write(document_id, assignments)
    broken = recorded()
    code, lines, told = check()
    assert code == 1
    assert any(line.startswith("contradiction") and f" {document_id}: " in line for line in lines)
    assert "--fix" in told
    assert recorded() == broken
    code, lines, told = check("--fix")
    assert code == 0
    assert all(line.endswith("(repaired)") for line in lines)
    assert "Repaired" in told
    assert recorded() == before
    assert check()[:2] == (0, [])


def test_a_time_is_told_in_json(tree: Documents) -> None:
    write("top_0", "created_at = '2020-02-29T12:00:00Z'")
    [found] = [jsonio.loads(line) for line in check("--json")[1][:-1]]
    assert (found["differs"], found["recorded"]) == (["created_at"], {"created_at": "2020-02-29 12:00:00+00"})


def test_one_run_repairs_whatever_is_wrong_in_whatever_order(tree: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some steps get random others' contents, in batches of three; the tree's levels are not in the order of the ids."""
    monkeypatch.setattr(checking, "BATCH", 3)
    chance = random.Random(4)
    below = Documents(tree.api, cast.collection(tree.api))
    for number in reversed(range(12)):  # children before parents
        below.create({"document_id": f"late_{number}", "source_document_id": f"late_{number - 1}" if number else "leaf_0_0"})
    before = recorded()
    keys = [row[0] for row in before]
    for _ in range(12):
        for _ in range(chance.randint(1, 25)):
            columns = chance.sample(["root_object_id", "root_bucket_id", "path", "tier", "source_collection_id"], 3)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE documents_lineagestep l SET {', '.join(f'{name} = o.{name}' for name in columns)},"
                    " chain = o.chain || jsonb_build_array(l.chain -> -1)"
                    " FROM documents_lineagestep o WHERE l.id = %s AND o.id = %s AND l.source_document_id IS NOT NULL",
                    [chance.choice(keys), chance.choice(keys)],
                )
        assert check("--fix")[0] == 0
        assert recorded() == before
        assert check()[:2] == (0, [])


def test_broken_off_it_goes_on_where_it_stopped(tree: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    before = recorded()
    write("top", "root_object_id = 'obj_2', path = 'bkt_1/x'")  # nobody's word against it: its children follow
    assert check("--fix")[0] == 0
    moved = recorded()
    write("top", f"root_object_id = 'obj_1', path = 'bkt_1/{tree.collection}'")
    derive, calls = checking._derive, 0

    def derive_thrice(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return derive(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(checking, "_derive", derive_thrice)
        assert check("--fix")[0] == 130
    assert recorded() not in (before, moved)
    assert check()[0] == 1
    assert check("--fix")[0] == 0
    assert recorded() == before


def test_a_cycle_is_left_with_what_to_do_and_a_patch_breaks_it(tree: Documents) -> None:
    write("top_0", "source_document_id = 'leaf_0_0'")
    for arguments in ((), ("--fix",)):
        code, lines, told = check(*arguments)
        assert code == 1
        [line] = [line for line in lines if line.startswith("cycle")]
        assert line.endswith("top_0: comes from itself: top_0 <- leaf_0_0 <- top_0_0 <- top_0")
        assert "PATCH" in told
    assert tree.patch("top_0", {"source_document_id": "top"}).status_code == 200
    assert check()[:2] == (0, [])


def test_a_document_that_comes_from_itself_is_a_cycle(tree: Documents) -> None:
    write("leaf_0_0", "source_document_id = 'leaf_0_0'")
    code, lines, _ = check("--fix")
    assert code == 1
    assert lines[0].endswith("leaf_0_0: comes from itself: leaf_0_0 <- leaf_0_0")


def test_what_hangs_below_a_cycle_agrees_with_its_parent_nevertheless(tree: Documents) -> None:
    write("top_0", "source_document_id = 'top_0_0'")
    write("leaf_0_1", "tier = 9")
    assert [line.split()[0] for line in check("--fix")[1]] == ["cycle", "contradiction"]
    assert [line.split()[0] for line in check()[1]] == ["cycle"]


def test_a_step_without_its_document_goes(tree: Documents) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE documents_lineagestep DROP CONSTRAINT lineage_document")
        cursor.execute("DELETE FROM documents_document WHERE document_id = 'leaf_0_0'")
    assert check()[0] == 1
    code, [line], _ = check("--fix")
    assert (code, line.split()[0]) == (0, "stray")
    assert check()[:2] == (0, [])


def test_a_step_in_another_namespace_goes_back_to_its_document(tree: Documents) -> None:
    before = recorded()
    cast.api()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE documents_lineagestep DROP CONSTRAINT lineage_document")
    write("top_0_0", "namespace_id = (SELECT max(id) FROM namespaces_namespace), tier = 7")
    code, lines, _ = check("--fix")
    assert (code, {line.split()[0] for line in lines}) == (0, {"stray", "contradiction"})  # its child saw no step of it
    assert recorded() == before


def test_another_extractor_later_makes_no_contradiction(api: Api, tree: Documents) -> None:
    api.patch(f"/v1/collections/{tree.collection}", {"feature_extractor": {"feature_extractor_name": "new", "version": "v2"}})
    assert check()[:2] == (0, [])
    before = recorded()
    write("top_0", "tier = 9")
    assert check("--fix")[0] == 0
    assert recorded() == before


def test_only_the_namespace_that_is_named_is_looked_at(tree: Documents) -> None:
    write("top_0", "tier = 9")
    other = cast.api()
    organizations = ("--organization", other.scope.organization_public_id)
    assert check("--namespace", str(other.namespace), *organizations, "--fix")[:2] == (0, [])
    mine = ("--namespace", str(tree.api.namespace), "--organization", tree.api.scope.organization_public_id)
    assert check(*mine)[0] == 1
    assert check(*mine, "--fix")[0] == 0


def test_json_lines_say_what_is_and_what_should_be(tree: Documents) -> None:
    tree.delete("top_1")
    write("top_0", "tier = 9, root_object_id = NULL")
    _, lines, told = check("--json")
    *found, summary = [jsonio.loads(line) for line in lines]
    assert told == ""
    assert {one["kind"] for one in found} == {"orphan", "contradiction"}
    [one] = [one for one in found if one["document_id"] == "top_0"]
    assert one == {
        **{"kind": "contradiction", "namespace_id": tree.api.namespace, "document_id": "top_0"},
        **{"collection_id": tree.collection, "source_document_id": "top", "differs": ["root_object_id", "tier"]},
        **{"recorded": {"root_object_id": None, "tier": 9}, "derived": {"root_object_id": "obj_1", "tier": 2}},
        "repaired": False,
    }
    assert {name: summary[name] for name in ("kind", "steps", "orphans", "left", "exit_code")} == {
        **{"kind": "summary", "steps": 14, "orphans": 3, "exit_code": 1, "left": summary["contradictions"]}
    }


def test_what_can_not_be_checked_is_neither_right_nor_wrong(tree: Documents) -> None:
    with pytest.raises(CommandError) as failed:
        check("--namespace", "nowhere", "--organization", tree.api.scope.organization_public_id)
    assert failed.value.returncode == 3
