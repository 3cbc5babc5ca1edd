"""The schema's components for places and objects, named as the public API names them. Bodies are checked against these same.

One table so says what is documented, what is accepted and (in the tests) what is answered.
"""

from mixpeek_site.api.schema_parts import Schema
from namespaces.api.openapi import account, buckets, collections, namespaces, objects, parts

COMPONENTS: dict[str, Schema] = {
    **parts.COMPONENTS,
    **namespaces.COMPONENTS,
    **collections.COMPONENTS,
    **buckets.COMPONENTS,
    **objects.COMPONENTS,
    **account.COMPONENTS,
}
