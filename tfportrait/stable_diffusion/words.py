"""Textual inversion (Gal et al. 2022): a new word whose vectors are learnt, and nothing else."""

import contextlib
import numbers
import warnings
import weakref
from pathlib import Path

import keras
import numpy as np
import safetensors.numpy
from keras import ops

from tfportrait.files import atomic_write
from tfportrait.models.architecture import FAMILIES
from tfportrait.models.weights import read_tensor, tensors_in
from tfportrait.stable_diffusion.additions import attach, averaged, change_class, check_no_average, detach, plain_class

A1111 = "emb_params"


@keras.saving.register_keras_serializable("tfportrait")
class Word(keras.layers.Layer):
    """A new word of a painter. `add_word` and `load_word` make it.

    Args:
        word: str. As it stands in prompts; capitals do not matter.
        count: int. Vectors that it has, each in a place of its own in the prompt.
        width: int. Channels of a vector.

    Attributes:
        vectors: keras.Variable, float32 (count, width).
    """

    def __init__(self, word, count, width, trainable=True, **kwargs):
        super().__init__(dtype="float32", trainable=trainable, **kwargs)
        self.word = word
        self.vectors = self.add_weight(name="vectors", shape=(count, width), initializer="zeros", autocast=False)
        self.built = True

    def get_config(self):
        count, width = self.vectors.shape
        return {"name": self.name, "word": self.word, "count": count, "width": width, "trainable": self.trainable}

    def attach(self, painter):
        """Makes it a word of a painter, the one that `fit` trains if it is trainable."""
        self._painter = weakref.ref(painter)
        attach(painter, self, self.trainable)
        _settle(painter)

    def remove(self):
        """Takes it out of the painter, for which it is then letters again."""
        painter = self._painter()
        detach(painter, self)
        _settle(painter)

    def save(self, path):
        """Writes the vectors, float32, as diffusers does: a safetensors file that has them under the word's name.

        Args:
            path: str or path. The file to write. Where the training keeps an average, the average is written.
        """
        (value,) = averaged(self._painter(), [self.vectors])
        with atomic_write(path) as file:
            file.write(safetensors.numpy.save({self.word: value}, metadata={"format": "pt"}))

    @contextlib.contextmanager
    def within_weights(self):
        """Does nothing but warn: a preset has its own vocabulary."""
        warnings.warn(f"the word {self.word!r} is not in the preset: save it to a file of its own", stacklevel=4)
        yield


def add_word(painter, word, *, like, count=1):
    """Adds a new word to a painter, and freezes everything else: `fit` then trains the word's vectors alone.

        word = tp.add_word(painter, "<zwk>", like="woman")
        painter.compile(tp.training.AdamW(5e-3, weight_decay=0.0))
        painter.fit(tp.personal_dataset(painter, images, "a portrait of <zwk>"), steps_per_epoch=500)
        word.save("zwk.safetensors")

    Args:
        painter: LatentDiffusion.
        word: str. Without spaces; best one that no text has, such as "<zwk>".
        like: str. A word or a few that say roughly what it is: their vectors are where it starts.
        count: int. Vectors that it has. Defaults to `1`.

    Returns: Word.

    Raises: ValueError if the painter is unconditional, or `word` has spaces, is known already or is one token.
    """
    if isinstance(count, bool) or not isinstance(count, numbers.Integral) or count < 1:
        raise ValueError(f"count is {count!r}, but must be an integer of at least 1")
    _check_new(painter, word)
    tokenizer, table = painter.tokenizer, _table(painter)
    ids = [i for i in tokenizer.encode([like])[0] if i not in (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id)]
    if not ids:
        raise ValueError(f"like={like!r} has no words: say roughly what {word!r} is, such as like='woman'")
    known = ops.convert_to_numpy(ops.cast(table(np.array([ids], "int32"))[0], "float32"))
    made = Word(word, int(count), known.shape[1], name=_layer_name(painter))
    made.vectors.assign(known[np.arange(count) % len(ids)])
    made.attach(painter)
    return made


def load_word(painter, file, word=None):
    """Reads a textual inversion: a word of diffusers' or of the web UI's (A1111).

    Args:
        painter: LatentDiffusion.
        file: str or path. A `.safetensors` file.
        word: str or None. What the word is to be. Defaults to the file's own; the web UI's are named by their files.

    Returns: Word.

    Raises: ValueError if the file is missing, damaged or something else, or its vectors are of another width than the
        text encoder's; or as `add_word`.
    """
    file = Path(file)
    if file.suffix != ".safetensors":
        raise ValueError(f"{file} may run any code when it is opened: only textual inversions in .safetensors are read")
    tensors = tensors_in(file)
    if len(tensors) != 1 and A1111 not in tensors:
        raise ValueError(f"{file} is no textual inversion: that is one tensor, this has {len(tensors)}")
    key = A1111 if A1111 in tensors else next(iter(tensors))
    word = word or (file.stem if key == A1111 else key)
    _check_new(painter, word)
    vectors = np.atleast_2d(read_tensor(tensors[key]))
    width = painter.text_encoder.config["hidden_size"]
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(
            f"{file} is no textual inversion: its tensor has the shape {vectors.shape}, not (words, width)"
        )
    if vectors.shape[1] != width:
        made, has = (FAMILIES.get(each, "another text encoder") for each in (vectors.shape[-1], width))
        raise ValueError(
            f"{file} has vectors of {vectors.shape[-1]} channels ({made}), but the painter's text encoder has {width} "
            f"({has})"
        )
    made = Word(word, *vectors.shape, trainable=False, name=_layer_name(painter))
    made.vectors.assign(vectors)
    made.attach(painter)
    return made


def _check_new(painter, word):
    if painter.text_encoder is None:
        raise ValueError("this painter is unconditional: it reads no words")
    if not word or any(character.isspace() for character in word):
        raise ValueError(f"the word is {word!r}, but must be without spaces, such as '<zwk>'")
    tokenizer = painter.tokenizer
    if word.lower() in (other.lower() for other in tokenizer.added) or tokenizer.count(word) == 3:  # with start and end
        raise ValueError(f"the painter knows the word {word!r} already: give another, such as '<{word.strip('<>')}-2>'")
    check_no_average(painter)


def _layer_name(painter):
    return f"word_{len(painter.additions)}"


def _table(painter):
    return painter.text_encoder.embeddings.token_embedding


def _settle(painter):
    """Makes tokenizer and table follow from the words that are there."""
    words = [addition for addition in painter.additions if isinstance(addition, Word)]
    painter.tokenizer.add({word.word: word.vectors.shape[0] for word in words})
    table = _table(painter)
    if isinstance(table, _Worded):
        table.__class__ = plain_class(table)
    if words:
        change_class(table, _Worded)
        # Not for Keras: the painter has the words.
        table.__dict__["_words"] = (len(painter.tokenizer), [word.vectors for word in words])


class _Worded:
    """A table of vectors that has more words than its own."""

    def call(self, token_ids):
        first, words = self._words
        added = ops.concatenate([ops.convert_to_tensor(vectors) for vectors in words], axis=0)
        place = ops.clip(ops.cast(token_ids, "int32") - first, 0, added.shape[0] - 1)
        known = super().call(ops.minimum(token_ids, first - 1))
        new = ops.cast(ops.take(added, place, axis=0), known.dtype)
        return ops.where((token_ids >= first)[..., None], new, known)
