"""Which operating-system account runs the server: one's own, or, because PostgreSQL refuses root, another."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Every Unix has it, and it owns nothing else; only root can pass the directory above the cluster (mode 700),
# so that other processes of this account do not reach the data.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """`switch` is True where the processes must change to the account (this process is root)."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """What makes `subprocess` run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)


def of_server(home: Path) -> Account:
    """The account of the server whose files live under `home`.

    Root serves an ordinary user's cluster as that user, so that both can go on using it.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    owner = home.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    nobody = pwd.getpwnam(UNPRIVILEGED)
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True)
