"""Every address of the admin, tried by staff limited to a namespace with what belongs to another, by staff that may only
read, and by nobody. A new address fails `test_every_address_has_a_case` until it has one here."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from documents.admin import selection
from documents.models import Document
from mixpeek_site import sql
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.groups import EDITORS, READERS
from namespaces.models import ApiKey, AuditEntry, Bucket, BucketObject, Collection, Namespace, Organization, StaffBinding
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db

SHOWN, MISSING, FORBIDDEN, AWAY = (200,), (404,), (403,), (302,)


class World:
    """A namespace that is reached, and one of another organization that is not, with a row of everything in it."""

    def __init__(self) -> None:
        self.own, self.other = Place(), Place()
        self.own.document("own_doc")
        other = self.other
        Organization.objects.filter(pk=other.namespace.organization_id).update(name="foreign organization")
        Namespace.objects.filter(pk=other.pk).update(name="foreign-namespace", description="foreign description")
        Collection.objects.filter(namespace=other.pk).update(name="foreign-collection", feature_extractor_id="foreign_v1")
        Bucket.objects.filter(namespace=other.pk).update(name="foreign-bucket")
        failed = {"title": "foreign title", "internal_metadata": {"ingestion_status": "FAILED"}}
        self.document = other.first("foreign_obj", "foreign_doc", **failed)
        other.child(self.document, "foreign_child", title="foreign child")
        other.document("foreign_orphan", source_collection_id=other.collection, source_document_id="foreign_gone")
        sql.run("UPDATE documents_lineagestep SET path = 'foreign' WHERE tier = 2 AND root_object_id IS NOT NULL")
        cast.bucket_object(other.api, other.bucket, "foreign_obj")
        self.document_key = Document.objects.get(document_id="foreign_doc").pk
        self.object_key = BucketObject.objects.get().pk
        self.collection_key = Collection.objects.get(namespace=other.pk).pk
        self.bucket_key = Bucket.objects.get(namespace=other.pk).pk
        self.key = ApiKey.objects.get(organization=other.namespace.organization_id)
        ApiKey.objects.filter(pk=self.key.pk).update(name="foreign-key")
        self.boss = User.objects.create_superuser("foreign_boss")
        self.group = Group.objects.create(name="foreign_group")
        with atomic():
            audit.record(_By(self.boss), other.pk, "document", "foreign_doc", "changed", {"payload": ["foreign_field"]})  # type: ignore[arg-type]
            audit.record(_By(self.boss), None, "API key", "sk_foreign", "revoked")  # type: ignore[arg-type]
        self.entry = AuditEntry.objects.get(namespace_number=other.pk)
        self.words = ("foreign", other.namespace.public_id, other.collection, other.bucket, self.key.prefix)

    @property
    def place(self) -> int:
        return self.other.pk


class _By(NamedTuple):
    user: User


class Case(NamedTuple):
    """`args` of the address, of foreign things; what staff limited to another namespace gets; whether a POST writes, and what
    it says there besides what `_body` says at all of them.
    """

    args: Callable[[World], tuple[Any, ...]] = lambda world: ()
    limited: tuple[int, ...] = SHOWN
    writes: bool = False
    queries: tuple[str, ...] = ("",)
    says: Mapping[str, str] = {}


class Model(NamedTuple):
    """Of what the five addresses of a model do; `reached`: its rows belong to a namespace."""

    key: Callable[[World], Any]
    reached: bool = True
    made: bool = True
    changed: bool = True
    gone: bool = True
    queries: tuple[str, ...] = ("",)

    def cases(self, name: str) -> Iterator[tuple[str, Case]]:
        missing = MISSING if self.reached else (*FORBIDDEN, *MISSING)
        yield f"{name}_changelist", Case(limited=SHOWN if self.reached else FORBIDDEN, queries=self.queries)
        yield f"{name}_add", Case(limited=SHOWN if self.made and self.reached else FORBIDDEN, writes=True)
        yield f"{name}_history", Case(lambda world: (self.key(world),), missing)
        yield f"{name}_change", Case(lambda world: (self.key(world),), missing, writes=self.changed)
        yield f"{name}_delete", Case(lambda world: (self.key(world),), missing, writes=self.gone)


_IN_NAMESPACE = ("", "?namespace={place}", "?q=foreign", "?organization={organization}", "?bucket={bucket}")
_DOCUMENTS = (
    *_IN_NAMESPACE,
    "?namespace={place}&collection={collection}",
    "?collection={collection}",
    "?namespace={place}&status=FAILED",
    "?status=FAILED",
    "?namespace={place}&root=foreign_obj",
    "?namespace={place}&text=foreign",
    "?namespace={own}&collection={collection}",
    "?namespace={own}&root=foreign_obj",
)
_MOVED = {"kind": "object", "source": "harm"}
_AUTOCOMPLETE = "?app_label=documents&model_name=lineagestep&field_name=document"
_AUDIT = ("", "?namespace={place}", "?user=foreign_boss", "?kind=document&id=foreign_doc", "?older=999999", "?newer=0")

CASES: Final = dict(
    [
        ("index", Case()),
        ("find", Case(queries=("", "?q=foreign_doc", "?q=foreign_obj", "?q={public}", "?q={stage}"))),
        ("login", Case(limited=AWAY)),
        ("logout", Case(limited=(405,))),
        ("password_change", Case()),
        ("password_change_done", Case()),
        ("jsi18n", Case()),
        (
            "autocomplete",
            Case(limited=FORBIDDEN, queries=("", "?app_label=documents&model_name=lineagestep&field_name=document")),
        ),
        ("app_list", Case(lambda world: ("namespaces",))),
        ("document", Case(lambda world: (world.place, "foreign_doc"), MISSING)),
        ("document_edit", Case(lambda world: (world.place, "foreign_doc"), MISSING, writes=True)),
        ("document_delete", Case(lambda world: (world.place, "foreign_doc"), MISSING, writes=True)),
        ("document_source", Case(lambda world: (world.place, "foreign_doc"), MISSING, writes=True, says=_MOVED)),
        ("document_like", Case(lambda world: (world.place, "foreign_doc"), MISSING, queries=("", "?part=1&vector=x"))),
        ("document_raw", Case(lambda world: (world.place, "foreign_doc", "v1"), MISSING)),
        ("documents_delete", Case(lambda world: (world.place,), MISSING, writes=True)),
        ("documents_status", Case(lambda world: (world.place,), MISSING, writes=True)),
        ("documents_export", Case(lambda world: (world.place,), MISSING)),
        ("tree", Case(lambda world: (world.place, "foreign_obj"), MISSING, queries=("", "?at=foreign_child"))),
        ("tree_nodes", Case(lambda world: (world.place, "foreign_obj"), MISSING, queries=("", "?of=foreign_doc"))),
        ("tree_search", Case(lambda world: (world.place, "foreign_obj"), MISSING, queries=("?q=foreign",))),
        ("orphans", Case(lambda world: (world.place,), MISSING)),
        ("lineage", Case(lambda world: (world.place,), MISSING, writes=True)),
        ("auth_user_password_change", Case(lambda world: (world.boss.pk,), FORBIDDEN, writes=True)),
        *Model(lambda world: world.document_key, made=False, changed=False, gone=False, queries=_DOCUMENTS).cases(
            "documents_document"
        ),
        *Model(lambda world: world.object_key, queries=_IN_NAMESPACE).cases("namespaces_bucketobject"),
        *Model(lambda world: world.collection_key, queries=_IN_NAMESPACE).cases("namespaces_collection"),
        *Model(lambda world: world.bucket_key, queries=_IN_NAMESPACE).cases("namespaces_bucket"),
        *Model(lambda world: world.place, made=False, queries=_IN_NAMESPACE).cases("namespaces_namespace"),
        *Model(lambda world: world.entry.pk, made=False, queries=_AUDIT).cases("namespaces_auditentry"),
        *Model(lambda world: world.key.pk, reached=False).cases("namespaces_apikey"),
        *Model(lambda world: world.other.namespace.organization_id, reached=False).cases("namespaces_organization"),
        *Model(lambda world: world.boss.pk, reached=False).cases("auth_user"),
        *Model(lambda world: world.group.pk, reached=False).cases("auth_group"),
    ]
)


def _names(patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns)
        elif pattern.name:  # the nameless ones lead to those with a name, or nowhere
            yield pattern.name


def _addresses(world: World, name: str) -> Iterator[str]:
    case = CASES[name]
    words = {
        "place": world.place,
        "own": world.own.pk,
        "organization": world.other.namespace.organization_id,
        "collection": world.collection_key,
        "bucket": world.bucket_key,
        "public": world.other.namespace.public_id,
        "stage": world.other.collection,
    }
    for query in case.queries:
        yield reverse(f"admin:{name}", args=case.args(world)) + query.format(**words)


# Nobody may, superusers included.
NOBODY_WRITES: Final = {
    *("documents_document_add", "documents_document_change", "documents_document_delete"),
    *("namespaces_auditentry_add", "namespaces_auditentry_change", "namespaces_auditentry_delete"),
    *("namespaces_apikey_delete", "namespaces_organization_change", "namespaces_organization_delete"),
}


def _mark(namespace_id: int) -> str:
    """What confirms an action on all documents of a namespace."""
    return selection.mark(Document.objects.filter(namespace=namespace_id).values_list("document_id", flat=True))


def _body(world: World, name: str) -> dict[str, Any]:
    """What does harm at an address that writes, as `test_every_address_that_writes_does` shows."""
    return {
        **{
            "post": "yes",
            "confirmed": "1",
            "across": "1",
            "on_children": "cascade",
            "typed": "foreign_doc",
            "mark": _mark(world.place),
        },
        **{"namespace": world.place, "bucket": world.bucket_key, "organization": world.other.namespace.organization_id},
        **{"name": "harm", "username": "harm", "config": "{}", "fields": "{}", "blobs": "[]", "object_id": "harm"},
        **{
            "payload": "{}",
            "internal_metadata": "{}",
            "version": world.document.version,
            "status": "HARM",
            "permission": "ADMIN",
        },
        **{"action": "revoke", "_selected_action": str(world.key.pk), "_selected": [str(world.document_key), "foreign_doc"]},
        **{
            "password1": "harmful words",
            "password2": "harmful words",
            "is_superuser": "on",
            "kind": "none",
            "list": "",
            "q": "x",
        },
        **{"with_documents": "1", "with_objects": "1"},
        **CASES[name].says,
    }


_EVERYTHING = (
    *("documents_document", "documents_lineagestep", "documents_documentcount", "namespaces_bucketobject", "namespaces_bucket"),
    *("namespaces_collection", "namespaces_namespace", "namespaces_apikey", "namespaces_organization", "namespaces_auditentry"),
    *("auth_group", "auth_user_user_permissions", "auth_user_groups", "namespaces_staffbinding", "namespaces_staffnamespace"),
)


def _stored() -> dict[str, str]:
    """Every row of what the admin may change, as a digest. One statement."""
    digests = [f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t" for table in _EVERYTHING]
    user = "concat(username, password, is_staff, is_superuser)"
    digests.append(f"SELECT 'auth_user', md5(string_agg({user}, '|' ORDER BY id)) FROM auth_user")
    return dict(sql.rows(" UNION ALL ".join(digests)))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def limited(world: World) -> Client:
    """May do everything that a permission allows, within one namespace."""
    user = User.objects.create_user("limited", is_staff=True)
    own = ContentType.objects.filter(app_label__in=("documents", "namespaces", "auth", "admin"))
    user.user_permissions.set(Permission.objects.filter(content_type__in=own))
    StaffBinding.objects.create(user=user).namespaces.set([world.own.pk])
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_every_address_has_a_case() -> None:
    admin = next(each for each in get_resolver().url_patterns if isinstance(each, URLResolver) and each.namespace == "admin")
    assert set(_names(admin.url_patterns)) == set(CASES)


def test_staff_limited_to_a_namespace_sees_nothing_of_another(world: World, limited: Client) -> None:
    for name, case in CASES.items():
        if name == "logout":
            continue
        for address in _addresses(world, name):
            response = limited.get(address)
            allowed = (*case.limited, 302, 400, 404) if "?" in address else case.limited
            assert response.status_code in allowed, (name, address, response.status_code)
            page = staff.text(response) + unquote(response.get("Location", ""))
            asked = {unquote(part) for _, part in parse_qsl(urlsplit(address).query)}
            for said in sorted(asked, key=len, reverse=True):  # what was typed is shown again
                page = page.replace(said, "")
            leaked = [word for word in world.words if word in page]
            assert not leaked, (address, leaked, page[max(0, page.find(leaked[0]) - 200) :][:400])


def test_staff_limited_to_a_namespace_changes_nothing_of_another(world: World, limited: Client) -> None:
    before = _stored()
    for name in CASES:
        if name in ("login", "logout"):
            continue
        for address in _addresses(world, name):
            response = limited.post(address, _body(world, name))
            assert response.status_code < 500, (address, response.status_code)
            assert "/login/" not in response.get("Location", ""), address
        assert _stored() == before, name
    for page in ("documents_delete", "documents_status"):  # one's own address, foreign rows
        limited.post(reverse(f"admin:{page}", args=(world.own.pk,)), {**_body(world, page), "mark": _mark(world.own.pk)})
    assert _stored()["documents_lineagestep"] == before["documents_lineagestep"]
    assert Document.objects.filter(namespace=world.place).count() == 3


def test_staff_limited_to_a_namespace_works_in_it(world: World, limited: Client) -> None:
    own = world.own
    staff.get(limited, f"/document/{own.pk}/own_doc/")
    staff.get(limited, f"/namespaces/namespace/{own.pk}/change/")
    assert own.namespace.name in staff.get(limited, "/")
    staff.post(limited, "/namespaces/collection/add/", {"namespace": own.pk, "name": "stage", "config": "{}"})
    made = Collection.objects.get(name="stage")
    assert made.namespace_id == own.pk
    assert "own_doc" in staff.get(limited, "/documents/document/")
    staff.post(limited, f"/namespaces/collection/{made.pk}/delete/", {"post": "yes"})
    assert "stage" in staff.get(limited, "/namespaces/auditentry/")


def test_staff_limited_to_no_namespace_sees_nothing(world: World, limited: Client) -> None:
    StaffBinding.objects.get().namespaces.clear()
    assert world.own.namespace.name not in staff.get(limited, "/")
    staff.get(limited, f"/document/{world.own.pk}/own_doc/", 404)
    assert "own_doc" not in staff.get(limited, "/documents/document/")


def test_a_superuser_is_never_limited(world: World) -> None:
    client = staff.superuser()
    StaffBinding.objects.create(user=User.objects.get(username="root"))
    assert "foreign-namespace" in staff.get(client, "/")
    staff.get(client, f"/document/{world.place}/foreign_doc/")


def test_readers_see_and_change_nothing(world: World) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.groups.set(Group.objects.filter(name=READERS))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    for path in (f"/document/{world.place}/foreign_doc/", f"/tree/{world.place}/foreign_obj/", "/namespaces/apikey/"):
        staff.get(client, path)
    before = _stored()
    for name, case in CASES.items():
        if name in ("login", "logout"):
            continue
        for address in _addresses(world, name):
            response = client.post(address, _body(world, name))
            assert not case.writes or response.status_code in (403, 404), (address, response.status_code)
            assert response.status_code < 500, address
            assert "/login/" not in response.get("Location", ""), address
        after = _stored()
        if name == "documents_export":  # which reads, and is recorded
            before["namespaces_auditentry"] = after["namespaces_auditentry"]
        assert after == before, name


def test_every_address_that_writes_does(world: World) -> None:
    """What the tests above send changes something where it may, the keys' list included, which revokes."""
    client = staff.superuser()
    before = _stored()
    root = User.objects.get(username="root")
    for name in [each for each, case in CASES.items() if case.writes] + ["namespaces_apikey_changelist"]:
        with transaction.atomic():
            client.force_login(root)
            response = client.post(next(_addresses(world, name)), _body(world, name))
            changed = _stored() != before
            transaction.set_rollback(True)
        if name in NOBODY_WRITES:
            assert response.status_code in (403, 404), (name, response.status_code)
        else:
            assert changed, (name, response.status_code)


def test_editors_change_places_and_documents_and_no_keys(world: World) -> None:
    user = User.objects.create_user("editor", is_staff=True)
    user.groups.set(Group.objects.filter(name=EDITORS))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    staff.post(client, f"/namespaces/bucket/{world.bucket_key}/delete/", {"post": "yes", "with_objects": "1"})
    staff.get(client, f"/document/{world.place}/foreign_doc/edit/")
    staff.get(client, "/namespaces/apikey/")
    staff.get(client, "/namespaces/apikey/add/", 403)
    staff.get(client, "/auth/user/", 403)


def test_nobody_is_asked_to_sign_in_everywhere(world: World) -> None:
    client = Client(raise_request_exception=False)
    for name in CASES:
        if name in ("login", "logout"):
            continue
        for address in _addresses(world, name):
            for response in (client.get(address), client.post(address, _body(world, name))):
                assert response.status_code == 302, (address, response.status_code)
                assert response["Location"].startswith("/admin/login/"), address


def test_reach_is_asked_for_once(world: World, limited: Client) -> None:
    for path in ("/", "/documents/document/", "/namespaces/collection/", f"/document/{world.own.pk}/own_doc/"):
        with staff.statements() as asked:
            staff.get(limited, path)
        assert sum("staffbinding" in statement for statement in asked) == 1, path


def test_a_deleted_namespace_s_limits_go_with_it(world: World, limited: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_document WHERE namespace_id = %s", [world.own.pk])
        cursor.execute("DELETE FROM namespaces_collection WHERE namespace_id = %s", [world.own.pk])
        cursor.execute("DELETE FROM namespaces_bucket WHERE namespace_id = %s", [world.own.pk])
        cursor.execute("DELETE FROM namespaces_namespace WHERE id = %s", [world.own.pk])
    assert StaffBinding.objects.get().namespaces.count() == 0
    staff.get(limited, f"/document/{world.place}/foreign_doc/", 404)
