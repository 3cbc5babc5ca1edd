"""`manage.py embed`: a text as a vector, to search the sample by meaning."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from documents.sample import embeddings
from mixpeek_site import jsonio
from mixpeek_site.management.base import StoreCommand


class Command(StoreCommand):
    requires_system_checks = ()
    help = """Print a text's vector as a JSON array: what a search of the sample by meaning needs, once it was loaded with
`load_sample --embed`. The model comes with the extra `embeddings` (pip install wordllama) and runs here; the server runs
none, and takes the vectors of any model.

examples:
  manage.py embed 'wait until a child process ends'
  curl … $URL/collections/methods/documents/search -d '{"vector": '"$(manage.py embed 'read JSON')"', "limit": 3}'

exit codes: 0 it is printed, 1 the extra is not installed, 2 wrong arguments, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", metavar="TEXT", help="What to look for, in words.")

    def work(self, *, text: str, **options: Any) -> None:
        try:
            [vector] = embeddings.embedded([text])
        except embeddings.MissingExtraError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(jsonio.dumps(vector))
