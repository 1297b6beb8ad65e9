"""diffusers' scheduler_config.json <-> a schedule and a prediction type."""

from __future__ import annotations

from tfportrait.diffusion import prediction, samplers, spacing
from tfportrait.diffusion.numeric import choose
from tfportrait.diffusion.schedules import DiscreteSchedule, EDMSchedule, FlowSchedule, Schedule

BETA_SCHEDULES = {"linear": "ddpm_linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "cosine"}
SPACINGS = {"linspace": "uniform", "leading": "leading", "trailing": "trailing"}
PREDICTIONS = {name: name for name in ("epsilon", "v_prediction", "sample")} | {"flow_prediction": "flow"}
SCHEDULERS = {
    "ddpm": ("DDPMScheduler", {"variance_type": "fixed_small", "clip_sample": False}),
    "ddim": ("DDIMScheduler", {"clip_sample": False}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpmpp_2m": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "solver_order": 2, "solver_type": "midpoint", "final_sigmas_type": "zero"},
    ),
    "lcm": ("LCMScheduler", {"original_inference_steps": 50, "timestep_scaling": 10.0, "clip_sample": False}),
}
OTHER_GRIDS = ("use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")


def read(config: dict) -> tuple[Schedule, str]:
    """Schedule and prediction type of a scheduler_config.json of any of diffusers' schedulers.

    Read are the betas, zero terminal SNR, the prediction type and what the grid of timesteps needs. Which sampler is
    used, and whether x_0 is clipped (`clip_sample`, `thresholding`), is no part of a schedule and not read.

    Raises:
        ValueError: for a beta schedule, prediction type, timestep spacing or sigma grid that is not known here.
    """
    scheduler = str(config.get("_class_name", ""))
    for option in OTHER_GRIDS:
        if config.get(option):
            raise ValueError(f"scheduler option {option} is not supported: use_karras_sigmas or none")
    if config.get("final_sigmas_type", "zero") != "zero":
        raise ValueError(f"final_sigmas_type {config['final_sigmas_type']!r} is not supported: only 'zero'")
    if scheduler.startswith("FlowMatch") or config.get("use_flow_sigmas"):
        shift = config.get("flow_shift" if config.get("use_flow_sigmas") else "shift", 1.0)
        return FlowSchedule(shift=shift, num_train_timesteps=config.get("num_train_timesteps", 1000)), "flow"
    if scheduler.startswith("EDM"):
        if config.get("prediction_type", "epsilon") != "epsilon" or config.get("sigma_data", 0.5) != 0.5:
            raise ValueError(f"{scheduler} is read with prediction_type 'epsilon' and sigma_data 0.5 only")
        sigmas = {key: config[key] for key in ("sigma_min", "sigma_max") if key in config}
        return EDMSchedule(**sigmas), "edm"

    predicted = PREDICTIONS[choose("prediction type", config.get("prediction_type", "epsilon"), PREDICTIONS)]
    trained = config.get("trained_betas")
    is_lcm = scheduler == "LCMScheduler"
    betas = config.get("beta_schedule", "scaled_linear" if is_lcm else "linear")
    limits = (0.00085, 0.012) if is_lcm else (1e-4, 0.02)
    timestep_spacing = config.get("timestep_spacing")
    if timestep_spacing is not None:
        timestep_spacing = SPACINGS[choose("timestep spacing", timestep_spacing, SPACINGS)]
    schedule = DiscreteSchedule(
        "trained" if trained is not None else BETA_SCHEDULES[choose("beta schedule", betas, BETA_SCHEDULES)],
        num_train_timesteps=config.get("num_train_timesteps", 1000),
        beta_start=config.get("beta_start", limits[0]),
        beta_end=config.get("beta_end", limits[1]),
        trained_betas=trained,
        zero_terminal_snr=config.get("rescale_betas_zero_snr", False),
        timestep_spacing="karras" if config.get("use_karras_sigmas") else timestep_spacing,
        steps_offset=config.get("steps_offset", 0),
        set_alpha_to_one=config.get("set_alpha_to_one", scheduler != "PNDMScheduler"),
    )
    return schedule, predicted


def write(schedule: Schedule, prediction_type: str, sampler: str = "dpmpp_2m") -> dict:
    """The scheduler_config.json with which diffusers samples as `sampler` does here.

    `clip_sample` is false and `steps_offset` the schedule's (1, unless changed): `StableDiffusionPipeline` overrides
    any other value. diffusers' Karras grid starts from `linspace` timesteps.

    Raises:
        ValueError: for an unknown sampler or prediction type, or a schedule that diffusers' class cannot have.
    """
    sampler = choose("sampler", sampler, SCHEDULERS, samplers.ALIASES)
    prediction.get(prediction_type)
    if isinstance(schedule, FlowSchedule):
        if prediction_type != "flow":
            raise ValueError(f"diffusers' rectified flow predicts flow only, not {prediction_type!r}")
        return {
            "_class_name": "FlowMatchEulerDiscreteScheduler",
            "num_train_timesteps": schedule.num_train_timesteps,
            "shift": schedule.shift,
        }
    if not isinstance(schedule, DiscreteSchedule):
        raise ValueError(f"schedule {schedule.name!r} has no scheduler_config.json: its betas do not exist")
    to_prediction = {ours: theirs for theirs, ours in PREDICTIONS.items()}
    class_name, options = SCHEDULERS[sampler]
    karras = schedule.timestep_spacing == "karras"
    if karras and sampler not in spacing.KARRAS_SAMPLERS:
        raise ValueError(f"diffusers' {class_name} has no Karras sigmas: use euler, heun or dpmpp_2m")
    config = {
        "_class_name": class_name,
        "num_train_timesteps": schedule.num_train_timesteps,
        "beta_schedule": {ours: theirs for theirs, ours in BETA_SCHEDULES.items()}.get(schedule.name, "linear"),
        "beta_start": schedule.beta_start,
        "beta_end": schedule.beta_end,
        "trained_betas": schedule.trained_betas,
        "prediction_type": to_prediction[choose("prediction type", prediction_type, to_prediction)],
        "rescale_betas_zero_snr": schedule.zero_terminal_snr,
        "steps_offset": schedule.steps_offset,
        # Only some have it; the others keep it for those that are made from their configuration.
        "set_alpha_to_one": schedule.set_alpha_to_one,
        **options,
    }
    if karras:
        config |= {"timestep_spacing": "linspace", "use_karras_sigmas": True}
    elif schedule.timestep_spacing is not None:  # else each of diffusers' schedulers has its own default, as here
        config["timestep_spacing"] = {o: t for t, o in SPACINGS.items()}[schedule.timestep_spacing]
    if sampler == "heun" and config.pop("rescale_betas_zero_snr"):
        raise ValueError("diffusers' HeunDiscreteScheduler has no rescale_betas_zero_snr: use dpmpp_2m, ddim or euler")
    return config
