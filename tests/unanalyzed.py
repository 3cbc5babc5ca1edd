"""The documents' tables as PostgreSQL knows them before the first ANALYZE, whatever ran before in this database."""

from mixpeek_site import sql


def forget_statistics() -> None:
    """Until the end of the transaction. As superuser, which the tests are."""
    sql.run(
        "DELETE FROM pg_statistic WHERE starelid IN ('documents_document'::regclass, 'documents_lineagestep'::regclass)"
        " OR starelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'documents_document'::regclass)"
    )
    sql.run("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'documents_document'::regclass")
