"""One window a profile: the second start asks the first to come to the front."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from PySide6.QtNetwork import QLocalServer, QLocalSocket

_PATIENCE_MS = 1000


def _name(profile: Path) -> str:
    return "callboard-" + blake2b(str(profile.resolve()).encode(), digest_size=8).hexdigest()


class SingleWindow:
    """Listens, for whoever holds the profile's lock, to later starts. ``come_forward`` is called for each."""

    def __init__(self, profile: Path, come_forward: Callable[[], None]) -> None:
        self._come_forward = come_forward
        self._server = QLocalServer()
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._asked)
        QLocalServer.removeServer(_name(profile))  # the lock is ours: whoever listened there is gone
        self._server.listen(_name(profile))

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _asked(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnectFromServer()
            socket.deleteLater()
            self._come_forward()


def ask_forward(profile: Path) -> bool:
    """Ask the window that has this profile to come to the front; whether it heard."""
    socket = QLocalSocket()
    socket.connectToServer(_name(profile))
    heard = socket.waitForConnected(_PATIENCE_MS)
    socket.abort()
    return heard
