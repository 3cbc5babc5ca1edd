"""Lists of documents: a question becomes one statement that finds, orders and reads a page (contract section 7).

questions   what was asked, as small values
scoping     where to look: the statement's first CTEs
access      what the default indexes can find
statistics  how often a value occurs
planning    index or walk
ordering    sort keys, and going on after a page
matching    FROM and WHERE of what a question means
statements  the statement of a page
pages       reading it
narrow      reading a few columns of it
newest      the same of words that many documents hold
groups      the same by the values of a field
expanding   what documents point at, by name
related     the documents and objects that they point at
"""

from documents.listing.expanding import Expansion, Value, expand, read_expansion
from documents.listing.groups import Group, GroupPage, read_groups
from documents.listing.matching import RANKED, found_count, narrowing
from documents.listing.narrow import Line, Lines, planned, read_lines
from documents.listing.newest import holds_many, read_newest
from documents.listing.pages import Page, Row, read_page
from documents.listing.questions import MAX_PARTITIONS, Partition, Places, Question, Sort
from documents.listing.related import RegisteredObject

__all__ = [
    "MAX_PARTITIONS",
    "RANKED",
    "Expansion",
    "Group",
    "GroupPage",
    "Line",
    "Lines",
    "Page",
    "Partition",
    "Places",
    "Question",
    "RegisteredObject",
    "Row",
    "Sort",
    "Value",
    "expand",
    "found_count",
    "holds_many",
    "narrowing",
    "planned",
    "read_expansion",
    "read_groups",
    "read_lines",
    "read_newest",
    "read_page",
]
