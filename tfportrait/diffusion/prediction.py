"""What a network predicts, and how x_0 follows from it.

x_0 = c_skip * x + c_out * F with F = network(c_in * x, time). The rates need not be variance-preserving: c_in brings x
to the scale of the paths on which the prediction type was defined.
"""

from __future__ import annotations

from tfportrait.diffusion.numeric import choose, ops_for, over

# Without signal the noise says nothing of x_0; this keeps x_0 from an epsilon network finite, as diffusers does.
LEAST_SIGNAL_RATE = 2.0**-12
ALIASES = {
    "eps": "epsilon",
    "noise": "epsilon",
    "v": "v_prediction",
    "vpred": "v_prediction",
    "velocity": "flow",
    "flowprediction": "flow",
    "x0": "sample",
    "xstart": "sample",
    "originalsample": "sample",
}


class Prediction:
    """A prediction type: `target` is what the network should say, `coefficients` turn what it says into x_0."""

    name = None

    def target(self, x_0, noise, signal_rate, noise_rate):
        """The right F for x_t = signal_rate x_0 + noise_rate noise, of x_0's shape (B, ...); rates scalars or (B,)."""
        return self._target(x_0, noise, over(signal_rate, x_0), over(noise_rate, x_0))

    def coefficients(self, signal_rate, noise_rate):
        """(c_in, c_skip, c_out), each of the rates' shape, finite for every pair of rates but (0, 0)."""
        raise NotImplementedError


class Epsilon(Prediction):
    """F = noise (Ho et al. 2020): x_0 = (x - noise_rate F) / signal_rate.

    Equation: `prediction.epsilon`.
    """

    name = "epsilon"

    def _target(self, x_0, noise, signal_rate, noise_rate):
        return noise

    def coefficients(self, signal_rate, noise_rate):
        safe = ops_for(signal_rate).maximum(signal_rate, LEAST_SIGNAL_RATE)
        return _norm(signal_rate, noise_rate) ** -1, 1 / safe, -noise_rate / safe


class VPrediction(Prediction):
    """F = signal_rate noise - noise_rate x_0 (Salimans and Ho 2022), on x and rates divided by their norm.

    x_0 = signal_rate x - noise_rate F.

    Equation: `prediction.v`.
    """

    name = "v_prediction"

    def _target(self, x_0, noise, signal_rate, noise_rate):
        return (signal_rate * noise - noise_rate * x_0) / _norm(signal_rate, noise_rate)

    def coefficients(self, signal_rate, noise_rate):
        norm = _norm(signal_rate, noise_rate)
        return 1 / norm, signal_rate / norm**2, -noise_rate / norm


class Sample(Prediction):
    """F = x_0."""

    name = "sample"

    def _target(self, x_0, noise, signal_rate, noise_rate):
        return x_0

    def coefficients(self, signal_rate, noise_rate):
        zero = 0 * (signal_rate + noise_rate)
        return 1 / _norm(signal_rate, noise_rate), zero, zero + 1


class Flow(Prediction):
    """F = noise - x_0 (Liu et al. 2022): on any path x / (signal_rate + noise_rate) lies on the straight one.

    Equation: `prediction.flow`.
    """

    name = "flow"

    def _target(self, x_0, noise, signal_rate, noise_rate):
        return noise - x_0

    def coefficients(self, signal_rate, noise_rate):
        total = signal_rate + noise_rate
        return 1 / total, 1 / total, -noise_rate / total


class EDM(Prediction):
    """EDM's preconditioning (Karras et al. 2022, table 1) of x / signal_rate at sigma = noise_rate / signal_rate.

    Equation: `prediction.edm`.

    Args:
        sigma_data: float. Standard deviation of the data.
    """

    name = "edm"

    def __init__(self, sigma_data: float = 0.5):
        self.sigma_data = float(sigma_data)

    def _norm(self, signal_rate, noise_rate):
        return (noise_rate**2 + (self.sigma_data * signal_rate) ** 2) ** 0.5

    def _target(self, x_0, noise, signal_rate, noise_rate):
        return (noise_rate * x_0 - self.sigma_data**2 * signal_rate * noise) / (
            self.sigma_data * self._norm(signal_rate, noise_rate)
        )

    def coefficients(self, signal_rate, noise_rate):
        norm = self._norm(signal_rate, noise_rate)
        return 1 / norm, self.sigma_data**2 * signal_rate / norm**2, self.sigma_data * noise_rate / norm


PREDICTIONS = {kind.name: kind for kind in (Epsilon, VPrediction, Sample, Flow, EDM)}


def get(prediction: str | Prediction, **options) -> Prediction:
    """A prediction type by name: "epsilon", "v_prediction", "sample" (x_0), "flow" or "edm" (option sigma_data).

    Raises:
        ValueError: for an unknown name; the valid ones are listed.
    """
    if isinstance(prediction, Prediction):
        return prediction
    return PREDICTIONS[choose("prediction type", prediction, PREDICTIONS, ALIASES)](**options)


def _norm(signal_rate, noise_rate):
    """Standard deviation of x_t for data of unit variance; 1 on variance-preserving schedules."""
    return (signal_rate**2 + noise_rate**2) ** 0.5
