"""The training step on JAX."""

import jax
import keras
from jax import numpy as jnp


class JaxStep:
    """Keras' `train_step` for JAX, which a number that is not finite leaves without effect."""

    def make_train_function(self, force=False):
        super().make_train_function(force)
        if self.steps_per_execution == 1 and not hasattr(self.train_function, "step"):
            step = self.train_function

            def train(state, iterator):
                self._batch = next(iterator)
                return step(state, iter((self._batch,)))

            train.step = step
            self.train_function = train

    def train_step(self, state, data):
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):  # it knows what to do
            return super().train_step(state, data)
        weights, others, optimizer, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        compute = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        given = {"training": True, "optimizer_variables": optimizer}
        (_, (loss, y_pred, new_others, new_metrics)), gradients = compute(
            weights, others, metrics, x, y, sample_weight, **given
        )
        squares = [jnp.sum(jnp.square(gradient.astype("float32"))) for gradient in jax.tree.leaves(gradients)]
        finite = jnp.isfinite(loss + sum(squares))
        after = (*self.optimizer.stateless_apply(optimizer, gradients, weights), new_others)
        before = (weights, optimizer, others)
        weights, optimizer, others = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, before)
        loss = jnp.where(finite, loss, jnp.nan)
        logs, metrics = self._update_metrics_variables(new_metrics, loss, x, y, y_pred, sample_weight)
        return logs, (weights, others, optimizer, metrics)
