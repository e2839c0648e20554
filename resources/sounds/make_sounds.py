"""Make the three sounds: short sine tones with soft edges. Standard library only; run it from its folder.

accept: two quick rising notes; warn: two equal notes with a gap; refuse: one low falling note.
"""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

RATE = 44_100

# Per sound: (frequency at the start, at the end, seconds, loudness 0 to 1); a frequency of 0 is silence.
SOUNDS: dict[str, list[tuple[float, float, float, float]]] = {
    "accept": [(784.0, 784.0, 0.07, 0.35), (1174.7, 1174.7, 0.14, 0.35)],
    "warn": [(587.3, 587.3, 0.10, 0.40), (0.0, 0.0, 0.06, 0.0), (587.3, 587.3, 0.14, 0.40)],
    "refuse": [(311.1, 207.7, 0.38, 0.50)],
}


def tone(start: float, end: float, seconds: float, loudness: float) -> list[float]:
    """Return the samples, -1 to 1, of a tone that glides from `start` to `end` Hz, with 8 ms edges."""
    count = round(RATE * seconds)
    edge = round(RATE * 0.008)
    phase = 0.0
    samples = []
    for at in range(count):
        phase += 2 * math.pi * (start + (end - start) * at / count) / RATE
        envelope = min(1.0, at / edge, (count - at) / edge)
        # A little of the first overtones makes it carry over the noise of a hall.
        wave_form = math.sin(phase) + 0.35 * math.sin(2 * phase) + 0.15 * math.sin(3 * phase)
        samples.append(loudness * envelope * wave_form / 1.5)
    return samples


def write(path: Path, samples: list[float]) -> None:
    """Write mono 16-bit samples as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", round(32767 * sample)) for sample in samples))


def main() -> None:
    """Write all three beside this file."""
    for name, parts in SOUNDS.items():
        write(Path(__file__).parent / f"{name}.wav", [sample for part in parts for sample in tone(*part)])


if __name__ == "__main__":
    main()
