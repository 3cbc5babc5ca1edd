"""Django's SECRET_KEY: from the environment, else generated once and kept in `DATA_DIR/secret_key` (mode 600)."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def key(data_dir: Path) -> str:
    given = os.environ.get("SECRET_KEY", "").strip()
    if given:
        return given
    try:
        return _kept(data_dir)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR ({data_dir}) can't be used: {error.strerror}. Name a directory that this user may write."
        ) from error


def _kept(data_dir: Path) -> str:
    file = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    candidate = data_dir / f".secret_key.{os.getpid()}"
    if not file.exists():
        # Written aside, then linked: of several first starts at once, one wins and all read its key whole.
        descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(get_random_secret_key())
        try:
            os.link(candidate, file)
        except FileExistsError:
            pass
        finally:
            candidate.unlink()
    return file.read_text().strip()
