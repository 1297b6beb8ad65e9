import numpy as np
from contracts import check_layer

import tfportrait as tp
from tfportrait.models.caption_reader import CaptionReader
from tfportrait.training import AdamW

ATTRIBUTES = {"colour": ["red", "blue"], "animal": ["cat", "dog"]}


def captions():
    texts, labels = [], []
    for i, colour in enumerate(["red ", "blue ", ""]):
        for j, animal in enumerate(["cat", "dog", "thing"]):
            texts.append(f"a {colour}{animal}")
            labels.append([i if i < 2 else -1, j if j < 2 else -1])
    return texts, np.array(labels, "int32")


def test_contract():
    texts, _ = captions()
    tokenizer = tp.Tokenizer.train(texts, 540, 12)
    ids = tokenizer.encode(texts)

    def make(dtype=None):
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
        encoder = tp.TextEncoder(vocab_size=len(tokenizer), max_position_embeddings=12, **sizes, dtype=dtype)
        return CaptionReader(text_encoder=encoder, attributes=ATTRIBUTES, end_id=int(ids[0, -1]), dtype=dtype)

    check_layer(make, (ids,), output_dtype="float32", no_gradient=("k_proj/bias",))


def test_the_text_encoder_learns_what_is_named_and_what_is_not():
    texts, labels = captions()
    tokenizer = tp.Tokenizer.train(texts, 540, 12)
    encoder = tp.TextEncoder(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=12,
    )
    ids = tokenizer.encode(texts)
    reader = CaptionReader(text_encoder=encoder, attributes=ATTRIBUTES, end_id=int(ids[0, -1]))
    before = np.array(encoder(ids))
    reader.compile(AdamW(1e-2))
    reader.fit({"token_ids": ids, "labels": labels}, batch_size=9, epochs=80, verbose=0)
    for column, logits in enumerate(reader(ids)):
        wanted = np.where(labels[:, column] < 0, 2, labels[:, column])
        np.testing.assert_array_equal(np.array(logits).argmax(-1), wanted)
    assert np.abs(np.array(encoder(ids)) - before).max() > 0.1
