"""`search` of lists: words of the string values, best first (contract section 7)."""

from typing import Any

import pytest

from documents.listing import matching, pages
from tests import cast
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api


def create(documents: Documents, *texts: Any) -> None:
    for number, text in enumerate(texts):
        documents.create({"document_id": f"doc_{number}", "text": text})


def found(documents: Documents, search: str, **more: Any) -> list[int]:
    """The numbers of the documents, in the list's order."""
    return [int(name.removeprefix("doc_")) for name in List.of(documents, search=search, **more).ids(limit=100)]


TEXTS = ("The red car", "A blue car, and a red bicycle", "red", "Cars are fast", "car red", "red-car", "nothing of it")


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("red", {0, 1, 2, 4, 5}),
        ("RED", {0, 1, 2, 4, 5}),
        ("red car", {0, 1, 4, 5}),
        ('"red car"', {0, 5}),
        ("bicycle or fast", {1, 3}),
        ("bicycle OR fast", {1, 3}),
        ("red -car", {2}),
        ('red -"red car"', {1, 2, 4}),
        ("-red", {3, 6}),
        ("car", {0, 1, 4, 5}),
        ("cars", {3}),
        ("the", {0}),
        ("red-car", {5}),
        ("re", set()),
        ("green", set()),
        ("red & | ! ( car", {0, 1, 4, 5}),
        ("red:* car", {0, 1, 4, 5}),
    ],
)
def test_words_are_found_as_a_search_engine_would(documents: Documents, search: str, expected: set[int]) -> None:
    """PostgreSQL's websearch_to_tsquery without stemming and without stop words."""
    create(documents, *TEXTS)
    assert set(found(documents, search)) == expected


def test_the_best_come_first(documents: Documents) -> None:
    create(documents, "word filler filler", "word word word", "filler", "word word", "word")
    assert found(documents, "word")[:2] == [1, 3]
    assert set(found(documents, "word")) == {0, 1, 3, 4}


def test_of_equally_good_ones_the_newest_come_first(documents: Documents) -> None:
    create(documents, "a word", "a word", "a word")
    assert found(documents, "word") == [2, 1, 0]


def test_pages_lead_through_all_that_was_found(documents: Documents) -> None:
    create(documents, *("word " * (number % 4 + 1) for number in range(13)))
    listed = List.of(documents, search="word")
    whole = listed.ids(limit=100)
    assert len(whole) == 13
    assert listed.walk(1) == listed.walk(2, 3) == whole
    assert listed.ids(limit=5, offset=5) == whole[5:10]


@pytest.mark.parametrize("search", ["", None])
def test_an_empty_search_is_none(documents: Documents, search: Any) -> None:
    create(documents, "a", "b")
    assert List.of(documents, search=search).ids() == ["doc_0", "doc_1"]


@pytest.mark.parametrize(
    "search", [" ", "...", "!?", "-", '"', '""', "'", "\\", "%", "()", "&&", "\x01", "\x7f", "—", "or", "\n\t", "<->"]
)
def test_a_search_without_words_finds_nothing(documents: Documents, search: str) -> None:
    create(documents, "... !? - ' \\ % — <->", "a", 7, None)
    assert found(documents, search) == []


NAMES = (
    "it's",
    'say "hi"',
    "back\\slash",
    "100%",
    "100%s",
    "a%sb",
    "$1",
    "{}",
    "''; DROP TABLE documents_document; --",
    "E'\\x01'",
    "\\'",
)


@pytest.mark.parametrize("text", NAMES)
def test_quotes_and_backslashes_are_characters(documents: Documents, text: str) -> None:
    create(documents, f"something {text} else", "something else")
    assert found(documents, f"something {text}")[-1:] == [0]


@pytest.mark.parametrize("separator", ["", " ", "(", "\t", "&|!"])
def test_any_number_of_negations_is_two_or_one(documents: Documents, separator: str) -> None:
    create(documents, "yes", "no", "a---b")
    for number in (1, 2, 3, 4, 31, 32, 33, 512):
        assert set(found(documents, f"{f'-{separator}' * number}no")) == ({0, 2} if number % 2 else {1})
        assert set(found(documents, f"yes or {f'-{separator}' * number}no")) == ({0, 2} if number % 2 else {0, 1})
        assert found(documents, f"-{separator}" * number) == []
    assert found(documents, "a---b") == [2]
    assert List.of(documents, search="-\u3000" * 500 + "no").ask().status_code == 200


def test_words_are_of_any_script(documents: Documents) -> None:
    create(documents, "Éclair", "ΑΘΗΝΑ", "журнал", "東京 タワー", "naïve café")
    searches = {"éclair": [0], "αθηνα": [1], "ЖУРНАЛ": [2], "東京": [3], "CAFÉ": [4], "cafe": []}
    assert {search: found(documents, search) for search in searches} == searches


def test_only_string_values_of_user_fields_are_searched(documents: Documents) -> None:
    step = {"collection_id": documents.collection, "feature_extractor_id": "lineageword_v1"}
    documents.create(
        {
            **{"document_id": "doc_0", "keyword": 1234, "flag": True, "nothing": None, "text": "alpha"},
            **{"nested": {"innerkey": ["beta", {"deep": "gamma delta"}]}, "metadata": {"title": "epsilon"}},
            **{"internal_metadata": {"x": "internalword"}, "source_object_id": "objectword", "lineage_chain": [step]},
            **{"document_blobs": [{"field": "blobword", "url": "https://h/x"}], "content_hash": "hashword"},
        }
    )
    for word in ("alpha", "beta", "gamma", '"gamma delta"', "epsilon"):
        assert found(documents, word) == [0], word
    absent = ("keyword", "innerkey", "deep", "1234", "true", "null", "internalword", "objectword", "blobword", "hashword")
    for word in (*absent, "doc_0", "lineageword", documents.collection, "metadata", '"beta gamma epsilon"'):
        assert found(documents, word) == [], word


def test_words_of_two_values_are_no_phrase(documents: Documents) -> None:
    documents.create({"document_id": "doc_0", "a": "one", "b": "two"})
    assert found(documents, "one two") == [0]
    assert found(documents, '"one two"') == []


def test_a_change_is_searched_at_once(documents: Documents) -> None:
    create(documents, "before")
    documents.patch("doc_0", {"text": "after"})
    assert (found(documents, "before"), found(documents, "after")) == ([], [0])
    documents.delete("doc_0")
    assert found(documents, "after") == []


def test_filters_narrow_a_search(documents: Documents) -> None:
    for number in range(6):
        documents.create(
            {"document_id": f"doc_{number}", "text": "word " * number, "n": number, "source_object_id": f"o{number % 2}"}
        )
    assert found(documents, "word", filters={"n": 3}) == [3]
    assert found(documents, "word", filters={"field": "n", "operator": "gt", "value": 3}) == [5, 4]
    assert found(documents, "word", filters={"root_object_id": "O1"}) == [5, 3, 1]
    assert found(documents, "-word", filters={"root_object_id": "o0"}) == [0]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_with_a_sort_it_is_sorted(documents: Documents, direction: str) -> None:
    for number in range(6):
        documents.create({"document_id": f"doc_{number}", "text": "word " * (number % 3), "n": [3, 1, 2][number % 3]})
    listed = List.of(documents, search="word", sort={"field": "n", "direction": direction})
    expected = [f"doc_{number}" for number in (1, 4, 2, 5)]
    assert listed.ids() == listed.walk(1) == (expected if direction == "asc" else expected[::-1])


def test_a_namespace_is_searched_as_one_and_no_other(api: Api) -> None:
    places = [Documents(api, cast.collection(api)) for _ in range(2)]
    for number in range(4):
        places[number % 2].create({"document_id": f"doc_{number}", "text": "word " * (number + 1)})
    elsewhere = cast.api()
    Documents(elsewhere, cast.collection(elsewhere)).create({"text": "word"})
    assert List.everywhere(api, search="word").ids() == ["doc_3", "doc_2", "doc_1", "doc_0"]
    assert List.everywhere(api, search="word", collection_ids=[places[0].collection]).ids() == ["doc_2", "doc_0"]
    assert List.everywhere(api, search="-nowhere").answer(include_total=True)["total_documents"] == 4


def test_get_takes_a_search(documents: Documents) -> None:
    create(documents, "red car", "blue")
    answer = documents.api.get(f'{documents.path}?search="red car"&include_total=true').json()
    assert (answer["total_documents"], answer["results"][0]["document_id"]) == (1, "doc_0")


# What is large or odd -------------------------------------------------------------------------------------------------


def test_long_documents_are_searched_from_their_beginning(documents: Documents) -> None:
    many = " ".join(f"w{number}" for number in range(60_000))
    assert len(many) > 250_000
    create(documents, f"first {many} last", ["short", many], many)
    assert found(documents, "first w17") == [0]
    assert found(documents, "short") == [1]
    assert set(found(documents, "w17 w1234")) == {0, 1, 2}


@pytest.mark.parametrize("letter", ["é", "字", "𝄞"])
def test_long_documents_of_wide_characters_are_searched(documents: Documents, letter: str) -> None:
    """Hyphenated words, of which each part is a word besides, are what takes most of a tsvector's 1 MiB."""
    words = " ".join(
        f"{chr(0x4E00 + n % 20_000)}{letter}-{chr(0xAC00 + n % 11_000)}{chr(0x4E00 + n // 3)}" for n in range(50_000)
    )
    create(documents, f"first {words} last", {"x": [words, words]})
    assert found(documents, "first") == [0]
    assert set(found(documents, words.split()[3])) == {0, 1}


def test_words_of_a_megabyte_are_stored_and_left_out(documents: Documents) -> None:
    create(documents, f"before {'x' * 1_000_000} after", "x" * 300_000, "y" * 2046, "z" * 2047)
    assert found(documents, "before") == [0]
    assert found(documents, "x" * 4000) == []
    assert found(documents, "y" * 2046) == [2]


def test_documents_without_strings_are_searched(documents: Documents) -> None:
    create(documents, list(range(60_000)), 7, "word")
    assert set(found(documents, "-word")) == {0, 1}


@pytest.mark.parametrize(
    ("search", "fault"),
    [(7, "body.search"), (["a"], "body.search"), ("a\x00b", "body.search"), ("x" * 4097, "body.search"), (True, "body.search")],
)
def test_what_is_no_search_is_refused(documents: Documents, search: Any, fault: str) -> None:
    response = List.of(documents, search=search).ask()
    assert (response.status_code, response.faults) == (422, [fault])


def test_lone_surrogates_are_refused(documents: Documents) -> None:
    response = documents.api.post(f"{documents.path}/list", '{"search": "a\\ud800b"}')
    assert response.status_code == 422


def test_a_search_as_long_as_it_may_be(documents: Documents) -> None:
    create(documents, "word")
    assert found(documents, " or ".join(["a1"] * 600 + ["word"])[-4096:]) == [0]
    assert found(documents, '"' + "a " * 2000 + '"') == []


def test_of_very_many_matches_some_are_ranked_and_the_answer_says_so(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        documents.new({"title": f"common word {number}"})
    monkeypatch.setattr(matching, "RANKED", 4)
    monkeypatch.setattr(pages, "RANKED", 4)
    answer = documents.list({"search": "common", "include_total": True}).json()
    assert len(answer["results"]) == 4
    assert answer["total_documents"] == 6
    assert len(answer["warnings"]) == 1
    monkeypatch.setattr(matching, "RANKED", 7)
    monkeypatch.setattr(pages, "RANKED", 7)
    answer = documents.list({"search": "common", "include_total": True}).json()
    assert (len(answer["results"]), answer["total_documents"], answer["warnings"]) == (6, 6, [])
    monkeypatch.setattr(matching, "RANKED", 4)
    assert len(documents.list({"search": "common", "sort": {"field": "title"}}).json()["results"]) == 6
