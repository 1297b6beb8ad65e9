"""Makes tokenizer.json: what transformers' CLIPTokenizer makes of texts, from files that `Tokenizer.save` wrote.

    python tests/golden/tokenizer.py

Needs transformers (5.24.0 made the committed file). Of 10,000 generated strings only a digest of their token ids is
kept for every hundred.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from tfportrait.models.tokenizer import END, START, Tokenizer

LEARN = [
    "a smiling woman with long red hair and round glasses, watercolour",
    "portrait of an elderly man with a grey beard, wearing a beret",
    "一位面带微笑、戴圆框眼镜的红色长发女士，水彩风格",
    "一位留着灰色胡子的老爷爷，戴着贝雷帽",
] * 3
TEXTS = [
    "",
    " ",
    "a smiling woman with long red hair and round glasses, watercolour",
    "一位面带微笑、戴圆框眼镜的红色长发女士，水彩风格",
    "A WOMAN\twith\n\n a   Beret!!",
    "it's the man's, they'll we've I'm you'd don't",
    "naïve café, cafe\u0301",
    "12 345, 8-bit",
    "😀 woman 👩\u200d🎨 🏳️\u200d🌈",
    "zero\u200bwidth\u200djoiner\ufeff",
    "nul \x00 and bell \x07",
    "full　width Ｗｏｍａｎ",
    "İstanbul ǅ ß ﬁ",
    "Привет עולם مرحبا नमस्ते",
    f"before {END} after {START} x",
    "<|ENDOFTEXT|> </w>",
    "a man with a beret, " * 6,
    "一位留着灰色胡子的老爷爷，" * 6,
]
OUT = Path(__file__).with_suffix(".json")
GROUPS, GROUP = 100, 100
DESCRIBED = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


# What a generated string is put together from: ranges of code points, and pieces with rules of their own.
RANGES = [
    *((0x20, 0x7F), (0x61, 0x7B), (0x41, 0x5B), (0x30, 0x3A), (0x00, 0x20), (0x7F, 0xA1)),  # ASCII and controls
    *((0xA1, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0x980), (0xE00, 0xE80)),
    *((0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070), (0x20A0, 0x2200), (0x2460, 0x2500), (0x3040, 0x3100)),
    *((0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xE000, 0xE100), (0xFB00, 0xFB07), (0xFE00, 0xFE10), (0xFF01, 0xFF5F)),
    *((0x10400, 0x10450), (0x1D400, 0x1D800), (0x1F1E6, 0x1F200), (0x1F300, 0x1F650), (0x20000, 0x20100)),
    *((0xE0100, 0xE0110), (0x10FFF0, 0x110000)),
]
PIECES = [
    *("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "’s", "n't", "it's", "I'LL", "''", "'"),
    *(START, END, END.upper(), "<|", "|>", "</w>", " ", "  ", "\t\n", "\u3000", "\u200d", "\ufe0f", "\ufeff"),
    *("e\u0301", "A\u030a", "İ", "ß", "ẞ", "ﬁ", "Ω", "ǅ", "👩\u200d🎨", "🏳️\u200d🌈", "1️⃣", "½", "²", "Ⅳ", "...", "!?"),
    *("woman", "Long", "red", "hair", "戴", "圆框眼镜", "女士", "12", "3.5", "8k", "watercolour", "beret,"),
]


def generated() -> list[str]:
    """10,000 strings, the same ones everywhere."""
    numbers = np.random.Generator(np.random.Philox(key=77))
    texts = []
    for _ in range(GROUPS * GROUP):
        text = ""
        for draw, which, where in numbers.random((int(1 + 11 * numbers.random()), 3)):
            low, high = RANGES[int(which * len(RANGES))]
            code = low + int(where * (high - low))
            text += PIECES[int(which * len(PIECES))] if draw < 0.4 else chr(code)
        texts.append(text)
    return texts


def digests(rows) -> list[str]:
    """A short digest of the token ids of every hundred texts, rows (10,000, L) of int."""
    data = np.asarray(rows, "<i4").reshape(GROUPS, -1)
    return [hashlib.sha256(group.tobytes()).hexdigest()[:16] for group in data]


def rebuilt(max_length: int | None = None) -> Tokenizer:
    """The tokenizer of the committed file: base vocabulary, then the merges, then start and end."""
    golden = json.loads(OUT.read_text(encoding="utf-8"))
    base = Tokenizer.train([], 514)
    merges = [tuple(pair) for pair in golden["merges"]]
    tokens = [token for token in base.vocab if token not in (START, END)]
    tokens = [*dict.fromkeys([*tokens, *("".join(pair) for pair in merges)]), START, END]
    vocab = {token: index for index, token in enumerate(tokens)}
    return Tokenizer(vocab, merges, max_length or golden["max_length"])


def main() -> None:
    ours = Tokenizer.train(LEARN, 760, max_length=24)
    with tempfile.TemporaryDirectory() as folder:
        ours.save(folder)
        as_saved = _rows(folder, ours.max_length)
        of_generated = digests(_rows(folder, ours.max_length, generated()))
        # As in Stable Diffusion 2's files: described tokens that are sought in normalised text, padding with "!".
        path = Path(folder) / "special_tokens_map.json"
        specials = {name: {"content": token, **DESCRIBED} for name, token in ours.special_tokens.items()}
        specials["pad_token"] = "!"
        path.write_text(json.dumps(specials), encoding="utf-8")
        described = _rows(folder, ours.max_length)
    golden = {"merges": ours.merges, "max_length": 24, "texts": TEXTS, "ids": as_saved}
    golden |= {"described_tokens": specials, "described_ids": described, "digests_of_generated": of_generated}
    text = json.dumps(golden, ensure_ascii=True)
    OUT.write_text(text + "\n", encoding="utf-8")


def _rows(folder: str, length: int, texts: list[str] = TEXTS) -> list[list[int]]:
    from transformers import CLIPTokenizer

    peer = CLIPTokenizer.from_pretrained(folder)
    return peer(texts, padding="max_length", truncation=True, max_length=length)["input_ids"]


if __name__ == "__main__":
    main()
