"""Closed forms on finite distributions: what the models are held against, and two printed formulas that are none.

Everything is NumPy in float64. A distribution over K values is an array of K probabilities.
"""

import numpy as np


def kl(p, q):
    """Kullback-Leibler divergence sum p log(p / q) of two distributions, in nats; infinite where q lacks p's support.

    Equation: `theory.kl`.
    """
    p, q = _distribution("p", p), _distribution("q", q)
    some = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[some] * (np.log(p[some]) - np.log(q[some]))))


def jensen_shannon(p, q):
    """Jensen-Shannon divergence of two distributions, in nats: 0 where they are equal, log 2 where they never meet.

    Equation: `theory.jensen_shannon`.
    """
    p, q = _distribution("p", p), _distribution("q", q)
    middle = (p + q) / 2
    return 0.5 * kl(p, middle) + 0.5 * kl(q, middle)


def optimal_discriminator(data, generated):
    """The discriminator that a generator's distribution cannot beat, D* = p / (p + p_G); 1/2 where neither has weight.

    Equation: `gan.optimal_discriminator`. Source: Goodfellow et al. 2014, proposition 1.
    """
    data, generated = _distribution("data", data), _distribution("generated", generated)
    total = data + generated
    return np.divide(data, total, out=np.full_like(total, 0.5), where=total > 0)


def game_value(discriminator, data, generated):
    """The value of the game, E_p log D + E_pG log(1 - D), in nats; with D* it is 2 JS(p, p_G) - log 4.

    Equations: `gan.value`, `gan.optimal_value`. Source: Goodfellow et al. 2014, equation 1 and theorem 1.

    Args:
        discriminator: array (K,) of probabilities that a value is real.
        data: array (K,). The distribution of real values.
        generated: array (K,). The generator's.
    """
    data, generated = _distribution("data", data), _distribution("generated", generated)
    d = np.asarray(discriminator, "float64")
    real, painted = data > 0, generated > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(data[real] * np.log(d[real])) + np.sum(generated[painted] * np.log1p(-d[painted])))


def bound_term(signal_rate, noise_rate, next_signal_rate, next_noise_rate, squared_error):
    """What one step adds to the variational bound of a diffusion model, in nats.

    The divergence of the two normal distributions of x_next given x: with the true x_0, and with the predicted one;
    both have the variance that `ddpm` samples with. It depends on the signal-to-noise ratios alone.

    Equation: `diffusion.bound`. Source: Ho et al. 2020, equation 5; in this form Kingma et al. 2021, equation 13.

    Args:
        signal_rate, noise_rate: float. Of x.
        next_signal_rate, next_noise_rate: float. Of x_next, which is less noisy.
        squared_error: float. |x_0 - predicted x_0|^2, summed over all numbers.
    """
    return 0.5 * ((next_signal_rate / next_noise_rate) ** 2 - (signal_rate / noise_rate) ** 2) * squared_error


def printed_generator_density(scores):
    """The document's P_G(x | z), exactly as printed: exp(-D(G(z))^2 / 2) over its sum for all z.

    Erratum: `errata.generator_density`. There is no x in it, and it is largest for the z whose image D calls fake.

    Args:
        scores: array (K,). D(G(z)) for each of the finitely many z that the sum needs.

    Returns: array (K,), one number for each z.
    """
    weights = np.exp(-0.5 * np.asarray(scores, "float64") ** 2)
    return weights / weights.sum()


def printed_discriminator_density(real_score, painted_score):
    """The document's P_D(x), exactly as printed: exp(-D(x)^2 / 2) / (1 + exp(-D(G(z))^2 / 2)).

    Erratum: `errata.discriminator_density`. It sums to no 1 over x, depends on a z that nobody chose, and falls as
    D(x) grows.

    Args:
        real_score: array or float. D(x).
        painted_score: array or float. D(G(z)) for the free z.
    """
    real_score, painted_score = np.asarray(real_score, "float64"), np.asarray(painted_score, "float64")
    return np.exp(-0.5 * real_score**2) / (1.0 + np.exp(-0.5 * painted_score**2))


def _distribution(name, values):
    values = np.asarray(values, "float64")
    if values.ndim != 1 or not len(values) or (values < 0).any() or abs(values.sum() - 1) > 1e-6:
        raise ValueError(f"{name} must be one-dimensional probabilities that sum to 1; it sums to {values.sum():g}")
    return values
