"""POST …/documents/aggregate (contract section 7). What the metrics are is proven in tests/domain/test_aggregation_oracle.py."""

from decimal import Decimal
from typing import Any

import pytest

from documents.aggregation import compile as compiling
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Response

COUNT = {"function": "count", "alias": "n"}


def ask(documents: Documents, **body: Any) -> Response:
    body.setdefault("aggregations", [COUNT])
    return documents.api.post(f"{documents.path}/aggregate", body)


def results(documents: Documents, **body: Any) -> list[Any]:
    response = ask(documents, **body)
    assert response.status_code == 200, response
    found: list[Any] = response.json()["results"]
    return found


def metric(documents: Documents, function: str, field: str | None = None, **more: Any) -> Any:
    operation = {"function": function, "alias": "m", **({"field": field} if field else {}), **more}
    (only,) = results(documents, aggregations=[operation])
    return only["metrics"]["m"]


@pytest.fixture
def films(documents: Documents) -> Documents:
    """Six films: genre, minutes and tags, made in the order of their numbers."""
    for number, (genre, minutes, tags) in enumerate(
        [("noir", 90, ["city", "rain"]), ("noir", 120, ["city"]), ("west", 100, []), ("west", None, ["dust"]), (None, 80, "city")]
    ):
        documents.create({"document_id": f"film_{number}", "metadata": {"genre": genre, "minutes": minutes}, "tags": tags})
    documents.create({"document_id": "film_5", "metadata": {}})
    return documents


# Groups ------------------------------------------------------------------------------------------------------------------


def test_groups_come_largest_first_then_by_key_with_null_last(films: Documents) -> None:
    assert results(films, group_by=[{"field": "metadata.genre"}]) == [
        {"group": {"metadata.genre": "noir"}, "metrics": {"n": 2}},
        {"group": {"metadata.genre": "west"}, "metrics": {"n": 2}},
        {"group": {"metadata.genre": None}, "metrics": {"n": 2}},
    ]


def test_an_answer_tells_of_the_groups_that_it_leaves_out(films: Documents) -> None:
    answer = ask(films, group_by=[{"field": "metadata.genre"}], limit=2).json()
    assert (len(answer["results"]), answer["total_groups"]) == (2, 3)
    assert answer["query_info"] == {"collection_id": films.collection, "groups_returned": 2, "limit": 2}


@pytest.mark.parametrize("group_by", [{}, {"group_by": None}, {"group_by": []}])
def test_without_keys_everything_is_one_group(films: Documents, group_by: Any) -> None:
    assert results(films, **group_by) == [{"group": {}, "metrics": {"n": 6}}]


def test_that_group_is_there_without_documents_others_are_not(documents: Documents) -> None:
    functions = ["count", "sum", "avg", "min", "first", "push"]
    operations = [{"function": function, "field": "a", "alias": function} for function in functions]
    (only,) = results(documents, aggregations=operations)
    assert only["metrics"] == {"count": 0, "sum": 0, "avg": None, "min": None, "first": None, "push": []}
    answer = ask(documents, group_by=[{"field": "a"}]).json()
    assert (answer["results"], answer["total_groups"]) == ([], 0)


def test_several_keys_are_grouped_together(films: Documents) -> None:
    found = results(films, group_by=[{"field": "metadata.genre", "alias": "g"}, {"field": "tags.0", "alias": "t"}])
    assert [(*each["group"].values(), each["metrics"]["n"]) for each in found] == [
        ("noir", "city", 2),
        (None, None, 2),
        ("west", "dust", 1),
        ("west", None, 1),
    ]


def test_filters_choose_the_documents_before_they_are_grouped(films: Documents) -> None:
    found = results(
        films,
        group_by=[{"field": "metadata.genre", "alias": "g"}],
        filters={"field": "metadata.minutes", "operator": "gte", "value": 90},
    )
    assert [(each["group"]["g"], each["metrics"]["n"]) for each in found] == [("noir", 2), ("west", 1)]


def test_lineage_collection_and_system_names_are_keys(documents: Documents) -> None:
    parent = documents.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    documents.new({"source_document_id": parent})
    documents.new()
    found = results(documents, group_by=[{"field": "collection_id"}, {"field": "root_object_id"}, {"field": "source_type"}])
    assert [tuple(each["group"].values()) for each in found] == [
        (documents.collection, "obj_1", "bucket"),
        (documents.collection, "obj_1", "collection"),
        (documents.collection, None, None),
    ]


def test_a_dot_or_anything_else_in_an_alias_is_a_name(documents: Documents) -> None:
    documents.new({"a": "x"})
    for alias in ("a.b", 'a"b', "a'b", "a\\b", "%s", "%(n)s", "é", "😀", "k0", "size", "x" * 255, "\n", "{}", "group"):
        operation = {"function": "count", "alias": alias}
        found = results(documents, group_by=[{"field": "a", "alias": alias}], aggregations=[operation], sort_by=alias)
        assert found == [{"group": {alias: "x"}, "metrics": {alias: 1}}]


# Times -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def dated(documents: Documents) -> Documents:
    for at in ("2025-10-26T23:59:59.5Z", "2025-10-27T00:30:00+01:00", "2025-10-27", "2025-11-02T12:00:00Z", "soon", 2025, None):
        documents.new({"at": at})
    return documents


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("year", ["2025-01-01T00:00:00Z", None]),
        ("month", ["2025-10-01T00:00:00Z", "2025-11-01T00:00:00Z", None]),
        ("week", ["2025-10-20T00:00:00Z", "2025-10-27T00:00:00Z", None]),
        ("day", ["2025-10-26T00:00:00Z", "2025-10-27T00:00:00Z", "2025-11-02T00:00:00Z", None]),
        ("second", ["2025-10-26T23:30:00Z", "2025-10-26T23:59:59Z", "2025-10-27T00:00:00Z", "2025-11-02T12:00:00Z", None]),
    ],
)
def test_times_are_cut_off_in_utc_and_what_is_none_is_null(dated: Documents, unit: str, expected: Any) -> None:
    found = results(dated, group_by=[{"field": "at", "date_trunc": unit}], sort_by="at", sort_direction="asc")
    assert [each["group"]["at"] for each in found] == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("week", [43, 44, None]),
        ("dayOfWeek", [1, 2, None]),
        ("dayOfYear", [299, 300, 306, None]),
        ("day", [2, 26, 27, None]),
        ("hour", [0, 12, 23, None]),
        ("minute", [0, 30, 59, None]),
        ("second", [0, 59, None]),
        ("year", [2025, None]),
        ("month", [10, 11, None]),
    ],
)
def test_times_are_taken_apart_in_utc(dated: Documents, unit: str, expected: Any) -> None:
    found = results(dated, group_by=[{"field": "at", "date_part": unit}], sort_by="at", sort_direction="asc")
    assert [each["group"]["at"] for each in found] == expected


def test_the_ends_of_the_calendar_are_shown_as_iso_does(documents: Documents) -> None:
    for at in ("0001-01-01T00:00:00+01:00", "0001-01-01", "9999-12-31T23:00:00Z"):
        documents.new({"at": at})
    keys = [{"field": "at", "date_trunc": "year", "alias": "start"}, {"field": "at", "date_part": "year"}]
    found = results(documents, group_by=keys, sort_by="start", sort_direction="asc")
    assert [each["group"] for each in found] == [
        {"start": "0000-01-01T00:00:00Z", "at": 0},
        {"start": "0001-01-01T00:00:00Z", "at": 1},
        {"start": "9999-01-01T00:00:00Z", "at": 9999},
    ]


def test_creation_is_a_time(documents: Documents) -> None:
    made = documents.create()["_internal"]["created_at"]
    keys = [{"field": "created_at", "date_trunc": "day", "alias": "day"}, {"field": "created_at"}]
    (only,) = results(documents, group_by=keys)
    assert only["group"] == {"day": f"{made[:10]}T00:00:00Z", "created_at": made}


# Metrics -----------------------------------------------------------------------------------------------------------------


def test_numbers_are_exact(documents: Documents) -> None:
    for value in ("9007199254740993", "0.1", "0.2", "1e40", '"7"', "true", "null"):
        documents.api.call("POST", documents.path, f'{{"a": {value}}}')
    assert metric(documents, "sum", "a") == Decimal("10000000000000000000000009007199254740993.3")
    assert metric(documents, "min", "a") == "7"
    assert metric(documents, "count", "a") == 6
    documents.api.call("POST", documents.path, '{"b": 0.1000000000000000055}')
    assert str(metric(documents, "sum", "b")) == "0.1000000000000000055"


def test_an_average_that_ends_is_exact(documents: Documents) -> None:
    for value in (2**53 + 1, 2**53 + 2, "ignored"):
        documents.new({"a": value})
    assert metric(documents, "avg", "a") == Decimal("9007199254740993.5")


def test_an_average_that_does_not_end_has_sixteen_digits_or_more(documents: Documents) -> None:
    for value in (1, 0, 0):
        documents.new({"a": value})
    assert str(metric(documents, "avg", "a")).startswith("0.3333333333333333")


def test_count_counts_documents_or_values(films: Documents) -> None:
    assert metric(films, "count") == 6
    assert metric(films, "count", "metadata.minutes") == 4
    assert metric(films, "count_distinct", "metadata.genre") == 2
    assert metric(films, "count_distinct", distinct_field="tags.0") == 2
    assert metric(films, "count_distinct", "tags", distinct_field="metadata.minutes") == 4


def test_first_last_and_push_go_by_creation(films: Documents) -> None:
    assert metric(films, "first", "metadata.minutes") == 90
    assert metric(films, "last", "metadata.minutes") == 80
    assert metric(films, "last", "document_id") == "film_5"
    assert metric(films, "push", "metadata.genre") == ["noir", "noir", "west", "west"]
    assert metric(films, "push", "document_id") == [f"film_{number}" for number in range(6)]


def test_a_set_has_each_value_once_in_order(films: Documents) -> None:
    assert metric(films, "add_to_set", "metadata.minutes") == [80, 90, 100, 120]
    assert metric(films, "add_to_set", "metadata.genre") == ["noir", "west"]


def test_unwound_each_element_is_a_row(films: Documents) -> None:
    assert results(films, unwind="tags", group_by=[{"field": "tags"}]) == [
        {"group": {"tags": "city"}, "metrics": {"n": 3}},
        {"group": {"tags": "dust"}, "metrics": {"n": 1}},
        {"group": {"tags": "rain"}, "metrics": {"n": 1}},
    ]


def test_fields_below_what_is_unwound_are_the_elements(documents: Documents) -> None:
    documents.new({"scenes": [{"kind": "day", "s": 1}, {"kind": "night", "s": 2}, {"kind": "day", "s": 3}]})
    sums = [{"function": "sum", "field": "scenes.s", "alias": "s"}, {"function": "push", "field": "/scenes/s", "alias": "p"}]
    assert results(documents, unwind="scenes", group_by=[{"field": "scenes.kind", "alias": "k"}], aggregations=sums) == [
        {"group": {"k": "day"}, "metrics": {"s": 4, "p": [1, 3]}},
        {"group": {"k": "night"}, "metrics": {"s": 2, "p": [2]}},
    ]


# Ranges ------------------------------------------------------------------------------------------------------------------


def test_ranges_hold_their_lower_boundary_and_not_their_upper(documents: Documents) -> None:
    for value in (0, Decimal("9.999"), 10, 20, -1, 100, "5", None):
        documents.new({"v": value})
    ranges = [{"field": "v", "boundaries": [0, 10, 20]}]
    found = results(documents, range_buckets=ranges, sort_by="v", sort_direction="asc")
    assert [(each["group"]["v"], each["metrics"]["n"]) for each in found] == [("0-10", 2), ("10-20", 1), ("other", 3), (None, 2)]


def test_a_key_of_the_same_field_becomes_the_range(documents: Documents) -> None:
    for value in (1, 11, 12):
        documents.new({"v": value, "g": "x"})
    ranges = [{"field": "v", "boundaries": [0, 10], "default_bucket": "more"}]
    found = results(documents, group_by=[{"field": "v", "alias": "band"}, {"field": "g"}], range_buckets=ranges)
    assert [each["group"] for each in found] == [{"band": "more", "g": "x"}, {"band": "0-10", "g": "x"}]


# Having, order, limit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "operator", "value", "groups"),
    [
        ("n", "gt", 1, ["noir", "west", None]),
        ("m", "eq", 100, ["west"]),
        ("m", "eq", Decimal("100.0"), ["west"]),
        ("m", "ne", 100, ["noir", None]),
        ("m", "lt", "a", []),
        ("g", "eq", "noir", ["noir"]),
        ("g", "ne", "noir", ["west"]),
        ("g", "gte", "o", ["west"]),
        ("n", "gte", Decimal("2.5"), []),
    ],
)
def test_having_keeps_groups(films: Documents, field: str, operator: str, value: Any, groups: Any) -> None:
    response = ask(
        films,
        group_by=[{"field": "metadata.genre", "alias": "g"}],
        aggregations=[COUNT, {"function": "min", "field": "metadata.minutes", "alias": "m"}],
        having=[{"field": field, "operator": operator, "value": value}],
    )
    answer = response.json()
    assert [each["group"]["g"] for each in answer["results"]] == groups
    assert answer["total_groups"] == len(groups)


def test_every_condition_must_hold(films: Documents) -> None:
    having = [{"field": "n", "operator": "gte", "value": 2}, {"field": "metadata.genre", "operator": "lt", "value": "o"}]
    (only,) = results(films, group_by=[{"field": "metadata.genre"}], having=having)
    assert only["group"] == {"metadata.genre": "noir"}


@pytest.mark.parametrize(
    ("order", "groups"),
    [
        ({"sort_by": "s"}, ["noir", "west", None]),
        ({"sort_by": "s", "sort_direction": "ASC"}, [None, "west", "noir"]),
        ({"sort_by": "g", "sort_direction": "desc"}, ["west", "noir", None]),
        ({"sort_by": "metadata.genre", "sort_direction": "asc"}, ["noir", "west", None]),
        ({"sort_by": "s", "sort_direction": None, "limit": 1}, ["noir"]),
    ],
)
def test_the_order_is_what_is_asked_for(films: Documents, order: Any, groups: Any) -> None:
    total = {"function": "sum", "field": "metadata.minutes", "alias": "s"}
    found = results(films, group_by=[{"field": "metadata.genre", "alias": "g"}], aggregations=[total], **order)
    assert [each["group"]["g"] for each in found] == groups


# What is refused ---------------------------------------------------------------------------------------------------------

G = {"field": "a"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"aggregations": None}, "aggregations"),
        ({"aggregations": []}, "aggregations"),
        ({"aggregations": {}}, "aggregations"),
        ({"aggregations": [7]}, "aggregations.0"),
        ({"aggregations": [{"function": "median", "field": "a", "alias": "m"}]}, "aggregations.0.function"),
        ({"aggregations": [{"function": ["count"], "alias": "m"}]}, "aggregations.0.function"),
        ({"aggregations": [{"alias": "m"}]}, "aggregations.0.function"),
        ({"aggregations": [COUNT, {"function": "sum", "alias": "m"}]}, "aggregations.1.field"),
        ({"aggregations": [{"function": "count_distinct", "alias": "m"}]}, "aggregations.0.field"),
        ({"aggregations": [{"function": "sum", "alias": "m", "field": 7}]}, "aggregations.0.field"),
        ({"aggregations": [{"function": "count", "alias": ""}]}, "aggregations.0.alias"),
        ({"aggregations": [{"function": "count", "alias": "x" * 256}]}, "aggregations.0.alias"),
        ({"aggregations": [{"function": "count", "alias": "a\x00"}]}, "aggregations.0.alias"),
        ({"aggregations": [{"function": "count"}]}, "aggregations.0.alias"),
        ({"aggregations": [{**COUNT, "colour": 1}]}, "aggregations.0.colour"),
        ({"aggregations": [COUNT, COUNT]}, "aggregations"),
        ({"aggregations": [{**COUNT, "alias": f"m{number}"} for number in range(51)]}, "aggregations"),
        ({"group_by": "a"}, "group_by"),
        ({"group_by": ["a"]}, "group_by.0"),
        ({"group_by": [{}]}, "group_by.0.field"),
        ({"group_by": [{"field": "a..b"}]}, "group_by.0.field"),
        ({"group_by": [{"field": "a", "date_trunc": "quarter"}]}, "group_by.0.date_trunc"),
        ({"group_by": [{"field": "a", "date_part": "dayofweek"}]}, "group_by.0.date_part"),
        ({"group_by": [{"field": "a", "date_trunc": "day", "date_part": "day"}]}, "group_by.0.date_part"),
        ({"group_by": [{"field": "a", "alias": 7}]}, "group_by.0.alias"),
        ({"group_by": [G, G]}, "group_by"),
        ({"group_by": [{"field": f"f{number}"} for number in range(11)]}, "group_by"),
        ({"having": [{"field": "nowhere", "operator": "eq", "value": 1}]}, "having.0.field"),
        ({"having": [{"field": ["n"], "operator": "eq", "value": 1}]}, "having.0.field"),
        ({"having": [{"field": "n", "operator": "like", "value": 1}]}, "having.0.operator"),
        ({"having": [{"field": "n", "value": 1}]}, "having.0.operator"),
        ({"having": [{"field": "n", "operator": "eq"}]}, "having.0.value"),
        ({"having": [{"field": "n", "operator": "eq", "value": True}]}, "having.0.value"),
        ({"having": [{"field": "n", "operator": "eq", "value": [1]}]}, "having.0.value"),
        ({"having": {}}, "having"),
        ({"unwind": 7}, "unwind"),
        ({"unwind": ""}, "unwind"),
        ({"range_buckets": [{"field": "a", "boundaries": []}]}, "range_buckets.0.boundaries"),
        ({"range_buckets": [{"field": "a"}]}, "range_buckets.0.boundaries"),
        ({"range_buckets": [{"field": "a", "boundaries": [1, "2"]}]}, "range_buckets.0.boundaries.1"),
        ({"range_buckets": [{"field": "a", "boundaries": [1, 1]}]}, "range_buckets.0.boundaries.1"),
        ({"range_buckets": [{"field": "a", "boundaries": [2, 1]}]}, "range_buckets.0.boundaries.1"),
        ({"range_buckets": [{"field": "a", "boundaries": [True]}]}, "range_buckets.0.boundaries.0"),
        ({"range_buckets": [{"field": "a", "boundaries": [0, 1], "default_bucket": 7}]}, "range_buckets.0.default_bucket"),
        ({"range_buckets": [{"field": "a", "boundaries": [0, 1], "default_bucket": "0-1"}]}, "range_buckets.0.default_bucket"),
        ({"range_buckets": [{"field": "a", "boundaries": list(range(1001))}]}, "range_buckets.0.boundaries"),
        ({"sort_by": "nowhere"}, "sort_by"),
        ({"sort_by": 7}, "sort_by"),
        ({"sort_by": "m", "aggregations": [{"function": "push", "field": "a", "alias": "m"}]}, "sort_by"),
        ({"sort_direction": "up"}, "sort_direction"),
        ({"sort_direction": 1}, "sort_direction"),
        *(({"limit": limit}, "limit") for limit in (0, -1, 10_001, 10**9, True, "ten", Decimal("1.5"))),
        ({"filters": 7}, "filters"),
        ({"pipeline": []}, "pipeline"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(documents: Documents, body: Any, fault: str) -> None:
    response = ask(documents, **body)
    assert response.status_code == 422, response
    assert response.faults == [f"body.{fault}"]


def test_every_fault_of_a_list_is_told(documents: Documents) -> None:
    response = ask(documents, group_by=[{"field": ""}, {"field": "a", "date_part": "x"}])
    assert response.faults == ["body.group_by.0.field", "body.group_by.1.date_part"]


def test_names_are_told_what_is_accepted(documents: Documents) -> None:
    message = ask(documents, pipeline=[]).json()["error"]["message"]
    assert "group_by" in message
    assert "range_buckets" in message


@pytest.mark.parametrize("function", ["push", "add_to_set"])
def test_what_is_collected_is_bounded(documents: Documents, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.setattr(compiling, "MAX_ANSWER_BYTES", 1000)
    for number in range(12):
        documents.new({"a": "x" * 60 + str(number % 3), "g": number})
    operation = {"function": function, "field": "a", "alias": "m"}
    if function == "add_to_set":
        assert results(documents, aggregations=[operation])[0]["metrics"]["m"] == ["x" * 60 + str(number) for number in range(3)]
        operation["field"] = "document_id"
        for number in range(20):
            documents.create({"document_id": f"{number}" + "y" * 60})
    response = ask(documents, aggregations=[operation])
    assert (response.status_code, response.faults) == (422, ["body.aggregations"])
    assert ask(documents, group_by=[{"field": "g"}], aggregations=[operation], limit=1).status_code == 422


def test_an_answer_is_bounded(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    from documents.aggregation import run

    for module in (compiling, run):
        monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1000)
    for number in range(12):
        documents.new({"a": f"{number}" + "x" * 100})
    response = ask(documents, group_by=[{"field": "a"}])
    assert (response.status_code, response.faults) == (422, ["body.limit"])
    assert len(results(documents, group_by=[{"field": "a"}], limit=9)) == 9


# Places ------------------------------------------------------------------------------------------------------------------


def test_it_needs_only_the_permission_to_read(documents: Documents) -> None:
    reader = documents.api.key(Permission.READ)
    assert reader.post(f"{documents.path}/aggregate", {"aggregations": [COUNT]}).status_code == 200


def test_what_is_foreign_is_not_found(documents: Documents) -> None:
    documents.new({"a": 1})
    stranger = Documents(cast.api(), documents.collection)
    assert ask(stranger).status_code == ask(stranger, group_by=[{"field": "a"}]).status_code == 404
    assert ask(stranger, aggregations=[]).status_code == 404


def test_other_collections_are_not_asked(documents: Documents) -> None:
    Documents(documents.api, cast.collection(documents.api)).new({"a": 1})
    assert metric(documents, "count") == 0


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement_whatever_is_asked(films: Documents) -> None:
    functions = ["count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "push", "add_to_set"]
    ask(films, filters={"a": 1})  # how large the collection is is known for some seconds
    with statements() as sent:
        response = ask(
            films,
            group_by=[{"field": "created_at", "date_trunc": "day"}, {"field": "root_object_id"}, {"field": "metadata.genre"}],
            aggregations=[{"function": each, "field": "metadata.minutes", "alias": each} for each in functions],
            filters={"field": "document_id", "operator": "starts_with", "value": "film"},
            having=[{"field": "count", "operator": "gte", "value": 0}],
            range_buckets=[{"field": "metadata.minutes", "boundaries": [0, 100]}],
            unwind="tags",
            sort_by="avg",
            limit=5,
        )
    assert response.status_code == 200, response
    assert sent.counts == (1, 0, 0)
