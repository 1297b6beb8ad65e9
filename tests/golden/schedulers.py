"""Golden trajectories of diffusers' schedulers on a dummy model -> schedulers.npz.

    python tests/golden/schedulers.py        # needs torch and diffusers; made with diffusers 0.42.1

Every case drives one scheduler from fixed noise with the network
F(x, t) = 0.5 x cos(t / 300) + 0.4 sin(3 x + t / 150) and keeps x_t before every step and at the end, divided by
sqrt(1 + sigma^2) where the scheduler works in sigma, so that all are on the variance-preserving scale. All fresh noise
is numpy's Philox keyed by (SEED, i + 1) for step i. The tables of betas and sigmas are diffusers' own float32; only the
steps run in float64, because sigma goes up to 20,000 and x_t / s would otherwise carry rounding errors of 1e-3.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import pathlib
import sys
import types

import diffusers
import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden.pipeline import CLASSES  # noqa: E402

SEED = 11
SHAPE = (2, 3)
OUT = pathlib.Path(__file__).with_suffix(".npz")
SPACINGS = {"uniform": "linspace", "leading": "leading", "trailing": "trailing", "karras": "linspace"}
BETAS = {
    "ddpm_linear": {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
}
IN_SIGMA = ("euler", "euler_ancestral", "heun")


def noise(step: int) -> torch.Tensor:
    key = np.array([SEED, step], "uint64")
    return torch.from_numpy(np.random.Generator(np.random.Philox(key=key)).standard_normal(SHAPE, "float32")).double()


@contextlib.contextmanager
def double_steps(scheduler):
    """Within, the steps of a scheduler whose timesteps are set run in float64. Yields its module."""
    module = importlib.import_module(type(scheduler).__module__)
    for table in ("sigmas", "alphas_cumprod"):
        if hasattr(scheduler, table):
            setattr(scheduler, table, getattr(scheduler, table).double())
    module.torch = types.SimpleNamespace(**{**vars(torch), "float32": torch.float64})
    yield module
    module.torch = torch


def network(x: torch.Tensor, time: float) -> torch.Tensor:
    return 0.5 * x * np.cos(time / 300) + 0.4 * torch.sin(3 * x + time / 150)


def cases():
    """Sampler, schedule, prediction type and zero terminal SNR; spacing and steps."""
    setups = [
        ("scaled_linear", "epsilon", False),
        ("cosine", "v_prediction", False),
        ("scaled_linear", "v_prediction", True),
        ("ddpm_linear", "sample", False),
    ]
    grids = [("uniform", 4), ("uniform", 20), ("leading", 1), ("leading", 7), ("leading", 20), ("trailing", 5)]
    grids += [("trailing", 16), ("trailing", 20), ("karras", 6), ("karras", 15)]
    for sampler, (schedule, prediction, zero), (spacing, steps) in itertools.product(CLASSES, setups, grids):
        if sampler == "euler_ancestral" and prediction == "sample":
            continue  # not implemented in diffusers
        if sampler == "heun" and zero:
            continue  # diffusers' Heun has no such option
        if spacing == "karras" and sampler not in ("euler", "heun", "dpmpp_2m"):
            continue  # nor have these Karras sigmas
        if sampler == "ddim" and (spacing == "uniform" or (spacing == "trailing" and 1000 % steps)):
            continue  # diffusers' DDIM steps to levels at which the next step does not start
        if sampler == "lcm" and spacing != "leading":
            continue  # one grid only
        yield {
            "sampler": sampler,
            "schedule": schedule,
            "prediction": prediction,
            "zero_terminal_snr": zero,
            "spacing": spacing,
            "steps": steps,
        }


def scheduler_for(case):
    options = dict(BETAS[case["schedule"]], prediction_type=case["prediction"])
    options["timestep_spacing"] = SPACINGS[case["spacing"]]
    options["steps_offset"] = 1
    if case["zero_terminal_snr"]:
        options["rescale_betas_zero_snr"] = True
    if case["sampler"] in ("ddpm", "ddim"):
        options["clip_sample"] = False
    if case["sampler"] == "ddim":
        options["set_alpha_to_one"] = False
    if case["spacing"] == "karras":
        options["use_karras_sigmas"] = True
    return getattr(diffusers, CLASSES[case["sampler"]])(**options)


def network_time(scheduler, case, index, timestep):
    """The timestep; on Karras' grid of the cosine the exact time, which DPMSolverMultistepScheduler cuts off."""
    if (case["spacing"], case["sampler"], case["schedule"]) != ("karras", "dpmpp_2m", "cosine"):
        return float(timestep)
    log_sigmas = np.log((((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod) ** 0.5).numpy())
    return float(scheduler._sigma_to_t(scheduler.sigmas[index].numpy().reshape(1), log_sigmas)[0])


def trajectory(scheduler, case):
    """x_t before every step and at the end, (steps + 1, *SHAPE); network times, (steps,)."""
    scheduler.set_timesteps(case["steps"])
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    in_sigma = case["sampler"] in IN_SIGMA
    x = noise(0) * float(scheduler.init_noise_sigma)
    states, times, step = [], [], 0
    with double_steps(scheduler) as module:
        for index, timestep in enumerate(scheduler.timesteps):
            time = network_time(scheduler, case, index, timestep)
            if getattr(scheduler, "state_in_first_order", True):
                step += 1
                times.append(time)
                states.append(x.numpy() * (float(scheduler.sigmas[index] ** 2 + 1) ** -0.5 if in_sigma else 1.0))
            module.randn_tensor = lambda *args, step=step, **options: noise(step)
            output = network(scheduler.scale_model_input(x, timestep), time)
            x = scheduler.step(output, timestep, x, return_dict=False)[0]
    return np.stack([*states, x.numpy()]).astype("float32"), np.array(times, "float32")


def edm_trajectory(class_name, steps):
    """EDM's own schedulers: x_t on their scale, and the sigmas."""
    scheduler = getattr(diffusers, class_name)()
    scheduler.set_timesteps(steps)
    x, states = noise(0) * float(scheduler.sigmas[0]), []
    with double_steps(scheduler):
        for timestep in scheduler.timesteps:
            states.append(x.numpy())
            output = network(scheduler.scale_model_input(x, timestep), float(timestep))
            x = scheduler.step(output, timestep, x, return_dict=False)[0]
    return np.stack([*states, x.numpy()]).astype("float32"), scheduler.sigmas.numpy().astype("float32")


def flow_trajectory(class_name, steps, shift):
    """Flow matching schedulers: x_t, and the times 1 ... 0."""
    scheduler = getattr(diffusers, class_name)(shift=shift)
    if class_name == "FlowMatchEulerDiscreteScheduler":
        scheduler.set_timesteps(sigmas=np.linspace(1, 0, steps + 1)[:-1].tolist())
    else:
        scheduler.set_timesteps(steps)
    x, states, times = noise(0), [], []
    with double_steps(scheduler):
        for index, timestep in enumerate(scheduler.timesteps):
            if getattr(scheduler, "state_in_first_order", True):
                states.append(x.numpy())
                times.append(float(scheduler.sigmas[index]))
            output = network(x, float(scheduler.sigmas[index]) * 1000)
            x = scheduler.step(output, timestep, x, return_dict=False)[0]
    return np.stack([*states, x.numpy()]).astype("float32"), np.array([*times, 0], "float32")


def main():
    arrays, described = {}, []
    for case in cases():
        states, times = trajectory(scheduler_for(case), case)
        arrays[f"x_{len(described)}"], arrays[f"t_{len(described)}"] = states, times
        described.append(case)
    for sampler, class_name in (("euler", "EDMEulerScheduler"), ("dpmpp_2m", "EDMDPMSolverMultistepScheduler")):
        case = {"sampler": sampler, "schedule": "edm", "prediction": "edm", "steps": 12}
        arrays[f"x_{len(described)}"], arrays[f"t_{len(described)}"] = edm_trajectory(class_name, 12)
        described.append(case)
    for sampler, kind in (("euler", "Euler"), ("heun", "Heun")):
        for shift in (1.0, 3.0):
            states, times = flow_trajectory(f"FlowMatch{kind}DiscreteScheduler", 8, shift)
            arrays[f"x_{len(described)}"], arrays[f"t_{len(described)}"] = states, times
            case = {"sampler": sampler, "schedule": "flow", "prediction": "flow", "steps": 8, "shift": shift}
            described.append(case)
    indices = np.linspace(0, 999, 28).round().astype(int)
    for name, zero in itertools.product(BETAS, (False, True)):
        scheduler = diffusers.DDIMScheduler(**BETAS[name], rescale_betas_zero_snr=zero)
        arrays[f"alphas_cumprod_{name}_{zero}"] = scheduler.alphas_cumprod.numpy()[indices]
    arrays["alphas_cumprod_indices"] = indices
    np.savez_compressed(OUT, cases=json.dumps(described), **arrays)
    print(f"{len(described)} cases, {OUT.stat().st_size / 1024:.0f} KiB, diffusers {diffusers.__version__}")


if __name__ == "__main__":
    main()
