"""Taking documents out: read → render → write, everything as of one moment, in constant memory.

- asked.py       what is asked for
- reading.py     the documents in their order, by a cursor of the server's
- rendering.py   one document as one line of JSON
- columns.py     the columns of tables
- formats/       one writer per format
- pipeline.py    the three joined: pieces of bytes
- files.py       where to: a file, compressed or not, or standard output
- definitions.py the collections' definitions
"""

from documents.exporting.asked import FORMATS, SCHEMA_VERSIONS, Asked
from documents.exporting.formats import MEDIA_TYPES, MissingExtraError
from documents.exporting.pipeline import Export, Piece, begun
from documents.exporting.reading import Read
from documents.exporting.rendering import rendered

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "SCHEMA_VERSIONS",
    "Asked",
    "Export",
    "MissingExtraError",
    "Piece",
    "Read",
    "begun",
    "rendered",
]
