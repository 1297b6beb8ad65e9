import numpy as np
import pytest
from contracts import check_layer

import tfportrait as tp
from tfportrait.models.oracle import UNKNOWN
from tfportrait.training import AdamW

ATTRIBUTES = {"brightness": ["dark", "bright"], "side": ["left", "right", "none"]}


def tiny_oracle(**changes):
    return tp.Oracle(**{"attributes": ATTRIBUTES, "image_size": 16, "widths": [8, 16], "norm_groups": 4, **changes})


def test_contract():
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (3, 16, 16, 3)).astype("float32")

    def make(**kwargs):
        oracle = tiny_oracle(**kwargs)
        for block in oracle.blocks:  # they begin as identities, which no gradient passes
            block.conv2.kernel.assign(0.1 * random.standard_normal(block.conv2.kernel.shape))
        return oracle

    # The bias of the pooling moves the logits of all pixels alike.
    check_layer(make, (images,), output_dtype="float32", no_gradient=("pools/bias",))


def examples(count=64):
    """Bright or dark images with a black bar on one side."""
    random = np.random.default_rng(0)
    brightness, side = random.integers(0, 2, count), random.integers(0, 3, count)
    images = np.where(brightness, 220, 110)[:, None, None, None] + random.integers(-10, 10, (count, 16, 16, 3))
    for i, where in enumerate(side):
        if where < 2:
            images[i, :, slice(0, 4) if where == 0 else slice(12, 16)] = 0
    return images.astype("uint8"), {"brightness": brightness.astype("int32"), "side": side.astype("int32")}


def test_it_learns_to_read_and_survives_its_preset(tmp_path):
    oracle = tiny_oracle()
    oracle.compile(AdamW(1e-2, ema_decay=0.9))
    images, labels = examples()
    oracle.fit({"image": images, "attributes": labels}, batch_size=16, epochs=15, verbose=0)
    with oracle.averaged_weights():
        read = oracle.read(images)
    for name in ATTRIBUTES:
        assert (read[name] == labels[name]).mean() > 0.95
    oracle.save_to_preset(tmp_path)
    again = tp.Oracle.from_preset(tmp_path).read(images)
    for name in ATTRIBUTES:
        assert (again[name] == read[name]).mean() > 0.98
    assert tp.Oracle.from_preset(tmp_path).attributes == ATTRIBUTES


def test_hidden_attributes_count_neither_in_the_loss_nor_in_the_accuracy():
    oracle = tiny_oracle(augment=False)
    images, labels = examples(8)
    wrong = {**labels, "side": np.full(8, UNKNOWN, "int32")}
    alone = float(oracle.compute_loss({"image": images, "attributes": wrong}, training=False))
    logits = np.array(oracle(images.astype("float32") / 127.5 - 1))[:, :2]
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -np.log(probabilities[np.arange(8), labels["brightness"]]).mean()
    assert abs(alone - expected) < 1e-4
    nothing = {name: np.full(8, UNKNOWN, "int32") for name in labels}
    assert float(oracle.compute_loss({"image": images, "attributes": nothing}, training=False)) == 0.0


def test_features_shrink_level_by_level():
    shapes = [tuple(x.shape) for x in tiny_oracle().features(np.zeros((2, 16, 16, 3), "float32"))]
    assert shapes == [(2, 8, 8, 8), (2, 4, 4, 16), (2, 4, 4, 16)]


def test_embeddings_do_not_depend_on_the_batch_and_tell_images_apart():
    oracle, images = tiny_oracle(), examples(10)[0]
    together, alone = oracle.embed(images, batch_size=4), oracle.embed(images, batch_size=1)
    assert together.shape == (10, 16) and together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3
    large = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
    assert oracle.embed(large).shape == (10, 16)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 8, 8, 3), "uint8"), np.zeros((1, 16, 16, 3), "float32"), np.zeros((16, 16, 3), "uint8")]
)
def test_images_it_cannot_read_are_refused(images):
    with pytest.raises(ValueError, match="must be uint8"):
        tiny_oracle().read(images)


def test_a_folder_of_something_else_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"image_size": 16}')
    with pytest.raises(ValueError, match="config.json is no Oracle's: it has no attributes"):
        tp.Oracle.from_preset(tmp_path)


def test_a_damaged_folder_is_a_value_error(tmp_path):
    tiny_oracle().save_to_preset(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="model.safetensors"):
        tp.Oracle.from_preset(tmp_path)
