"""Small models of KerasCV's own layers, connected as KerasCV connects the real ones, with random weights."""

import keras
import numpy as np
from keras_cv.src.models.stable_diffusion.attention_block import AttentionBlock
from keras_cv.src.models.stable_diffusion.diffusion_model import ResBlock, SpatialTransformer, Upsample
from keras_cv.src.models.stable_diffusion.padded_conv2d import PaddedConv2D
from keras_cv.src.models.stable_diffusion.resnet_block import ResnetBlock
from keras_cv.src.models.stable_diffusion.text_encoder import CLIPEmbedding, CLIPEncoderLayer, quick_gelu

CHANNELS, CONTEXT, TOKENS, SIDE = (32, 64), 24, 16, 8


def randomised(model, scale=1.0):
    """The model with weights of unit gain times `scale`, norms around 1, biases around 0."""
    random = np.random.default_rng(0)
    for variable in model.weights:
        shape = variable.shape
        values = random.standard_normal(shape)
        fan_in = np.prod(shape[:-1])
        if variable.name in ("gamma", "beta", "bias"):
            variable.assign(0.1 * values + (variable.name == "gamma"))
        else:
            variable.assign(values * scale * (0.5 if variable.name == "embeddings" else fan_in**-0.5))
    return model


def diffusion_model():
    context = keras.Input((TOKENS, CONTEXT), name="context")
    time = keras.Input((CHANNELS[0],), name="timestep_embedding")
    latent = keras.Input((SIDE, SIDE, 4), name="latent")

    def transformer(channels):
        return SpatialTransformer(channels // 16, 16)

    embedding = keras.layers.Dense(4 * CHANNELS[0])(time)
    embedding = keras.layers.Dense(4 * CHANNELS[0])(keras.layers.Activation("swish")(embedding))
    first, second = CHANNELS
    x = PaddedConv2D(first, 3, padding=1)(latent)
    skips = [x]
    skips.append(transformer(first)([ResBlock(first)([x, embedding]), context]))
    skips.append(PaddedConv2D(first, 3, strides=2, padding=1)(skips[-1]))
    skips.append(ResBlock(second)([skips[-1], embedding]))
    x = ResBlock(second)([skips[-1], embedding])
    x = ResBlock(second)([transformer(second)([x, context]), embedding])
    for _ in range(2):
        x = ResBlock(second)([keras.layers.Concatenate()([x, skips.pop()]), embedding])
    x = Upsample(second)(x)
    for _ in range(2):
        x = ResBlock(first)([keras.layers.Concatenate()([x, skips.pop()]), embedding])
        x = transformer(first)([x, context])
    x = keras.layers.Activation("swish")(keras.layers.GroupNormalization(epsilon=1e-5)(x))
    return randomised(keras.Model([latent, time, context], PaddedConv2D(4, 3, padding=1)(x)))


def image_encoder():
    first, second = CHANNELS
    layers = [
        *(keras.Input((None, None, 3)), PaddedConv2D(first, 3, padding=1), ResnetBlock(first), ResnetBlock(first)),
        *(PaddedConv2D(first, 3, padding=((0, 1), (0, 1)), strides=2), ResnetBlock(second), ResnetBlock(second)),
        *(ResnetBlock(second), AttentionBlock(second), ResnetBlock(second)),
        *(keras.layers.GroupNormalization(epsilon=1e-5), keras.layers.Activation("swish")),
        *(PaddedConv2D(8, 3, padding=1), PaddedConv2D(8, 1), keras.layers.Lambda(lambda x: x[..., :4] * 0.18215)),
    ]
    return randomised(keras.Sequential(layers))


def decoder():
    first, second = CHANNELS
    layers = [
        *(keras.Input((SIDE, SIDE, 4)), keras.layers.Rescaling(1.0 / 0.18215), PaddedConv2D(4, 1)),
        *(PaddedConv2D(second, 3, padding=1), ResnetBlock(second), AttentionBlock(second), ResnetBlock(second)),
        *(ResnetBlock(second) for _ in range(3)),
        *(keras.layers.UpSampling2D(2), PaddedConv2D(second, 3, padding=1)),
        *(ResnetBlock(first) for _ in range(3)),
        *(keras.layers.GroupNormalization(epsilon=1e-5), keras.layers.Activation("swish")),
        PaddedConv2D(3, 3, padding=1),
    ]
    return randomised(keras.Sequential(layers))


def text_encoder(activation=quick_gelu, vocab_size=560):
    tokens = keras.Input((TOKENS,), dtype="int32", name="tokens")
    positions = keras.Input((TOKENS,), dtype="int32", name="positions")
    x = CLIPEmbedding(vocab_size, CONTEXT, TOKENS)([tokens, positions])
    for _ in range(2):
        x = CLIPEncoderLayer(CONTEXT, 2, activation=activation)(x)
    return randomised(keras.Model([tokens, positions], keras.layers.LayerNormalization(epsilon=1e-5)(x)))
