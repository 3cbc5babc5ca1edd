"""What a document's page says besides its fields: features without their numbers, the steps of its chain, facts.

One statement reads chain and features; no vector leaves the database.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.utils.safestring import SafeString

from documents.admin.json_html import json_html
from documents.lineage import whole_chain
from documents.stored import StoredDocument
from documents.trees.nodes import Node
from mixpeek_site import jsonio, sql

FEATURES_SHOWN: Final = 100
_SHOWN_PAYLOAD: Final = 16 * 1024  # bytes as stored; larger ones are read over the API
_SHOWN_FACT: Final = 300  # characters


class FeatureLine(NamedTuple):
    """A feature without its numbers. `rows` of a multi-vector, `values` of a sparse one."""

    name: str
    feature_extractor_id: str | None
    kind: str | None
    length: int | None
    width: int | None
    payload: str | None
    payload_bytes: int | None

    @property
    def dimensions(self) -> str:
        if self.kind == "multi":
            return f"{self.length or 0:,} \u00d7 {self.width or 0:,}"
        if self.kind == "sparse":
            return f"{self.length or 0:,} non-zero"
        return f"{self.length:,}" if self.length else ""

    @property
    def payload_html(self) -> SafeString:
        return json_html(self.payload) if self.payload else SafeString("")


class Step(NamedTuple):
    """A step of a chain; `document_id` None: the document itself; `stored`: whether it has a page."""

    number: int
    document_id: str | None
    collection_name: str
    feature_extractor_id: str
    time: str
    stored: bool


class Read(NamedTuple):
    steps: list[Step]
    features: list[FeatureLine]
    more_features: bool

    @property
    def dense(self) -> list[str]:
        """The names of the vectors that others can be compared with."""
        return [feature.name for feature in self.features if feature.kind == "dense"]


_READ: Final = f"""
SELECT CASE WHEN l.id IS NOT NULL THEN {whole_chain("d", "c", "l")} END::text,
       (SELECT jsonb_agg(jsonb_build_array(f.name, f.feature_extractor_id, f.kind,
               CASE f.kind WHEN 'dense' THEN array_length(f.embedding::real[], 1) ELSE array_length(f.numbers, 1) END,
               array_length(f.numbers, 2),
               CASE WHEN pg_column_size(f.payload) <= {_SHOWN_PAYLOAD} THEN f.payload::text END, pg_column_size(f.payload))
           ORDER BY f.name)
        FROM (SELECT * FROM documents_feature x WHERE x.namespace_id = d.namespace_id AND x.document_id = d.id
              ORDER BY x.name LIMIT {FEATURES_SHOWN + 1}) f)::text
FROM documents_document d
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
WHERE d.namespace_id = %s AND d.id = %s
"""


def read(namespace_id: int, document: UUID, chain: list[Node]) -> Read:
    """Chain and features of a document, by its internal id; `chain`: its stored ancestors, the document last."""
    row = sql.one(_READ, (namespace_id, document))
    if row is None:  # deleted between two statements
        return Read([], [], False)
    found = [FeatureLine._make(each) for each in jsonio.loads_stored(row[1])] if row[1] else []
    names = {node.collection: node.collection_name for node in chain}
    stored = {node.document_id for node in chain}
    steps = [_step(number, step, names, stored) for number, step in enumerate(jsonio.loads_stored(row[0] or "[]"), 1)]
    return Read(steps, found[:FEATURES_SHOWN], len(found) > FEATURES_SHOWN)


def _step(number: int, step: dict[str, Any], names: dict[str, str], stored: set[str]) -> Step:
    collection, document_id = str(step.get("collection_id") or ""), step.get("document_id")
    time = str(step.get("timestamp") or "")
    shown = time[:19].replace("T", " ") + " UTC" if time.endswith(("Z", "+00:00")) else time
    name = names.get(collection, collection)
    return Step(number, document_id, name, str(step.get("feature_extractor_id") or ""), shown, document_id in stored)


# Facts --------------------------------------------------------------------------------------------------------------


class Fact(NamedTuple):
    """`text` of a plain value, else `html` of a foldable one."""

    name: str
    text: str
    html: SafeString | str


class Facts(NamedTuple):
    name: str
    facts: list[Fact]


def facts(stored: StoredDocument) -> list[Facts]:
    """The system part by name, each member readable."""
    parts = (("internal_metadata", stored.internal_metadata), ("system", stored.system))
    return [Facts(name, list(_facts(text))) for name, text in parts if text != "{}"]


def _facts(text: str) -> Iterator[Fact]:
    for name, value in jsonio.loads_stored(text).items():
        if isinstance(value, dict | list) and value:
            yield Fact(name, "", json_html(jsonio.dumps(value)))
            continue
        shown = value if isinstance(value, str) and value else jsonio.dumps(value)
        if len(shown) > _SHOWN_FACT:
            yield Fact(name, "", json_html(jsonio.dumps(value)))
        else:
            yield Fact(name, shown, "")
