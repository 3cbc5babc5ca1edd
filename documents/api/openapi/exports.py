"""What the schema says of exports."""

from typing import Final

from documents.api.openapi.filters import EXAMPLE as FILTER_EXAMPLE
from documents.api.openapi.filters import FILTERS
from documents.api.openapi.lists import TAG
from documents.exporting import SCHEMA_VERSIONS
from mixpeek_site.api.schema import operation
from mixpeek_site.api.schema_parts import BOOLEAN, STRING, STRINGS, Schema, array, closed, described, nullable, ref

_LIMIT: Final[Schema] = {"type": ["integer", "null"], "minimum": 1}

COMPONENTS: dict[str, Schema] = {
    "ExportRequest": closed(
        {
            "format": {
                "type": ["string", "null"],
                "enum": ["jsonl", "json", "csv", "parquet", None],
                "description": "`jsonl` (default; also called `json`), `csv` or `parquet`.",
            },
            "filters": FILTERS,
            "select": nullable(
                described(array(STRING, maxItems=200), "Members of the documents, as in lists; ids are always there.")
            ),
            "select_fields": nullable(described(STRINGS, "The same as `select`.")),
            "schema_version": {
                "type": ["string", "null"],
                "enum": [*SCHEMA_VERSIONS, None],
                "description": "The rendering of every document; default `native`, of which an import loses nothing.",
            },
            "return_vectors": nullable(described(BOOLEAN, "With features and vectors.")),
            "include_vectors": nullable(described(BOOLEAN, "The same as `return_vectors`.")),
            "limit": {**_LIMIT, "description": "At most so many documents; left out: all."},
            "sample_size": {**_LIMIT, "description": "The same as `limit`."},
            "include_lineage": nullable(described(BOOLEAN, "Accepted; lineage is always there.")),
            "include_media": {"enum": [False, None], "description": "Media are not exported."},
            "samples_per_shard": {"type": ["integer", "null"], "description": "Accepted; there are no shards."},
            "destination": {"type": "null", "description": "The export is the answer; it is written nowhere else."},
        },
        examples=[{"filters": FILTER_EXAMPLE, "select": ["metadata.title", "created_at"], "format": "jsonl", "limit": 1000}],
    )
}

EXPORT = operation(
    "export_collection",
    "Export the documents of a collection",
    tag=TAG,
    body="ExportRequest",
    answer=None,
    errors=(429,),
    headers={"Content-Disposition": "A name for the file."},
    streams={
        "application/x-ndjson": ref("ListedDocument"),
        "text/csv": STRING,
        "application/vnd.apache.parquet": {"type": "string", "contentMediaType": "application/vnd.apache.parquet"},
    },
    description="""The documents as of one moment, in creation order, streamed as they are read: as JSON lines (one document to
a line), CSV or Parquet, however many there are. What `manage.py export_documents` writes, and `import_documents` takes back.

An export that breaks off after it began can't be told by its status any more. A whole one of JSON lines ends with a line end; a
broken one ends with a line that is no JSON (`{"_export_error": …`, unclosed), CSV with a quote that is not closed,
Parquet without its footer: whoever parses it fails.

A server's worker serves a few exports at a time, further ones are 429. A client that takes nothing for a minute is cut off, and
so is an export that takes longer than an hour; both are settings of the server.""",
)
