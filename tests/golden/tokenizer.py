"""Makes tokenizer.json: what transformers' CLIPTokenizer makes of texts, from files that `Tokenizer.save` wrote.

    python tests/golden/tokenizer.py

Needs transformers (5.23.0 made the committed file).
"""

import json
import tempfile
from pathlib import Path

from transformers import CLIPTokenizer

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
DESCRIBED = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


def main() -> None:
    ours = Tokenizer.train(LEARN, 760, max_length=24)
    with tempfile.TemporaryDirectory() as folder:
        ours.save(folder)
        as_saved = _rows(folder, ours.max_length)
        # As in Stable Diffusion 2's files: described tokens that are sought in normalised text, padding with "!".
        path = Path(folder) / "special_tokens_map.json"
        specials = {name: {"content": token, **DESCRIBED} for name, token in ours.special_tokens.items()}
        specials["pad_token"] = "!"
        path.write_text(json.dumps(specials), encoding="utf-8")
        described = _rows(folder, ours.max_length)
    golden = {"merges": ours.merges, "max_length": 24, "texts": TEXTS, "ids": as_saved}
    golden |= {"described_tokens": specials, "described_ids": described}
    text = json.dumps(golden, ensure_ascii=True)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def _rows(folder: str, length: int) -> list[list[int]]:
    peer = CLIPTokenizer.from_pretrained(folder)
    return peer(TEXTS, padding="max_length", truncation=True, max_length=length)["input_ids"]


if __name__ == "__main__":
    main()
