#!/usr/bin/env python3
"""How far the confidences of words can be believed: a reliability curve, and a map that mends it.

    tools/benchmarks/calibration.py MANIFEST --sotto .build/release/sotto [--model NAME|PATH] [--beam N] [--fit MANIFEST]
        [--svg FILE] [--json FILE]

Transcribes the clips of MANIFEST (JSON Lines with `audio` and `text`) with word times, aligns the words with those that
were said, and compares the confidences of words with how many of them are right, in ten bins of as many words each. Prints
the expected calibration error (ECE: the mean distance between the two, by bins of words) and the Brier score. With `--fit`, a
map confidence -> 1 / (1 + exp(-(A ln(p / (1 - p)) + B))) is fitted to the clips of another manifest (logistic loss, by Newton's
method), printed, and its effect on the first shown beside.
"""

import argparse
import difflib
import json
import math
import pathlib
import subprocess

import scoring

BINS = 10
# The program gives four digits.
LEAST, LARGEST = 0.0005, 0.9995


def manifest(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def judged_words(arguments, path):
    """(confidence, whether it is right) of each word that was found."""
    entries = manifest(path)
    clips = [str(path.parent / entry["audio"]) for entry in entries]
    command = [
        arguments.sotto, "transcribe", "--quiet", "--format", "jsonl", "--word-times", "--threads", "1",
        "--beam", str(arguments.beam), *(["--model", arguments.model] if arguments.model else []), *clips,
    ]  # fmt: skip
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    judged = []
    for entry, line in zip(entries, output.splitlines()):
        found = [
            (word, item["confidence"])
            for segment in json.loads(line)["segments"]
            for item in segment["words"]
            for word in scoring.normalize(item["text"]).split()
        ]
        said = scoring.normalize(entry["text"]).split()
        matcher = difflib.SequenceMatcher(None, said, [word for word, _ in found], autojunk=False)
        right = {place + k for _, place, size in matcher.get_matching_blocks() for k in range(size)}
        judged += [(confidence, index in right) for index, (_, confidence) in enumerate(found)]
    return judged


def logit(p):
    p = min(max(p, LEAST), LARGEST)
    return math.log(p / (1 - p))


def mapped(p, slope, offset):
    return 1 / (1 + math.exp(-(slope * logit(p) + offset)))


def fit(judged):
    """Slope and offset of the logistic map with the largest likelihood."""
    slope, offset = 1.0, 0.0
    for _ in range(50):
        gradient, hessian = [0.0, 0.0], [[1e-6, 0.0], [0.0, 1e-6]]
        for confidence, right in judged:
            x = (logit(confidence), 1.0)
            p = 1 / (1 + math.exp(-(slope * x[0] + offset)))
            for i in range(2):
                gradient[i] += (right - p) * x[i]
                for j in range(2):
                    hessian[i][j] += p * (1 - p) * x[i] * x[j]
        determinant = hessian[0][0] * hessian[1][1] - hessian[0][1] * hessian[1][0]
        slope += (hessian[1][1] * gradient[0] - hessian[0][1] * gradient[1]) / determinant
        offset += (hessian[0][0] * gradient[1] - hessian[1][0] * gradient[0]) / determinant
    return slope, offset


def bins(judged):
    """Mean confidence, share of right words, and number of words, of words with rising confidence."""
    judged = sorted(judged)
    result = []
    for index in range(BINS):
        part = judged[len(judged) * index // BINS : len(judged) * (index + 1) // BINS]
        if part:
            result.append((sum(p for p, _ in part) / len(part), sum(r for _, r in part) / len(part), len(part)))
    return result


def summary(judged):
    curve, count = bins(judged), len(judged)
    return {
        "words": count,
        "right": sum(right for _, right in judged) / count,
        "confidence": sum(p for p, _ in judged) / count,
        "ece": sum(size * abs(p - share) for p, share, size in curve) / count,
        "brier": sum((p - right) ** 2 for p, right in judged) / count,
        "bins": curve,
    }


def svg(curves):
    """Curves of (name, colour, bins) in a square, right words over confidence."""
    side, left, top = 300, 48, 16
    x, y = lambda p: left + side * p, lambda p: top + side * (1 - p)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + side + 16}" height="{top + side + 44}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="white" stroke="#999"/>',
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="#bbb" stroke-dasharray="4 3"/>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<text x="{x(tick):.0f}" y="{y(0) + 14}" text-anchor="middle">{tick:g}</text>')
        out.append(f'<text x="{left - 6}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:g}</text>')
    out.append(f'<text x="{x(0.5)}" y="{y(0) + 32}" text-anchor="middle">confidence</text>')
    out.append(f'<text transform="translate(12 {y(0.5)}) rotate(-90)" text-anchor="middle">words that are right</text>')
    for place, (name, colour, curve) in enumerate(curves):
        points = " ".join(f"{x(p):.1f},{y(share):.1f}" for p, share, _ in curve)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out += [f'<circle cx="{x(p):.1f}" cy="{y(share):.1f}" r="2.5" fill="{colour}"/>' for p, share, _ in curve]
        out.append(f'<text x="{x(0.05):.0f}" y="{top + 18 + 15 * place}" fill="{colour}">{name}</text>')
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("--sotto", required=True, help="the built program")
    parser.add_argument("--model")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--fit", type=pathlib.Path, help="manifest of clips to fit a map to")
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    judged = judged_words(arguments, arguments.manifest)
    results = {"as it is": summary(judged)}
    if arguments.fit:
        slope, offset = fit(judged_words(arguments, arguments.fit))
        print(f"A = {slope:.3f}, B = {offset:.3f}\n")
        results["mapped"] = summary([(mapped(p, slope, offset), right) for p, right in judged])
        results["map"] = {"A": slope, "B": offset}
    print("| confidences | words | right % | mean confidence % | ECE % | Brier |\n|---|---|---|---|---|---|")
    shown = {name: result for name, result in results.items() if "bins" in result}
    for name, r in shown.items():
        print(f"| {name} | {r['words']} | {100 * r['right']:.1f} | {100 * r['confidence']:.1f} | {100 * r['ece']:.1f} | {r['brier']:.3f} |")
    if arguments.svg:
        colours = ("#b03030", "#2060a0")
        arguments.svg.write_text(svg([(name, c, r["bins"]) for (name, r), c in zip(shown.items(), colours)]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
