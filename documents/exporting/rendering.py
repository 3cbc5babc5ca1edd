"""A document as an export shows it: the JSON text of one line."""

from documents.exporting.asked import Asked
from documents.exporting.reading import Read
from documents.renderings import NO_EXTRAS, Extras, lone_vector, members, renderer
from documents.renderings.selecting import selected
from mixpeek_site import jsonio


def rendered(read: Read, asked: Asked, organization_id: str) -> str:
    """In one line. `native` is a body that an import takes back with nothing lost: besides what answers show it names the
    document's own schema version, and with vectors tells those that came as `features` from those that came as `vectors`.
    """
    document = read.document
    native = asked.schema_version == "native"
    extras = _vectors(document.vectors) if document.vectors is not None else NO_EXTRAS
    text = renderer(asked.schema_version)(document, organization_id, extras)
    more = f'"document_schema_version":"{document.schema_version}",' if native and document.schema_version else ""
    if read.features is not None:
        more += members(read.features)
    if more:
        text = f"{{{more}{text[1:]}"
    if asked.select is None:
        return text
    return selected(text, (*asked.select, "features") if asked.vectors else asked.select)


def _vectors(stored: str) -> Extras:
    return Extras(vectors=stored, vector=lone_vector(jsonio.stored_members(stored)))
