import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfportrait.diffusion import SAMPLERS, Denoiser, samplers, schedules, spacing, unit_noise

ROOT = pathlib.Path(__file__).parents[2]
SCHEDULE = schedules.get("cosine")


def dummy(x, time):
    return 0.3 * x + 0.1


def sample(sampler, start, steps=6, seeds=(1, 2), **options):
    rates = spacing.rates(SCHEDULE, sampler, steps)
    denoise = Denoiser(dummy, SCHEDULE, "v_prediction")
    return samplers.get(sampler)(denoise, start, rates, lambda i: unit_noise(seeds, i + 1, (4, 4, 2)), **options)


@pytest.mark.parametrize("schedule", [{"name": "cosine"}, {"name": "cosine", "zero_terminal_snr": True}], ids=str)
def test_second_order_is_nearer_to_the_exact_end_from_a_start_with_hardly_any_signal(schedule):
    """Of normal data with deviation d the best denoiser is linear and the path's end known in closed form."""
    schedule, d = schedules.get(schedule), 0.3
    errors = {}
    for sampler in ("ddim", "heun"):
        rates = spacing.rates(schedule, sampler, 12, "trailing").astype("float64")
        start = np.array([[1.7]])
        variance = (rates[[0, -1]] ** 2) @ [d**2, 1.0]
        exact = start * np.sqrt(variance[1] / variance[0])
        found = samplers.get(sampler)(lambda x, s, n: d * d * s * x / (s * s * d * d + n * n), start, rates, None)
        errors[sampler] = float(np.abs(found - exact).max() / exact.max())
    assert errors["heun"] < 0.5 * errors["ddim"], errors


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_batch_members_do_not_know_each_other(sampler):
    together = sample(sampler, unit_noise([1, 2], 0, (4, 4, 2)))
    alone = sample(sampler, unit_noise([2], 0, (4, 4, 2)), seeds=(2,))
    assert together.dtype == np.float32 and together.shape == (2, 4, 4, 2)
    np.testing.assert_array_equal(together[1:], alone)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_on_step_sees_every_step_in_order(sampler):
    seen = []
    start = unit_noise([1, 2], 0, (4, 4, 2))
    end = sample(sampler, start, on_step=lambda i, x_t, x_0: seen.append((i, x_t, x_0)))
    assert [i for i, _, _ in seen] == list(range(6))
    assert seen[0][1] is start
    np.testing.assert_array_equal(end, sample(sampler, start))
    if sampler != "ddim":  # Stable Diffusion's DDIM ends at timestep 0
        np.testing.assert_allclose(end, seen[-1][2], atol=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_only_stochastic_samplers_ask_for_noise(sampler):
    asked = []

    def noise(i):
        asked.append(i)
        return np.zeros((1, 3), "float32")

    rates = spacing.rates(SCHEDULE, sampler, 5, "trailing")
    samplers.get(sampler)(lambda x, s, n: x * 0.5, np.ones((1, 3), "float32"), rates, noise)
    assert asked == ([0, 1, 2, 3] if sampler in ("ddpm", "euler_ancestral", "lcm") else [])


@pytest.mark.parametrize(("sampler", "evaluations"), [(name, 9 if name == "heun" else 5) for name in SAMPLERS])
def test_evaluations_per_step(sampler, evaluations):
    calls = []

    def denoise(x, signal_rate, noise_rate):
        assert type(signal_rate) is float and type(noise_rate) is float
        calls.append(signal_rate)
        return x * 0

    rates = spacing.rates(SCHEDULE, sampler, 5, "trailing")
    samplers.get(sampler)(denoise, np.ones((1, 3), "float32"), rates, lambda i: np.zeros((1, 3), "float32"))
    assert len(calls) == evaluations


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
@pytest.mark.parametrize("name", ["ddpm_linear", "cosine", "scaled_linear", "edm", "flow"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_finite_from_every_start(sampler, name, steps):
    """Also from no signal at all: rectified flow, and zero terminal SNR in exact rates."""
    for options in ({}, {"zero_terminal_snr": True}):
        if options and name in ("edm", "flow"):
            continue
        schedule = schedules.get(name, **options)
        rates = spacing.rates(schedule, sampler, steps)
        if options and spacing.resolve(schedule, sampler) == "uniform":
            rates[0] = 0, 1
        start = unit_noise([3], 0, (5,)) * spacing.start_scale(schedule, sampler, rates)
        for kind in ("v_prediction", "epsilon", "sample", "flow", "edm"):
            end = samplers.get(sampler)(
                Denoiser(lambda x, time: 0.3 * x, schedule, kind), start, rates, lambda i: unit_noise([3], i + 1, (5,))
            )
            assert np.isfinite(end).all()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DPM++ 2M", "dpmpp_2m"),
        ("DPM++ 2M Karras", "dpmpp_2m"),
        ("DPMSolverMultistepScheduler", "dpmpp_2m"),
        ("k_dpmpp_2m", "dpmpp_2m"),
        ("Euler a", "euler_ancestral"),
        ("k_euler", "euler"),
        ("EulerDiscreteScheduler", "euler"),
        ("DDIM", "ddim"),
        ("dpm", "ddpm"),
        ("heum", "heun"),
        ("LCM", "lcm"),
        (None, ""),
    ],
)
def test_unknown_names_list_the_valid_ones_nearest_first(name, meant):
    with pytest.raises(ValueError) as caught:
        samplers.get(name)
    message = str(caught.value)
    assert message.startswith(f"unknown sampler {name!r}: did you mean '{meant}")
    assert all(valid in message for valid in SAMPLERS) and "\n" not in message


def test_bad_rates():
    for rates in (np.ones((1, 2)), np.ones((3, 3)), np.ones(4)):
        with pytest.raises(ValueError, match=r"rates must have shape \(steps \+ 1, 2\)"):
            samplers.ddim(None, np.ones((1, 2), "float32"), rates, None)


BACKEND_SCRIPT = """
import sys
import numpy as np
from tfportrait import diffusion
assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules), "importing tfportrait.diffusion is numpy only"
from keras import backend, ops

def agree(tensor, array, tolerance=2e-5):
    assert backend.standardize_dtype(tensor.dtype) == "float32" and array.dtype == np.float32
    assert not isinstance(tensor, np.ndarray)
    tensor = ops.convert_to_numpy(tensor)
    np.testing.assert_allclose(tensor, array, rtol=tolerance, atol=tolerance * max(1, np.abs(array).max()))

u = np.linspace(0.001, 0.999, 7).astype("float32")
for name in diffusion.SCHEDULES:
    for zero in (False, True) if name not in ("edm", "flow") else (False,):
        schedule = diffusion.schedules.get(name, **({"zero_terminal_snr": True} if zero else {}))
        times = schedule.sample_times(u)
        agree(schedule.sample_times(ops.convert_to_tensor(u)), times, 2e-4)
        rates, tensors = schedule.rates(times), schedule.rates(ops.convert_to_tensor(times))
        [agree(t, a) for t, a in zip(tensors, rates)]
        agree(schedule.time(*tensors), schedule.time(*rates))
        agree(schedule.network_time(ops.convert_to_tensor(times)), schedule.network_time(times))
        if (name, zero) not in (("scaled_linear", True), ("edm", False), ("flow", False)):
            continue
        x_0, noise = np.random.default_rng(0).standard_normal((2, 7, 3)).astype("float32")
        for kind in diffusion.prediction.PREDICTIONS:
            target = diffusion.prediction.get(kind).target(x_0, noise, *rates)
            agree(diffusion.prediction.get(kind).target(*map(ops.convert_to_tensor, (x_0, noise)), *tensors), target)
            for weight in diffusion.weighting.WEIGHTINGS:
                weighting = diffusion.weighting.get(weight)
                agree(weighting.weight(*tensors, kind), weighting.weight(*rates, kind), 2e-4)
        for sampler in diffusion.SAMPLERS:
            grid = diffusion.spacing.rates(schedule, sampler, 6)
            start = noise * np.float32(diffusion.spacing.start_scale(schedule, sampler, grid))
            fresh = lambda i: diffusion.unit_noise(range(7), i + 1, (3,))
            network = lambda x, time: 0.3 * x + 1e-4 * time[:, None]
            denoise = diffusion.Denoiser(network, schedule, "v_prediction")
            guided = diffusion.Guided(denoise, lambda *a: 0.5 * denoise(*a), 2.0, rescale=0.5)
            sample = diffusion.samplers.get(sampler)
            agree(sample(guided, ops.convert_to_tensor(start), grid, fresh), sample(guided, start, grid, fresh), 2e-4)
print(backend.backend())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_tensors_of_the_backend_agree_with_numpy(backend):
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", BACKEND_SCRIPT], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == backend


def test_one_compiled_denoiser_serves_every_step_count_and_sampler():
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("counts TensorFlow's traces")
    import tensorflow as tf

    traces = []

    @tf.function(input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec(()), tf.TensorSpec(())])
    def denoise(x, signal_rate, noise_rate):
        traces.append(1)
        return Denoiser(lambda x, time: 0.3 * x + 1e-4 * time[:, None], SCHEDULE, "v_prediction")(
            x, signal_rate, noise_rate
        )

    for sampler in SAMPLERS:
        for steps in (3, 4):
            start = tf.constant(unit_noise([1, 2], 0, (3,)))
            end = samplers.get(sampler)(
                denoise, start, spacing.rates(SCHEDULE, sampler, steps), lambda i: unit_noise([1, 2], i + 1, (3,))
            )
            assert end.dtype == tf.float32 and np.isfinite(end.numpy()).all()
    assert len(traces) == 1
