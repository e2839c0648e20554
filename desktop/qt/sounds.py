"""Three short sounds, told apart without looking: accept, warn, refuse. Silent where there is no device."""

from __future__ import annotations

import logging
import queue
import threading
from enum import StrEnum
from pathlib import Path

from desktop.qt.resources import resource_path

log = logging.getLogger(__name__)


class Sound(StrEnum):
    """What the desk says without words."""

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"


def sound_file(sound: Sound) -> Path:
    """Return the WAV file of a sound."""
    return resource_path("sounds", f"{sound.value}.wav")


class SoundPlayer:
    """Plays on a thread of its own: `play` never blocks and never raises. Only the newest of a burst is heard."""

    def __init__(self, muted: bool = False) -> None:
        """Make a player; the audio device is opened at the first sound."""
        self.muted = muted
        self._queue: queue.Queue[Sound | None] = queue.Queue(maxsize=4)
        self._thread: threading.Thread | None = None
        self._silent = False

    def play(self, sound: Sound) -> None:
        """Ask for a sound. Nothing happens when muted, without a device, or with too many waiting."""
        if self.muted or self._silent:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sounds", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(sound)
        except queue.Full:
            log.debug("%s not played: others are waiting", sound)

    def close(self) -> None:
        """Stop the thread and wait for it, at most for a second."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._silent = True
        thread.join(timeout=1.0)

    def _run(self) -> None:
        while (sound := self._queue.get()) is not None and not self._silent:
            try:
                self._play_file(sound_file(sound))
            except Exception as error:  # a sound is never worth an interruption: no device, no driver, no file
                log.info("no sound on this machine: %s", error)
                self._silent = True

    @staticmethod
    def _play_file(path: Path) -> None:
        """Play one WAV file to its end."""
        import miniaudio  # here, so that a machine whose audio library can't be loaded still starts

        decoded = miniaudio.decode_file(str(path))
        done = threading.Event()

        def frames() -> object:
            at = 0
            wanted = yield b""
            while at < len(decoded.samples):
                piece = decoded.samples[at : at + wanted * decoded.nchannels]
                at += len(piece)
                wanted = yield piece
            done.set()

        source = frames()
        next(source)  # type: ignore[call-overload]
        with miniaudio.PlaybackDevice(
            output_format=decoded.sample_format, nchannels=decoded.nchannels, sample_rate=decoded.sample_rate
        ) as device:
            device.start(source)
            done.wait(timeout=decoded.duration + 0.5)
            # The device still holds the last buffer when the source ends.
            threading.Event().wait(0.1)
