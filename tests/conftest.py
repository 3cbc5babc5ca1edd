"""What every test shares: the database is a real PostgreSQL, the embedded one or the one that DATABASE_URL names."""

from mixpeek_site.embedded import allow_start

# pytest-django makes its test database on that server; the first connection starts it.
allow_start()
