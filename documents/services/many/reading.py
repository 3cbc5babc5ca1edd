"""What `update_data` says: a plain-JSON patch of one document, or of whatever matches (contract sections 6 and 7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from documents import patching
from documents.features import NamedFeature, read_features
from documents.inputs import INTERNAL_IDENTITY, DocumentInput, read_patch
from documents.services.common import lineage_bytes, require_size
from mixpeek_site import jsonio
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location

MERGED: Final = ("payload", "internal_metadata", "system")
REPLACED: Final = ("source_blobs", "document_blobs")


@dataclass(frozen=True, slots=True)
class Update:
    """A document and what changes in it. `parts`: JSON texts by column, of those columns alone that are named.

    Those of MERGED are merge patches, those of REPLACED are set.
    """

    document_id: str
    given: DocumentInput
    parts: dict[str, str]
    features: list[NamedFeature]


def read_update(document_id: str, update_data: JSONObject) -> Update:
    """Raises what a PATCH with this body does: ValidationError, BadRequestError, PayloadTooLargeError."""
    try:
        given = read_patch(patching.expand_paths(update_data), document_id)
        return Update(document_id, given, _parts(given), read_features(given))
    except ValidationError as error:
        raise moved(error, ("update_data",)) from None


def read_matching_update(update_data: JSONObject, location: Location) -> dict[str, str]:
    """The parts of an `Update`, for many documents at once.

    Raises ValidationError, also for what can only be said of one document (its ids, its lineage, its vectors) and when
    nothing is named; PayloadTooLargeError.
    """
    try:
        patch = patching.expand_paths(update_data)
        faults = list(_identity_faults(patch))
        if faults:
            raise ValidationError(*faults)
        given = read_patch(patch, "")
    except ValidationError as error:
        raise moved(error, location) from None
    if not given.lineage.is_empty():
        message = "names lineage, which is given to one document at a time: PATCH it, or name it in `updates`"
        raise ValidationError(Fault(location, message, "lineage"))
    if given.features or given.vectors:
        message = "names features or vectors, which each document has its own: PATCH it, or name it in `updates`"
        raise ValidationError(Fault(location, message, "vectors"))
    parts = _parts(given)
    if not parts:
        raise ValidationError(Fault(location, "names nothing to update", "empty"))
    return parts


def _parts(given: DocumentInput) -> dict[str, str]:
    parts = {name: jsonio.dumps(patch) for name in MERGED if (patch := getattr(given, name))}
    replaced = {name: jsonio.dumps(blobs) for name in REPLACED if (blobs := getattr(given, name)) is not None}
    require_size(lineage_bytes(given.lineage) + sum(map(jsonio.stored_bytes, replaced.values())))
    return parts | replaced


def _identity_faults(patch: JSONObject) -> Iterator[Fault]:
    for location, holder, names in (
        (("body",), patch, ("collection_id", "document_id")),
        (("body", "_internal"), patch.get("_internal"), sorted(INTERNAL_IDENTITY)),
    ):
        if not isinstance(holder, dict):
            continue
        for name in names:
            if holder.get(name) is not None:
                yield Fault((*location, name), "is a document's identity, which can't be changed", "identity")


def moved(error: ValidationError, location: Location) -> ValidationError:
    """The faults of a patch, which were found as if it were the body, at the patch's own place."""
    return ValidationError(*(Fault((*location, *fault.location[1:]), fault.message, fault.type) for fault in error.faults))
