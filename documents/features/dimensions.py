"""Whether vectors have the dimensions that their collection, or its namespace, declares (documents/vector_indexes/).

Asked in the transaction that writes them: until it ends, no declaration can change. So each vector that is stored was checked
against what holds when it can be seen, and a declaration finds every vector that was checked without it.
"""

from collections.abc import Sequence
from typing import Any, Final

from documents.features.reading import NamedFeature
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError


def wrong_of(namespace_id: int, written: Sequence[tuple[Any, Sequence[NamedFeature]]]) -> dict[int, ValidationError]:
    """What is wrong with the vectors of documents (by internal id), by their position here.

    One statement, none where no vector is dense. The caller holds the transaction.
    """
    dense = _dense([features for _, features in written])
    if not dense:
        return {}
    rows = [(written[position][0], feature.name, len(feature.numbers or ())) for position, feature in dense]
    return _refused(dense, sql.rows(_OF_DOCUMENTS, (namespace_id, *map(list, zip(*rows, strict=True)), namespace_id)))


def wrong_in(namespace_id: int, collection_id: int, written: Sequence[Sequence[NamedFeature]]) -> dict[int, ValidationError]:
    """The same for documents of one collection (by internal id), which need not be stored yet."""
    dense = _dense(written)
    if not dense:
        return {}
    names = list({feature.name for _, feature in dense})
    expected: dict[str, int] = dict(sql.rows(_IN_COLLECTION, (namespace_id, [collection_id], names)))
    return _refused(
        dense,
        [
            (number, expected[feature.name])
            for number, (_, feature) in enumerate(dense)
            if expected.get(feature.name, len(feature.numbers or ())) != len(feature.numbers or ())
        ],
    )


def require(namespace_id: int, written: Sequence[tuple[Any, Sequence[NamedFeature]]]) -> None:
    """Raises ValidationError with what `wrong_of` finds."""
    wrong = wrong_of(namespace_id, written)
    if wrong:
        raise ValidationError(*(fault for error in wrong.values() for fault in error.faults))


_Dense = list[tuple[int, NamedFeature]]


def _dense(written: Sequence[Sequence[NamedFeature]]) -> _Dense:
    return [(position, feature) for position, features in enumerate(written) for feature in features if feature.kind == "dense"]


def _refused(dense: _Dense, found: Sequence[tuple[int, int]]) -> dict[int, ValidationError]:
    """`found`: numbers of dense vectors, and the dimensions that they should have."""
    faults: dict[int, list[Fault]] = {}
    for number, expected in sorted(found):
        position, feature = dense[number]
        message = f"must have {expected} dimensions, as is declared for {feature.name!r}, not {len(feature.numbers or ())}"
        faults.setdefault(position, []).append(Fault(feature.location, message, "vector_dimensions"))
    return {position: ValidationError(*each) for position, each in faults.items()}


_IN_COLLECTION: Final = """
SELECT w.name, w.dimensions FROM documents_declared_dimensions(%s, %s::bigint[], %s::text[]) w
"""
# Documents are looked up one by one: before the first ANALYZE the planner would rather read the whole namespace.
_OF_DOCUMENTS: Final = """
WITH new AS MATERIALIZED (
    SELECT given.number, given.name, given.dimensions,
        (SELECT d.collection_id FROM documents_document d WHERE d.namespace_id = %s AND d.id = given.document_id LIMIT 1)
        AS collection_id
    FROM unnest(%s::uuid[], %s::text[], %s::integer[]) WITH ORDINALITY AS given (document_id, name, dimensions, number)
)
SELECT (new.number - 1)::integer, w.dimensions
FROM documents_declared_dimensions(
    %s, ARRAY(SELECT DISTINCT x.collection_id FROM new x), ARRAY(SELECT DISTINCT x.name FROM new x)) w
JOIN new ON new.collection_id = w.collection_id AND new.name = w.name AND new.dimensions <> w.dimensions
"""
