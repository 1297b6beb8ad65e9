"""What distances between sets of images are measured in.

A distance has the name of its features: `oracle_fd` on an oracle's, FID on those of the Inception of 2015 alone.
"""

import numpy as np

from tfportrait.training import compiled


class InceptionFeatures:
    """Features of an Inception network: `extract(images)` is float32 (N, 2048).

    Args:
        path: str or path, or None. Weights of the Inception that FID is defined by (`FIDInception.from_file`); without
            them Keras' InceptionV3, with ImageNet's weights, which Keras downloads where it may.

    Attributes:
        name: str. "fid", or "keras_inception", whose distances are no paper's.

    Raises: ValueError if the weights cannot be had.
    """

    def __init__(self, path=None):
        self.name = "fid" if path is not None else "keras_inception"
        self._network, self._function = _fid(path) if path is not None else _keras()

    def __call__(self, images, batch_size=16):
        """The features.

        Args:
            images: uint8 (N, H, W, 3).
            batch_size: int. Images at a time.

        Returns: float32 (N, 2048).

        Raises: ValueError for another shape or type, or no images.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not len(images):
            raise ValueError(f"images are {images.dtype} {images.shape}, but must be uint8 (N, H, W, 3), N at least 1")
        run = compiled.compiled(self._network, "features", self._function)
        return compiled.in_full_batches(lambda part: run(images[part].astype("float32")), len(images), batch_size)


def _fid(path):
    from tfportrait.models.inception import FIDInception

    network = FIDInception.from_file(path)
    return network, network.call


def _keras():
    import keras

    try:
        network = keras.applications.InceptionV3(include_top=False, pooling="avg", weights="imagenet")
    except Exception as error:
        raise ValueError(
            f"InceptionV3's weights cannot be had ({error}); give the path of the FID weights, use the oracle, or put "
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models"
        ) from error

    def features(images):
        images = keras.ops.image.resize(images, (299, 299), interpolation="bilinear")
        return network(keras.applications.inception_v3.preprocess_input(images), training=False)

    return network, features
