"""Which noise levels a sampler visits: diffusers' timestep grids, by sampler and spacing."""

from __future__ import annotations

import numpy as np

from tfportrait.diffusion import samplers
from tfportrait.diffusion.numeric import choose
from tfportrait.diffusion.schedules import DiscreteSchedule, EDMSchedule, FlowSchedule, Schedule

# diffusers' schedulers of these work in sigma = noise_rate / signal_rate, which has to be finite.
SIGMA_SAMPLERS = ("euler", "euler_ancestral", "heun", "dpmpp_2m")
KARRAS_SAMPLERS = ("euler", "heun", "dpmpp_2m")  # diffusers' schedulers that have use_karras_sigmas
LCM_STEPS = 50  # the grid on which latent consistency models are distilled
ALIASES = {"linspace": "uniform", "linear": "uniform", "simple": "trailing", "karrassigmas": "karras"}


def rates(schedule: Schedule, sampler: str, num_steps: int, spacing: str | None = None) -> np.ndarray:
    """Signal and noise rates for every step and for the end point, noise falling.

    On a `DiscreteSchedule` the grids are those of the diffusers scheduler of the same name, so that step i has its
    timestep. `uniform` is diffusers' "linspace"; `karras` spaces sigma^(1/7) evenly (Karras et al. 2022, equation 5)
    over the whole schedule. The end is (1, 0), except for `ddim` without `set_alpha_to_one`: timestep 0. `lcm` takes
    its timesteps from the grid of 50 of its distillation unless a spacing is named. At zero terminal SNR the samplers
    that work in sigma start at signal rate 2^-12, as in diffusers; `ddpm`, `ddim` and `lcm` at 0.

    Two things differ on purpose. diffusers' DDIM steps by T // num_steps even where its timesteps do not (`linspace`;
    `trailing` with T not a multiple of the steps); here each step ends where the next begins. And its Euler and Heun
    take the ends of Karras' grid from the grid that `timestep_spacing` names; here they are the schedule's, as theirs
    are with "linspace".

    Args:
        schedule: Schedule.
        sampler: str. A name of `samplers.SAMPLERS`.
        num_steps: int >= 1.
        spacing: str. "uniform", "leading", "trailing" or "karras"; None for the schedule's own `timestep_spacing` (if
            that is "karras", for the samplers that have it in diffusers), or else the sampler's default. EDM has
            "karras" (default) and "uniform" (in log sigma), rectified flow "uniform" and "trailing", which are the
            same.

    Returns:
        float32 (num_steps + 1, 2).

    Raises:
        ValueError: for an unknown name, or a number of steps that the grid cannot have.
    """
    sampler = choose("sampler", sampler, samplers.SAMPLERS, samplers.ALIASES)
    if isinstance(num_steps, bool) or not isinstance(num_steps, (int, np.integer)) or num_steps < 1:
        raise ValueError(f"num_steps must be a whole number of at least 1, not {num_steps!r}")
    named, spacing = spacing, resolve(schedule, sampler, spacing)
    if isinstance(schedule, FlowSchedule):
        return np.stack(schedule.rates(schedule.shifted(np.linspace(1, 0, num_steps + 1))), -1)
    if isinstance(schedule, EDMSchedule):
        limits = schedule.sigma_max, schedule.sigma_min
        sigmas = karras_sigmas(*limits, num_steps) if spacing == "karras" else np.geomspace(*limits, num_steps)
        return np.stack(schedule.rates(np.append(sigmas, 0.0)), -1)

    last = schedule.num_train_timesteps - 1
    if spacing == "karras":
        first_sigma = (schedule.terminal_signal_rate**-2 - 1) ** 0.5
        signal, noise = (float(rate) for rate in schedule.rates(0))
        sigmas = karras_sigmas(first_sigma, noise / signal, num_steps)
        pairs = np.stack([(1 + sigmas**2) ** -0.5, sigmas * (1 + sigmas**2) ** -0.5], -1)
        return np.append(pairs, [[1, 0]], 0).astype("float32")
    times = timesteps(schedule, sampler, num_steps, "lcm" if sampler == "lcm" and named is None else spacing)
    pairs = np.stack(schedule.rates(times), -1)
    if pairs[0, 0] == 0 and sampler in SIGMA_SAMPLERS and times[0] == last:
        signal = schedule.terminal_signal_rate
        pairs[0] = signal, (1 - signal**2) ** 0.5
    end = (1.0, 0.0)
    if sampler == "ddim" and not schedule.set_alpha_to_one and times[-1] > 0:
        end = schedule.rates(0)
    return np.append(pairs, [end], 0).astype("float32")


def rates_below(schedule: Schedule, sigma: float, num_steps: int) -> np.ndarray:
    """Rates from a noise level on, evenly spaced in time, for any sampler.

    Args:
        schedule: Schedule.
        sigma: float > 0. Noise rate over signal rate of the start; more than the schedule has is its most.
        num_steps: int >= 1.

    Returns:
        float32 (num_steps + 1, 2), the end (1, 0) included.
    """
    first = float(schedule.time(np.float32(1.0), np.float32(min(sigma, 1e6))))
    times = np.linspace(first, 0.0, num_steps + 1)[:-1].astype("float32")
    return np.append(np.stack(schedule.rates(times), -1), [[1, 0]], 0).astype("float32")


def resolve(schedule: Schedule, sampler: str, spacing: str | None = None) -> str:
    """The spacing that `rates` uses when `spacing` is given: checked, or the default.

    Raises:
        ValueError: for a spacing that the schedule does not have.
    """
    if spacing is not None:
        return choose(f"spacing of schedule {schedule.name!r}", spacing, schedule.spacings, ALIASES)
    if not isinstance(schedule, DiscreteSchedule):
        return schedule.spacings[0]
    own = schedule.timestep_spacing
    if own is None or own == "karras" and sampler not in KARRAS_SAMPLERS:
        return default_spacing(sampler)
    return own


def default_spacing(sampler: str) -> str:
    """diffusers' default for a sampler: "leading" for ddpm, ddim and lcm, "uniform" for those that work in sigma."""
    return "uniform" if sampler in SIGMA_SAMPLERS else "leading"


def start_scale(schedule: Schedule, sampler: str, rates, spacing: str | None = None) -> float:
    """What unit noise is multiplied by for the start of a sampler, as in the diffusers scheduler of its name.

    `euler`, `euler_ancestral` and `heun` start at the noise rate, all other samplers (and these with `leading` spacing)
    with the variance of x_t for data of unit variance: 1 on a variance-preserving schedule.
    """
    signal_rate, noise_rate = (float(rate) for rate in rates[0])
    if sampler in ("euler", "euler_ancestral", "heun") and resolve(schedule, sampler, spacing) != "leading":
        return noise_rate
    return float(np.hypot(signal_rate, noise_rate)) if not isinstance(schedule, DiscreteSchedule) else 1.0


def whole_times(schedule: Schedule, sampler: str, spacing: str | None = None) -> bool:
    """Whether the network is given the nearest whole timesteps: for `dpmpp_2m` on Karras' grid, as in diffusers.

    Not on the cosine schedule, where diffusers cuts them off instead. All other grids give exact times.
    """
    return (
        isinstance(schedule, DiscreteSchedule)
        and schedule.name != "cosine"
        and sampler == "dpmpp_2m"
        and resolve(schedule, sampler, spacing) == "karras"
    )


def timesteps(schedule: DiscreteSchedule, sampler: str, num_steps: int, spacing: str) -> np.ndarray:
    """Falling times, float64 (num_steps,), that the diffusers scheduler of the sampler's name visits.

    Args:
        schedule: DiscreteSchedule.
        sampler: str. Decides between rounded and fractional timesteps, and DPM-Solver's own grid.
        num_steps: int.
        spacing: str. "uniform", "leading", "trailing", or "lcm": distillation's grid.

    Raises:
        ValueError: if that many steps do not fit the grid; says how many do.
    """
    times = _grid(schedule, sampler, num_steps, spacing)
    if times is None:
        fitting = range(min(num_steps, schedule.num_train_timesteps), 0, -1)
        most = next((n for n in fitting if _grid(schedule, sampler, n, spacing) is not None), 0)
        raise ValueError(f"{num_steps} steps do not fit {spacing!r} spacing of {sampler!r}: the most is {most}")
    return times


def karras_sigmas(sigma_max: float, sigma_min: float, num_steps: int, rho: float = 7.0) -> np.ndarray:
    """sigma^(1/rho) evenly spaced, both ends included, float64 (num_steps,) (Karras et al. 2022, equation 5)."""
    ramp = np.linspace(0, 1, num_steps)
    return (sigma_max ** (1 / rho) + ramp * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho


def _grid(schedule, sampler, num_steps, spacing):
    """The timesteps, or None if they are not strictly falling within the schedule."""
    total = schedule.num_train_timesteps
    if spacing == "lcm":
        stride = max(total // LCM_STEPS, 1)
        origin = np.arange(min(LCM_STEPS, total), 0, -1) * stride - 1
        times = origin[np.floor(np.linspace(0, len(origin), num_steps, endpoint=False)).astype(int)]
    elif spacing == "trailing":
        times = np.round(total - np.arange(num_steps) * (total / num_steps)) - 1
    elif spacing == "leading":
        stride = total // (num_steps + 1 if sampler == "dpmpp_2m" else num_steps)
        times = np.arange(num_steps)[::-1] * stride
        times = times + (stride if sampler == "dpmpp_2m" else 0)
        times = times + min(schedule.steps_offset, total - 1 - times[0])
    elif sampler == "dpmpp_2m":
        times = np.round(np.linspace(total - 1, 0, num_steps + 1))[:-1]
    else:
        times = np.linspace(0, total - 1, num_steps)[::-1]
        times = np.round(times) if sampler in ("ddpm", "ddim", "lcm") else times
    falls = np.all(np.diff(times) < 0) and times[0] <= total - 1 and times[-1] >= 0
    return times.astype("float64") if falls else None
