"""`manage.py delete_namespace`: it says first what goes, asks, and can remove the rows itself."""

import io
import threading
import time
from io import StringIO

import pytest
import simplejson
from django.core.management import CommandError, call_command
from django.db import connection, connections

from documents.models import Document, Feature, LineageStep
from namespaces.models import Bucket, BucketObject, Collection, Namespace, Organization, Permission
from tests import cast, server
from tests.cast import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return filled(cast.api())


def filled(api: Api, documents: int = 5) -> Api:
    """A namespace with two collections, of which one has documents with features, and an object."""
    cast.collection(api)
    path = f"/v1/collections/{cast.collection(api)}/documents"
    for number in range(documents):
        body = {"document_id": f"d{number}", "source_type": "bucket", "source_object_id": "o"}
        assert api.post(path, body | {"features": [{"feature_extractor_id": "e"}]}).status_code == 200
    cast.bucket_object(api, cast.bucket(api))
    return api


def delete(api: Api, *options: str) -> tuple[str, str]:
    """stdout and stderr."""
    out, err = StringIO(), StringIO()
    organization = api.scope.organization_public_id
    call_command("delete_namespace", str(api.namespace), "--organization", organization, *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def rows() -> list[int]:
    return [model.objects.count() for model in (Namespace, Collection, Document, LineageStep, Bucket, BucketObject)]


def test_a_dry_run_counts_and_changes_nothing(api: Api) -> None:
    before = rows()
    out, _ = delete(api, "--dry-run", "--json")
    told = simplejson.loads(out)
    assert {name: told[name] for name in ("documents", "collections", "buckets", "objects", "deleted", "purged")} == {
        "documents": 5, "collections": 2, "buckets": 1, "objects": 1, "deleted": False, "purged": False,
    }  # fmt: skip
    assert rows() == before
    assert api.get(f"/v1/namespaces/{api.namespace}").status_code == 200


def test_it_names_the_keys_that_lose_their_only_namespace(api: Api) -> None:
    organization = Organization.objects.get(pk=api.scope.organization_id)
    other = cast.namespace(organization, "other")
    mine = Namespace.objects.get(public_id=api.namespace)
    for patterns in (
        [mine.name],
        [f"{mine.public_id}"],
        [f"{mine.public_id[:-1]}*"],
        [mine.name, "other"],
        [other.public_id],
        [],
    ):
        cast.token(organization, Permission.READ, *patterns)
    names = [key.name for key in organization.api_keys.order_by("id")][1:4]
    assert simplejson.loads(delete(api, "--dry-run", "--json")[0])["keys_without_namespace"] == sorted(names)


def test_without_the_right_answer_nothing_is_deleted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in ("", "yes\n", f"{api.namespace}\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        with pytest.raises(CommandError, match="nothing was deleted"):
            delete(api)
    assert Namespace.objects.get().deleted_at is None
    monkeypatch.setattr("sys.stdin", io.StringIO(Namespace.objects.get().name + "\n"))
    delete(api)
    assert Namespace.objects.get().deleted_at is not None


def test_what_was_shown_is_deleted_and_not_what_got_its_name_while_the_question_was_open(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Namespace.objects.get()

    class Slow(io.TextIOBase):
        def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
            Namespace.objects.filter(pk=shown.pk).update(name="kept")
            cast.namespace(shown.organization, shown.name)
            return f"{shown.name}\n"

    monkeypatch.setattr("sys.stdin", Slow())
    out = StringIO()
    call_command("delete_namespace", shown.name, organization=api.scope.organization_public_id, stdout=out, stderr=StringIO())
    assert out.getvalue().startswith(shown.public_id)
    assert Namespace.objects.get(deleted_at=None).name == shown.name


def test_deleted_it_is_gone_for_clients_at_once_and_its_rows_wait_for_housekeeping(api: Api) -> None:
    delete(api, "--yes")
    assert api.get(f"/v1/namespaces/{api.namespace}").status_code == 404
    assert rows() == [1, 2, 5, 5, 1, 1]
    with pytest.raises(CommandError, match="was not found"):
        delete(api, "--yes")


def test_now_removes_the_rows_of_this_namespace_and_of_no_other(api: Api) -> None:
    filled(cast.api(), documents=2)
    out, err = delete(api, "--yes", "--now")
    assert "6 documents and objects removed" in out
    assert "5 documents, 2 collections, 1 bucket, 1 object." in err
    assert rows() == [1, 2, 2, 2, 1, 1]
    assert Feature.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_now_waits_for_what_somebody_has_locked() -> None:
    api = filled(cast.api())
    try:
        purge = threading.Thread(target=purged, args=(api,))
        with connection.cursor() as holder:
            holder.execute("BEGIN")
            holder.execute("SELECT 1 FROM documents_document LIMIT 1 FOR UPDATE")
            purge.start()
            deadline = time.monotonic() + 10
            while Document.objects.count() > 1 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert Document.objects.count() == 1
            assert purge.is_alive()
            holder.execute("COMMIT")
        purge.join(30)
        assert not purge.is_alive()
        assert rows() == [0] * 6
    finally:
        server.remove_committed()


def purged(api: Api) -> None:
    """In a thread of its own."""
    delete(api, "--yes", "--now")
    connections.close_all()
