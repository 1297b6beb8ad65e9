"""CLIP's byte-level byte-pair encoding, in the file format of Stable Diffusion checkpoints.

Text is brought to NFC, white space becomes single spaces, letters become lower case; CLIP's pattern then splits it into
words, a word becomes the bytes of its UTF-8 form (each written as one printable character), the last one marked `</w>`,
and the merges are applied in their order. Every byte is in the vocabulary with and without the mark, so that any
Unicode text has token ids. Source: Radford et al. 2021 (CLIP), `simple_tokenizer.py`; Sennrich et al. 2016 for the
merges.
"""

import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
SPLIT = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_CLIP_LENGTH = 77
_MERGES_HEADER = "#version: 0.2"
_SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")
# Where the learned merges know Chinese, a character of this takes 0.5 tokens; with CLIP's, which spell bytes, 2.6.
_CHINESE, _READABLE = "一位面带微笑、戴圆框眼镜的红色长发女士，水彩风格", 2.0
_DEFAULT_SPECIALS = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}


class Token(NamedTuple):
    """A token of a text.

    Attributes:
        id: int.
        start: int. Where the character begins that it, or its first byte, belongs to.
        begins: bool. Whether a word begins with it.
    """

    id: int
    start: int
    begins: bool


class Tokenizer:
    """Text to token ids and back, CLIP's way.

    Args:
        vocab: dict of str to int. Token to id; ids are 0 to n - 1.
        merges: sequence of (str, str). Pairs to merge, most important first.
        max_length: int. Length of every encoded row, start and end token included. Defaults to 77.
        special_tokens: dict. `bos_token`, `eos_token`, `unk_token`, `pad_token`, each a str or a dict in the form of
            `tokenizer_config.json` (`content`, `normalized`, ...). Defaults to CLIP's, padded with the end token.

    Raises:
        ValueError: a special token is not in the vocabulary, a merge gives no vocabulary entry, or `max_length` < 3.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        max_length: int = _CLIP_LENGTH,
        special_tokens: Mapping[str, str | dict] | None = None,
    ) -> None:
        if isinstance(max_length, bool) or not isinstance(max_length, (int, np.integer)) or max_length < 3:
            raise ValueError(f"max_length is an integer of at least 3 (start, text, end), not {max_length!r}.")
        self.vocab = dict(vocab)
        if not all(type(index) is int and 0 <= index < 2**31 for index in self.vocab.values()):
            raise ValueError("The ids of the vocabulary are integers from 0 on.")
        self.merges = [tuple(pair) for pair in merges]
        self.max_length = int(max_length)
        self.special_tokens = {**_DEFAULT_SPECIALS, **(special_tokens or {})}
        for name in _SPECIAL_NAMES:
            if self._content(name) not in self.vocab:
                raise ValueError(f"The vocabulary lacks the {name} {self._content(name)!r}.")
        self.bos_id, self.eos_id, _, self.pad_id = (self.vocab[self._content(name)] for name in _SPECIAL_NAMES)
        self.added: dict[str, int] = {}
        self._backend = self._build()

    def _content(self, name: str) -> str:
        token = self.special_tokens[name]
        return token["content"] if isinstance(token, Mapping) else token

    def _build(self):
        from tokenizers import AddedToken, models, processors
        from tokenizers import Tokenizer as Backend

        try:
            model = models.BPE(
                self.vocab, self.merges, end_of_word_suffix=WORD_END, unk_token=self._content("unk_token")
            )
        except Exception as error:  # the library raises bare Exceptions
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"Vocabulary and merges do not fit together: {reason}") from error
        backend = Backend(model)
        _set_text_steps(backend)
        for name in _SPECIAL_NAMES:
            token = self.special_tokens[name]
            # As transformers does: a plain string is looked for in the raw text, a described one where it says.
            normalized = bool(token.get("normalized", False)) if isinstance(token, Mapping) else False
            backend.add_special_tokens([AddedToken(self._content(name), normalized=normalized, special=True)])
        backend.add_tokens([AddedToken(name, normalized=True) for name in self._added_names()])
        backend.post_processor = processors.RobertaProcessing(
            (self._content("eos_token"), self.eos_id), (self._content("bos_token"), self.bos_id), False, False
        )
        return backend

    def add(self, words: Mapping[str, int]) -> None:
        """Sets the words that are known beside the vocabulary: what textual inversion learns.

        Their ids follow the vocabulary's, in this order; they are no part of what `save` and `get_config` give.

        Args:
            words: dict of str to int. Word -> the number of ids that it stands for.
        """
        self.added = dict(words)
        self._backend = self._build()

    def _added_names(self) -> list[str]:
        """As diffusers names them: "cat", "cat_1", "cat_2"."""
        return [name for word, count in self.added.items() for name in _parts(word, count)]

    def __len__(self) -> int:
        return len(self.vocab)

    def encode(self, texts: str | Sequence[str]) -> np.ndarray:
        """Token ids.

        Args:
            texts: str or list of str. N texts of any Unicode; lone surrogates count as U+FFFD.

        Returns:
            int32 array (N, max_length): start token, text, end token, padding. A longer text is cut so that the row
            still ends with the end token; `truncated` says what was lost.
        """
        encodings = self._backend.encode_batch([self._spelt(text) for text in _texts(texts)])
        rows = np.full((len(encodings), self.max_length), self.pad_id, dtype=np.int32)  # (N, L)
        for row, encoding in zip(rows, encodings, strict=True):
            ids = encoding.ids[: self.max_length]
            row[: len(ids)] = ids
            if len(encoding.ids) > self.max_length:
                row[-1] = self.eos_id
        return rows

    def count(self, text: str) -> int:
        """Number of tokens of the whole text, start and end token included: it fits if this is <= `max_length`."""
        return len(self._backend.encode(self._spelt(clean(text))).ids)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of the whole text, without start, end and padding."""
        encoding = self._backend.encode(self._spelt(clean(text)), add_special_tokens=False)
        words = [None, *encoding.word_ids]
        begins = [word is None or word != before for before, word in itertools.pairwise(words)]
        return [
            Token(*token) for token in zip(encoding.ids, (start for start, _ in encoding.offsets), begins, strict=True)
        ]

    def truncated(self, text: str) -> str:
        """The part of `text` that `encode` cuts off, "" if it fits. A character that is cut within counts as cut."""
        tokens = self.tokens(text)
        kept = self.max_length - 2  # start and end token take a place each
        return self._spelt(clean(text))[tokens[kept].start :] if len(tokens) > kept else ""

    @cached_property
    def reads_chinese(self) -> bool:
        """Whether the merges were learned from Chinese too, told by the tokens that a character takes on average."""
        return len(self.tokens(_CHINESE)) <= _READABLE * len(_CHINESE)

    def _spelt(self, text: str) -> str:
        """The text with every added word of several ids spelt out, as diffusers does: "cat cat_1"."""
        for word, count in self.added.items():
            if count > 1:
                whole = " ".join(_parts(word, count))
                text = re.sub(re.escape(word), lambda _, whole=whole: whole, text, flags=re.IGNORECASE)
        return text

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids: lower case, words separated by single spaces, special tokens left out."""
        specials = {self.vocab[self._content(name)] for name in _SPECIAL_NAMES}
        names = self._names()
        joined = "".join(names[int(index)] for index in ids if int(index) not in specials)
        alphabet = {character: byte for byte, character in _byte_alphabet().items()}
        words = joined.split(WORD_END)
        data = b" ".join(bytes(alphabet[character] for character in word) for word in words)
        return data.decode("utf-8", errors="replace").strip()

    def _names(self) -> dict[int, str]:
        added = {len(self.vocab) + i: name + WORD_END for i, name in enumerate(self._added_names())}
        return {index: token for token, index in self.vocab.items()} | added

    def get_config(self) -> dict:
        """Constructor arguments, JSON-serialisable."""
        return {
            "vocab": self.vocab,
            "merges": [list(pair) for pair in self.merges],
            "max_length": self.max_length,
            "special_tokens": self.special_tokens,
        }

    @classmethod
    def from_config(cls, config: dict) -> "Tokenizer":
        return cls(**config)

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int, max_length: int = _CLIP_LENGTH) -> "Tokenizer":
        """Learns merges from texts.

        The vocabulary is laid out as CLIP's: 256 bytes, 256 word-final bytes, merged tokens in the order of their
        merges, start, end. The same texts, in any order, give the same vocabulary.

        Args:
            texts: iterable of str.
            vocab_size: int. Entries at most (fewer if the texts hold no more pairs that occur twice); at least 514.
            max_length: int. As in the constructor.

        Raises:
            ValueError: `vocab_size` < 514.
        """
        base = _base_tokens()
        smallest = len(base) + 2
        if vocab_size < smallest:
            raise ValueError(f"vocab_size is at least {smallest} (every byte twice, start and end), not {vocab_size}.")
        tokens = dict.fromkeys(base)
        merges = []
        for pair in _learn_merges(texts, vocab_size):
            if len(tokens) == vocab_size - 2:
                break
            merges.append(pair)
            tokens["".join(pair)] = None
        vocab = {token: index for index, token in enumerate([*tokens, START, END])}
        return cls(vocab, merges, max_length)

    @classmethod
    def from_folder(cls, folder: str | os.PathLike) -> "Tokenizer":
        """Reads a checkpoint's `tokenizer/` folder.

        `vocab.json` and `merges.txt` are needed, or the `tokenizer.json` that transformers 5 writes in their place.
        `tokenizer_config.json` gives `model_max_length` (else 77) and special
        tokens, over which those of `special_tokens_map.json` win: Stable Diffusion 2 pads with "!" there.

        Raises:
            ValueError: a file is missing or damaged; the message names it.
        """
        folder = Path(folder)
        vocab, merges = _read_vocabulary(folder)
        config = _read_json(folder / "tokenizer_config.json", needed=False)
        special_map = _read_json(folder / "special_tokens_map.json", needed=False)
        max_length = config.get("model_max_length", _CLIP_LENGTH)
        given = {**config, **special_map}
        specials = {name: given[name] for name in _SPECIAL_NAMES if given.get(name)}
        try:
            # transformers writes 10**30 where no length was given
            return cls(vocab, merges, _CLIP_LENGTH if max_length > 2**20 else max_length, specials)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ValueError(f"Damaged tokenizer in {folder}: {error}") from error

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `vocab.json`, `merges.txt`, `tokenizer_config.json`, `special_tokens_map.json`, each atomically."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        merges = "\n".join([_MERGES_HEADER, *(" ".join(pair) for pair in self.merges)]) + "\n"
        _write(folder / "vocab.json", json.dumps(self.vocab, ensure_ascii=False))
        _write(folder / "merges.txt", merges)
        config = {
            "tokenizer_class": "CLIPTokenizer",
            "add_prefix_space": False,
            "do_lower_case": True,
            "errors": "replace",
            "model_max_length": self.max_length,
            **self.special_tokens,
        }
        _write(folder / "tokenizer_config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")
        text = json.dumps(self.special_tokens, indent=2, ensure_ascii=False) + "\n"
        _write(folder / "special_tokens_map.json", text)

    def save_alone(self, path: str | os.PathLike) -> None:
        """Writes one file that `tokenizers.Tokenizer.from_file` reads: text to ids, start and end token included, not
        padded and not cut.
        """
        _write(Path(path), self._backend.to_str())


def _set_text_steps(backend) -> None:
    """Normalisation and splitting, the same for training and use."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    backend.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()


def _learn_merges(texts: Iterable[str], vocab_size: int) -> list[tuple[str, str]]:
    from tokenizers import Tokenizer as Backend
    from tokenizers import models, trainers

    backend = Backend(models.BPE(end_of_word_suffix=WORD_END))
    _set_text_steps(backend)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        end_of_word_suffix=WORD_END,
        # Ids decide between equally frequent pairs. Given as special tokens, the base has its ids before a word is
        # seen; else they would follow the order of the trainer's hash table, which differs from run to run.
        special_tokens=_base_tokens(),
    )
    backend.train_from_iterator((clean(text) for text in texts), trainer)
    merges = json.loads(backend.to_str())["model"]["merges"]
    return [tuple(pair) if not isinstance(pair, str) else tuple(pair.split(" ")) for pair in merges]


def _byte_alphabet() -> dict[int, str]:
    """Byte to printable character, in the order of CLIP's vocabulary: printable bytes stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + place) for place, byte in enumerate(others)}


def _base_tokens() -> list[str]:
    characters = [*_byte_alphabet().values()]
    return characters + [character + WORD_END for character in characters]


def _parts(word: str, count: int) -> list[str]:
    return [word, *(f"{word}_{i}" for i in range(1, count))]


def _texts(texts: str | Sequence[str]) -> list[str]:
    return [clean(text) for text in ([texts] if isinstance(texts, str) else texts)]


def clean(text: str) -> str:
    """The text with pairs of surrogates joined to the characters they stand for, lone ones as U+FFFD."""
    if not isinstance(text, str):
        raise ValueError(f"A text is a str, not {type(text).__name__}.")
    if not re.search("[\ud800-\udfff]", text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _read_json(path: Path, needed: bool = True) -> dict:
    if not path.is_file() and not needed:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Damaged file {path}: {error}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"Damaged file {path}: a JSON object is wanted, not {type(value).__name__}.")
    return value


def _read_vocabulary(folder: Path) -> tuple[dict[str, int], list[Sequence[str]]]:
    """Vocabulary and merges of a checkpoint's folder."""
    whole = folder / "tokenizer.json"
    if (folder / "vocab.json").exists() or not whole.is_file():
        return _read_json(folder / "vocab.json"), _read_merges(folder / "merges.txt")
    model = _read_json(whole).get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE" or model.get("end_of_word_suffix") != WORD_END:
        raise ValueError(f"{whole} is not CLIP's: byte pairs whose words end with {WORD_END!r} are wanted.")
    vocab, merges = model.get("vocab"), model.get("merges")
    if not isinstance(vocab, dict) or not isinstance(merges, list):
        raise ValueError(f"Damaged file {whole}: it has no vocab or no merges.")
    # Older versions write a pair as one string.
    return vocab, [pair.split(" ") if isinstance(pair, str) else pair for pair in merges]


def _read_merges(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ValueError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ValueError(f"Damaged file {path}: {error}.") from error
    if lines[0].startswith("#version"):
        lines = lines[1:]
    merges = [tuple(line.split()) for line in lines if line.strip()]
    wrong = next((pair for pair in merges if len(pair) != 2), None)
    if wrong is not None:
        raise ValueError(f"Damaged file {path}: a line holds two tokens, not {' '.join(wrong)!r:.80}.")
    return merges


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
