import numpy as np
import pytest
from adapted import tiny_painter

import tfportrait as tp


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3)).astype("uint8")


def test_own_pictures_with_their_prompts_beside_painted_ones(painter, images):
    prompts = ["a red cat", ["a blue dog", "a green dog"], "a bird"]
    classes = ["a red bird", "two birds"]
    dataset = tp.personal_dataset(
        painter, images, prompts, classes, prior_weight=0.5, batch_size=2, seed=7, num_steps=2, guidance_scale=1.0
    )
    encoded = np.asarray(painter.autoencoder.encode(images.astype("float32") / 127.5 - 1))
    painted = painter.generate(classes, seeds=7, num_steps=2, guidance_scale=1.0).astype("float32") / 127.5 - 1
    encoded = np.concatenate([encoded, np.asarray(painter.autoencoder.encode(painted))])
    texts = [prompts[0], *prompts[1], prompts[2], *classes]
    of = [0, 1, 1, 2, 3, 4]
    table = [row.tobytes() for row in painter.tokenizer.encode(texts)]
    found = set()
    for batch, _, weights in dataset.take(8):
        np.testing.assert_array_equal(weights, [1, 1, 0.5, 0.5])
        for place, (latents, ids) in enumerate(zip(batch["latents"].numpy(), batch["token_ids"].numpy(), strict=True)):
            index = table.index(ids.tobytes())
            assert (index >= 4) == (place >= 2)
            np.testing.assert_allclose(latents, encoded[of[index]], atol=2e-3)
            found.add(index)
    assert found == set(range(6))


def test_the_loss_counts_examples_by_their_weights(painter, images):
    latents = np.asarray(painter.autoencoder.encode(images.astype("float32") / 127.5 - 1))
    batch = {"latents": latents, "token_ids": painter.tokenizer.encode(["a red cat"] * 3)}

    def loss(weights):
        return float(painter.compute_loss(x=batch, sample_weight=weights, training=False))

    alone = [loss(np.eye(3, dtype="float32")[i]) for i in range(3)]
    assert loss(None) == pytest.approx(sum(alone), rel=1e-5) and min(alone) > 0
    assert loss(np.float32([2.0, 0.0, 0.5])) == pytest.approx(2 * alone[0] + 0.5 * alone[2], rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((2, 8, 8, 3), "uint8")}, r"uint8 \(2, 8, 8, 3\), but must be uint8 \(N, 16, 16, 3\)"),
        ({"images": np.zeros((2, 16, 16, 3), "float32")}, "images are float32"),
        ({"prompts": ["a", "b"]}, "2 prompts for 3 pictures"),
        ({"class_prompts": "a cat"}, "class_prompts is one string"),
        ({"prior_weight": -1.0}, "prior_weight is -1.0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_arguments_are_checked(painter, images, changes, message):
    with pytest.raises(ValueError, match=message):
        tp.personal_dataset(painter, **{"images": images, "prompts": "a cat", **changes})
