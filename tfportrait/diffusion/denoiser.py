"""From networks to denoisers: denoise(x, signal_rate, noise_rate) -> x_0, the one thing that samplers know."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfportrait.diffusion import prediction as predictions
from tfportrait.diffusion.numeric import as_float32, is_numpy, ops_for, over
from tfportrait.diffusion.schedules import Schedule


class Denoiser:
    """x_0 = c_skip x + c_out network(c_in x, time), with the coefficients of the prediction type.

    Conditioning is bound beforehand: `Denoiser(lambda x, time: unet(x, time, context), schedule, "v_prediction")`.

    Equation: `diffusion.denoiser`.

    Args:
        network: callable (x, time) -> F. x of any shape (B, ...), time float32 (B,), as `schedule.network_time` has it.
        schedule: Schedule. Says which time belongs to given rates.
        prediction: str or Prediction. What F is.

    Call arguments:
        x: float32 (B, ...), a numpy array or a backend tensor.
        signal_rate: float32 scalar or (B,).
        noise_rate: float32 scalar or (B,).

    Returns:
        The predicted x_0, float32 of x's shape, whatever precision the network computes in.
    """

    def __init__(self, network: Callable, schedule: Schedule, prediction):
        self.network = network
        self.schedule = schedule
        self.prediction = predictions.get(prediction)

    def __call__(self, x, signal_rate, noise_rate):
        c_in, c_skip, c_out = (over(c, x) for c in self.prediction.coefficients(signal_rate, noise_rate))
        time = self.schedule.network_time(self.schedule.time(signal_rate, noise_rate))
        output = as_float32(self.network(c_in * x, _per_example(time, x)))
        return c_skip * x + c_out * output


def consistency(
    denoise: Callable, schedule: Schedule, sigma_data: float = 0.5, timestep_scaling: float = 10.0
) -> Callable:
    """The denoiser of a latent consistency model: c_skip x + c_out denoise(x), equal to x at time 0 (Luo et al. 2023).

    c_skip = sigma_data^2 / ((timestep_scaling t)^2 + sigma_data^2), c_out = timestep_scaling t / sqrt(...): the
    boundary condition of a consistency function. It belongs to what the model says, not to how the sampler steps, so
    the sampler `lcm` stays a plain function of a denoiser; diffusers' LCMScheduler is `lcm` over this one. From t = 19
    on, the last timestep of `lcm`, it changes x_0 by less than 1e-5: models that were not distilled do without it.

    Args:
        denoise: callable. A denoiser.
        schedule: Schedule. Gives the time t.
        sigma_data: float. Standard deviation of the data.
        timestep_scaling: float. How fast the condition fades with time.
    """

    def boundary(x, signal_rate, noise_rate):
        time = timestep_scaling * schedule.time(signal_rate, noise_rate)
        total = time**2 + sigma_data**2
        return over(sigma_data**2 / total, x) * x + over(time / total**0.5, x) * denoise(x, signal_rate, noise_rate)

    return boundary


def _per_example(time, x):
    """A scalar time as (B,); times that are already (B,) stay."""
    if len(time.shape) == 1:
        return time
    ops = ops_for(x)
    if ops is np and is_numpy(time):
        return np.full(len(x), time, "float32")
    ops = ops_for(x, time)
    return ops.broadcast_to(as_float32(time), (ops.shape(x)[0],))
