"""From token ids and noise to pixels: text encoder, sampler and decoder as one TensorFlow function."""

import contextlib
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfportrait.diffusion import guidance
from tfportrait.diffusion.program import program


class TextToImage(tf.Module):
    """What a painter does with one prompt, with everything that its sampler computes written out.

        paint(token_ids int32 (1, L), negative_ids int32 (1, L), noise float32 (1, h, w, c), guidance_scale float32 ())
            -> {"image": uint8 (1, H, W, 3)}

    `noise` is unit noise. The sampler's loop is a loop of the graph: its size does not grow with the steps.

    Args:
        painter: LatentDiffusion with a text encoder, not for inpainting.
        request: `tfportrait.models.generation.Request`, checked: sampler, rates, size. Its prompts play no part.
        constants: bool. Weights as constants of the graph, as LiteRT and ONNX want them, not as variables.
        portable: bool. Leave out operations that LiteRT does not have.
        dtype: str. In which variables are kept; all is computed in float32.
    """

    def __init__(self, painter, request, *, constants=False, portable=False, dtype="float32"):
        super().__init__()
        self._of = lambda: (painter, request)  # not as attributes, whose variables a SavedModel would have again
        self._constants, self._portable = constants, portable
        values = [keras.ops.convert_to_numpy(variable) for variable in painter.variables]
        kinds = [dtype if value.dtype == np.float32 else value.dtype for value in values]
        self._values = [value.astype(kind) for value, kind in zip(values, kinds, strict=True)]
        if not constants:
            self._values = [tf.Variable(value, trainable=False) for value in self._values]
        length = painter.tokenizer.max_length
        self.paint = tf.function(
            self._paint,
            input_signature=[
                tf.TensorSpec((1, length), tf.int32, "token_ids"),
                tf.TensorSpec((1, length), tf.int32, "negative_ids"),
                tf.TensorSpec((1, *request.latent_shape), tf.float32, "noise"),
                tf.TensorSpec((), tf.float32, "guidance_scale"),
            ],
            autograph=False,
        )

    def _paint(self, token_ids, negative_ids, noise, guidance_scale):
        painter, request = self._of()
        with self._weights():
            context = ops.cast(painter.text_encoder(tf.concat([token_ids, negative_ids], 0)), "float32")
        weights, coefficients = self._tables()
        count = len(coefficients)
        start = noise * request.start_scale

        def mixed(row, seen):
            """weights[row] times the start and what the denoiser said."""
            share = tf.constant(weights)[row]
            return share[0] * start + tf.reshape(tf.linalg.matmul(share[None, 1:], seen), start.shape)

        def step(row, seen):
            c_in, c_skip, c_out, time = tf.unstack(tf.constant(coefficients)[row])
            x = mixed(row, seen)
            with self._weights():
                twice = tf.concat([c_in * x, c_in * x], 0)
                output = ops.cast(painter.unet(twice, tf.broadcast_to(time, (2,)), context), "float32")
            output = guidance.guide(*tf.split(output, 2), guidance_scale, painter.guidance_rescale)
            x_0 = tf.reshape(c_skip * x + c_out * output, (1, -1))
            return row + 1, seen + tf.reshape(tf.one_hot(row, count), (count, 1)) * x_0

        seen = tf.zeros((count, int(np.prod(start.shape))))
        _, seen = tf.while_loop(
            lambda row, _: row < count, step, (tf.constant(0), seen), maximum_iterations=count, parallel_iterations=1
        )
        painted = mixed(count, seen)
        if painter.autoencoder is not None:
            with self._weights():
                painted = painter.autoencoder.decode(painted)
        return {"image": tf.cast(tf.round((tf.clip_by_value(painted, -1.0, 1.0) + 1.0) * 127.5), tf.uint8)}

    def _tables(self):
        """The sampler's weights (n + 1, n + 1), and what the denoiser computes with, (n, 4)."""
        painter, request = self._of()
        found = program(request.sampler, request.rates)
        rows = []
        for signal_rate, noise_rate in found.rates.astype("float64"):
            time = np.float32(painter.schedule.network_time(painter.schedule.time(signal_rate, noise_rate)))
            time = np.round(time) if request.whole_times else time
            rows.append([*painter.prediction.coefficients(signal_rate, noise_rate), time])
        return found.weights, np.array(rows, "float32")

    @contextlib.contextmanager
    def _weights(self):
        """Within it the painter computes with this module's weights."""
        values = [tf.constant(value) if self._constants else value for value in self._values]
        values = [tf.cast(value, tf.float32) if value.dtype == tf.float16 else value for value in values]
        values = [tf.convert_to_tensor(value) for value in values]
        replaced = mock.patch.object(keras.ops, "erf", _erf) if self._portable else contextlib.nullcontext()
        with replaced, keras.StatelessScope(state_mapping=zip(self._of()[0].variables, values, strict=True)):
            yield


def _erf(x):
    """The error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    t = 1.0 / (1.0 + 0.3275911 * tf.abs(x))
    polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return tf.sign(x) * (1.0 - polynomial * tf.exp(-x * x))
