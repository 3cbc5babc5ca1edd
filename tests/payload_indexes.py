"""Payload indexes for tests that are one transaction, where nothing can be built concurrently."""

from typing import get_args

from django.db import connection

from documents.models import PayloadIndex
from documents.payload_indexes.expressions import Kind, definition, expressions


def build() -> None:
    """Build what is pending, as documents/payload_indexes/building.py does it."""
    with connection.cursor() as cursor:
        for index in PayloadIndex.objects.filter(state=PayloadIndex.State.PENDING):
            [kind] = [each for each in get_args(Kind) if each == index.kind]
            steps = tuple(index.steps)
            cursor.execute(definition(index.pk, steps, kind).replace("CONCURRENTLY ", ""))
            index.value, index.key = expressions(steps, kind, "d.")
            index.state = PayloadIndex.State.READY
            index.save()
        cursor.execute("ANALYZE documents_document")
