"""What backing up and restoring raise."""

from mixpeek_site.errors import DomainError


class BackupError(DomainError):
    """A backup can't be made, read or restored; the message says why, and that nothing was changed where it could be."""
