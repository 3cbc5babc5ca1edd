"""Clients that stop reading: the kernel gives their connections up.

A stream waits in its worker's thread until the client takes more. The server's sockets belong to granian, which has no time
limit for that; Linux has one (TCP_USER_TIMEOUT: bytes that nobody takes or acknowledges).
"""

import os
import socket
from contextlib import suppress


def cut_off_after(seconds: int, port: int) -> None:
    """Let every connection to this process's `port` end when its client takes nothing for so long. Elsewhere than on Linux
    nothing happens.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed meanwhile, or no socket
            _limit(os.dup(int(descriptor)), seconds, port)


def _limit(descriptor: int, seconds: int, port: int) -> None:
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:  # no socket
        os.close(descriptor)
        return
    with connection, suppress(OSError):
        if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.getsockname()[1] == port:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
