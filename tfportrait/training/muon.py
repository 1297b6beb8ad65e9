"""Muon: steps of matrices by orthogonalized momentum."""

import re

import keras
from keras import ops

from tfportrait.training.optimizers import AdamW


@keras.saving.register_keras_serializable("tfportrait")
class Muon(AdamW):
    """Muon (Jordan et al. 2024): a matrix moves by its momentum with all singular values made about equal.

    Dense kernels are matrices, and so are kernels of convolutions, (height * width * channels in, channels out). For
    the gradient G of such a matrix, M its momentum and n x m its shape:

        M <- momentum * M + G,  update = 0.2 * sqrt(max(n, m)) * orthogonalize(G + momentum * M)

    The factor (Liu et al. 2025, Muon is scalable for LLM training) gives the update the size of one by Adam. The best
    learning rate is a few times AdamW's all the same: it was 3e-3 to 8e-3 where AdamW was used with 8e-4. All other
    weights, and those that `exclude` names, are AdamW's, at `adam_lr_ratio` times the learning rate. Decay of weights,
    average and everything else are as in `AdamW`.

    `orthogonalize` costs about 4 * min(n, m) * n * m * `ns_steps` operations per matrix and step, whatever the batch.
    They are done in bfloat16 under `mixed_bfloat16`, else in float32.

    Equation: `training.muon`.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`. Defaults to 2e-3.
        weight_decay: float. Decoupled weight decay. Defaults to 0.01.
        momentum: float in [0, 1). Of the gradients of matrices. Defaults to 0.95.
        ns_steps: int >= 1. Iterations of Newton and Schulz that orthogonalize. Defaults to 5.
        adam_lr_ratio: float > 0. Learning rate of AdamW's share in that of the matrices. Defaults to 0.25.
        exclude: list of str. Regular expressions; a weight in whose path one of them is found is AdamW's. Defaults to
            the first and last convolutions of our networks and to tables of embeddings.
        **kwargs: as in `AdamW`.

    Raises: ValueError if `momentum`, `ns_steps` or `adam_lr_ratio` is out of range.
    """

    def __init__(
        self,
        learning_rate=2e-3,
        weight_decay=0.01,
        *,
        momentum=0.95,
        ns_steps=5,
        adam_lr_ratio=0.25,
        exclude=("conv_in", "conv_out", "embeddings"),
        name="muon",
        **kwargs,
    ):
        if not 0.0 <= momentum < 1.0 or ns_steps < 1 or not adam_lr_ratio > 0.0:
            raise ValueError(
                f"momentum is {momentum}, ns_steps {ns_steps} and adam_lr_ratio {adam_lr_ratio}, but they must be "
                "in [0, 1), at least 1 and above 0"
            )
        super().__init__(learning_rate, weight_decay, name=name, **kwargs)
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.adam_lr_ratio = adam_lr_ratio
        self.exclude = list(exclude)
        self.matrix_dtype = "bfloat16" if keras.config.dtype_policy().compute_dtype == "bfloat16" else "float32"

    def build(self, variables):
        super().build(variables)
        self._matrices = [
            len(variable.shape) > 1 and not any(re.search(pattern, variable.path) for pattern in self.exclude)
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        if not self._matrices[index]:
            super().update_step(gradient, variable, learning_rate * self.adam_lr_ratio)
            return
        gradient = ops.cast(gradient, variable.dtype)
        average = self._momentums[index]
        self.assign(average, self.momentum * average + gradient)
        matrix = ops.reshape(gradient + self.momentum * average, (-1, variable.shape[-1]))
        update = orthogonalize(matrix, self.ns_steps, self.matrix_dtype) * (0.2 * max(matrix.shape) ** 0.5)
        step = ops.cast(learning_rate, variable.dtype) * update
        self.assign_sub(variable, ops.reshape(step, variable.shape))

    def get_config(self):
        names = ("momentum", "ns_steps", "adam_lr_ratio", "exclude")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def orthogonalize(matrix, steps=5, dtype="float32"):
    """About U V' for a matrix U S V': its singular values become roughly 1 (between 0.7 and 1.2 after five steps).

    The quintic iteration of Newton and Schulz with Jordan's coefficients. Much smaller singular values than the
    largest take more steps.

    Args:
        matrix: float (n, m).
        steps: int. Iterations.
        dtype: str. What the products are computed in.

    Returns:
        float (n, m), of the same dtype as `matrix`.
    """
    x = ops.cast(matrix, dtype)
    x = x / ops.cast(ops.sqrt(ops.sum(ops.square(ops.cast(matrix, "float32")))) + 1e-7, dtype)
    wide = matrix.shape[0] <= matrix.shape[1]
    x = x if wide else ops.transpose(x)
    for _ in range(steps):
        square = ops.matmul(x, ops.transpose(x))
        x = 3.4445 * x + ops.matmul(-4.7750 * square + 2.0315 * ops.matmul(square, square), x)
    return ops.cast(x if wide else ops.transpose(x), matrix.dtype)
