import keras
import numpy as np
import pytest

from tfportrait import metrics

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 256, (60, 4, 4, 3), np.uint8)


def extract(images):
    return np.asarray(images, "float32").mean(axis=(1, 2)) / 255


def test_the_metric_is_the_distance_of_all_batches():
    metric = metrics.FrechetDistance(extract, REAL)
    painted = RNG.integers(0, 200, (40, 4, 4, 3), np.uint8)
    for part in np.array_split(painted, 3):
        metric.update_state(part)
    assert isinstance(metric, keras.metrics.Metric) and metric.name == "oracle_fd"
    assert metric.result() == pytest.approx(metrics.frechet_distance(extract(painted), extract(REAL)), rel=1e-9)
    metric.reset_state()
    metric.update_state(REAL)
    assert metric.result() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="no weights"):
        metric.update_state(REAL, sample_weight=np.ones(60))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="fit is the same")
def test_fit_logs_the_distance_and_other_callbacks_see_it():
    model = keras.Sequential(
        [keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.25), "mse")

    def paint():
        """The nearer the weight is to 1, the nearer are the images to the real ones."""
        return (REAL * np.clip(float(np.squeeze(model.get_weights()[0])), 0, 1)).astype("uint8")

    stop = keras.callbacks.EarlyStopping("oracle_fd", patience=0, mode="max")
    callbacks = [metrics.WatchDistance(paint, extract, REAL, every=2), stop]
    with pytest.warns(UserWarning, match="oracle_fd"):  # which the epochs between do not have
        history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=8, verbose=0, callbacks=callbacks).history
    assert len(history["oracle_fd"]) == 2 and history["oracle_fd"][0] > history["oracle_fd"][1]  # stopped after two
    assert len(history["loss"]) == 4 and len(history["oracle_kd"]) == 2


def test_bad_watches():
    with pytest.raises(ValueError, match="every must be at least 1"):
        metrics.WatchDistance(None, extract, REAL, every=0)
    with pytest.raises(ValueError, match="one of oracle, inception"):
        metrics.WatchDistance(None, extract, REAL, name="fid")
    watch = metrics.WatchDistance(lambda: REAL[:5], extract, REAL)
    with pytest.raises(ValueError, match="5 painted and 60 real"):
        watch.on_epoch_end(0, {})
