import numpy as np
import pytest
from golden.pipeline import SCHEDULER as STABLE_DIFFUSION_1

from tfportrait import diffusion
from tfportrait.diffusion import schedules, spacing


def test_stable_diffusion_1():
    schedule, prediction = schedules.from_diffusers(STABLE_DIFFUSION_1)
    assert (schedule, prediction) == (schedules.get("scaled_linear"), "epsilon")
    times = spacing.timesteps(schedule, "ddim", 50, "leading")
    assert times[0] == 981 and times[-1] == 1


def test_stable_diffusion_2_and_its_like():
    config = {**STABLE_DIFFUSION_1, "_class_name": "DDIMScheduler", "prediction_type": "v_prediction"}
    assert schedules.from_diffusers(config)[1] == "v_prediction"
    config |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    schedule, _ = schedules.from_diffusers(config)
    assert schedule.zero_terminal_snr and schedule.timestep_spacing == "trailing"
    assert spacing.rates(schedule, "ddim", 20)[0].tolist() == [0, 1]


def test_what_the_classes_mean_when_they_say_nothing():
    schedule, prediction = schedules.from_diffusers({"_class_name": "DDPMScheduler"})
    assert (schedule.name, prediction, schedule.steps_offset) == ("ddpm_linear", "epsilon", 0)
    assert schedules.from_diffusers({"_class_name": "LCMScheduler"})[0].name == "scaled_linear"
    assert not schedules.from_diffusers({"_class_name": "PNDMScheduler"})[0].set_alpha_to_one
    flow, prediction = schedules.from_diffusers({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0})
    assert (flow.shift, prediction) == (3.0, "flow")
    assert schedules.from_diffusers({"_class_name": "EDMEulerScheduler", "sigma_max": 50.0})[0].sigma_max == 50
    karras = schedules.from_diffusers({"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True})[0]
    assert karras.timestep_spacing == "karras"


@pytest.mark.parametrize("sampler", diffusion.SAMPLERS)
@pytest.mark.parametrize("timestep_spacing", ["uniform", "leading", "trailing", "karras"])
@pytest.mark.parametrize("name", ["ddpm_linear", "cosine", "scaled_linear"])
def test_round_trip(name, timestep_spacing, sampler):
    schedule = schedules.get(
        name,
        zero_terminal_snr=sampler != "heun",
        timestep_spacing=timestep_spacing,
        set_alpha_to_one=name == "cosine",
    )
    if timestep_spacing == "karras" and sampler not in ("euler", "heun", "dpmpp_2m"):
        with pytest.raises(ValueError, match="no Karras sigmas"):
            schedule.to_diffusers("v_prediction", sampler)
        return
    config = schedule.to_diffusers("v_prediction", sampler)
    again, prediction = schedules.from_diffusers(config)
    assert again == schedule and prediction == "v_prediction"
    assert again.to_diffusers(prediction, sampler) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta_schedule": "sigmoid"}, "unknown beta schedule 'sigmoid'.*squaredcos_cap_v2"),
        ({"prediction_type": "v"}, "did you mean 'v_prediction'"),
        ({"timestep_spacing": "uniform"}, "unknown timestep spacing 'uniform'.*linspace"),
        ({"use_exponential_sigmas": True}, "use_exponential_sigmas is not supported"),
        ({"final_sigmas_type": "sigma_min"}, "final_sigmas_type"),
        ({"_class_name": "EDMEulerScheduler", "sigma_data": 1.0}, "sigma_data 0.5 only"),
    ],
)
def test_what_cannot_be_read(change, message):
    with pytest.raises(ValueError, match=message):
        schedules.from_diffusers({**STABLE_DIFFUSION_1, **change})


def test_what_cannot_be_written():
    with pytest.raises(ValueError, match="has no scheduler_config.json"):
        diffusion.diffusers_config.write(schedules.get("edm"), "edm")
    with pytest.raises(ValueError, match="did you mean 'dpmpp_2m'"):
        schedules.get("cosine").to_diffusers("v_prediction", "DPM++ 2M")
    with pytest.raises(ValueError, match="unknown prediction type"):
        schedules.get("cosine").to_diffusers("velocity")
    with pytest.raises(ValueError, match="no rescale_betas_zero_snr"):
        schedules.get("cosine", zero_terminal_snr=True).to_diffusers("epsilon", "heun")


@pytest.mark.peers
@pytest.mark.parametrize("sampler", diffusion.SAMPLERS)
def test_diffusers_takes_the_config_and_visits_our_timesteps(sampler):
    diffusers = pytest.importorskip("diffusers")
    schedule = schedules.get("cosine", timestep_spacing=None if sampler == "lcm" else "trailing")
    config = schedule.to_diffusers("v_prediction", sampler)
    scheduler = getattr(diffusers, config["_class_name"]).from_config(config)
    scheduler.set_timesteps(20)
    rates = spacing.rates(schedule, sampler, 20)
    theirs = scheduler.timesteps.numpy().astype("float32")
    theirs = np.append(theirs[:1], theirs[1::2]) if sampler == "heun" else theirs
    np.testing.assert_array_equal(schedule.time(rates[:-1, 0], rates[:-1, 1]), theirs)
    assert all(scheduler.config[key] == value for key, value in config.items() if not key.startswith("_"))
