"""Numbers as addresses and forms name them: keys of rows, versions of documents."""


def whole_number(text: str | None) -> int | None:
    """The number that a text of ASCII digits means, where a bigint holds it; None for whatever else somebody typed.

    `str.isdigit` alone would let "²" through, which `int` refuses.
    """
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None
