"""Perceptual distances: how different two images look to a network that has learnt to look (Zhang et al. 2018)."""

import keras
from keras import ops

VGG_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")


def oracle_distance(oracle):
    """The distance on an oracle's feature maps: offline, and about what is told apart in portraits.

    Args:
        oracle: Oracle. Its weights are constants here.

    Returns: callable (images, others) -> float32 (B,), both float (B, H, W, 3) in [-1, 1]; for
        `AutoencoderKL.perceptual`.
    """
    oracle.trainable = False
    return _distance(oracle.features)


def vgg_distance():
    """The distance on VGG16's feature maps, with ImageNet's weights, which Keras downloads where it may.

    Returns: as `oracle_distance`.

    Raises: ValueError if the weights cannot be had.
    """
    try:
        network = keras.applications.VGG16(include_top=False, weights="imagenet")
    except Exception as error:
        raise ValueError(
            f"VGG16's weights cannot be had ({error}); use oracle_distance, or put "
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models"
        ) from error
    network.trainable = False
    layers = keras.Model(network.input, [network.get_layer(name).output for name in VGG_LAYERS])

    def features(images):
        return layers(keras.applications.vgg16.preprocess_input((images + 1.0) * 127.5))

    return _distance(features)


def _distance(features):
    def distance(images, others):
        total = 0.0
        for a, b in zip(features(images), features(others), strict=True):
            a, b = (ops.cast(x, "float32") for x in (a, b))
            a, b = (x * ops.rsqrt(ops.sum(x * x, axis=-1, keepdims=True) + 1e-8) for x in (a, b))
            total = total + ops.mean(ops.sum((a - b) ** 2, axis=-1), axis=(1, 2))
        return total

    return distance
