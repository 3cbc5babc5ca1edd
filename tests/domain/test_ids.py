"""Ids: made in time order, chosen by clients within the rules of contract section 3."""

import re
import uuid

import pytest

from mixpeek_site import ids


def test_a_made_id_is_its_prefix_and_24_hex_digits() -> None:
    assert re.fullmatch(r"doc_[0-9a-f]{24}", ids.new_id("doc_"))


def test_made_ids_sort_in_the_order_of_their_making() -> None:
    made = [ids.new_id("doc_") for _ in range(5000)]
    assert made == sorted(set(made))


def test_internal_ids_are_uuids_of_version_7_in_order() -> None:
    made = [ids.new_uuid7() for _ in range(5000)]
    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}


@pytest.mark.parametrize("chosen", ["a", "A-Z_0.9:x", "doc_1", "...", "List", "x" * 128])
def test_a_client_may_choose(chosen: str) -> None:
    assert ids.chosen_id_fault(chosen, ("body",)) is None


@pytest.mark.parametrize("chosen", ["", ".", "..", "x" * 129, "a b", "a/b", "é", "a\n", 7, None, "a?b", "a%20"])
def test_a_client_may_not_choose(chosen: object) -> None:
    fault = ids.chosen_id_fault(chosen, ("body", "document_id"))
    assert fault is not None
    assert fault.location == ("body", "document_id")


@pytest.mark.parametrize("word", "list batch bulk aggregate count distinct schema batch-get search upsert export".split())
def test_a_word_of_a_route_is_no_id(word: str) -> None:
    assert ids.chosen_id_fault(word, ("body",)) is not None


@pytest.mark.parametrize(("name", "fine"), [("n", True), ("n" * 255, True), ("", False), ("n" * 256, False), (3, False)])
def test_names_have_1_to_255_characters(name: object, fine: bool) -> None:
    assert (ids.name_fault(name, ("body", "name"), "col_") is None) is fine


def test_a_name_may_not_look_like_an_id_of_its_kind() -> None:
    assert ids.name_fault("col_1", ("body",), "col_") is not None
    assert ids.name_fault("ns_1", ("body",), "col_") is None
