"""Where documents come from: deriving lineage from parents, keeping it true, reading it (contract section 8).

Every document with lineage has one LineageStep row. Of a document whose parent is stored, root, path, tier and chain
follow from the parent; `relink` is the one statement that works them out, for a new document, for children that
waited for it, and for a subtree that moves. Of a document whose parent is not (yet) stored, they are what was sent.

Races and the locks that close them. All are transaction-level advisory locks, taken in a statement before the one
that reads, documents' first (sorted), the namespace's last:

- parent and child created at once: both lock the parent's id, the parent exclusively, the child shared;
- a create under a subtree that moves, and two moves at once: a move, a cascade and a create that waiting children
  hang on lock the namespace exclusively; a create under a parent locks it shared, and so do a delete that children
  restrict (an import locks the namespace, not its parents) and a write of the statuses of many, which are kept in the
  same rows (docs/decisions/0017).

A batch of an import (documents/importing/writing.py) locks its absent parents first, as others do, but the namespace only
when its rows are written: it then compares what it began with, and links up what came meanwhile. So batches are written
beside one another and creates don't wait for them. One that can't be linked up so begins again, with the namespace locked.

Who locks the namespace not at all never waits for a move: reads, creates without a parent whose id nobody waits for,
PATCH and PUT without lineage (of a document below the moving one: unless its status changes), deletes of other documents.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from documents.counting import count_gone
from documents.inputs import LineageInput
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope

_NAMESPACE_LOCK = 0x4C494E  # "LIN": the first key of the namespaces' advisory locks
_BATCH_LOCK = 0x494D50  # "IMP": the first key of those that batches of imports take before all others
_TREE_MEMORY = "128MB"  # work_mem of a transaction that goes through a subtree: 100,000 documents stay out of files


def own_step(document: str, collection: str, step: str) -> str:
    """SQL of a document's own step in its chain: as sent, else made of its collection's extractor and its creation."""
    made = (
        f"jsonb_build_object('collection_id', {collection}.public_id, 'feature_extractor_id',"
        f" {collection}.feature_extractor_id, 'timestamp',"
        f" (to_jsonb({document}.created_at AT TIME ZONE 'UTC') #>> '{{}}') || 'Z')"
    )
    return f"CASE WHEN {step}.chain -> -1 ->> 'collection_id' = {collection}.public_id THEN {step}.chain -> -1 ELSE {made} END"


def whole_chain(document: str, collection: str, step: str) -> str:
    """SQL of a document's chain with every known step: as stored, else its own step alone."""
    return f"COALESCE({step}.chain, jsonb_build_array({own_step(document, collection, step)}))"


def lock_documents(scope: Scope, *, exclusively: Iterable[str], shared: Iterable[str], namespace: str | None) -> None:
    """Take the locks of this module's heading, in their order; `namespace` is None, "shared" or "exclusive".

    Exclusively, the transaction is going to write a subtree. It may hold it in memory, and writes it in the order of its
    internal ids, in which deletes of many lock their rows: a join by hashes would write the steps as they lie. Nor is it
    compiled, which takes half a second: the planner can't know how little is below a document.
    """
    exclusive_ids = set(exclusively)
    wanted = sorted({(name, True) for name in exclusive_ids} | {(name, False) for name in set(shared) - exclusive_ids})
    calls, params = [], []
    for document_id, exclusive in wanted:
        calls.append(
            f"pg_advisory_xact_lock{'' if exclusive else '_shared'}(hashtextextended(scope.namespace_id || '/' || %s, 0))"
        )
        params.append(document_id)
    if namespace is not None:
        calls.append(
            f"pg_advisory_xact_lock{'' if namespace == 'exclusive' else '_shared'}"
            f"({_NAMESPACE_LOCK}, scope.namespace_id::integer)"
        )
    if namespace == "exclusive":
        calls += [f"set_config('work_mem', '{_TREE_MEMORY}', true)", "set_config('enable_hashjoin', 'off', true)"]
        calls.append("set_config('jit', 'off', true)")
    cte, scope_params = scope.cte()
    sql.run(f"WITH {cte} SELECT {', '.join(calls)} FROM scope", (*scope_params, *params))


class Relinked(NamedTuple):
    """What `relink` found of the document it began with."""

    documents: int  # rows of the subtree, the document itself included
    parent_stored: bool
    cycle: bool
    parent_collection_differs: bool
    parent_root_object_id: str | None
    parent_root_bucket_id: str | None
    # Its own lineage as it is now.
    root_object_id: str | None = None
    root_bucket_id: str | None = None
    source_collection_id: str | None = None
    path: str | None = None
    chain: str | None = None


def relink(namespace_id: int, document: Any, *, root_before: str | None = None, bucket_before: str | None = None) -> Relinked:
    """Derive root, path, tier and chain of a document (by its internal id) and of everything below it. One statement.

    Where a document has no root its children keep one that was sent with them, but not the root that they had from the
    document itself until now, which is what `root_before` and `bucket_before` are.

    Leaves contradictions to the caller, who raises and so rolls back: this runs inside a transaction.
    """
    row = sql.one(
        _relink_sql(),
        (root_before, bucket_before, namespace_id, document, namespace_id, document, namespace_id, document),
    )
    assert row is not None, "relink is called for a document that has a step"
    return Relinked(*row)


# A child of step `l`: its document and its collection. Of deleted collections there are no children. LIMIT keeps the
# look-ups one by one: the planner underrates how many children there are, and would go through collections for them.
_OF_STEP: Final = """
    CROSS JOIN LATERAL (
        SELECT d.document_id, d.created_at FROM documents_document d
        WHERE d.namespace_id = l.namespace_id AND d.id = l.id LIMIT 1
    ) d
    CROSS JOIN LATERAL (
        SELECT c.public_id, c.feature_extractor_id FROM namespaces_collection c
        WHERE c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL LIMIT 1
    ) c
"""


# Each document has one parent, so only a way down that begins on a cycle comes back, and then to where it began: leaving
# that one out ends every way.
@lru_cache(maxsize=1)
def _relink_sql() -> str:
    return f"""
WITH RECURSIVE tree AS (
    SELECT l.id, d.document_id, l.source_document_id, c.public_id AS collection,
           pd.id IS NOT NULL AS parent_stored,
           COALESCE(l.source_collection_id NOT IN (pc.public_id, pc.name), false) AS parent_collection_differs,
           pl.root_object_id AS parent_root_object_id, pl.root_bucket_id AS parent_root_bucket_id,
           COALESCE(pl.root_object_id, l.root_object_id) AS root_object_id,
           COALESCE(pl.root_bucket_id, l.root_bucket_id) AS root_bucket_id,
           CASE WHEN pd.id IS NULL THEN l.source_collection_id ELSE pc.public_id END AS source_collection_id,
           CASE WHEN pd.id IS NULL THEN l.path ELSE pl.path || '/' || c.public_id END AS path,
           CASE WHEN pd.id IS NULL THEN l.tier ELSE COALESCE(pl.tier, 1) + 1 END AS tier,
           CASE WHEN pd.id IS NULL THEN l.chain
                ELSE jsonb_set({whole_chain("pd", "pc", "pl")}, '{{-1,document_id}}', to_jsonb(pd.document_id))
                     || jsonb_build_array({own_step("d", "c", "l")}) END AS chain,
           {whole_chain("d", "c", "l")} AS effective,
           %s::text COLLATE "C" AS root_before, %s::text COLLATE "C" AS bucket_before
    FROM documents_lineagestep l
    JOIN documents_document d ON d.id = l.id AND d.namespace_id = l.namespace_id
    JOIN namespaces_collection c ON c.id = l.collection_id AND c.namespace_id = l.namespace_id
    LEFT JOIN (documents_document pd JOIN namespaces_collection pc
               ON pc.id = pd.collection_id AND pc.namespace_id = pd.namespace_id AND pc.deleted_at IS NULL)
        ON pd.namespace_id = l.namespace_id AND pd.document_id = l.source_document_id
    LEFT JOIN documents_lineagestep pl ON pl.id = pd.id AND pl.namespace_id = pd.namespace_id
    WHERE l.namespace_id = %s AND l.id = %s
  UNION ALL
    SELECT l.id, d.document_id, l.source_document_id, c.public_id,
           true, false, NULL, NULL,
           COALESCE(tree.root_object_id, CASE WHEN tree.root_before IS NULL THEN l.root_object_id END),
           COALESCE(tree.root_bucket_id, CASE WHEN tree.bucket_before IS NULL THEN l.root_bucket_id END),
           tree.collection, tree.path || '/' || c.public_id, tree.tier + 1,
           jsonb_set(COALESCE(tree.chain, tree.effective), '{{-1,document_id}}', to_jsonb(tree.document_id))
               || jsonb_build_array({own_step("d", "c", "l")}),
           NULL::jsonb, l.root_object_id, l.root_bucket_id
    FROM tree
    JOIN documents_lineagestep l ON l.namespace_id = %s AND l.source_document_id = tree.document_id AND l.id <> %s
    {_OF_STEP}
), moved AS (
    UPDATE documents_lineagestep l
    SET root_object_id = tree.root_object_id, root_bucket_id = tree.root_bucket_id, path = tree.path, tier = tree.tier,
        chain = tree.chain, source_collection_id = tree.source_collection_id
    FROM (SELECT * FROM tree ORDER BY tree.id) tree
    WHERE l.namespace_id = %s AND l.id = tree.id
      AND (l.root_object_id, l.root_bucket_id, l.path, l.tier, l.chain, l.source_collection_id)
          IS DISTINCT FROM
          (tree.root_object_id, tree.root_bucket_id, tree.path, tree.tier, tree.chain, tree.source_collection_id)
)
SELECT (SELECT count(*) FROM tree), start.parent_stored,
       COALESCE(start.source_document_id IN (SELECT document_id FROM tree), false),
       start.parent_stored AND start.parent_collection_differs,
       start.parent_root_object_id, start.parent_root_bucket_id,
       start.root_object_id, start.root_bucket_id, start.source_collection_id, start.path, start.chain::text
FROM tree start WHERE start.id = %s
"""


def check(found: Relinked, given: LineageInput, *, roots: bool) -> None:
    """Raise ValidationError when a lineage contradicts the stored parent; `roots`: also when its root does."""
    faults = []
    if found.cycle:
        faults.append(Fault(("body", "source_document_id"), "would make the document its own ancestor", "cycle"))
    if found.parent_collection_differs:
        faults.append(Fault(("body", "source_collection_id"), "is not the collection of the source document", "contradiction"))
    if roots and found.parent_stored:
        for name, sent, stored in (
            ("root_object_id", given.root_object_id, found.parent_root_object_id),
            ("root_bucket_id", given.root_bucket_id, found.parent_root_bucket_id),
        ):
            if sent is not None and stored is not None and sent != stored:
                faults.append(Fault(("body", name), f"differs from the stored parent's, {stored}", "contradiction"))
    if faults:
        raise ValidationError(*faults)


def bucket_of(namespace_id: int, object_id: str) -> str | None:
    """The id of the bucket that a registered object is in, None for one that is not registered."""
    row = sql.one(
        "SELECT b.public_id FROM namespaces_bucketobject o"
        " JOIN namespaces_bucket b ON b.id = o.bucket_id AND b.namespace_id = o.namespace_id"
        " WHERE o.namespace_id = %s AND o.object_id = %s",
        (namespace_id, object_id),
    )
    return None if row is None else str(row[0])


def check_bucket(sent: str | None, stored: str | None) -> None:
    """Raise ValidationError when a root bucket is not the one in which the source object is registered."""
    if stored is not None and sent not in (None, stored):
        fault = f"differs from the stored object's, {stored}"
        raise ValidationError(Fault(("body", "root_bucket_id"), fault, "contradiction"))


def sent_tier(given: LineageInput) -> int:
    """The tier of a document whose parent is not stored, from what was sent: collections in the path, steps of the chain.

    Of a bucket's object it is the first, whatever steps are told: its path is made of the bucket and its collection.
    """
    if given.path is not None:
        return max(1, given.path.count("/"))
    if given.source_type == "bucket":
        return 1
    return len(given.chain) if given.chain else 1


STATUS_CHARACTERS: Final = 40


def status(internal_metadata: jsonio.JSONObject | None) -> str | None:
    """The status that a step keeps of its document: what documents_status says in SQL."""
    found = (internal_metadata or {}).get("ingestion_status")
    return found[:STATUS_CHARACTERS] if isinstance(found, str) else None


def chain_text(chain: list[jsonio.JSONObject] | None) -> str | None:
    return None if chain is None else jsonio.dumps(chain)


def delete_subtrees(scope: Scope, collection: str | None, document_ids: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Delete documents and everything below them; how many in all, and of the named ones that went, which version. One statement.

    It ends before documents of deleted collections; what is below several of them, or below itself, is met once. Rows are
    locked in the order of their internal ids, as writes of many documents lock theirs.
    """
    cte, params = scope.cte(collection)
    names = [sql.text(each) for each in document_ids]
    row = sql.one(
        f"""
WITH RECURSIVE {cte}, subtree AS (
    SELECT d.id, d.document_id
    FROM scope JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.document_id = ANY(%s)
        {"" if collection is None else "AND d.collection_id + 0 = scope.collection_id"}
    JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
  UNION
    SELECT l.id, d.document_id
    FROM subtree
    CROSS JOIN LATERAL (
        SELECT l.id, l.namespace_id, l.collection_id FROM documents_lineagestep l
        WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.source_document_id = subtree.document_id OFFSET 0
    ) l -- OFFSET: looked up one by one, however many the planner takes them for
    {_OF_STEP}
), locked AS MATERIALIZED (
    SELECT d.id FROM documents_document d
    WHERE d.namespace_id = (SELECT namespace_id FROM scope) AND d.id = ANY(ARRAY(SELECT subtree.id FROM subtree))
    ORDER BY d.id FOR UPDATE
), gone AS (
    DELETE FROM documents_document d
    WHERE d.namespace_id = (SELECT namespace_id FROM scope) AND d.id = ANY(ARRAY(SELECT locked.id FROM locked))
    RETURNING d.namespace_id, d.collection_id, d.document_id, d.version
), {count_gone("gone")}
SELECT (SELECT count(*) FROM gone),
       (SELECT jsonb_object_agg(gone.document_id, gone.version) FROM gone WHERE gone.document_id = ANY(%s))::text FROM scope
""",
        (*params, names, names),
    )
    return (row[0], jsonio.loads(row[1] or "{}")) if row else (0, {})


def children_of_others(scope: Scope, document_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of documents that are to go together: how many children each has that are not among them, by their collection's id.

    Those without are left out. One statement.
    """
    cte, params = scope.cte()
    names = [sql.text(each) for each in document_ids]
    found = sql.rows(
        f"""
WITH {cte}, going AS MATERIALIZED (
    SELECT d.id FROM scope JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.document_id = ANY(%s)
)
SELECT l.source_document_id, c.public_id, count(*)
FROM scope
JOIN documents_lineagestep l ON l.namespace_id = scope.namespace_id AND l.source_document_id = ANY(%s)
JOIN namespaces_collection c ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL
WHERE l.id NOT IN (SELECT id FROM going)
GROUP BY 1, 2 ORDER BY 1, 2
""",
        (*params, names, names),
    )
    children: dict[str, dict[str, int]] = {}
    for document_id, collection, number in found:
        children.setdefault(document_id, {})[collection] = number
    return children


def count_children(namespace_id: int, document_id: str) -> dict[str, int]:
    """How many documents name this one as their source, by their collection's id."""
    return dict(
        sql.rows(
            "SELECT c.public_id, count(*) FROM documents_lineagestep l JOIN namespaces_collection c"
            " ON c.id = l.collection_id AND c.namespace_id = l.namespace_id AND c.deleted_at IS NULL"
            " WHERE l.namespace_id = %s AND l.source_document_id = %s GROUP BY c.public_id ORDER BY c.public_id",
            (namespace_id, document_id),
        )
    )


# Whole batches (documents/importing) --------------------------------------------------------------------------------


class StoredParent(NamedTuple):
    """What children derive from a stored document."""

    collection: str
    collection_name: str
    root_object_id: str | None
    root_bucket_id: str | None
    path: str | None
    tier: int
    chain: str  # JSON text of every step, the last one naming the document


def stored_parents(namespace_id: int, document_ids: list[str]) -> dict[str, StoredParent]:
    """Those of the documents that are stored, by id. One statement."""
    found = sql.rows(
        # Materialized: before the first ANALYZE the planner would rather read whole collections.
        "WITH d AS MATERIALIZED (SELECT * FROM documents_document WHERE namespace_id = %s AND document_id = ANY(%s))"
        " SELECT d.document_id, c.public_id, c.name, l.root_object_id, l.root_bucket_id, l.path, COALESCE(l.tier, 1),"
        f" jsonb_set({whole_chain('d', 'c', 'l')}, '{{-1,document_id}}', to_jsonb(d.document_id))::text"
        " FROM d"
        " JOIN namespaces_collection c ON c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NULL"
        " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id",
        (namespace_id, document_ids),
    )
    return {row[0]: StoredParent(*row[1:]) for row in found}


class StoredLineage(NamedTuple):
    """What a body's lineage is compared with; `chain` is JSON text."""

    source_type: str | None
    source_object_id: str | None
    source_collection_id: str | None
    source_document_id: str | None
    root_object_id: str | None
    root_bucket_id: str | None
    path: str | None
    chain: str | None


def stored_lineage(namespace_id: int, documents: list[Any]) -> dict[Any, StoredLineage]:
    """Of documents by their internal ids; without a step all is None. One statement."""
    found = sql.rows(
        "SELECT l.id, l.source_type, l.source_object_id, l.source_collection_id, l.source_document_id, l.root_object_id,"
        " l.root_bucket_id, l.path, l.chain::text FROM documents_lineagestep l WHERE l.namespace_id = %s AND l.id = ANY(%s)",
        (namespace_id, documents),
    )
    none = StoredLineage(*[None] * len(StoredLineage._fields))
    return {**dict.fromkeys(documents, none), **{row[0]: StoredLineage(*row[1:]) for row in found}}


def lock_batch(namespace_id: int, *, absent_parents: Iterable[str]) -> None:
    """The locks of a batch of creates: parents that are not stored yet are shared, then the namespace is its own."""
    lock_absent(namespace_id, absent_parents)
    sql.run("SELECT pg_advisory_xact_lock(%s, %s::integer)", (_NAMESPACE_LOCK, namespace_id))


def lock_absent(namespace_id: int, parents: Iterable[str]) -> None:
    """The locks of parents that are not stored yet: who creates one of them waits, and then sees its children."""
    absent = sorted(parents)
    if absent:
        sql.run(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s || '/' || name, 0))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS absent (name, place) ORDER BY place",
            (str(namespace_id), absent),
        )


def try_lock_namespace(namespace_id: int) -> bool:
    """Whether the namespace is this transaction's own now. Nobody waits for it that way, so nobody can wait in a circle."""
    row = sql.one("SELECT pg_try_advisory_xact_lock(%s, %s::integer)", (_NAMESPACE_LOCK, namespace_id))
    return row is not None and bool(row[0])


def enter_batch(namespace_id: int, *, alone: bool) -> None:
    """Begin a batch of an import, beside others or while there is none: they meet in nothing but ids that both bring."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    sql.run(f"SELECT {lock}(%s, %s::integer)", (_BATCH_LOCK, namespace_id))


def waited_for(namespace_id: int, document_ids: list[str], *, by_others: bool = False) -> set[str]:
    """Those of the ids that stored documents name as their source. `by_others`: not those of this transaction."""
    found = sql.rows(
        "SELECT DISTINCT l.source_document_id FROM documents_lineagestep l"
        " WHERE l.namespace_id = %s AND l.source_document_id = ANY(string_to_array(%s, ','))"
        f"{' AND l.xmin <> pg_current_xact_id()::xid' if by_others else ''}",
        (namespace_id, ",".join(document_ids)),  # ids hold no commas
    )
    return {row[0] for row in found}


def tops(namespace_id: int, document_ids: list[str], among: list[str]) -> dict[str, str]:
    """Of stored documents, the first id `among` others that their chain of sources leads up to; those without are left out.

    Each is looked up by itself: where the tables were emptied, the planner would rather read all steps for every step up.
    """
    found = sql.rows(
        f"""
WITH RECURSIVE up AS (
    SELECT start.document_id AS start, l.source_document_id AS above, ARRAY[start.document_id] COLLATE "C" AS seen
    FROM unnest(%s::text[]) AS start (document_id) CROSS JOIN {_STEP_OF.format(document="start.document_id")}
  UNION ALL
    SELECT up.start, l.source_document_id, up.seen || up.above::text
    FROM up CROSS JOIN {_STEP_OF.format(document="up.above")}
    WHERE up.above <> ALL(up.seen) AND up.above <> ALL(%s)
)
SELECT start, above FROM up WHERE above = ANY(%s)
""",
        (document_ids, namespace_id, namespace_id, namespace_id, namespace_id, among, among),
    )
    return dict(found)


_STEP_OF: Final = """LATERAL (
        SELECT l.source_document_id FROM (
            SELECT d.id FROM documents_document d WHERE d.namespace_id = %s AND d.document_id = {document} OFFSET 0
        ) d CROSS JOIN LATERAL (
            SELECT l.source_document_id FROM documents_lineagestep l
            WHERE l.namespace_id = %s AND l.id = d.id AND l.source_document_id IS NOT NULL OFFSET 0
        ) l
    ) l"""


def relink_below(namespace_id: int, document_ids: list[str]) -> None:
    """Derive what follows for everything below documents whose own steps are right, as `relink` does. One statement.

    None of the documents may be below another one by way of a stored child. Runs inside a transaction.
    """
    sql.run(
        f"""
WITH RECURSIVE tree AS (
    SELECT l.id, d.document_id, c.public_id AS collection, p.id AS top,
           COALESCE(pl.root_object_id, l.root_object_id) AS root_object_id,
           COALESCE(pl.root_bucket_id, l.root_bucket_id) AS root_bucket_id, pc.public_id AS source_collection_id,
           pl.path || '/' || c.public_id AS path, COALESCE(pl.tier, 1) + 1 AS tier,
           jsonb_set({whole_chain("p", "pc", "pl")}, '{{-1,document_id}}', to_jsonb(p.document_id))
               || jsonb_build_array({own_step("d", "c", "l")}) AS chain,
           l.root_object_id AS root_before, l.root_bucket_id AS bucket_before
    FROM documents_document p
    JOIN namespaces_collection pc ON pc.id = p.collection_id AND pc.namespace_id = p.namespace_id
    LEFT JOIN documents_lineagestep pl ON pl.namespace_id = p.namespace_id AND pl.id = p.id
    JOIN documents_lineagestep l ON l.namespace_id = p.namespace_id AND l.source_document_id = p.document_id
    {_OF_STEP}
    WHERE p.namespace_id = %s AND p.document_id = ANY(%s)
  UNION ALL
    SELECT l.id, d.document_id, c.public_id, tree.top,
           COALESCE(tree.root_object_id, CASE WHEN tree.root_before IS NULL THEN l.root_object_id END),
           COALESCE(tree.root_bucket_id, CASE WHEN tree.bucket_before IS NULL THEN l.root_bucket_id END),
           tree.collection, tree.path || '/' || c.public_id, tree.tier + 1,
           jsonb_set(tree.chain, '{{-1,document_id}}', to_jsonb(tree.document_id))
               || jsonb_build_array({own_step("d", "c", "l")}),
           l.root_object_id, l.root_bucket_id
    FROM tree
    JOIN documents_lineagestep l ON l.namespace_id = %s AND l.source_document_id = tree.document_id AND l.id <> tree.top
    {_OF_STEP}
)
UPDATE documents_lineagestep l
SET root_object_id = tree.root_object_id, root_bucket_id = tree.root_bucket_id, path = tree.path, tier = tree.tier,
    chain = tree.chain, source_collection_id = tree.source_collection_id
FROM (SELECT * FROM tree ORDER BY tree.id) tree
WHERE l.namespace_id = %s AND l.id = tree.id
  AND (l.root_object_id, l.root_bucket_id, l.path, l.tier, l.chain, l.source_collection_id)
      IS DISTINCT FROM
      (tree.root_object_id, tree.root_bucket_id, tree.path, tree.tier, tree.chain, tree.source_collection_id)
""",
        (namespace_id, document_ids, namespace_id, namespace_id),
    )
