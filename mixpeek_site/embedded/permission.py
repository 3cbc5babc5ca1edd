"""Whether this process may start the embedded server.

`manage.py` gives the permission to commands. A process that answers requests never has it: otherwise the
first request after `manage.py postgres stop` would undo the stop.
"""

_allowed = False


def allow_start() -> None:
    """Called by entry points that a person or a scheduler starts: `manage.py` and the test run."""
    global _allowed
    _allowed = True


def start_allowed() -> bool:
    return _allowed
