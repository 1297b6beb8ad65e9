import numpy as np
import pytest
from golden import inception as golden

from tfportrait import metrics
from tfportrait.models import inception


@pytest.fixture(scope="module")
def extract():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception.FIDInception, "from_file", classmethod(lambda cls, path: cls()))
        return metrics.InceptionFeatures("somewhere.safetensors")


def test_features_do_not_depend_on_the_batch(extract):
    images = np.concatenate([golden.images(40)] * 2)[:3]
    found = extract(images, batch_size=2)
    assert extract.name == "fid" and found.shape == (3, 2048) and found.dtype == np.float32
    np.testing.assert_allclose(found[0], found[2], rtol=1e-5)
    np.testing.assert_allclose(found, extract(images, batch_size=2), rtol=1e-6)


def test_only_bytes(extract):
    for images in (np.zeros((0, 8, 8, 3), "uint8"), np.zeros((1, 8, 8, 1), "uint8"), np.zeros((1, 8, 8, 3))):
        with pytest.raises(ValueError, match=r"must be uint8 \(N, H, W, 3\), N at least 1"):
            extract(images)


def test_keras_weights_that_cannot_be_had_are_said(monkeypatch):
    import keras

    def refuse(**arguments):
        raise OSError("no network")

    monkeypatch.setattr(keras.applications, "InceptionV3", refuse)
    with pytest.raises(ValueError, match=r"cannot be had \(no network\); give the path of the FID weights"):
        metrics.InceptionFeatures()


def test_keras_network_is_fed_as_it_learnt(monkeypatch):
    import keras

    seen = []

    class Fake:
        def __call__(self, images, training):
            seen.append(np.asarray(images))
            return keras.ops.mean(images, axis=(1, 2))

    monkeypatch.setattr(keras.applications, "InceptionV3", lambda **arguments: Fake())
    monkeypatch.setattr("tfportrait.training.compiled.compiled", lambda model, name, function: function)
    features = metrics.InceptionFeatures()
    found = features(np.full((1, 10, 10, 3), 255, "uint8"))
    assert features.name == "keras_inception" and seen[0].shape == (16, 299, 299, 3)
    np.testing.assert_allclose(found, np.ones((1, 3)))
