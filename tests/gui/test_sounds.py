"""Sounds: there, short, told apart, and never in the way."""

from __future__ import annotations

import time
import wave
from pathlib import Path

import pytest

from desktop.qt.sounds import Sound, SoundPlayer, sound_file


@pytest.mark.parametrize("sound", list(Sound))
def test_each_sound_is_a_short_wav(sound: Sound) -> None:
    with wave.open(str(sound_file(sound))) as file:
        assert 0.1 < file.getnframes() / file.getframerate() < 0.5
        assert max(file.readframes(file.getnframes())) > 0


def test_the_files_are_what_the_program_makes(tmp_path: Path) -> None:
    from resources.sounds.make_sounds import SOUNDS, tone, write

    for name, parts in SOUNDS.items():
        write(tmp_path / f"{name}.wav", [sample for part in parts for sample in tone(*part)])
        assert (tmp_path / f"{name}.wav").read_bytes() == sound_file(Sound(name)).read_bytes()


def test_playing_never_blocks_nor_raises_without_a_device() -> None:
    player = SoundPlayer()
    begin = time.monotonic()
    for _ in range(50):
        player.play(Sound.ACCEPT)
    assert time.monotonic() - begin < 0.1
    player.close()


def test_muted_starts_nothing() -> None:
    player = SoundPlayer(muted=True)
    player.play(Sound.REFUSE)
    assert player._thread is None
