"""Text to be spoken: sentences out of books, speeches and transcripts, tidied so that what is written is what is said."""

import json
import re

from num2words import num2words

TEXTS = ("gutenberg-books.txt", "us-speeches.txt", "ljspeech-transcripts.txt")


def tidy(line):
    """Undoes the tokenised spelling of some books (`` do n't , '' she said) and other marks that are not spoken."""
    line = line.replace("``", '"').replace("''", '"').replace("_", " ").replace("*", " ")
    line = line.replace("’", "'").replace("“", '"').replace("”", '"').replace("—", " -- ")
    line = re.sub(r"\s+(n't|'(?:s|d|ll|re|ve|m|t))\b", r"\1", line)
    line = re.sub(r"\s*--+\s*", ", ", line.replace('"', " "))
    line = re.sub(r"\s+([,.;:!?])", r"\1", line)
    return re.sub(r"\s+", " ", line).strip()


def spell_numbers(sentence):
    """Writes whole numbers, ordinals and years in words; other digits stay, and `is_speakable` refuses them."""

    def spell(match):
        digits, suffix = match.group(1).replace(",", ""), match.group(2)
        is_year = len(match.group(1)) == 4 and 1100 <= int(digits) < 2100
        return num2words(int(digits), to="ordinal" if suffix else "year" if is_year else "cardinal")

    return re.sub(r"(?<![\w$.,-])(\d{1,3}(?:,\d{3})+|\d{1,7})(st|nd|rd|th)?(?![\w%/-]|[.,]\d)", spell, sentence)


def is_speakable(sentence):
    plain = re.fullmatch(r"[A-Za-z][A-Za-z ,.;:!?'-]*[A-Za-z][,.;:!?]*", sentence)
    return bool(plain) and not re.search(r"\b[A-Z]{2,}\b", sentence) and 3 <= len(sentence.split()) <= 45


def read_sentences(path):
    """The sentences of a text that can be read aloud as they are written."""
    titles = r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bHon\.)(?<!\bNo\.)(?<!\b[A-Z]\.)"
    boundary = re.compile(r"(?<=[.!?])" + titles + r"\s+(?=[A-Z])")
    with open(path, encoding="utf-8") as lines:
        sentences = (spell_numbers(s) for line in lines for s in boundary.split(tidy(line)))
        return [s for s in sentences if is_speakable(s)]


def spoken(text):
    """The words of a text as streaming models write them: lower case, apostrophes, no other mark."""
    expansions = {"mr": "mister", "mrs": "missus", "dr": "doctor"}
    words = re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower().replace("’", "'"))
    return " ".join(expansions.get(word, word) for word in words)


def without_held_out(sentences, manifest):
    """Leaves out every sentence of at least four words that occurs in a transcript of a set kept for measuring."""
    with open(manifest, encoding="utf-8") as lines:
        held = " | ".join(spoken(json.loads(line)["text"]) for line in lines)
    kept = (s for s in sentences if len(spoken(s).split()) < 4 or spoken(s) not in held)
    return [s for s in kept if spoken(s)]
