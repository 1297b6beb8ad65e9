"""The training step on TensorFlow."""

import time

import keras
import tensorflow as tf

from tfportrait import autodiff
from tfportrait.training import cluster, replicas


class TensorFlowStep:
    """`train_step` and `test_step` for TensorFlow: `compute_loss` is called once, and no forward pass before it."""

    _input_clock = None

    def compile(self, *, jit_compile, **kwargs):
        # XLA cannot hold the exchange between replicas: with several of them it compiles loss and gradients only.
        self._xla_per_replica = jit_compile is True and self._several
        super().compile(jit_compile=False if self._xla_per_replica else jit_compile, **kwargs)
        if self._several:
            for optimizer in _all_of(self.optimizer):
                if optimizer.gradient_accumulation_steps:
                    raise ValueError(
                        "gradient_accumulation_steps does not work with several replicas: Keras exchanges numbers "
                        "inside a condition. Give each replica a smaller batch, or take more replicas"
                    )
                optimizer._all_reduce_sum_gradients = list  # the step has summed them: Keras would clip them before

    def fit(self, x=None, *args, **kwargs):
        strategy = self.distribute_strategy
        count = strategy.num_replicas_in_sync
        if isinstance(x, tf.data.Dataset):
            size = next((part.shape[0] for part in tf.nest.flatten(x.element_spec) if part.shape.rank), None)
            if size is not None and size % count:
                raise ValueError(f"batches of {size} cannot be shared by {count} replicas: choose a multiple of it")
        with cluster.naming_lost_workers(strategy):
            return super().fit(x, *args, **kwargs)

    def make_train_function(self, force=False):
        super().make_train_function(force)
        alone = not self._several and self.steps_per_execution == 1 and not self.run_eagerly
        if alone and not hasattr(self.train_function, "step"):
            self.train_function = self._seeing_its_batch()

    def _seeing_its_batch(self):
        """The compiled step. Keras would have it fetch its batch inside, where nobody sees which and how long it takes.

        `_input_clock`, which Progress sets, is told how long it waits, `where_not_finite` which batch it was.
        """
        step = self._autoconvert_optionals(self.train_step)
        step = tf.function(step, jit_compile=self.jit_compile, reduce_retracing=True, autograph=False)
        traced = None

        def train(iterator):
            nonlocal traced
            spec = getattr(iterator, "element_spec", None)
            if spec != traced:
                step.get_concrete_function(spec)  # for any batch of the data set, not for the sizes of the first
                traced = spec
            start = time.perf_counter()
            batch = next(iterator)
            self._remember(batch)
            if self._input_clock is not None:
                self._input_clock.waited += time.perf_counter() - start
            return step(batch)

        train.step = step
        return train

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        compute = self._loss_and_gradients
        if self._xla_per_replica:
            compute = tf.function(replicas.alone()(compute), jit_compile=True, autograph=False)
        if tf.executing_eagerly():
            self._remember(data)
        with autodiff.gradients_owned_by_the_graph():
            seeds = [tf.identity(seed.value) for seed in self._seeds()]
            loss, gradients = compute(x, y, sample_weight)
            gradients = self._summed_over_replicas(gradients)
            if not self._several and not self._scales_the_loss():
                loss = self._apply_if_finite(loss, gradients, seeds)
            else:
                self.optimizer.apply(gradients, self.trainable_variables)
        return self._log(loss, x)

    def _summed_over_replicas(self, gradients):
        if not self._several:
            return gradients
        found = [gradient for gradient in gradients if gradient is not None]
        context = tf.distribute.get_replica_context()
        summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, found) if found else [])
        return [None if gradient is None else next(summed) for gradient in gradients]

    def _apply_if_finite(self, loss, gradients, seeds):
        """Leaves weights and random seeds as they were if the loss or a gradient is not finite."""
        found = [tf.cast(gradient, tf.float32) for gradient in gradients if gradient is not None]
        size = loss + tf.linalg.global_norm(found)

        def apply():
            self.optimizer.apply(gradients, self.trainable_variables)
            return loss

        def keep():
            for seed, before in zip(self._seeds(), seeds, strict=True):
                seed.assign(before)
            return tf.constant(float("nan"), loss.dtype)

        return tf.cond(tf.math.is_finite(size), apply, keep)

    def _seeds(self):
        weights = {id(variable) for variable in self.weights}
        return [variable for variable in self.variables if id(variable) not in weights]

    @property
    def _several(self):
        return self.distribute_strategy.num_replicas_in_sync > 1

    def _scales_the_loss(self):
        return isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)

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
        logs = self.get_metrics_result()
        if (
            cluster.worker_count(self.distribute_strategy) > 1
        ):  # Keras takes the mean over replicas along an axis, which numbers have not
            logs = {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras puts building off to the first traced step on TensorFlow. Loss scaling and recovery need the
        # variables before it; tracing the loss creates them without computing anything.
        if self.optimizer is not None and not self.optimizer.built:
            self.build_optimizer()
        if self.optimizer is not None and not self.optimizer.built:
            batch = data_batch if iterator is None else next(next(iter(iterator))[2])
            batch = tf.nest.map_structure(
                lambda value: self.distribute_strategy.experimental_local_results(value)[0], batch
            )
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
            compute = autodiff.gradients_owned_by_the_graph()(self.compute_loss)
            loss = tf.function(compute, autograph=False)
            with self.distribute_strategy.scope():
                with keras.StatelessScope():  # the variables are created when it ends
                    loss.get_concrete_function(x=x, y=y, sample_weight=sample_weight)
                self.optimizer.build(self.trainable_variables)
        if not self._several:  # Keras knows no batches of several replicas' dicts
            super()._maybe_symbolic_build(iterator, data_batch)


def _all_of(optimizer):
    inner = getattr(optimizer, "inner_optimizer", None)
    players = getattr(optimizer, "players", {})
    return [optimizer, *(_all_of(inner) if inner is not None else []), *players.values()]


def adam_step(gradient, variable, moments, constants):
    """Adam's step of one weight (Kingma & Ba 2015) in TensorFlow's one operation, where Keras has about thirty.

    Args:
        gradient: tensor.
        variable: tf.Variable.
        moments: (mean, mean square), keras.Variables.
        constants: dict of numbers: lr, beta1, beta2, epsilon, beta1_power, beta2_power.
    """
    dtype = variable.dtype
    mean, square = (moment.value for moment in moments)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=mean.handle,
        v=square.handle,
        grad=tf.cast(gradient, dtype),
        **{name: tf.cast(value, dtype) for name, value in constants.items()},
    )
