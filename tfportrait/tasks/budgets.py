"""How many steps to take: what a quality asks for, or what a time allows, by the speed that was measured here."""

import dataclasses
import hashlib
import json
import platform
import time

from tfportrait import __version__, workers
from tfportrait.files import atomic_write, cache_dir

MARGIN = 1.15  # by so much longer than foreseen it may take
ENLARGED = 2


@dataclasses.dataclass(frozen=True)
class Plan:
    """Settings of the sampler, and what they are worth.

    Attributes:
        num_steps: int.
        guidance_interval: (float, float) or None. As `LatentDiffusion.generate` takes it.
        accuracy: float. Prompt accuracy of portrait_128 with these settings.
        distance: float. Kernel distance of its pictures from real ones in the oracle's features, times 1,000. Both by
            tests/benchmarks/bench_plans.py; other painters are taken to order plans alike.
        sampler: str.
        factor: int. Whether the picture is enlarged afterwards, where the painter has an upscaler.
    """

    num_steps: int
    guidance_interval: tuple | None
    accuracy: float
    distance: float
    sampler: str = "dpmpp_2m"
    factor: int = 1

    @property
    def settings(self):
        """As `tfportrait.tasks.painting.paint_batch` takes them, but for the size."""
        names = ("num_steps", "guidance_interval", "sampler")
        return {name: getattr(self, name) for name in names}

    def __str__(self):
        where = "" if self.guidance_interval is None else ", guidance from {:g} to {:g}".format(*self.guidance_interval)
        return f"{self.sampler}, {self.num_steps} steps{where}"


PLANS = (
    Plan(4, (0.2, 4.0), 0.876, 1.09),
    Plan(6, (0.2, 4.0), 0.878, 0.32),
    Plan(8, (0.4, 10.0), 0.878, 0.19),
    Plan(12, None, 0.888, 0.02),
    Plan(20, None, 0.890, -0.04),
    Plan(20, None, 0.890, -0.04, factor=ENLARGED),
)
"""From the fastest to the best."""
QUALITIES = {"draft": 0, "good": 3, "best": 5}
"""Quality -> number of the plan in `PLANS`."""


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds for a batch on this machine, compiled.

    Attributes:
        guided, plain: float. A step with guidance, and one without.
        rest: float. Reading the prompts and decoding.
        enlarging: float. Making twice the size of the result.
    """

    guided: float
    plain: float
    rest: float
    enlarging: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is to be done.

    Attributes:
        settings: dict, as `tfportrait.tasks.painting.paint_batch` takes them.
        seconds: float. How long it is foreseen to take, once everything is compiled.
        text: str. The same for people.
    """

    settings: dict
    seconds: float
    text: str

    def __str__(self):
        return f"{self.text}: about {self.seconds:.2g} s once compiled"


def plan(
    painter,
    opened,
    *,
    quality=None,
    budget=None,
    count=1,
    enlarges=False,
    image_size=None,
    guidance_scale=4.0,
    **_,
):
    """Chooses a plan.

    Args:
        painter, opened: as `tfportrait.tasks.opening.open_painter` returns them.
        quality: str or None. One of `QUALITIES`.
        budget: float or None. Seconds that painting may take, once the painter is loaded and compiled; a quality, if
            given too, is then the most that is wanted.
        count: int. Pictures that are painted together.
        enlarges: bool. Whether there is an upscaler for what this painter paints.
        image_size, guidance_scale: as `LatentDiffusion.generate` takes them. With a size nothing is enlarged.

    Returns:
        Choice.

    Raises:
        ValueError: an unknown quality, neither of the two, or a budget that nothing keeps to (says what the fastest
            takes).
    """
    if quality is not None and quality not in QUALITIES:
        raise ValueError(f"unknown quality {quality!r}; known are {', '.join(QUALITIES)}")
    if quality is None and budget is None:
        raise ValueError("give a quality, a budget or both")
    enlarges = enlarges and image_size is None
    known = PLANS[: QUALITIES[quality] + 1] if quality else PLANS
    known = [each for each in known if each.factor == 1 or enlarges]
    figures = speed(painter, opened, count, image_size, enlarges)
    choices = [_choice(painter, each, figures, guidance_scale) for each in known]
    if budget is None:
        return choices[-1]
    within = [choice for choice in choices if choice.seconds * MARGIN <= budget]
    if not within:
        fastest = min(choices, key=lambda choice: choice.seconds)
        raise ValueError(
            f"nothing keeps to {budget:g} s: the fastest, {fastest.text}, takes about {fastest.seconds * MARGIN:.2g} s"
        )
    return within[-1]


def _choice(painter, chosen, figures, guidance_scale):
    from tfportrait.diffusion import guidance, spacing

    rates = spacing.rates(painter.schedule, chosen.sampler, chosen.num_steps, None)[:-1]
    inside = sum(guidance.within(chosen.guidance_interval, *pair) for pair in rates.tolist())
    guided = inside if guidance_scale != 1.0 else 0
    seconds = figures.rest + guided * figures.guided + (len(rates) - guided) * figures.plain
    settings, text = dict(chosen.settings), str(chosen)
    if chosen.factor > 1:
        settings["image_size"] = painter.image_size * chosen.factor
        seconds += figures.enlarging
        text += f", enlarged to {settings['image_size']} px"
    return Choice(settings, seconds, text)


def speed(painter, opened, count=1, image_size=None, enlarges=False):
    """Measures how fast a painter is here, or recalls it: the figures are kept in the cache.

    Returns:
        Speed.
    """
    from keras import backend

    key = [opened["preset_hash"] or opened["preset"], opened["precision"], count, image_size, enlarges]
    key += [__version__, backend.backend(), platform.node(), platform.processor(), workers.cores()]
    path = cache_dir() / "speed" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}.json"
    try:
        return Speed(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        pass  # never measured, or not readable: measured again
    figures = _measured(painter, count, image_size, enlarges)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(json.dumps(dataclasses.asdict(figures)).encode())
    return figures


def _measured(painter, count, image_size, enlarges):
    from tfportrait.tasks.upscaling import upscale

    prompts = None if painter.text_encoder is None else "a portrait"
    made = []

    def seconds(num_steps, guidance_scale):
        start = time.perf_counter()
        made[:] = [
            painter.generate(
                prompts,
                seeds=list(range(count)),
                num_steps=num_steps,
                guidance_scale=guidance_scale,
                image_size=image_size,
            )
        ]
        return time.perf_counter() - start

    def best(function, *arguments):
        function(*arguments)  # compiled
        return min(function(*arguments) for _ in range(3))

    many = 6
    guided, once = best(seconds, many, 4.0), best(seconds, 1, 4.0)
    plain, plain_once = best(seconds, many, 1.0), best(seconds, 1, 1.0)
    step = max(guided - once, 0.0) / (many - 1)

    def enlarge():
        start = time.perf_counter()
        upscale(made[0], ENLARGED, seeds=list(range(count)), painted=True)
        return time.perf_counter() - start

    return Speed(
        step,
        max(plain - plain_once, 0.0) / (many - 1),
        max(once - step, 0.0),
        best(enlarge) if enlarges else 0.0,
    )
