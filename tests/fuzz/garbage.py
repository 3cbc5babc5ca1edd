"""What arrives at a server from careless, broken and hostile programs: hypothesis strategies."""

import json

from hypothesis import strategies as st

from mixpeek_site import jsonio
from tests.generators import keys, values

# What a server hands over of a header: its bytes as Latin-1.
latin_1 = st.text(st.characters(max_codepoint=255), max_size=40)
# Text with what a careful program does not send, beside what it does.
anything = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["\x00", "..", ".", "%00", "%2F", "a" * 300, "list", "batch", "😀", "'; DROP TABLE x; --", "\ufffe", "\ud800"]
    ),
    st.sampled_from(["1e999", "-1", "null", "{}", "[]", "true"]),
)
huge = st.sampled_from(["1e400", "-1e-400", "9" * 5000, "1E1000000", "0.1e-999999999", "NaN", "Infinity", "1" + "0" * 1001])
deep = st.integers(1, 3000).map(lambda depth: "[" * depth + "]" * depth)
deep |= st.integers(1, 200).map(lambda depth: '{"a":' * depth + "1" + "}" * depth)
names = keys | st.sampled_from(
    [
        *("_internal", "lineage", "lineage_chain", "lineage_path", "features", "vectors", "document_blobs", "source_blobs"),
        *("source_details", "enrichments", "internal_metadata", "document_id", "collection_id", "metadata", "source_type"),
        *("root_object_id", "source_document_id", "source_collection_id", "source_object_id", "document_schema_version"),
        *("namespace_name", "collection_name", "bucket_name", "source", "bucket_schema", "feature_extractor", "blobs"),
        *("objects", "filters", "sort", "sorts", "limit", "cursor", "page", "select", "search", "unique_key", "ttl_seconds"),
    ]
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(names, values, max_size=5).map(lambda body: jsonio.dumps(body).encode()),
    values.map(lambda body: jsonio.dumps(body).encode()),
    st.dictionaries(names, st.text(), max_size=3).map(lambda body: json.dumps(body).encode()),  # escapes, lone surrogates too
    st.builds(lambda name, number: f'{{"{name}":{number}}}'.encode(), st.sampled_from(["limit", "size_bytes", "x"]), huge),
    deep.map(str.encode),
    st.sampled_from([b"", b"{}", b"[]", b"null", b'"x"', b'{"a":1,"a":2}', b"\xef\xbb\xbf{}"]),
    st.sampled_from([b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'{"metadata":{"\\udfff":1}}', b'{"a":NaN}']),
)
media_types = (
    st.sampled_from(
        [
            *(None, "", "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16"),
            *("application/merge-patch+json", "application/json-patch+json", "text/plain", "multipart/form-data; boundary=x"),
        ]
    )
    | anything
)
queries = st.dictionaries(
    anything
    | st.sampled_from(
        [
            *("limit", "page", "page_size", "offset", "cursor", "include_total", "filters", "sort", "search", "view", "force"),
            *("schema_version", "return_vectors", "return_vector_names", "return_url", "on_children", "cascade", "policy"),
        ]
    ),
    anything | huge | deep | st.integers().map(str),
    max_size=4,
)
headers = st.dictionaries(
    st.sampled_from(
        [
            *("HTTP_X_NAMESPACE", "HTTP_AUTHORIZATION", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_X_REQUEST_ID", "HTTP_HOST"),
            *("HTTP_ACCEPT", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_ORIGIN", "HTTP_IDEMPOTENCY_KEY"),
            *("CONTENT_LENGTH", "HTTP_EXPECT", "HTTP_COOKIE", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_RANGE"),
        ]
    ),
    latin_1 | st.sampled_from(["*", '"1-native"', 'W/"1"', "Bearer sk_x", "-1", "²", "9" * 5000, "gzip"]),
    max_size=2,
)
