"""Verbs at the same moment, each on a connection of its own: what the database's constraints and locks decide."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, connections

from mixpeek_site.errors import DomainError
from namespaces import services
from namespaces.models import Bucket, BucketObject
from tests import cast

AT_ONCE = 8
pytestmark = pytest.mark.django_db(transaction=True)


def race(*verbs: Callable[[], object]) -> list[str]:
    """Runs all at once; what came of each: "done", or the name of the domain's error."""
    barrier = threading.Barrier(len(verbs))
    outcomes: list[str] = [""] * len(verbs)

    def run(index: int, verb: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            verb()
            outcomes[index] = "done"
        except DomainError as error:
            outcomes[index] = type(error).__name__
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index, verb)) for index, verb in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.fixture
def api() -> cast.Api:
    return cast.api()


def test_one_name_is_taken_once(api: cast.Api) -> None:
    organization_id = api.scope.organization_id
    outcomes = race(*[lambda: services.create_namespace(organization_id=organization_id, name="media")] * AT_ONCE)
    assert Counter(outcomes) == {"done": 1, "AlreadyExistsError": AT_ONCE - 1}


def test_one_key_name_is_taken_once(api: cast.Api) -> None:
    organization = cast.organization()
    outcomes = race(*[lambda: services.create_api_key(organization=organization, name="ci")] * AT_ONCE)
    assert Counter(outcomes) == {"done": 1, "AlreadyExistsError": AT_ONCE - 1}


def test_upserts_of_one_unique_key_make_one_object(api: cast.Api) -> None:
    bucket = cast.bucket(api, unique_key={"fields": ["sku"], "default_policy": "upsert"})

    def upsert(number: int) -> None:
        new = services.NewObject(fields={"sku": 1, f"n{number}": number})
        services.create_object(scope=api.scope, bucket_identifier=bucket, new=new)

    assert race(*(partial(upsert, number) for number in range(AT_ONCE))) == ["done"] * AT_ONCE
    [made] = BucketObject.objects.all()
    assert made.fields == {"sku": 1, **{f"n{number}": number for number in range(AT_ONCE)}}


def test_an_object_is_either_in_its_bucket_or_was_never_made(api: cast.Api) -> None:
    for _ in range(5):
        bucket = cast.bucket(api)

        create = partial(services.create_object, scope=api.scope, bucket_identifier=bucket, new=services.NewObject())
        created, deleted = race(create, partial(services.delete_bucket, scope=api.scope, bucket_identifier=bucket))
        assert (created, deleted) in (("done", "ConflictError"), ("NotFoundError", "done"))
        assert Bucket.objects.filter(public_id=bucket).exists() == (created == "done")


def test_renames_to_one_name_let_one_through(api: cast.Api) -> None:
    rename = partial(services.update_collection, scope=api.scope, name="scenes")
    verbs = [partial(rename, collection_identifier=cast.collection(api)) for _ in range(AT_ONCE)]
    assert Counter(race(*verbs)) == {"done": 1, "AlreadyExistsError": AT_ONCE - 1}
