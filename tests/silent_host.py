"""A server on loopback that stops answering: the network that makes programs hang."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


@contextmanager
def silent_host(answers: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """Accepts every connection, sends what ``answers`` has for "METHOD /path" and says nothing more.

    Yields:
        its address, as "http://127.0.0.1:PORT".
    """
    connections: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):  # closed at the end of the test
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threading.Thread(target=reply, args=(connection,), daemon=True).start()

    def reply(connection: socket.socket) -> None:
        with suppress(OSError):
            asked = " ".join(connection.recv(65536).decode("latin-1").split(" ")[:2])
            connection.sendall((answers or {}).get(asked, b""))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for connection in connections:
        connection.close()
