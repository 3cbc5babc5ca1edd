"""The tests. Importing them settles how many examples Hypothesis tries."""

from tests import generators as generators
