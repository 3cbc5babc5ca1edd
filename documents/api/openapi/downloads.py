"""What the schema says of downloads."""

from documents.api.openapi.documents import TAG
from mixpeek_site.api.schema import operation, text
from mixpeek_site.api.schema_parts import BOOLEAN, NUMBER, STRING, Schema, closed, described

COMPONENTS: dict[str, Schema] = {
    "SceneDownloadResponse": closed(
        {
            "download_url": described(STRING, "Where the bytes are, for a while."),
            "cached": described(BOOLEAN, "Always false: nothing is cut out and kept."),
            "start_time": described(NUMBER, "The document's own `start_time`, else 0; the URL is of the whole blob."),
            "end_time": described(NUMBER, "Likewise."),
        },
        ["download_url", "cached", "start_time", "end_time"],
    )
}

DOWNLOAD = operation(
    "download_document",
    "Fetch a document's blob",
    tag=TAG,
    answer="SceneDownloadResponse",
    parameters=(text("field", "The field of the blob; left out, the document's first."),),
    errors=(409,),
    others={302: "`Location` is where the bytes are; whoever does not ask for application/json by name is sent there."},
    description="""Redirects to the signed URL of the document's first blob, or of the one that `field` names. A client that
accepts `application/json` by name is told the URL instead. 404 where there is no blob, 409 with the reason where its URL can't
be signed.""",
)
