"""The verbs that make and change places, as API, admin and commands call them."""

from datetime import UTC, datetime, timedelta

import pytest

from mixpeek_site.errors import AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError, ValidationError
from namespaces import services
from namespaces.credentials import digest
from namespaces.models import ApiKey, Permission
from tests import cast

pytestmark = pytest.mark.django_db


def test_only_the_digest_and_a_prefix_of_a_key_are_stored() -> None:
    key, token = services.create_api_key(organization=cast.organization(), name="ci", permission=Permission.WRITE)
    stored = ApiKey.objects.get(pk=key.pk)
    assert bytes(stored.digest) == digest(token)
    assert token.startswith(stored.prefix)
    assert token not in repr(vars(stored))


def test_two_working_keys_of_one_name_are_refused_and_a_revoked_one_frees_its_name() -> None:
    organization = cast.organization()
    key, _ = services.create_api_key(organization=organization, name="ci")
    with pytest.raises(AlreadyExistsError):
        services.create_api_key(organization=organization, name="ci")
    services.revoke_api_key(key=key)
    services.create_api_key(organization=organization, name="ci")


def test_revoking_twice_keeps_the_first_time() -> None:
    key, _ = services.create_api_key(organization=cast.organization(), name="ci")
    first = services.revoke_api_key(key=key).revoked_at
    assert first is not None
    assert services.revoke_api_key(key=key).revoked_at == first


@pytest.mark.parametrize("pattern", ["", "a*b", "*a", "x" * 256])
def test_a_pattern_is_an_id_a_name_or_a_beginning(pattern: str) -> None:
    with pytest.raises(ValidationError):
        services.create_api_key(organization=cast.organization(), name="ci", namespace_patterns=[pattern])


def test_a_key_can_not_be_born_expired() -> None:
    with pytest.raises(ValidationError):
        services.create_api_key(organization=cast.organization(), name="ci", expires_at=datetime.now(UTC) - timedelta(seconds=1))


def test_an_organization_name_is_taken_once() -> None:
    services.create_organization(name="Acme")
    with pytest.raises(AlreadyExistsError):
        services.create_organization(name="Acme")


@pytest.mark.parametrize("name", ["", "x" * 256, "ns_1", "a\x00b", "\ud800"])
def test_names_that_no_namespace_may_have(name: str) -> None:
    with pytest.raises(ValidationError):
        services.create_namespace(organization_id=cast.organization().pk, name=name)


def test_two_organizations_may_use_one_name_and_one_id() -> None:
    for organization in (cast.organization(), cast.organization()):
        made = services.create_namespace(organization_id=organization.pk, name="media", namespace_id="ns_media")
        assert made.public_id == "ns_media"


def test_a_taken_name_and_a_taken_id_are_told_apart() -> None:
    organization = cast.organization()
    services.create_namespace(organization_id=organization.pk, name="media", namespace_id="ns_media")
    with pytest.raises(AlreadyExistsError, match="named 'media'"):
        services.create_namespace(organization_id=organization.pk, name="media")
    with pytest.raises(AlreadyExistsError, match="id ns_media"):
        services.create_namespace(organization_id=organization.pk, name="other", namespace_id="ns_media")


def test_a_limited_key_makes_matching_namespaces_only() -> None:
    organization = cast.organization()
    services.create_namespace(organization_id=organization.pk, name="team-a", key_patterns=("team-*",))
    with pytest.raises(ForbiddenError):
        services.create_namespace(organization_id=organization.pk, name="other", key_patterns=("team-*",))


def test_a_deleted_namespace_frees_its_name_and_hides_what_it_holds() -> None:
    api = cast.api()
    collection = cast.collection(api)
    services.delete_namespace(scope=api.scope)
    with pytest.raises(NotFoundError):
        services.update_collection(scope=api.scope, collection_identifier=collection, description="x")
    with pytest.raises(NotFoundError):
        services.delete_namespace(scope=api.scope)


def test_config_members_replace_and_none_removes() -> None:
    api = cast.api()
    bucket = cast.bucket(api, metadata={"a": 1, "b": 2}, storage_class="archive")
    changed = services.update_bucket(
        scope=api.scope, bucket_identifier=bucket, config={"metadata": {"a": 3}, "storage_class": None}
    )
    assert changed.config == {"bucket_schema": cast.SCHEMA, "metadata": {"a": 3}}


def test_renaming_to_a_taken_name_changes_nothing() -> None:
    api = cast.api()
    cast.collection(api, "one")
    two = cast.collection(api, "two")
    with pytest.raises(AlreadyExistsError):
        services.update_collection(scope=api.scope, collection_identifier=two, name="one", description="x")
    assert services.update_collection(scope=api.scope, collection_identifier=two).description is None


def test_every_update_grows_updated_at() -> None:
    api = cast.api()
    collection = cast.collection(api)
    times = [services.update_collection(scope=api.scope, collection_identifier=collection).updated_at for _ in range(5)]
    assert sorted(set(times)) == times


def test_the_extractor_of_a_collection_names_its_steps() -> None:
    api = cast.api()
    extractor = {"feature_extractor_name": "scene_detector", "version": "v2"}
    made = services.create_collection(scope=api.scope, name="scenes", config={"feature_extractor": extractor})
    assert made.feature_extractor_id == "scene_detector_v2"
    changed = services.update_collection(scope=api.scope, collection_identifier="scenes", config={"feature_extractor": None})
    assert changed.feature_extractor_id == "passthrough_extractor_v1"


def test_a_bucket_with_objects_is_deleted_only_together_with_them() -> None:
    api = cast.api()
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket, "clip")
    with pytest.raises(ConflictError):
        services.delete_bucket(scope=api.scope, bucket_identifier=bucket)
    services.delete_bucket(scope=api.scope, bucket_identifier=bucket, with_objects=True)
    assert cast.bucket_object(api, cast.bucket(api), "clip") == "clip"


def test_one_taken_id_does_not_stop_the_other_objects() -> None:
    api = cast.api()
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket, "b")
    new = [services.NewObject(object_id=name) for name in ("a", "b", "c", "c")]
    results = services.create_objects(scope=api.scope, bucket_identifier=bucket, new=new)
    assert [result.error is None for result in results] == [True, False, True, False]


def test_an_idempotency_key_finds_the_first_object_again() -> None:
    api = cast.api()
    bucket = cast.bucket(api)
    new = services.NewObject(idempotency_key="upload-7", fields={"n": 1})
    first = services.create_object(scope=api.scope, bucket_identifier=bucket, new=new)
    [again] = services.create_objects(scope=api.scope, bucket_identifier=bucket, new=[new])
    assert again.bucket_object is not None
    assert (again.bucket_object.object_id, again.replayed) == (first.object_id, True)


def test_what_is_taken_along_with_an_object_goes_in_the_same_transaction() -> None:
    api = cast.api()
    bucket = cast.bucket(api)
    clip = cast.bucket_object(api, bucket)

    def fail() -> None:
        raise ConflictError("in the way")

    with pytest.raises(ConflictError):
        services.delete_object(scope=api.scope, bucket_identifier=bucket, object_id=clip, take_along=fail)
    services.delete_object(scope=api.scope, bucket_identifier=bucket, object_id=clip)
