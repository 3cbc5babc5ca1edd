"""What goes in comes out: any JSON value, in every rendering; and the limits of what can be stored (sections 4 and 11)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tests import generators
from tests.api.places import JSON_PATCH, MERGE_PATCH, Documents, user_fields

VERSIONS = ("native", "v1", "v2")
MIB = 1024 * 1024
# Within a settings fixture these stand for the real limits.
SMALL_DOCUMENT, SMALL_BODY = 20_000, 40_000


def shown(documents: Documents, document_id: str, version: str) -> Any:
    return user_fields(documents.get(document_id, f"?schema_version={version}"))


@given(generators.user_fields)
def test_any_value_round_trips_in_every_rendering(documents: Documents, fields: Any) -> None:
    made = documents.new(fields)
    assert shown(documents, made, "native") == shown(documents, made, "v2") == fields
    assert shown(documents, made, "v1") == {"metadata": {}, **fields}
    assert documents.list({"limit": 1000}).json()["results"][-1]["document_id"]


@given(generators.values)
def test_any_value_round_trips_through_every_way_of_writing(documents: Documents, value: Any) -> None:
    made = documents.new({"by post": value})
    documents.patch(made, {"by patch": [value]})
    documents.patch(made, {"by merge patch": [value]}, content_type=MERGE_PATCH)
    documents.patch(made, [{"op": "add", "path": "/by json patch", "value": value}], content_type=JSON_PATCH)
    assert documents.fields(made) == {
        **{"by post": value, "by patch": [value], "by merge patch": [value], "by json patch": value}
    }
    documents.put(made, {"by put": value})
    assert documents.fields(made) == {"by put": value}


@given(generators.objects)
def test_system_parts_round_trip_as_well(documents: Documents, part: Any) -> None:
    made = documents.create(
        {"internal_metadata": part, "enrichments": part, "source_blobs": [part], "_internal": {"processing": part}}
    )
    internal = made["_internal"]
    assert internal.get("metadata", {}) == part
    assert (internal["enrichments"], internal["source_blobs"], internal["processing"]) == (part, [part], part)


@pytest.mark.parametrize(
    "text",
    [
        *("9007199254740993", "18446744073709551617", "-170141183460469231731687303715884105729", "0.1000000000000000055"),
        *("1e40", "1E-40", "1.0", "100e-2", "-0.5", "0", "123456789.123456789123456789", "9" * 1000, "1e999", "1e-999"),
    ],
)
def test_numbers_keep_exactly_their_value(documents: Documents, text: str) -> None:
    made = documents.api.call("POST", documents.path, f'{{"n": {text}}}').json()["document_id"]
    for version in VERSIONS:
        assert shown(documents, made, version)["n"] == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u0001\u001f\u007f",
        '"\\/\b\f\n\r\t',
        "é ß ﬀ İ",
        "e\u0301",
        "\u200b\u202e",
        "\ufeff",
        "\uffff",
        "😀",
        "\U0010ffff",
    ],
)
def test_every_text_that_can_be_stored_comes_back(documents: Documents, text: str) -> None:
    made = documents.new({"text": text, "as key": {text: 1}})
    for version in VERSIONS:
        assert shown(documents, made, version) == {"text": text, "as key": {text: 1}} | (
            {"metadata": {}} if version == "v1" else {}
        )


def test_escaped_surrogate_pairs_are_one_character(documents: Documents) -> None:
    made = documents.api.call("POST", documents.path, r'{"a": "\ud83d\ude00"}').json()
    assert made["a"] == "😀"


def test_keys_that_differ_only_in_case_or_hold_dots_stay_apart(documents: Documents) -> None:
    fields = {"a": 1, "A": 2, "a.b": 3, "ä": 4, "Ä": 5, "": 6, "a ": 7, ".": {"a.b": {".": None}}}
    assert documents.fields(documents.new(fields)) == fields


def test_of_duplicate_keys_the_last_wins(documents: Documents) -> None:
    made = documents.api.call("POST", documents.path, '{"a": 1, "a": {"b": 1, "b": 2}}').json()
    assert made["a"] == {"b": 2}


# What can't be stored -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r'{"a": {"b": ["x", "\u0000"]}}', "body.a.b.1"),
        (r'{"a": "\ud800"}', "body.a"),
        (r'{"a": "\udfff\ud800"}', "body.a"),
        (r'{"metadata": {"k\u0000": 1}}', "body.metadata.k\0"),
        (r'{"internal_metadata": {"x": "\u0000"}}', "body.internal_metadata.x"),
        ('{"a": [1e1000]}', "body.a.0"),
        ('{"a": {"b": %s}}' % ("1" * 1001), "body.a.b"),
        ('{"a": {"b": %s}}' % ("1" * 1_000_000), "body.a.b"),
        ('{"a": 1e-1000}', "body.a"),
        ('{"a": 1e999999999999}', "body.a"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(documents: Documents, text: str, place: str) -> None:
    made = documents.new({})
    for method, url in (("POST", documents.path), ("PUT", documents.url(made)), ("PATCH", documents.url(made))):
        response = documents.api.call(method, url, text)
        assert (response.status_code, response.faults) == (422, [place])


def test_a_surrogate_in_an_error_does_not_break_the_error(documents: Documents) -> None:
    response = documents.api.call("POST", documents.path, r'{"_\ud800": 1}')
    assert response.status_code == 422


@pytest.mark.parametrize("text", ["NaN", '{"a": NaN}', '{"a": Infinity}', '{"a": [-Infinity]}', "{", "", "{'a': 1}", '{"a": 1,}'])
def test_what_is_not_json_is_a_bad_request(documents: Documents, text: str) -> None:
    made = documents.new({})
    for method, url in (("POST", documents.path), ("PUT", documents.url(made)), ("PATCH", documents.url(made))):
        response = documents.api.call(method, url, text)
        assert (response.status_code, response.error) == (400, "BadRequestError")


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b'{"\xc0\xaf": 1}', '{"a": "é"}'.encode("latin-1")])
def test_broken_utf8_is_a_bad_request(documents: Documents, raw: bytes) -> None:
    assert documents.api.call("POST", documents.path, raw).status_code == 400


# Depth --------------------------------------------------------------------------------------------------------------


def nested(levels: int, innermost: Any = 1) -> Any:
    for _ in range(levels):
        innermost = {"x": innermost}
    return innermost


@pytest.mark.parametrize("version", VERSIONS)
def test_64_levels_round_trip_and_65_are_refused(documents: Documents, version: str) -> None:
    made = documents.new(nested(64))
    assert shown(documents, made, version)["x"] == nested(63)
    assert documents.put(made, documents.get(made, f"?schema_version={version}")).status_code == 200
    assert documents.post(nested(65)).status_code == documents.put(made, nested(65)).status_code == 422


def test_an_empty_container_is_a_level(documents: Documents) -> None:
    assert documents.post(nested(63, [])).status_code == 200
    assert documents.post(nested(64, [])).status_code == 422


@pytest.mark.parametrize(
    "part", ["internal_metadata", "enrichments", "document_blobs", "lineage_chain", "source_details", "lineage"]
)
def test_a_deep_system_part_is_no_deeper_in_another_rendering(documents: Documents, part: str) -> None:
    """What a rendering shows can be put back: it moves parts deeper, not beyond the limit."""
    for levels in range(57, 64):
        body: dict[str, Any] = {part: nested(levels)}
        if part in ("document_blobs", "lineage_chain", "source_details"):
            body = {part: [{"x": nested(levels), "field": "f", "url": "u", "collection_id": "c", "feature_extractor_id": "e"}]}
        if part == "lineage":
            body = {"lineage": {"lineage_chain": [{"x": nested(levels), "collection_id": "c", "feature_extractor_id": "e"}]}}
        response = documents.post(body)
        if response.status_code == 422:
            continue
        for version in VERSIONS:
            made = response.json()["document_id"]
            assert documents.put(made, documents.get(made, f"?schema_version={version}")).status_code == 200


@pytest.mark.parametrize("depth", [1_000, 10_000, 100_000])
@pytest.mark.parametrize("text", ['{{"a": {}{}}}', "{}{}", '{{"_x": {}{}}}', '{{"document_blobs": {}{}}}', '{{"a": {}'])
def test_an_abyss_is_a_clients_error(documents: Documents, depth: int, text: str) -> None:
    for method, url in (("POST", documents.path), ("PATCH", documents.url(documents.new()))):
        response = documents.api.call(method, url, text.format("[" * depth, "]" * depth))
        assert response.status_code in (400, 422)


# Size ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(settings: Any) -> None:
    settings.MAX_DOCUMENT_BYTES, settings.MAX_BODY_BYTES = SMALL_DOCUMENT, SMALL_BODY


def filled(size: int, **fields: Any) -> dict[str, Any]:
    """Fields of exactly so many bytes of compact JSON."""
    from mixpeek_site.jsonio import dumps

    return {**fields, "fill": "x" * (size - len(dumps({**fields, "fill": ""}).encode()))}


@pytest.mark.django_db(transaction=True)
def test_a_document_of_16_mib_is_kept_and_a_larger_one_is_not(documents: Documents) -> None:
    made = documents.new(filled(16 * MIB, n=[1, {"é": None}] * 100))
    assert documents.patch(made, {"n": None}).status_code == 200
    response = documents.post(filled(16 * MIB + 1))
    assert (response.status_code, response.error) == (413, "PayloadTooLargeError")
    assert response.json()["error"]["details"]["limit_bytes"] == 16 * MIB


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "part",
    [
        {"internal_metadata": {"x": "x" * SMALL_DOCUMENT}},
        {"document_blobs": [{"field": "f", "url": "x" * SMALL_DOCUMENT}]},
        {"source_blobs": [{"x": "x" * SMALL_DOCUMENT}]},
        {"enrichments": {"x": "x" * SMALL_DOCUMENT}},
        {"source_details": [{"x": "x" * SMALL_DOCUMENT}]},
        {"a": "x" * SMALL_DOCUMENT},
        {"a": ["é" * (SMALL_DOCUMENT // 2)]},
        {"lineage_chain": [{"collection_id": "c", "feature_extractor_id": "x" * SMALL_DOCUMENT}]},
        {"lineage_path": "x" * (SMALL_DOCUMENT + 1)},
    ],
    ids=lambda part: next(iter(part)),
)
def test_every_part_counts(documents: Documents, small: None, part: Any) -> None:
    made = documents.new({})
    before = documents.get(made)
    for response in (documents.post(part), documents.put(made, part), documents.patch(made, part)):
        assert (response.status_code, response.error) == (413, "PayloadTooLargeError")
    assert documents.get(made) == before


@pytest.mark.django_db(transaction=True)
def test_a_document_may_not_grow_beyond_the_limit_by_patches(documents: Documents, small: None) -> None:
    made = documents.new({"a": "x" * 15_000})
    grown = documents.patch(made, {"b": "x" * 4_000})
    assert grown.status_code == 200
    response = documents.patch(made, {"c": "x" * 4_000})
    assert (response.status_code, response.error) == (413, "PayloadTooLargeError")
    operations = [{"op": "copy", "from": "/a", "path": "/c"}]
    assert documents.patch(made, operations, content_type=JSON_PATCH).status_code == 413
    assert documents.get(made) == grown.json()


@pytest.mark.django_db(transaction=True)
def test_what_could_be_created_can_be_patched(documents: Documents, small: None) -> None:
    """jsonb's text has spaces that the client's had not; they don't count."""
    made = documents.new(filled(SMALL_DOCUMENT, many=[1] * 5_000))
    assert documents.patch(made, {"many": [2]}).status_code == 200
    made = documents.new(filled(SMALL_DOCUMENT - 10, many=[1] * 5_000))
    assert documents.patch(made, {"x": 1}).status_code == 200
    assert documents.patch(made, {"y": "z" * 20}).status_code == 413


def test_an_almost_full_document_with_empty_metadata_can_be_put(documents: Documents, small: None) -> None:
    made = documents.new(filled(SMALL_DOCUMENT - 20))
    assert documents.put(made, documents.get(made, "?schema_version=v1")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_number_that_grows_when_stored_is_measured_as_stored(documents: Documents, small: None) -> None:
    assert documents.post({"a": [Decimal("1e999")] * 19}).status_code == 200
    assert documents.post({"a": [Decimal("1e999")] * 20}).status_code == 413
    assert documents.patch(documents.new(), {"a": [Decimal("1e-999")] * 20}).status_code == 413


def test_a_bomb_of_numbers_is_too_large(documents: Documents) -> None:
    """18 MB of text would be 3 GB of digits."""
    made = documents.new()
    bomb = b'{"a":[' + b"1e999," * 3_000_000 + b"1]}"
    for method, url in (("POST", documents.path), ("PUT", documents.url(made))):
        assert documents.api.call(method, url, bomb).status_code == 413


def test_a_bomb_of_numbers_in_a_patch_is_too_large(documents: Documents) -> None:
    made = documents.new()
    bomb = b'{"a":[' + b"1e999," * 3_000_000 + b"1]}"
    response = documents.api.call("PATCH", documents.url(made), bomb)
    assert response.status_code == 413
    assert documents.fields(made) == {}


def test_a_body_beyond_the_limit_is_too_large(documents: Documents, small: None) -> None:
    for body in (b" " * (SMALL_BODY + 1), b'{"a": "' + b"x" * SMALL_BODY + b'"}'):
        response = documents.api.call("POST", documents.path, body)
        assert response.status_code == 413
        assert response.json()["error"]["details"]["limit_bytes"] == SMALL_BODY
    assert documents.api.call("POST", documents.path, b"{}".ljust(SMALL_BODY)).status_code == 200
