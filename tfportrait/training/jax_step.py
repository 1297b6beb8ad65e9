"""The training step on JAX."""

import jax
import keras
from jax import numpy as jnp


class JaxStep:
    """Keras' steps for JAX, with no forward pass before `compute_loss`; a number that is not finite has no effect."""

    def make_train_function(self, force=False):
        super().make_train_function(force)
        if self.steps_per_execution == 1 and not hasattr(self.train_function, "step"):
            step = self.train_function

            def train(state, iterator):
                batch = next(iterator)
                self._remember(batch)
                return step(state, iter((batch,)))

            train.step = step
            self.train_function = train

    def compute_loss_and_updates(
        self,
        weights,
        others,
        metrics,
        x,
        y,
        sample_weight,
        training=False,
        optimizer_variables=None,
    ):
        given = {"x": x, "y": y, "sample_weight": sample_weight, "training": training}
        loss, (_, others, metrics) = self.stateless_compute_loss(weights, others, metrics, **given)
        scaled = loss
        if training:
            with keras.StatelessScope(zip(self.optimizer.variables, optimizer_variables, strict=True)):
                scaled = self.optimizer.scale_loss(loss)
        return scaled, (loss, None, others, metrics)

    def train_step(self, state, data):
        weights, others, optimizer, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        compute = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        given = {"training": True, "optimizer_variables": optimizer}
        (_, (loss, _, new_others, metrics)), gradients = compute(weights, others, metrics, x, y, sample_weight, **given)
        new_weights, new_optimizer = self.optimizer.stateless_apply(optimizer, gradients, weights)
        after, before = (new_weights, new_others, new_optimizer), (weights, others, optimizer)
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):  # which looks at them itself
            squares = [jnp.sum(jnp.square(gradient.astype("float32"))) for gradient in jax.tree.leaves(gradients)]
            finite = jnp.isfinite(loss + sum(squares))
            after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, before)
            loss = jnp.where(finite, loss, jnp.nan)
        logs, metrics = self._update_metrics_variables(metrics, loss, x, y, None, sample_weight)
        return logs, (*after, metrics)
