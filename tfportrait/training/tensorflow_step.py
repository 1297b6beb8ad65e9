"""The training step on TensorFlow."""

import keras
import tensorflow as tf

from tfportrait import autodiff


class TensorFlowStep:
    """`train_step` and `test_step` for TensorFlow: `compute_loss` is called once, and no forward pass before it."""

    def compile(self, *, jit_compile, **kwargs):
        # XLA cannot hold the exchange between replicas: with several of them it compiles loss and gradients only.
        self._xla_per_replica = jit_compile is True and self.distribute_strategy.num_replicas_in_sync > 1
        super().compile(jit_compile=False if self._xla_per_replica else jit_compile, **kwargs)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        compute = self._loss_and_gradients
        if self._xla_per_replica:
            compute = tf.function(compute, jit_compile=True, autograph=False)
        with autodiff.gradients_owned_by_the_graph():
            loss, gradients = compute(x, y, sample_weight)
            self.optimizer.apply(gradients, self.trainable_variables)
        return self._log(loss, x)

    def _loss_and_gradients(self, x, y, sample_weight):
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, sample_weight=sample_weight, training=True)
            if not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)
            # Gradients are summed over the replicas.
            objective = self.optimizer.scale_loss(loss / self.distribute_strategy.num_replicas_in_sync)
        return loss, tape.gradient(objective, [variable.value for variable in self.trainable_variables])

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with autodiff.gradients_owned_by_the_graph():
            loss = self.compute_loss(x=x, y=y, sample_weight=sample_weight, training=False)
        return self._log(loss, x)

    def _log(self, loss, x):
        batch_size = tf.shape(keras.tree.flatten(x)[0])[0]
        next(metric for metric in self.metrics if metric.name == "loss").update_state(loss, sample_weight=batch_size)
        return self.get_metrics_result()

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras puts building off to the first traced step on TensorFlow. Loss scaling and recovery need the
        # variables before it; tracing the loss creates them without computing anything.
        if self.optimizer is not None and not self.optimizer.built:
            self.build_optimizer()
        if self.optimizer is not None and not self.optimizer.built:
            batch = data_batch if iterator is None else next(next(iter(iterator))[2])
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
            compute = autodiff.gradients_owned_by_the_graph()(self.compute_loss)
            loss = tf.function(compute, autograph=False)
            with self.distribute_strategy.scope():
                with keras.StatelessScope():  # the variables are created when it ends
                    loss.get_concrete_function(x=x, y=y, sample_weight=sample_weight)
                self.optimizer.build(self.trainable_variables)
        super()._maybe_symbolic_build(iterator, data_batch)


def adam_step(optimizer, gradient, variable, moments, powers, learning_rate):
    """Adam's step of one weight (Kingma & Ba 2015) in TensorFlow's one operation, where Keras has about thirty."""
    dtype = variable.dtype
    mean, square = (moment.value for moment in moments)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=mean.handle,
        v=square.handle,
        beta1_power=tf.cast(powers[0], dtype),
        beta2_power=tf.cast(powers[1], dtype),
        lr=tf.cast(learning_rate, dtype),
        beta1=tf.cast(optimizer.beta_1, dtype),
        beta2=tf.cast(optimizer.beta_2, dtype),
        epsilon=tf.cast(optimizer.epsilon, dtype),
        grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
    )
