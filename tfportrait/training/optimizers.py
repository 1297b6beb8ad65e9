"""AdamW with a moving average of the weights, and one optimizer for several players."""

import contextlib

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfportrait")
class AdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov & Hutter 2019) that keeps an exponential moving average (EMA) of the weights.

    After update n = 1, 2, ... of the weights w, with a warm-up so that early, bad weights are soon forgotten:

        decay_n   = min(ema_decay, n / (9 + n)),  decay_1 = 0
        average_n = decay_n * average_(n-1) + (1 - decay_n) * w_n

    The trained weights are never overwritten: `Trainable.averaged_weights()` puts the average in their place for a
    while. The average is optimizer state, so a `.keras` file saves and restores it. Under `mixed_float16` a step
    that overflows changes neither weights nor average; with `gradient_accumulation_steps` both change only when the
    accumulated gradients are applied. A learning-rate schedule counts every batch, as always in Keras.

    Equation: `training.average`.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`. `CosineDecay` has a linear
            warm-up (`warmup_target`, `warmup_steps`). Defaults to 1e-4.
        weight_decay: float. Decoupled weight decay; 0 makes it Adam. Defaults to 0.01.
        beta_1: float in [0, 1). Decay of the mean of the gradients. Defaults to 0.9.
        beta_2: float in [0, 1). Decay of the mean of their squares. Defaults to 0.999.
        epsilon: float. Added to the root of the mean square. Defaults to 1e-8.
        ema_decay: float in [0, 1) or None. The decay that the average warms up to; None keeps no average.
        **kwargs: `clipnorm`, `global_clipnorm`, `clipvalue`, `gradient_accumulation_steps`, `name`: as in Keras.

    Raises: ValueError if `ema_decay` is out of range.
    """

    def __init__(
        self,
        learning_rate=1e-4,
        weight_decay=0.01,
        *,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        ema_decay=None,
        name="adamw",
        **kwargs,
    ):
        if ema_decay is not None and not 0.0 <= ema_decay < 1.0:
            raise ValueError(f"ema_decay is {ema_decay}, but must be in [0, 1) or None")
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            use_ema=ema_decay is not None,
            ema_momentum=ema_decay or 0.0,
            name=name,
            **kwargs,
        )
        self.ema_decay = ema_decay

    @property
    def _fused(self):
        return keras.backend.backend() == "tensorflow" and not self.amsgrad

    @property
    def _alone(self):
        """One replica of the weights: Keras' way to every replica's copy of each takes long to trace."""
        return keras.backend.backend() == "tensorflow" and self._distribution_strategy.num_replicas_in_sync == 1

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._fused:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        step = ops.cast(self.iterations + 1, "float32")
        powers = {"beta1_power": ops.power(self.beta_1, step), "beta2_power": ops.power(self.beta_2, step)}
        betas = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
        # Tensors once, not for every weight.
        self._constants = {name: ops.cast(value, "float32") for name, value in {**powers, **betas}.items()}
        if self._alone:
            for gradient, variable in zip(grads, trainable_variables, strict=True):
                self.update_step(gradient, variable.value, learning_rate)
        else:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
        self._constants = None

    def update_step(self, gradient, variable, learning_rate):
        if not self._fused:
            super().update_step(gradient, variable, learning_rate)
            return
        from tfportrait.training.tensorflow_step import adam_step

        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        adam_step(gradient, variable, moments, {**self._constants, "lr": learning_rate})

    def _apply_weight_decay(self, variables):
        if not self.weight_decay:
            return
        if not self._alone:
            super()._apply_weight_decay(variables)
            return
        rate = ops.cast(self.learning_rate * self.weight_decay, "float32")
        for variable in filter(self._use_weight_decay, variables):
            self.assign_sub(variable, variable * ops.cast(rate, variable.dtype))

    def _update_model_variables_moving_average(self, trainable_variables):
        done = ops.cast(self.iterations, "float32")  # updates before this one: n - 1
        decay = ops.minimum(self.ema_decay, (1.0 + done) / (10.0 + done))
        decay = ops.where(done == 0.0, 0.0, decay)
        if self.gradient_accumulation_steps:
            applied = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
            decay = ops.where(applied, decay, 1.0)
        change = 1.0 - decay
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            self.assign_sub(average, ops.cast(change, variable.dtype) * (average - variable))

    def finalize_variable_values(self, var_list):
        """Leaves the trained weights as they are (Keras would overwrite them by the average after `fit`)."""

    @property
    def averages(self):
        """List of (variable, average) pairs of keras.Variables; empty without `ema_decay` or before an update."""
        if self.ema_decay is None or not self.built or not ops.convert_to_numpy(self.iterations):
            return []
        return list(zip(self._trainable_variables, self._model_variables_moving_average, strict=True))

    def get_config(self):
        config = super().get_config()
        for name in ("use_ema", "ema_momentum", "ema_overwrite_frequency"):
            del config[name]
        return {**config, "ema_decay": self.ema_decay}


@keras.saving.register_keras_serializable("tfportrait")
class Players(keras.optimizers.Optimizer):
    """One optimizer for a model of several players, each with its own settings.

    A weight belongs to the player whose name is a part of the weight's path: the weight
    "gan/discriminator/conv_in/kernel" belongs to "discriminator". So name the networks:
    `Discriminator(name="discriminator")`. The loss is the sum of the players' losses, and `frozen` keeps a network
    that only judges out of another player's loss. `compile`, saving, loss scaling and JAX work as with any optimizer:

        optimizer = Players({"generator": AdamW(1e-4, ema_decay=0.999), "discriminator": AdamW(4e-4, beta_1=0.0)})

    Args:
        players: dict. Name of the player -> its `keras.optimizers.Optimizer`.
        name: str. Name of the optimizer.

    Raises: ValueError if `players` is empty or not such a dict; on `build`, if a weight belongs to no player or to two.
    """

    def __init__(self, players, name="players"):
        if not players or not all(isinstance(value, keras.optimizers.Optimizer) for value in players.values()):
            raise ValueError(f"players must map names to Keras optimizers, but is {players!r}")
        super().__init__(learning_rate=0.0, name=name)
        self.players = dict(players)

    def build(self, variables):
        if self.built:
            return
        owners = [self.player_of(variable) for variable in variables]
        for name, optimizer in self.players.items():
            optimizer.build([variable for variable, owner in zip(variables, owners, strict=True) if owner == name])
        super().build(variables)

    def player_of(self, variable):
        """The name of the player that owns `variable`."""
        owners = [name for name in self.players if name in variable.path.split("/")]
        if len(owners) != 1:
            raise ValueError(
                f"the weight {variable.path!r} must belong to one of the players {', '.join(self.players)}, "
                f"but belongs to {' and '.join(owners) or 'none'}; a player's name is part of its weights' paths"
            )
        return owners[0]

    @property
    def variables(self):
        return [*self._variables, *(v for optimizer in self.players.values() for v in optimizer.variables)]

    @property
    def learning_rate(self):
        raise AttributeError("each player has its own learning rate: optimizer.players[name].learning_rate")

    @property
    def averages(self):
        """List of (variable, average) pairs of all players that keep an average."""
        return [pair for optimizer in self.players.values() for pair in averages(optimizer)]

    def apply(self, grads, trainable_variables=None):
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        shares = {name: [] for name in self.players}
        for gradient, variable in zip(grads, variables, strict=True):
            shares[self.player_of(variable)].append((gradient, variable))
        for name, share in shares.items():
            if share:
                self.players[name].apply_gradients(share)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        for optimizer in self.players.values():
            optimizer.finalize_variable_values(optimizer._trainable_variables)

    def get_config(self):
        players = {key: keras.saving.serialize_keras_object(value) for key, value in self.players.items()}
        return {"players": players, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        players = {
            key: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            for key, value in config["players"].items()
        }
        return cls(players, name=config["name"])


def averages(optimizer):
    """List of (variable, average) pairs that `optimizer` keeps; empty if it keeps none."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    return getattr(optimizer, "averages", [])


@contextlib.contextmanager
def frozen(*networks):
    """Within it the weights of the networks are constants: gradients pass through to their inputs only.

    So a critic can judge in the generator's loss, in the one backward pass that also trains it by its own loss:

        fake = self.generator(noise)
        with frozen(self.discriminator):
            generator_loss = -ops.mean(self.discriminator(fake))
        discriminator_loss = ops.mean(self.discriminator(ops.stop_gradient(fake))) - ...
        return generator_loss + discriminator_loss

    Updates of the networks' state (random seeds, running means) are kept.

    Args:
        *networks: keras layers or models, built.
    """
    variables = list({id(variable): variable for network in networks for variable in network.variables}.values())
    trainable = {id(variable) for network in networks for variable in network.trainable_variables}
    values = [variable.value for variable in variables]
    constants = [
        ops.stop_gradient(value) if id(variable) in trainable else value
        for variable, value in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(state_mapping=zip(variables, constants, strict=True)) as scope:
        before = [scope.get_current_value(variable) for variable in variables]
        yield
    for variable, value in zip(variables, before, strict=True):
        if (after := scope.get_current_value(variable)) is not value:
            variable.assign(after)
