"""The virtual microphone of the tests (Tests/Microphone) for benchmarks: a capture device of ALSA with a real clock."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

RATE = 16_000
ROOT = Path(__file__).resolve().parents[2]


def build_microphone(folder):
    library = folder / "microphone.so"
    compiler = shutil.which("clang") or shutil.which("cc")
    if not compiler:
        sys.exit("the virtual microphone needs clang or cc")
    source = ROOT / "Tests/Microphone/microphone.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-DPIC", "-O1", "-o", library, source, "-lasound"], check=True)
    return library


def microphone(folder, library, samples, pace=1, loops=False):
    """The environment in which the default device says these bytes of 16-bit samples, `pace` times as fast as time.

    What is written to `folder`/faults happens to it.
    """
    (folder / "audio.raw").write_bytes(samples)
    device = f'type sotto_test file "{folder}/audio.raw" faults "{folder}/faults" rate {RATE} channels 1'
    configuration = folder / "alsa.conf"
    configuration.write_text(
        f"</usr/share/alsa/alsa.conf>\npcm_type.sotto_test {{ lib \"{library}\" }}\n"
        f"pcm.!default {{ {device} pace {pace} loop {int(loops)} }}\n"
    )
    return {**os.environ, "ALSA_CONFIG_PATH": str(configuration)}


def samples_of(path):
    """A recording as bytes of 16-bit samples, by ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-ar", str(RATE), "-ac", "1", "-f", "s16le", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout
