"""Pruning: the smallest weights become zero while the others learn to do without them."""

import keras
import numpy as np
from keras import ops

from tfportrait.training.optimizers import averages

LEAST = 1024  # weights of a tensor that is worth it


class Pruning(keras.callbacks.Callback):
    """Magnitude pruning with fine-tuning (Zhu & Gupta 2017, equation 1).

    After step t the share of zeros in every large kernel is

        sparsity * (1 - (1 - min(t / steps, 1))^3)

    the smallest by magnitude; afterwards they stay zero, in the averaged weights too. It stands before `Recovery`, so
    that what is saved is pruned; the masks are found again in the weights.

        painter.fit(data, epochs=4, callbacks=[tp.training.Pruning(0.5, steps=500), tp.Recovery("run")])

    Args:
        sparsity: float in (0, 1). The share of zeros in the end.
        steps: int. Over how many steps it grows; train on after them. At least 1.
        every: int. New weights become zero after so many steps. Defaults to 10.

    Raises: ValueError for arguments out of range, and in `fit` if the model has no large kernel that is trained.
    """

    def __init__(self, sparsity, steps, *, every=10):
        super().__init__()
        if not 0 < sparsity < 1:
            raise ValueError(f"sparsity is {sparsity!r}, but must be between 0 and 1")
        for name, value in (("steps", steps), ("every", every)):
            if value < 1:
                raise ValueError(f"{name} is {value!r}, but must be at least 1")
        self.sparsity, self.steps, self.every = float(sparsity), int(steps), int(every)
        self._masks = {}

    def on_train_begin(self, logs=None):
        self._kernels = _large(self.model)
        if not self._kernels:
            raise ValueError(f"nothing to prune: the model trains no kernel of at least {LEAST} weights")
        self._masks = {}

    def on_train_batch_begin(self, batch, logs=None):
        if self._masks:
            return
        goes_on = self._steps_made() > 0
        for variable in self._kernels:
            mask = ops.convert_to_numpy(variable) != 0 if goes_on else np.ones(variable.shape)
            self._masks[id(variable)] = ops.convert_to_tensor(mask.astype("float32"))

    def on_train_batch_end(self, batch, logs=None):
        step = self._steps_made()
        if step <= self.steps and (step % self.every == 0 or step == self.steps):
            self._choose(step / self.steps)
        self._apply()

    def on_epoch_end(self, epoch, logs=None):
        for variable, average in averages(self.model.optimizer):
            if id(variable) in self._masks:
                average.assign(average * self._masks[id(variable)])

    def prune(self, progress=1.0):
        """Prunes at once, without training: what `progress` of the steps would have made zero. After `set_model` and
        `on_train_begin`.
        """
        self._choose(progress)
        self._apply()

    def _apply(self):
        for variable in self._kernels:
            variable.assign(variable * self._masks[id(variable)])

    def _steps_made(self):
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # during `fit` on JAX the variables' values live in the loop
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))

    def _choose(self, progress):
        share = self.sparsity * (1.0 - (1.0 - progress) ** 3)
        for variable in self._kernels:
            size = np.abs(ops.convert_to_numpy(variable)).reshape(-1)
            zeros = int(share * size.size)
            mask = np.ones(size.size, "float32")
            mask[np.argpartition(size, zeros)[:zeros]] = 0.0
            self._masks[id(variable)] = ops.convert_to_tensor(mask.reshape(variable.shape))


def sparsity(model):
    """The share of zeros in the large kernels of a model, 0 if it has none."""
    kernels = [ops.convert_to_numpy(variable) for variable in _large(model)]
    return float(sum((kernel == 0).sum() for kernel in kernels) / max(sum(kernel.size for kernel in kernels), 1))


def _large(model):
    return [v for v in model.trainable_variables if len(v.shape) > 1 and np.prod(v.shape) >= LEAST]
