"""What the embedded server raises."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be started or stopped; the message says what to do about it."""
