"""The state of an import of files: begun or gone on with, and its errors file."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from django.core.management.base import CommandError

from documents.importing import Counts, Places, resuming
from documents.importing.pipeline import State
from documents.importing.places import Place
from documents.importing.reporting import complete_errors_file
from documents.management.telling import number_of
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS

# Those that decide what a line becomes: an import that goes on has to have the same.
_MEANING: Final = (
    *("format", "types", "records", "map", "id_field", "collection_field", "create_collections"),
    *("on_conflict", "limit", "new_times"),
)


class Beginning(NamedTuple):
    """How a run begins. `state`: None for one that leaves nothing; `finished`: the counts of one that is done already."""

    state: State | None
    finished: Counts | None
    said: str  # for people; may be empty


def begin(place: Place | Places, paths: Sequence[str], options: dict[str, Any]) -> Beginning:
    """Begin a run or go on with one. Raises CommandError when the input is not the same."""
    resume: bool = options["resume"]
    if options["dry_run"]:
        return Beginning(None, None, "")
    given = {f"--{name.replace('_', '-')}": options.get(name) or None for name in _MEANING}
    if isinstance(place, Places):
        given["--collection"] = options["collection"]  # of rows that name none; else it is what the run is of
    now = resuming.identity(paths, given)
    namespace_id, collection_id = place.namespace_id, place.collection_id if isinstance(place, Place) else None
    if resume:
        resuming.hold_up(namespace_id, collection_id, now.names)
    stored = resuming.newest(namespace_id, collection_id, now.names)
    if stored is None or not resume:
        unfinished = stored is not None and not stored.is_finished and resuming.counts(stored.id).lines
        said = "An import of this input is unfinished, and --resume would go on with it: this begins anew." if unfinished else ""
        if resume:
            said = "There is no import of this input to go on with: this begins one."
        return Beginning(State(resuming.begin(namespace_id, collection_id, now)), None, said)
    difference = resuming.difference(stored, now)
    if difference is not None:
        what = "This is not the input that the import began with" if not stored.is_finished else "The import of this is done"
        raise CommandError(f"{what}: {difference}. Without --resume it begins anew.", returncode=EXIT_WRONG_ARGUMENTS)
    if stored.is_final:
        said = "This import is done already, so nothing was read. Without --resume it begins anew."
        return Beginning(None, resuming.counts(stored.id), said)
    run, done = resuming.take_over(stored)
    return Beginning(State(run, done), None, f"Going on: {number_of(done.counts.lines, 'lines')} were done before.")


def committed(state: State | None, reported: Counts) -> Counts:
    """What became of all lines that are in, also of a batch that was not reported; as far as the database tells."""
    if state is not None:
        with suppress(ServiceUnavailableError):
            return resuming.counts(state.run.id)
    return reported


def completed(path: str | None, sources: Sequence[str], state: State | None) -> str:
    """Have an errors file that is gone on with hold what was committed and not written; the mode to open it in.

    Raises CommandError when it is the input itself, and OSError.
    """
    if path is None:
        return "w"
    if os.path.exists(path) and any(source != "-" and os.path.samefile(path, source) for source in sources):
        raise CommandError("--errors names a file that is to be imported; give another one.")
    if state is None or not state.done.spans:
        return "w"
    complete_errors_file(path, resuming.failures(state.run.id))
    return "a"
