"""Bringing documents in, fast and exactly as the API would: read → prepare → write → report.

- reading/      where lines come from: files of every format, standard input; one bounded line at a time
- mapping.py    from a stranger's fields to those of a body
- preparing.py  from a line to a validated document, through the API's own reading of bodies
- judging.py    which lines are refused for their lineage, as creates in turn would refuse them
- linking.py    what follows from a parent, worked out for a whole batch
- places.py     the collections that lines go to
- writing.py    a batch into the database, one transaction each
- copying.py    new documents by COPY
- rewriting.py  documents that are there: replaced or merged
- batches.py    lines in batches, and which of them were done before
- recording.py, resuming.py  a run's state in the database, committed with each batch, for --resume
- jobs.py       batches handed to several processes
- reporting.py  counts, the errors file
- pipeline.py   all of it joined: `run`

A reader of another format yields `reading.Line`s whose `raw` is the JSON of a create body; the rest stays as it is.
"""

from documents.importing.mapping import Mapping
from documents.importing.pipeline import Options, run
from documents.importing.places import Places
from documents.importing.reading import Line, Reading, SourceError, lines_of, open_source
from documents.importing.reporting import Counts, Failure

__all__ = [
    "Counts",
    "Failure",
    "Line",
    "Mapping",
    "Options",
    "Places",
    "Reading",
    "SourceError",
    "lines_of",
    "open_source",
    "run",
]
