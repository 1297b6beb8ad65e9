"""Noise schedules: which signal rate and noise rate belong to a time.

x_t = signal_rate * x_0 + noise_rate * noise, and log-SNR = 2 log(signal_rate / noise_rate) strictly falls with time.
"""

from __future__ import annotations

import math

import numpy as np

from tfportrait.diffusion.numeric import as_float32, as_index, choose, normal_quantile, ops_for, precise

BETAS = {
    "ddpm_linear": (1e-4, 0.02),  # Ho et al. 2020
    "cosine": (1e-4, 0.02),  # Nichol and Dhariwal 2021; needs no limits, these only fill scheduler_config.json
    "scaled_linear": (0.00085, 0.012),  # Rombach et al. 2022, Stable Diffusion
    "trained": (1e-4, 0.02),  # betas given one by one
}
MOST_TIMESTEPS = 2**20  # each has its place in memory
SCHEDULES = ("ddpm_linear", "cosine", "scaled_linear", "edm", "flow")
SPACINGS = ("uniform", "leading", "trailing", "karras")
ALIASES = {
    "linear": "ddpm_linear",
    "ddpm": "ddpm_linear",
    "squaredcoscapv2": "cosine",
    "stablediffusion": "scaled_linear",
    "sd": "scaled_linear",
    "karras": "edm",
    "ve": "edm",
    "rectifiedflow": "flow",
    "flowmatching": "flow",
}


class Schedule:
    """What every schedule offers; `rates`, `time`, `sample_times` and `get_config` are each schedule's own."""

    spacings = SPACINGS
    timestep_spacing = None

    def log_snr(self, time):
        """2 log(signal_rate / noise_rate); -inf where there is no signal. Shapes and kinds as in `rates`."""
        signal_rate, noise_rate = self.rates(time)
        ops = ops_for(time)
        if ops is np:
            with np.errstate(divide="ignore"):
                return as_float32(2 * (np.log(precise(signal_rate)) - np.log(precise(noise_rate))))
        return 2 * (ops.log(signal_rate) - ops.log(noise_rate))

    def network_time(self, time):
        """The number that a network of this schedule is given for a time: the time itself, unless said otherwise."""
        return time

    def get_config(self) -> dict:
        raise NotImplementedError

    def __eq__(self, other):
        return isinstance(other, Schedule) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(repr(self.get_config()))

    def __repr__(self):
        options = {key: value for key, value in self.get_config().items() if key != "trained_betas"}
        return f"schedules.get({options})"


class DiscreteSchedule(Schedule):
    """Variance-preserving schedule over T training timesteps: squares of the rates sum to one.

    signal_rate(t)^2 = prod_{i <= t} (1 - beta_i), time = t = 0 ... T - 1. Fractional times are interpolated in log-SNR.
    The betas are rounded to float32 as diffusers does: the cosine's last one, 0.999, makes that visible.

    Equations: `diffusion.betas`, `diffusion.zero_terminal_snr`.

    Args:
        name: str. "ddpm_linear", "cosine" (diffusers' squaredcos_cap_v2), "scaled_linear", or "trained".
        num_train_timesteps: int. T.
        beta_start: float. First beta of the linear schedules; None for the paper's.
        beta_end: float. Last beta.
        trained_betas: sequence of T floats in (0, 1) that replaces the formula (name "trained").
        zero_terminal_snr: bool. Rescale so that the last timestep is pure noise (Lin et al. 2023, algorithm 1).
        timestep_spacing: str. Spacing to sample with when the caller names none; None for the sampler's own.
        steps_offset: int. Added to the timesteps of `leading` spacing. Defaults to 1, as in Stable Diffusion.
        set_alpha_to_one: bool. Whether `ddim` ends without noise, or at timestep 0 as Stable Diffusion does.

    Raises:
        ValueError: for an unknown name or spacing, or numbers out of range.
    """

    def __init__(
        self,
        name: str = "scaled_linear",
        *,
        num_train_timesteps: int = 1000,
        beta_start: float | None = None,
        beta_end: float | None = None,
        trained_betas=None,
        zero_terminal_snr: bool = False,
        timestep_spacing: str | None = None,
        steps_offset: int = 1,
        set_alpha_to_one: bool = False,
    ):
        self.name = choose("schedule", "trained" if trained_betas is not None else name, BETAS, ALIASES)
        if self.name == "trained":
            if trained_betas is None:
                raise ValueError('schedule "trained" needs trained_betas')
            trained_betas = [float(beta) for beta in trained_betas]
            num_train_timesteps = len(trained_betas)
        if not 2 <= int(num_train_timesteps) <= MOST_TIMESTEPS:
            raise ValueError(
                f"num_train_timesteps must be 2 or more, up to {MOST_TIMESTEPS}, not {num_train_timesteps}"
            )
        if timestep_spacing is not None:
            choose("spacing", timestep_spacing, SPACINGS, {"linspace": "uniform"})
        start, end = BETAS[self.name]
        self.num_train_timesteps = int(num_train_timesteps)
        self.beta_start = float(start if beta_start is None else beta_start)
        self.beta_end = float(end if beta_end is None else beta_end)
        self.trained_betas = trained_betas
        self.zero_terminal_snr = bool(zero_terminal_snr)
        self.timestep_spacing = timestep_spacing
        self.steps_offset = int(steps_offset)
        self.set_alpha_to_one = bool(set_alpha_to_one)

        betas = self._betas()
        if not (np.all(betas > 0) and np.all(betas < 1)):
            raise ValueError(f"betas must lie between 0 and 1, not {betas.min():g} to {betas.max():g}")
        alphas = np.float32(1) - betas.astype("float32")
        signal = np.sqrt(np.cumprod(alphas.astype("float64")))
        if self.zero_terminal_snr:
            signal = (signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])
        self._signal, self._noise = signal, np.sqrt(1 - signal**2)
        # The least signal that the inverse, Karras' sigmas and sigma-based samplers see: diffusers' 2^-12 at
        # zero terminal SNR, less where the last step but one has less already.
        self.terminal_signal_rate = float(signal[-1] or min(2.0**-12, 0.9 * signal[-2]))
        floored = np.maximum(signal, self.terminal_signal_rate)
        self._log_snr = 2 * np.log(floored) - np.log1p(-(floored**2))

    def _betas(self) -> np.ndarray:
        steps = self.num_train_timesteps
        if self.trained_betas is not None:
            return np.array(self.trained_betas)
        if self.name == "ddpm_linear":
            return np.linspace(self.beta_start, self.beta_end, steps)
        if self.name == "scaled_linear":
            return np.linspace(self.beta_start**0.5, self.beta_end**0.5, steps) ** 2
        signal_squared = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * math.pi / 2) ** 2
        return np.minimum(1 - signal_squared[1:] / signal_squared[:-1], 0.999)

    def rates(self, time):
        """Signal rate and noise rate of a time in [0, T - 1] (clipped), each float32 of time's shape."""
        ops, time = ops_for(time), precise(time)
        last = self.num_train_timesteps - 1
        time = ops.clip(time, 0, last)
        lower = ops.floor(time)
        weight = time - lower
        index = as_index(lower)
        table = precise(self._log_snr) if ops is np else as_float32(self._log_snr)
        log_snr = (1 - weight) * ops.take(table, index) + weight * ops.take(table, ops.minimum(index + 1, last))
        whole = weight == 0
        signal = ops.where(whole, ops.take(_table(ops, self._signal), index), (1 + ops.exp(-log_snr)) ** -0.5)
        noise = ops.where(whole, ops.take(_table(ops, self._noise), index), (1 + ops.exp(log_snr)) ** -0.5)
        return as_float32(signal), as_float32(noise)

    def time(self, signal_rate, noise_rate):
        """The time of given rates, float32 of their shape: only their ratio counts. Inverse of `rates`."""
        ops = ops_for(signal_rate, noise_rate)
        if ops is not np:
            signal_rate, noise_rate = as_float32(signal_rate), as_float32(noise_rate)
        noisiness = 2 * (ops.log(ops.maximum(precise(noise_rate), 1e-20)))
        noisiness = noisiness - 2 * ops.log(ops.maximum(precise(signal_rate), 1e-20))
        rising = _table(ops, -self._log_snr)
        flat = ops.reshape(noisiness, (-1,))
        index = ops.clip(as_index(ops.searchsorted(rising, flat, side="right")) - 1, 0, self.num_train_timesteps - 2)
        low, high = ops.take(rising, index), ops.take(rising, index + 1)
        time = precise(index) + ops.clip((flat - low) / (high - low), 0, 1)
        # Whole timesteps come back whole: float32 rates would give 998.9999, and the embedding of the time shows it.
        time = ops.where(ops.abs(time - ops.round(time)) < 1e-3, ops.round(time), time)
        return as_float32(ops.reshape(time, ops.shape(noisiness)))

    def sample_times(self, u):
        """Whole training times, float32 (B,), of u uniform in [0, 1), (B,)."""
        ops = ops_for(u)
        return as_float32(ops.clip(ops.floor(precise(u) * self.num_train_timesteps), 0, self.num_train_timesteps - 1))

    def get_config(self) -> dict:
        """Arguments for `schedules.get`."""
        return {
            "name": self.name,
            "num_train_timesteps": self.num_train_timesteps,
            "beta_start": self.beta_start,
            "beta_end": self.beta_end,
            "trained_betas": self.trained_betas,
            "zero_terminal_snr": self.zero_terminal_snr,
            "timestep_spacing": self.timestep_spacing,
            "steps_offset": self.steps_offset,
            "set_alpha_to_one": self.set_alpha_to_one,
        }

    def to_diffusers(self, prediction_type: str, sampler: str = "dpmpp_2m") -> dict:
        """The scheduler_config.json with which diffusers samples as `sampler` does here. See `diffusers_config`."""
        from tfportrait.diffusion import diffusers_config

        return diffusers_config.write(self, prediction_type, sampler)


class EDMSchedule(Schedule):
    """Variance-exploding schedule of EDM (Karras et al. 2022): time = sigma, rates (1, sigma).

    Equation: `diffusion.edm_schedule`.

    Args:
        sigma_min: float. Least sigma of the sampling grid.
        sigma_max: float. Greatest sigma.
        mean: float. Mean of log sigma in training.
        std: float. Standard deviation of log sigma in training.
    """

    name = "edm"
    spacings = ("karras", "uniform")

    def __init__(self, *, sigma_min: float = 0.002, sigma_max: float = 80.0, mean: float = -1.2, std: float = 1.2):
        if not 0 < sigma_min < sigma_max:
            raise ValueError(f"sigmas must satisfy 0 < sigma_min < sigma_max, not {sigma_min} and {sigma_max}")
        self.sigma_min, self.sigma_max, self.mean, self.std = map(float, (sigma_min, sigma_max, mean, std))

    def rates(self, time):
        """Signal rate 1 and noise rate sigma, float32 of time's shape."""
        time = as_float32(time)
        return as_float32(ops_for(time).ones_like(time)), time

    def time(self, signal_rate, noise_rate):
        """sigma = noise_rate / signal_rate, float32."""
        ops = ops_for(signal_rate, noise_rate)
        return as_float32(precise(noise_rate) / ops.maximum(precise(signal_rate), 1e-20))

    def network_time(self, time):
        """log(sigma) / 4, EDM's c_noise."""
        ops = ops_for(time)
        return as_float32(0.25 * ops.log(ops.maximum(precise(time), 1e-20)))

    def sample_times(self, u):
        """sigma with log sigma ~ N(mean, std^2), float32 (B,), of u uniform in [0, 1)."""
        return as_float32(ops_for(u).exp(self.mean + self.std * normal_quantile(u)))

    def get_config(self) -> dict:
        """Arguments for `schedules.get`."""
        keys = ("name", "sigma_min", "sigma_max", "mean", "std")
        return {key: getattr(self, key) for key in keys}

    def to_diffusers(self, prediction_type: str = "edm", sampler: str = "dpmpp_2m") -> dict:
        """Raises a ValueError: `StableDiffusionPipeline` has no scheduler of this kind."""
        from tfportrait.diffusion import diffusers_config

        return diffusers_config.write(self, prediction_type, sampler)


class FlowSchedule(Schedule):
    """Rectified flow (Liu et al. 2022): time t in [0, 1], rates (1 - t, t).

    Equation: `diffusion.flow_schedule`.

    Args:
        shift: float. Moves times towards noise, t -> shift t / (1 + (shift - 1) t), in training and sampling
            (Esser et al. 2024, equation 23). 1 for none.
        time_distribution: str. Training times "uniform" or "logit_normal" (Esser et al. 2024, equation 19).
        mean: float. Mean of logit(t) for "logit_normal".
        std: float. Its standard deviation.
        num_train_timesteps: int. What time 1 is called when the network is given a time.
    """

    name = "flow"
    spacings = ("uniform", "trailing")

    def __init__(
        self,
        *,
        shift: float = 1.0,
        time_distribution: str = "uniform",
        mean: float = 0.0,
        std: float = 1.0,
        num_train_timesteps: int = 1000,
    ):
        if not shift > 0:
            raise ValueError(f"shift must be positive, not {shift}")
        self.time_distribution = choose("time distribution", time_distribution, ("uniform", "logit_normal"))
        self.shift, self.mean, self.std = float(shift), float(mean), float(std)
        self.num_train_timesteps = int(num_train_timesteps)

    def shifted(self, time):
        """shift t / (1 + (shift - 1) t)."""
        return self.shift * time / (1 + (self.shift - 1) * time)

    def rates(self, time):
        """Signal rate 1 - t and noise rate t, float32 of time's shape; t is clipped to [0, 1]."""
        time = ops_for(time).clip(precise(time), 0, 1)
        return as_float32(1 - time), as_float32(time)

    def time(self, signal_rate, noise_rate):
        """t = noise_rate / (signal_rate + noise_rate), float32."""
        noise_rate = precise(noise_rate)
        return as_float32(noise_rate / (precise(signal_rate) + noise_rate))

    def network_time(self, time):
        """t times num_train_timesteps, so that the embedding sees the numbers that it was made for."""
        return as_float32(precise(time) * self.num_train_timesteps)

    def sample_times(self, u):
        """Training times in [0, 1], float32 (B,), of u uniform in [0, 1)."""
        ops, time = ops_for(u), precise(u)
        if self.time_distribution == "logit_normal":
            time = 1 / (1 + ops.exp(-(self.mean + self.std * normal_quantile(u))))
        return as_float32(self.shifted(time))

    def get_config(self) -> dict:
        """Arguments for `schedules.get`."""
        keys = ("name", "shift", "time_distribution", "mean", "std", "num_train_timesteps")
        return {key: getattr(self, key) for key in keys}

    def to_diffusers(self, prediction_type: str = "flow", sampler: str = "euler") -> dict:
        """The scheduler_config.json of diffusers' FlowMatchEulerDiscreteScheduler."""
        from tfportrait.diffusion import diffusers_config

        return diffusers_config.write(self, prediction_type, sampler)


def get(schedule="scaled_linear", **options) -> Schedule:
    """A schedule by name or from its config.

    Args:
        schedule: str, dict or Schedule. A name of `SCHEDULES` with options beside it, what `get_config` returned, or a
            schedule, which is returned.
        **options: arguments of `DiscreteSchedule`, `EDMSchedule` or `FlowSchedule`.

    Raises:
        ValueError: for an unknown name (the valid ones are listed) or option.
    """
    if isinstance(schedule, Schedule):
        return schedule
    if isinstance(schedule, dict):
        options = {**schedule, **options}
        schedule = options.pop("name", None)
    if schedule != "trained":
        choose("schedule", schedule, SCHEDULES, ALIASES)
    try:
        if schedule == "edm":
            return EDMSchedule(**options)
        if schedule == "flow":
            return FlowSchedule(**options)
        return DiscreteSchedule(schedule, **options)
    except TypeError as error:
        raise ValueError(f"schedule {schedule!r}: {str(error).split('__init__() ')[-1]}") from None


def from_diffusers(scheduler_config: dict) -> tuple[Schedule, str]:
    """Schedule and prediction type of a diffusers scheduler_config.json. See `diffusers_config.read`."""
    from tfportrait.diffusion import diffusers_config

    return diffusers_config.read(scheduler_config)


def _table(ops, values):
    return values if ops is np else as_float32(values.astype("float32"))
