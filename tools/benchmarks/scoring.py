"""Word error rates for the benchmarks: by `sotto score`, or by jiwer after a simple normaliser."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = [(10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")]
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
SIGNS = {"%": " percent", "&": " and ", "£": " pounds ", "$": " dollars "}


def cardinal(number):
    """Words of a number below 10^12, without "and"."""
    for scale, name in SCALES:
        if number >= scale:
            rest = number % scale
            return cardinal(number // scale) + [name] + (cardinal(rest) if rest else [])
    if number < 20:
        return [UNITS[number]]
    return [TENS[number // 10]] + ([UNITS[number % 10]] if number % 10 else [])


def year(number):
    """1469 as "fourteen sixty nine", 1800 as "eighteen hundred"."""
    century, rest = divmod(number, 100)
    if rest == 0:
        return cardinal(century) + ["hundred"]
    return cardinal(century) + (["o"] if rest < 10 else []) + cardinal(rest)


def ordinal(number):
    words = cardinal(number)
    last = words[-1]
    words[-1] = ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return words


def spoken(match):
    digits, suffix = match.group(1), match.group(2) or ""
    number = int(digits.replace(",", ""))
    if number >= 10**12:
        words = [UNITS[int(digit)] for digit in digits if digit != ","]
    elif suffix in ("st", "nd", "rd", "th"):
        words = ordinal(number)
    elif "," not in digits and len(digits) == 4 and 1100 <= number < 2000:
        words = year(number)
    else:
        words = cardinal(number)
    if suffix == "s":
        words[-1] = words[-1][:-1] + "ies" if words[-1].endswith("y") else words[-1] + "s"
    return f" {' '.join(words)} "


def normalize(text):
    """Lower case, numbers as words, no punctuation but the apostrophe within a word, a few abbreviations."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"([£$])\s?([\d,]+)", lambda match: f"{match.group(2)}{SIGNS[match.group(1)]}", text)
    text = re.sub(r"[%&£$]", lambda match: SIGNS[match.group()], text)
    text = re.sub(r"(\d{1,3}(?:,\d{3})+|\d+)(st\b|nd\b|rd\b|th\b|s\b)?", spoken, text)
    text = re.sub(r"(?<!\w)'|'(?!\w)|[^\w\s']|_", " ", text)
    return " ".join(TITLES.get(word, word) for word in text.split())


def simple_rate(references, hypotheses):
    import jiwer

    return 100 * jiwer.wer([normalize(text) for text in references], [normalize(text) for text in hypotheses])


def sotto_rate(binary, names, references, hypotheses):
    """Per cent of wrong words by the program's own `score`, from two JSON Lines files of `file` and `text`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for kind, texts in (("reference", references), ("hypothesis", hypotheses)):
            path = Path(folder) / f"{kind}.jsonl"
            lines = (json.dumps({"file": name, "text": text}) for name, text in zip(names, texts))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            paths.append(path)
        output = subprocess.run([binary, "score", *paths], check=True, capture_output=True, text=True).stdout
    found = re.search(r"WER\D*([\d.]+)", output)
    if not found:
        raise ValueError(f"no WER in the output of {binary} score: {output[:200]}")
    return float(found.group(1))
