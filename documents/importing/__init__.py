"""Bringing documents in, fast and exactly as the API would: read → prepare → write → report.

- reading.py    where lines come from: files, standard input, gzip; one bounded line at a time
- preparing.py  from a line to a validated document, through the API's own reading of bodies
- judging.py    which lines are refused for their lineage, as creates in turn would refuse them
- linking.py    what follows from a parent, worked out for a whole batch
- writing.py    a batch into the database by COPY, one transaction each
- reporting.py  counts, the errors file, progress
- pipeline.py   the five joined: `run`

A reader of another format yields `reading.Line`s whose `raw` is the JSON of a create body; the rest stays as it is.
"""

from documents.importing.pipeline import Options, run
from documents.importing.reading import Line, SourceError, lines_of, open_source
from documents.importing.reporting import Counts, Failure

__all__ = ["Counts", "Failure", "Line", "Options", "SourceError", "lines_of", "open_source", "run"]
