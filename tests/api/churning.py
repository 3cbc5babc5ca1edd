"""Documents that come and go in other threads, each with a connection of its own, while a test does something else."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from documents import services
from documents.inputs import read_create
from mixpeek_site.errors import DomainError
from tests.cast import Api


@contextmanager
def churn(
    api: Api, collections: list[str], fields: Callable[[int], dict[str, Any]], writers: int = 2
) -> Iterator[Callable[[], int]]:
    """Threads that create documents, of random numbers' `fields`, and delete them; yields how many they created so far."""
    over = threading.Event()
    created: list[int] = [0] * writers
    errors: list[Exception] = []

    def write(writer: int) -> None:
        chance, mine = random.Random(writer), []
        try:
            while not over.is_set():
                number = chance.randrange(1000)
                name = f"new_{writer}_{created[writer]}"
                collection = chance.choice(collections)
                given = read_create({**fields(number), "document_id": name})
                services.create_document(scope=api.scope, collection=collection, given=given)
                created[writer] += 1
                mine.append(name)
                while len(mine) > chance.randrange(15):
                    gone = mine.pop(chance.randrange(len(mine)))
                    services.delete_document(scope=api.scope, collection=None, document_id=gone, on_children="detach")
        except DomainError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(created)
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    assert not errors, errors
