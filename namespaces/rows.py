"""From a row of a hand-written statement to the model's instance: which columns, in which order."""

from typing import Any

from django.db import models

from mixpeek_site import jsonio
from mixpeek_site.jsonio import ExactJSONField
from mixpeek_site.sql import Row
from namespaces.models import Bucket, BucketObject, Collection, Namespace


class Columns:
    """The columns of a model that statements select, written for the table alias `t`."""

    def __init__(self, model: type[models.Model], *left_out: str) -> None:
        fields = [field for field in model._meta.concrete_fields if field.attname not in left_out]
        self.names = [field.attname for field in fields]
        self.count = len(fields)
        self.sql = ", ".join(f"t.{field.column}" for field in fields)
        self.json = [index for index, field in enumerate(fields) if isinstance(field, ExactJSONField)]

    def values(self, row: Row) -> list[Any]:
        """The columns' values; the connection hands jsonb over as text, so that numbers stay exact."""
        values = list(row[: self.count])
        for index in self.json:
            values[index] = jsonio.loads(values[index])
        return values


NAMESPACE = Columns(Namespace, "deleted_at")
COLLECTION = Columns(Collection, "deleted_at")
BUCKET = Columns(Bucket)
OBJECT = Columns(BucketObject)


def namespace(row: Row) -> Namespace:
    return Namespace.from_db("default", NAMESPACE.names, NAMESPACE.values(row))


def collection(row: Row) -> Collection:
    return Collection.from_db("default", COLLECTION.names, COLLECTION.values(row))


def bucket(row: Row) -> Bucket:
    return Bucket.from_db("default", BUCKET.names, BUCKET.values(row))


def bucket_object(row: Row) -> BucketObject:
    return BucketObject.from_db("default", OBJECT.names, OBJECT.values(row))
