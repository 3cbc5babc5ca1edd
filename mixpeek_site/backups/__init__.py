"""Backups of the whole database in one file, and their way back.

    manifest.py   what a backup says of itself: versions, migrations, counts, checksums
    archive.py    the file: a zip of `manifest.json` and `database.dump`, read with suspicion
    programs.py   which pg_dump and pg_restore; running them
    server.py     where the database is, for libpq and its programs
    checks.py     rows and checksums of every table, whatever the rows' order
    dumping.py    pg_dump and the checks in one snapshot
    restoring.py  into a new database beside the old one, checked there, then the names are swapped

Nothing here knows what the tables mean: who calls says how the store's things are counted.
"""

from mixpeek_site.backups.errors import BackupError

__all__ = ["BackupError"]
