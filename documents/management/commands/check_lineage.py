"""`manage.py check_lineage`: the loop around documents/trees/checking.py."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from documents.trees import checking
from documents.trees.checking import CONTRADICTION, CYCLE, ORPHAN, STRAY, Finding
from mixpeek_site import jsonio
from mixpeek_site.management.base import StoreCommand
from mixpeek_site.management.progress import Progress
from namespaces.management.base import add_organization, chosen_organization
from namespaces.scope import Scope, require_namespace

EXIT_CONTRADICTIONS = 1
EXIT_NOT_CHECKED = 3
EXIT_INTERRUPTED = 130

_SHOWN_OF_A_CYCLE = 20


class Command(StoreCommand):
    help = """Compare what is recorded of every document's lineage with what its stored parent says: its root, path, tier,
chain and source collection; its collection, status and time of creation with the document's own. Every write keeps
these right, so what this finds was written past the API and the commands.

One line for each finding, on standard output:
  orphan         its parent is not stored. That is allowed: it links up when the parent comes
  contradiction  it differs from what its parent or its document says; --fix writes what they say
  stray          lineage without its document; --fix gives it to its document or removes it
  cycle          a contradiction that nothing can be derived for: the document comes from itself. Say where one of the
                 documents comes from, with a PATCH of its source_document_id or source_object_id, and check again

--fix repairs in short transactions, beside other writers; ended half-way, it goes on when it is run again. It leaves
orphans as they are.

examples:
  manage.py check_lineage                            every namespace
  manage.py check_lineage --namespace media          one
  manage.py check_lineage --fix                      repair what contradicts
  manage.py check_lineage --json | jq 'select(.kind == "orphan") | .source_document_id'

exit codes: 0 nothing contradicts, or all of it is repaired; 1 contradictions are left; 2 wrong arguments;
3 the check could not begin or go on; 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--namespace", metavar="N", help="Only this one: its id or name. Without it, every namespace.")
        add_organization(parser)
        parser.add_argument("--fix", action="store_true", help="Repair what contradicts.")
        parser.add_argument(
            "--json", action="store_true", help="A JSON object for each finding, and a last one of the kind summary."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except CommandError as error:
            raise CommandError(*error.args, returncode=EXIT_NOT_CHECKED) from error

    def work(self, *, namespace: str | None, organization: str | None, fix: bool, json: bool, **options: Any) -> None:
        namespace_id = None
        if namespace is not None:
            owner = chosen_organization(organization)
            namespace_id = require_namespace(Scope(owner.pk, owner.public_id, namespace, ()))
        elif organization is not None:
            raise CommandError("--organization says whose namespace is meant: give --namespace, too.")
        counts = Counts()
        total = checking.estimated_steps() if namespace_id is None else None
        with Progress(total or None, self.progress_stream, "steps", in_bytes=False) as progress:
            try:
                for batch in checking.check(namespace_id, fix=fix):
                    counts.add(batch)
                    if batch.findings:
                        progress.clear()
                        lines = map(as_json if json else as_text, batch.findings)
                        self.stdout.write("\n".join(lines))
                    progress.update(counts.steps)
            except KeyboardInterrupt:
                progress.close()
                self._end(counts, json, EXIT_INTERRUPTED)
        self._end(counts, json, EXIT_CONTRADICTIONS if counts.left else 0)

    def _end(self, counts: "Counts", json: bool, code: int) -> None:
        if json:
            self.stdout.write(counts.as_json(code))
        else:
            self.say(("Interrupted. " if code == EXIT_INTERRUPTED else "") + counts.as_text())
        if code:
            sys.exit(code)


class Counts:
    """What was found so far."""

    def __init__(self) -> None:
        self.steps = 0
        self.rewritten = 0
        self.found = dict.fromkeys((ORPHAN, CONTRADICTION, STRAY, CYCLE), 0)
        self.repaired = 0
        self._begun = time.monotonic()

    def add(self, batch: checking.Batch) -> None:
        self.steps += batch.steps
        self.rewritten += batch.rewritten
        for one in batch.findings:
            self.found[one.kind] += 1
            self.repaired += one.repaired

    @property
    def left(self) -> int:
        """Contradictions that are still there."""
        return sum(self.found.values()) - self.found[ORPHAN] - self.repaired

    def as_json(self, code: int) -> str:
        seconds = round(time.monotonic() - self._begun, 3)
        told = {"steps": self.steps, **{_PLURALS[kind]: number for kind, number in self.found.items()}}
        return jsonio.dumps(
            {"kind": "summary", **told, "repaired": self.repaired, "rewritten": self.rewritten, "left": self.left}
            | {"seconds": seconds, "exit_code": code}
        )

    def as_text(self) -> str:
        seconds = time.monotonic() - self._begun
        told = [f"{number:,} {kind if number == 1 else _PLURALS[kind]}" for kind, number in self.found.items()]
        lines = [f"{self.steps:,} steps in {seconds:.1f} s: {', '.join(told)}."]
        if self.repaired:
            lines.append(f"Repaired {self.repaired:,}, for which {_number(self.rewritten, 'step')} were written.")
        if self.found[CYCLE]:
            lines.append(
                f"{_number(self.found[CYCLE], 'document')} on a cycle: give one of each cycle another source with a PATCH of"
                " its source_document_id or source_object_id, then check again."
            )
        elif self.left:
            lines.append(f"{self.left:,} left: --fix repairs them.")
        return "\n".join(lines)


_PLURALS = {ORPHAN: "orphans", CONTRADICTION: "contradictions", STRAY: "strays", CYCLE: "cycles"}


def _number(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def as_text(one: Finding) -> str:
    """A finding as a line: its kind, its namespace, its document, and what is the matter."""
    return f"{one.kind:<13}  {one.namespace}  {one.document_id or one.id}: {_matter(one)}{' (repaired)' if one.repaired else ''}"


def _matter(one: Finding) -> str:
    if one.kind == ORPHAN:
        return f"its parent {one.source_document_id} is not stored"
    if one.kind == STRAY:
        return "lineage without a document"
    if one.kind == CYCLE:
        shown = one.cycle[:_SHOWN_OF_A_CYCLE]
        more = "" if len(shown) == len(one.cycle) else f" … ({len(one.cycle):,} documents)"
        return f"comes from itself: {' <- '.join((*shown, *([] if more else one.cycle[:1])))}{more}"
    said = [f"{name} is {_value(one.recorded[name])}, not {_value(one.derived[name])}" for name in one.recorded]
    return "; ".join([*said, *(name for name in one.differs if name not in one.recorded)])


def _value(value: Any) -> str:
    return "absent" if value is None else str(value)


def as_json(one: Finding) -> str:
    """A finding as a JSON object on one line."""
    told: dict[str, Any] = {
        "kind": one.kind,
        "namespace_id": one.namespace,
        "document_id": one.document_id,
        "collection_id": one.collection,
        "source_document_id": one.source_document_id,
    }
    if one.kind == STRAY:
        told["step"] = str(one.id)
    if one.differs:
        told |= {"differs": one.differs, "recorded": one.recorded, "derived": one.derived}
    if one.cycle:
        told["cycle"] = one.cycle
    return jsonio.dumps(told | {"repaired": one.repaired})
