#!/usr/bin/env python3
"""Tests of the training: a few seconds, on a model of a few thousand weights and made-up shards.

    .venv/bin/python tools/train/test_training.py
"""

import argparse
import json
import pathlib
import sys
import tempfile
import unittest

import numpy as np
import sentencepiece
import soundfile
import tokenizers
import torch
from safetensors import safe_open

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from model_file import write_safetensors  # noqa: E402
import quantize_aware  # noqa: E402
from export import as_rows, matrices, model_configuration, model_tensors, write_model  # noqa: E402
from sotto_train.binary_coding import RowCoding, decode, encode, fit, sign_patterns  # noqa: E402
from sotto_train.data import PreparedCorpus  # noqa: E402
from sotto_train.degradation import degrade, draw_degradation  # noqa: E402
from sotto_train.model import Encoder, chunk_layout  # noqa: E402
from sotto_train.model_files import read_ctc, sinusoids  # noqa: E402
from sotto_train.texts import spoken, without_held_out  # noqa: E402
from sotto_train.whisper import Whisper, load_whisper  # noqa: E402
from sotto_train.whisper_data import Shards, Tokens  # noqa: E402
from stream_ctc import Run  # noqa: E402
from synthesize import SENTENCES_A_SHARD, Sentences  # noqa: E402

BANDS, WIDTH, HEADS, INNER, LAYERS = 80, 16, 2, 32, 2
WORDS = "the cat sat on a mat and saw what it was not to see in all that time of day when rain fell down again".split()


def write_whisper(path):
    rng = np.random.default_rng(1)
    tensors = {"encoder.positions": rng.normal(0, 0.1, (1500, WIDTH))}

    def add(name, *shape, bias=True):
        tensors[f"encoder.{name}.weight"] = rng.normal(0, 0.3, shape)
        if bias:
            tensors[f"encoder.{name}.bias"] = np.zeros(shape[0])

    add("conv1", WIDTH, BANDS, 3)
    add("conv2", WIDTH, WIDTH, 3)
    add("norm", WIDTH)
    for layer in range(LAYERS):
        for part in ("query", "key", "value", "output"):
            add(f"layers.{layer}.self_attention.{part}", WIDTH, WIDTH, bias=part != "key")
        add(f"layers.{layer}.feed_forward.up", INNER, WIDTH)
        add(f"layers.{layer}.feed_forward.down", WIDTH, INNER)
        for part in ("self_attention", "feed_forward"):
            add(f"layers.{layer}.{part}.norm", WIDTH)
    shape = {"layers": LAYERS, "width": WIDTH, "heads": HEADS, "feedForward": INNER}
    configuration = {"features": {"melBands": BANDS}, "encoder": shape}
    halves = {name: value.astype(np.float16) for name, value in tensors.items()}
    write_safetensors(path, halves, {"sotto": json.dumps(configuration)})


def write_shards(folder, vocabulary, count):
    """Each piece is a tone of its own for 12 frames, so that there is something to learn."""
    rng = np.random.default_rng(2)
    for shard in range(count):
        clips, mels, frame = [], [], 0
        for _ in range(8):
            pieces = vocabulary.encode(" ".join(rng.choice(WORDS, 4)))
            mel = rng.normal(-0.5, 0.05, (12 * len(pieces) + 8, BANDS))
            for place, piece in enumerate(pieces):
                mel[12 * place + 4 : 12 * place + 12, piece % BANDS] += 1.5
            clips.append({"frame": frame, "frames": len(mel) // 4 * 4, "pieces": pieces, "voice": "tones"})
            frame += len(mel) // 4 * 4
            mels.append(mel[: len(mel) // 4 * 4])
        mel = np.concatenate(mels).astype(np.float16)
        np.save(folder / f"shard-{shard:04d}.mel.npy", mel)
        np.save(folder / f"shard-{shard:04d}.states.npy", mel[::2, :WIDTH])
        (folder / f"shard-{shard:04d}.clips.json").write_text(json.dumps(clips))


class TinyRuns(unittest.TestCase):
    """A corpus of tones, an encoder of random weights, and runs on them."""

    def setUp(self):
        torch.set_num_threads(1)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(WORDS)] * 4), model_prefix=str(self.folder / "pieces"), vocab_size=30,
            unk_id=0, bos_id=-1, eos_id=-1, pad_id=-1, hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
        write_whisper(self.folder / "whisper.safetensors")
        (self.folder / "prepared").mkdir()
        vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(self.folder / "pieces.model"))
        write_shards(self.folder / "prepared", vocabulary, 2)
        soundfile.write(self.folder / "real.wav", np.random.default_rng(3).normal(0, 0.1, 16_000), 16_000)
        (self.folder / "dev.jsonl").write_text(json.dumps({"audio": "real.wav", "text": "The cat sat."}))

    def run_for(self, name, **changes):
        arguments = dict(
            prepared=self.folder / "prepared", run=self.folder / name, model=self.folder / "whisper.safetensors",
            vocabulary=str(self.folder / "pieces.model"), development=self.folder / "dev.jsonl", head_epochs=2, epochs=4,
            decay=0, batch=6, recurrent=24, dropout=0.1, head_noise=0.2, head_rate=1e-2, encoder_rate=2e-3, warm_up=2, seed=1,
            precision="float32", recipe=None, distillation=1.0, masked=1.0, head=None,
        )  # fmt: skip
        arguments = argparse.Namespace(**(arguments | changes))
        arguments.run.mkdir(exist_ok=True)
        run = Run(arguments)
        run.train()
        return run

    def log(self, name):
        return [json.loads(line) for line in (self.folder / name / "log.jsonl").read_text().splitlines()]


class TrainingTests(TinyRuns):
    def test_shards_speak_other_sentences(self):
        texts = [str(number) for number in range(10 * SENTENCES_A_SHARD)]
        said = []
        for shard in range(10):
            sentences = Sentences(texts, shard)
            said += [sentences.take() for _ in range(SENTENCES_A_SHARD)]
        self.assertEqual(sorted(said), sorted(texts))

    def test_losses_fall(self):
        self.run_for("a", head_epochs=6, epochs=10)
        entries = self.log("a")
        heads = [e["ctc"] for e in entries if e["stage"] == "head"]
        joint = [(e["ctc"], e["distance"]) for e in entries if e["stage"] == "joint"]
        self.assertLess(heads[-1], 0.9 * heads[0])
        self.assertLess(joint[-1][0], joint[0][0])
        self.assertLess(joint[-1][1], joint[0][1])

    def test_resumption_is_exact(self):
        whole = self.run_for("whole")
        self.run_for("halves", head_epochs=1, epochs=0)
        self.run_for("halves", epochs=3)
        halves = self.run_for("halves")
        self.assertEqual(whole.place, halves.place)
        for name, value in whole.average.state_dict().items():
            self.assertTrue(torch.equal(value, halves.average.state_dict()[name]), name)

    def test_decay_ends_the_run(self):
        run = self.run_for("decay", head_epochs=1, epochs=100, decay=7)
        self.assertEqual(run.place["decay"], 7)
        self.assertEqual(run.place["step"], 7)

    def write_recipe(self):
        recipe = self.folder / "recipe.json"
        recipe.write_text('[{"pattern": "encoder.conv?.weight", "bits": 16}, {"pattern": "*.weight", "bits": 3}]')
        return recipe

    def test_codes_are_exported_as_trained(self):
        recipe = self.write_recipe()
        run = self.run_for("coded", head_epochs=1, epochs=100, decay=30, recipe=recipe)
        stored = torch.load(run.checkpoint, weights_only=True)["coding"]
        stored = {name: RowCoding.of_state(own) for name, own in stored.items()}
        with run.coding:
            trained = {name: p.detach().clone() for name, p in run.model.named_parameters()}
        tensors, codings = model_tensors(run.model.state_dict(), stored)
        for name, parameter, rows in matrices(trained):
            if name not in codings:
                self.assertIn("conv", name)
                continue
            bits = np.unpackbits(tensors[f"{name}.bits"], axis=-1, bitorder="little", count=codings[name]["inputs"])
            scale = tensors[f"{name}.scale"].astype(np.float32)[:, 0].T[:, :, None]  # [planes, rows, 1]
            value = ((2.0 * bits - 1) * scale).sum(axis=0)
            np.testing.assert_allclose(value, trained[parameter][rows].numpy(), rtol=1e-6, atol=1e-7, err_msg=name)
        self.assertEqual(len(codings), 1 + 6 * LAYERS + 4)
        # And read again, by a run that goes on from there.
        path = self.folder / "own.safetensors"
        pieces = [run.vocabulary.id_to_piece(i) for i in range(1, run.vocabulary.get_piece_size())]
        configuration = model_configuration(run.model.state_dict(), HEADS, len(pieces), "own", "MIT", "a test")
        write_model(path, run.model.state_dict(), configuration, pieces, [0.0] * len(pieces), stored)
        read = read_ctc(path)
        for name, value in read.named_parameters():
            if name.startswith("lstm.bias"):
                continue
            coded = any(name == parameter for _, parameter, _ in matrices(trained) if parameter in stored)
            tolerance = 1e-6 if coded else 1e-3
            torch.testing.assert_close(value, trained[name], rtol=tolerance, atol=tolerance, msg=name)
        for index in range(2):
            both = trained[f"lstm.bias_ih_l{index}"] + trained[f"lstm.bias_hh_l{index}"]
            torch.testing.assert_close(getattr(read.lstm, f"bias_ih_l{index}"), both, rtol=1e-3, atol=1e-3)
        after = self.run_for("after", head_epochs=0, epochs=0, head=path)
        torch.testing.assert_close(after.model.output.weight, read.output.weight)
        self.assertEqual(int(sinusoids(8, 6)[3].abs().gt(1).sum()), 0)

    def test_coded_training_learns_and_resumes(self):
        recipe = self.write_recipe()
        whole = self.run_for("w", head_epochs=6, epochs=100, decay=40, recipe=recipe)
        self.run_for("h", head_epochs=6, epochs=2, decay=40, recipe=recipe)
        halves = self.run_for("h", head_epochs=6, epochs=100, decay=40, recipe=recipe)
        for name, value in whole.model.state_dict().items():
            self.assertTrue(torch.equal(value, halves.model.state_dict()[name]), name)
        joint = [e["ctc"] for e in self.log("w") if e["stage"] == "joint"]
        self.assertLess(joint[-1], joint[0])

    def test_binary_coding(self):
        weights = torch.randn(64, 96, generator=torch.Generator().manual_seed(1))
        errors = []
        for planes in (1, 2, 3, 4):
            scales = fit(weights, planes)
            self.assertTrue(torch.equal(scales, scales.half().float()))
            near = decode(encode(weights, scales), scales)
            errors.append(float((weights - near).norm() / weights.norm()))
            # No other sign pattern is nearer.
            levels = scales @ sign_patterns(planes).T
            nearest = (weights[:, :, None] - levels[:, None]).abs().amin(dim=2)
            torch.testing.assert_close((weights - near).abs(), nearest)
        # One plane of a Gaussian leaves sqrt(1 - 2 / pi); Lloyd and Max's levels bound the others from below.
        for error, bound in zip(errors, (0.603, 0.343, 0.186, 0.0975)):
            self.assertGreater(error, bound * 0.9)
            self.assertLess(error, bound * 1.25)

    def test_a_chunk_hears_its_lookahead_and_no_more(self):
        encoder = Encoder.of_whisper(self.folder / "whisper.safetensors").eval()
        mel = torch.randn(1, 96, BANDS)
        for lookahead in (0, 4, 20):
            layout = chunk_layout(48, 16, 16, lookahead)
            changed = mel.clone()
            changed[:, 66:] += 1  # states from 32 on; the convolutions reach two frames further
            before, after = encoder(mel, layout), encoder(changed, layout)
            # Whole chunks change, but those whose lookahead ends before.
            same = 32 - -(-lookahead // 16) * 16
            self.assertTrue(torch.equal(before[:, :same], after[:, :same]))
            self.assertFalse(torch.allclose(before[:, same], after[:, same]))

    def test_a_chunk_at_a_time_gives_the_same(self):
        encoder = Encoder.of_whisper(self.folder / "whisper.safetensors").eval()
        mel = torch.randn(1, 96, BANDS)
        whole = encoder(mel, chunk_layout(48, 16, 100, 6))
        # The first two chunks hear what a recording that ends with the second one's lookahead has.
        cut = encoder(mel[:, : 2 * (32 + 6) + 1], chunk_layout(39, 16, 100, 6))
        self.assertTrue(torch.allclose(whole[:, :32], cut[:, :32], atol=1e-5))

    def test_padding_changes_nothing(self):
        encoder = Encoder.of_whisper(self.folder / "whisper.safetensors").eval()
        mel = torch.randn(1, 80, BANDS)
        longer = torch.nn.functional.pad(mel, (0, 0, 0, 40), value=5.0)
        alone = encoder(mel, chunk_layout(40, 16, 32, 4))
        padded = encoder(longer, chunk_layout(60, 16, 32, 4, torch.tensor([40])))
        # The last state hears a frame of the padding through the second convolution.
        self.assertTrue(torch.allclose(alone[:, :32], padded[:, :32], atol=1e-5))

    def test_degradations_keep_length_and_are_finite(self):
        speech = np.random.default_rng(1).normal(0, 0.1, 24_000) * np.hanning(24_000)
        for seed in range(40):
            rng = np.random.default_rng(seed)
            heard = degrade(rng, speech, draw_degradation(rng, True), [speech] * 5)
            self.assertEqual(len(heard), len(speech))
            self.assertTrue(np.isfinite(heard).all() and np.abs(heard).max() <= 1)

    def test_held_out_sentences_stay_out(self):
        manifest = self.folder / "held.jsonl"
        manifest.write_text(json.dumps({"text": "He went, at last, to see Mr. Smith."}))
        kept = without_held_out(["He went at last to see mister Smith.", "He went at last to see Jane."], manifest)
        self.assertEqual(kept, ["He went at last to see Jane."])
        self.assertEqual(spoken("Mr. O'Neil’s well-known dog"), "mister o'neil's well known dog")

    def test_bad_input_is_named(self):
        with self.assertRaisesRegex(ValueError, "pieces.model is not a float model file"):
            Encoder.of_whisper(self.folder / "pieces.model")
        with self.assertRaisesRegex(FileNotFoundError, "no prepared shards"):
            PreparedCorpus(self.folder)
        (self.folder / "bad").mkdir()
        (self.folder / "bad" / "checkpoint.pt").write_bytes(b"PK nonsense")
        with self.assertRaisesRegex(SystemExit, "checkpoint.pt is damaged"):
            self.run_for("bad")



def write_attention_model(path):
    """A Whisper of a few thousand weights, and its configuration."""
    shape = {"layers": LAYERS, "width": WIDTH, "heads": HEADS, "feedForward": INNER}
    configuration = {
        "format": 1, "name": "tiny", "family": "attention", "licence": "CC0-1.0", "source": "random numbers",
        "features": {"sampleRate": 16_000, "windowLength": 400, "hop": 160, "melBands": BANDS},
        "encoder": shape | {"positions": 1500, "paddingStride": 16, "window": 30},
        "decoder": shape | {"positions": 64, "alignmentHeads": [[1, 0]]},
        "vocabulary": {
            "size": 300, "endOfText": 40, "startOfTranscript": 41, "noSpeech": 42, "firstTimestamp": 43, "startOfPrevious": 44,
            "noTimestamps": 45, "suppressed": [], "suppressedAtStart": [],
        },
        "quantization": {},
    }  # fmt: skip
    torch.manual_seed(4)
    model = Whisper(configuration)
    tensors = {name: (2 * value).numpy().astype(np.float16) for name, value in model.state_dict().items()}
    write_safetensors(path, tensors | {"vocabulary.bytes": np.zeros(3, np.uint8)}, {"sotto": json.dumps(configuration)})


def write_tokenizer(path):
    words = {word: number for number, word in enumerate(WORDS[:30])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="the"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(path))


def write_speech(folder):
    """Two shards of tones, as synthesize.py writes them."""
    rng = np.random.default_rng(5)
    for shard in range(2):
        lines, audio, start = [], [], 0
        for text in ("the cat sat", "it was not to see", ""):
            count = int(rng.integers(6_000, 12_000))
            tone = 0.1 * np.sin(np.arange(count) * rng.uniform(0.1, 0.8)) + rng.normal(0, 0.01, count)
            lines.append(json.dumps({"start": start, "samples": count, "text": text}))
            audio.append(np.stack([tone, tone], axis=1))
            start += count
        soundfile.write(folder / f"shard-{shard:04d}.flac", np.concatenate(audio), 16_000)
        (folder / f"shard-{shard:04d}.jsonl").write_text("\n".join(lines))


class QuantizeAwareTests(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)
        write_attention_model(self.folder / "float.safetensors")
        write_speech(self.folder)
        write_tokenizer(self.folder / "tokenizer.json")
        embedding = {
            "pattern": "decoder.embedding.weight", "bits": 2, "center_columns": True, "scale_columns": True,
            "bits_by_frequency": [{"rows": 50, "bits": 4}, {"rows": None, "bits": 2}],
        }  # fmt: skip
        (self.folder / "recipe.json").write_text(json.dumps([embedding, {"pattern": "*conv?.weight", "bits": 6}, {"pattern": "*layers*.weight", "bits": 2}]))

    def run_for(self, name, steps, stop=None, codes=None, scales_only=False):
        arguments = argparse.Namespace(
            corpus=self.folder, run=self.folder / name, model=self.folder / "float.safetensors",
            tokenizer=self.folder / "tokenizer.json", recipe=self.folder / "recipe.json", steps=steps, batch=64, rate=3e-3,
            refit=5, precision="float32", seed=1, codes=codes, decoder_only=codes is not None, scales_only=scales_only,
        )  # fmt: skip
        arguments.run.mkdir(exist_ok=True)
        run = quantize_aware.Run(arguments)
        if stop:
            step = run.step

            def stopping(batch):
                if run.place["step"] == stop:
                    raise KeyboardInterrupt
                result = step(batch)
                run.place["batch"] += 1
                run.save()
                run.place["batch"] -= 1
                return result

            run.step = stopping
            with self.assertRaises(KeyboardInterrupt):
                run.train()
        else:
            run.train()
        return run

    def test_learns_and_resumes(self):
        whole = self.run_for("whole", 60)
        entries = [json.loads(line) for line in (self.folder / "whole" / "log.jsonl").read_text().splitlines()]
        for part in ("kl", "encoder"):
            self.assertLess(entries[-1][part], 0.8 * entries[0][part], part)
        self.run_for("halves", 60, stop=23)
        halves = self.run_for("halves", 60)
        for name, value in whole.model.state_dict().items():
            self.assertTrue(torch.equal(value, halves.model.state_dict()[name]), name)

    def test_codes_are_exported_as_trained(self):
        run = self.run_for("run", 12)
        run.export(self.folder / "out.safetensors")
        run.coding.kept = {}
        with run.coding:
            trained = {name: p.detach().clone().numpy() for name, p in run.model.named_parameters()}
        with safe_open(self.folder / "out.safetensors", "np") as file:
            quantization = json.loads(file.metadata()["sotto"])["quantization"]
            tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}
            raw = {name: file.get_tensor(name) for name in file.keys()}
        self.assertEqual(len(quantization), 1 + 2 + LAYERS * (6 + 10))
        for name, coding in quantization.items():
            parts = []
            for index in range(len(coding["planes"])):
                stem = name if len(coding["planes"]) == 1 else f"{name}.{index}"
                bits = np.unpackbits(raw[f"{stem}.bits"], axis=-1, bitorder="little", count=coding["inputs"])
                scale = tensors[f"{stem}.scale"][:, 0].T[:, :, None]
                parts.append(((2.0 * bits - 1) * scale).sum(axis=0))
            value = np.concatenate(parts)
            if f"{name}.rows" in raw:
                value[raw[f"{name}.rows"]] = value.copy()
                value = value * tensors[f"{name}.column_scale"] + tensors[f"{name}.column_offset"]
            np.testing.assert_allclose(value, as_rows(torch.from_numpy(trained[name])), rtol=1e-5, atol=1e-6, err_msg=name)

    def test_begins_with_the_codes_of_a_file(self):
        first = self.folder / "first.safetensors"
        self.run_for("first", 12).export(first)
        again = self.run_for("again", 0, codes=first)
        again.export(self.folder / "again.safetensors")
        trained = self.run_for("trained", 12, codes=first)
        trained.export(self.folder / "trained.safetensors")
        read = lambda name: safe_open(self.folder / f"{name}.safetensors", "np")
        with read("first") as first, read("again") as again, read("trained") as trained:
            for name in first.keys():
                np.testing.assert_array_equal(again.get_tensor(name), first.get_tensor(name), err_msg=name)
            changed = {n for n in first.keys() if not np.array_equal(trained.get_tensor(n), first.get_tensor(n))}
        self.assertTrue(any(name.endswith(".bits") for name in changed))
        self.assertTrue(all(name.startswith("decoder.") for name in changed), changed)

    def test_scales_are_trained_alone(self):
        first = self.folder / "first.safetensors"
        self.run_for("first", 12).export(first)
        whole = self.run_for("whole", 40, codes=first, scales_only=True)
        entries = [json.loads(line) for line in (self.folder / "whole" / "log.jsonl").read_text().splitlines()]
        self.assertLess(entries[-1]["kl"], 0.9 * entries[0]["kl"])
        self.run_for("halves", 40, stop=17, codes=first, scales_only=True)
        halves = self.run_for("halves", 40, codes=first, scales_only=True)
        for run, name in ((whole, "one"), (halves, "two")):
            run.export(self.folder / f"{name}.safetensors")
        read = lambda name: safe_open(self.folder / f"{name}.safetensors", "np")
        with read("first") as first, read("one") as one, read("two") as two:
            for name in first.keys():
                np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), err_msg=name)
            changed = {n for n in first.keys() if not np.array_equal(one.get_tensor(n), first.get_tensor(n))}
        self.assertTrue(any(name.endswith(".scale") for name in changed))
        self.assertFalse([name for name in changed if name.endswith(".bits")])

    def test_merged_silence_stands_for_all_of_it(self):
        """With nothing but keys of the same silence to tell apart, merging changes nothing."""
        model, _ = load_whisper(self.folder / "float.safetensors")
        model.encoder.positions.zero_()
        mel = torch.randn(1, 124, BANDS)
        mel[:, 40:] = -0.7
        fine, coarse = [], []
        for stride, result in ((1, fine), (16, coarse)):
            model.encoder.stride = stride
            with torch.no_grad():
                states, bias = model.encoder(mel, [60])
                result.append(states[:, :60])
                result.append(model.decoder(torch.tensor([[41, 3, 7]]), states, bias))
        for one, other in zip(fine, coarse):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)

    def test_bad_input_is_named(self):
        with self.assertRaisesRegex(ValueError, "is no tokenizer.json"):
            Tokens(self.folder / "recipe.json", {})
        with self.assertRaisesRegex(ValueError, "is not a float model file of an attention model"):
            load_whisper(self.folder / "tokenizer.json")
        with self.assertRaisesRegex(FileNotFoundError, "has no shards"):
            Shards(self.folder / "nowhere", None, 60)
        with self.assertRaisesRegex(SystemExit, "only whole rows"):
            (self.folder / "recipe.json").write_text('[{"pattern": "*", "bits": 3, "group": 128}]')
            self.run_for("bad", 1)


if __name__ == "__main__":
    unittest.main()
