"""Where rows come from: one module for each format, and one place that chooses.

- lines.py        `Line`, which every reader yields, and SourceError
- streams.py      bytes of files and of standard input, unpacked
- jsonl.py        JSON lines
- json_values.py  JSON arrays, saved answers of lists, single objects
- delimited.py    CSV and TSV
- parquet.py      Parquet
- columns.py      where the cells of a table's row stand in its body
- sources.py      chooses; several files and globs as one input
"""

from documents.importing.reading.delimited import TYPES
from documents.importing.reading.lines import Line, SourceError, lines_of
from documents.importing.reading.sources import FORMATS, Reading, Source, open_source

__all__ = ["FORMATS", "TYPES", "Line", "Reading", "Source", "SourceError", "lines_of", "open_source"]
