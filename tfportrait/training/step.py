"""The base class of every trainable model: one training step, averaged weights, and a loss that must stay finite."""

import contextlib

import keras
import numpy as np

from tfportrait.training import diagnosis
from tfportrait.training.acceleration import xla_default
from tfportrait.training.callbacks import StopOnNaN
from tfportrait.training.optimizers import averages
from tfportrait.training.recovery import Recovery

if keras.backend.backend() == "tensorflow":
    from tfportrait.training.tensorflow_step import TensorFlowStep as Step
elif keras.backend.backend() == "jax":
    from tfportrait.training.jax_step import JaxStep as Step
else:

    class Step:
        """Keras' own training step is used."""


class Trainable(Step, keras.Model):
    """A model that is trained by its loss alone.

    A subclass defines `call` and

        compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> float32 scalar

    which runs the networks itself (`y_pred` is not to be used: TensorFlow's step leaves it out). It is written with
    `keras.ops`, draws its noise from `keras.random.SeedGenerator`s that are attributes of the model, and may update
    `keras.metrics.Mean`s that are too; "loss" is reported already. The same `compile` and `fit` then work on
    TensorFlow and JAX, with or without XLA, in any precision, with `AdamW` or `Players`, with gradient accumulation.
    """

    _last_batch = None  # that of the last step, while `fit` runs and where the step sees it

    def compile(self, optimizer="adamw", *, jit_compile="auto", **kwargs):
        """Prepares training.

        Args:
            optimizer: keras optimizer. Under `mixed_float16` it is wrapped in a `LossScaleOptimizer`.
            jit_compile: bool or "auto". Whether XLA compiles the step; "auto" is what `accelerate` chose, else Keras'
                own choice (yes on a GPU and on JAX, no on a CPU).
            **kwargs: the other arguments of `keras.Model.compile`.
        """
        if jit_compile == "auto" and (default := xla_default()) is not None:
            jit_compile = default
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.build_optimizer()

    def build_optimizer(self):
        """Creates the optimizer's state if the model has all its weights. Otherwise `fit` does, on its first batch."""
        if not self.optimizer.built and self.trainable_variables and all(x.built for x in self._flatten_layers()):
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self):
        # Whether XLA pays depends on the machine that loads the file, not on the one that wrote it.
        config = super().get_compile_config()
        return {**config, "jit_compile": "auto"} if config else config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)  # its saved state is read next

    def fit(self, *args, callbacks=None, **kwargs):
        """As `keras.Model.fit`; besides, a loss that is not finite ends the training with a `FloatingPointError`."""
        callbacks = [StopOnNaN(), *(callbacks or [])]  # first, so that no other callback stores what is broken
        recoveries = [callback for callback in callbacks if isinstance(callback, Recovery)]
        x = args[0] if args else kwargs.get("x")
        for recovery in recoveries:
            recovery.dataset = x
        if hasattr(x, "element_spec") or hasattr(x, "__next__"):
            kwargs.setdefault("shuffle", False)  # Keras warns that it cannot shuffle a tf.data.Dataset or a generator
        try:
            return super().fit(*args, callbacks=callbacks, **kwargs)
        finally:
            self._remember(None)
            for recovery in recoveries:
                recovery.release()

    def _remember(self, batch):
        object.__setattr__(self, "_last_batch", batch)  # Keras would wrap it, and look for weights in it

    def where_not_finite(self):
        """What was not finite in the step that has just broken: a sentence, or "" if that is not known."""
        if self._last_batch is None or isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return ""
        if hasattr(self, "jax_state_sync"):
            self.jax_state_sync()
        return diagnosis.where_not_finite(self, *keras.utils.unpack_x_y_sample_weight(self._last_batch))

    def evaluate(self, *args, **kwargs):
        """As `keras.Model.evaluate`, but of the averaged weights if the optimizer keeps an average (in `fit` too)."""
        with self.averaged_weights():
            return super().evaluate(*args, **kwargs)

    @contextlib.contextmanager
    def averaged_weights(self):
        """Within it the model has the optimizer's averaged weights; afterwards the trained ones again, bit for bit.

        Does nothing if there is no optimizer, it keeps no average, or it has not made a step. Do not train within it.
        """
        if hasattr(self, "jax_state_sync"):
            self.jax_state_sync()  # during `fit` on JAX the variables' values live in the loop
        pairs = averages(getattr(self, "optimizer", None))
        # Copies: JAX gives the memory of what a step has used away.
        trained = [np.array(keras.ops.convert_to_numpy(variable)) for variable, _ in pairs]
        try:
            for variable, average in pairs:
                variable.assign(np.array(keras.ops.convert_to_numpy(average)))
            yield self
        finally:
            for (variable, _), value in zip(pairs, trained, strict=True):
                variable.assign(value)
