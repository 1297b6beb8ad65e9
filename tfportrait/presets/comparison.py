"""All families of models on the same pictures, each with the same time: what `tfportrait compare` does."""

import dataclasses
import json
import platform
import time
from importlib import resources
from pathlib import Path

import keras
import numpy as np

from tfportrait import data, files, metrics, plot, training, workers
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.gan import GAN
from tfportrait.models.hybrid import VAEGAN
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.oracle import Oracle, resized
from tfportrait.models.unet import UNet
from tfportrait.models.vae import VAE

STEPS_PER_EPOCH = 20
BATCH_SIZE = 32
SMALL_BATCH = 16  # of networks that take long for an image: more steps
SHOWN = 16  # images of each model in the picture
AUTOENCODER_SHARE = 0.4  # of latent diffusion's time
COLLAPSED = 0.5  # share of twins
OUT = "comparison"
TABLE = "comparison.json"
PICTURE = "comparison.png"


@dataclasses.dataclass
class Row:
    """One model's results.

    Attributes:
        name: str. The family.
        parameters: int. Weights in all of its networks.
        images_per_second: float. Images trained on, over the time of training (tracing included).
        seconds_per_16: float. Warm, 16 images at once.
        oracle_fd, oracle_kd: float. Distances to real renders on the oracle's features, at equally many images.
        entropy: float in [0, 1]. Of the attributes that the oracle reads.
        twins: float in [0, 1]. Share of images that are nearly another one (`metrics.repeated_share`).
        nearest: float. Mean distance to the nearest training image, over that of real renders: well below 1 is memory.
        note: str. What went wrong: "diverged: ..." or "collapsed".
        curves: dict of str to list of (seconds, value).
        images: uint8 (16, H, W, 3).
    """

    name: str
    parameters: int = 0
    images_per_second: float = 0.0
    seconds_per_16: float = float("nan")
    oracle_fd: float = float("nan")
    oracle_kd: float = float("nan")
    entropy: float = float("nan")
    twins: float = float("nan")
    nearest: float = float("nan")
    note: str = ""
    curves: dict = dataclasses.field(default_factory=dict)
    images: np.ndarray | None = None

    def numbers(self):
        """What goes into the table: everything but the images."""
        return {k: v for k, v in dataclasses.asdict(dataclasses.replace(self, images=None)).items() if k != "images"}


class Clock(keras.callbacks.Callback):
    """Ends a training when its time is up and keeps the curves of some metrics over the seconds.

    Args:
        seconds: float. Time from now on.
        shown: dict of metric to label.
        batch_size: int. Images of a step.
    """

    def __init__(self, seconds, shown, batch_size=BATCH_SIZE):
        super().__init__()
        self.started, self.seconds, self.shown, self.batch_size = time.perf_counter(), seconds, shown, batch_size
        self.curves, self.images = {label: [] for label in shown.values()}, 0

    @property
    def elapsed(self):
        return time.perf_counter() - self.started

    def on_train_batch_end(self, batch, logs=None):
        self.images += self.batch_size
        if self.elapsed >= self.seconds:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.elapsed >= self.seconds and any(self.curves.values()):
            return  # a few steps alone
        for name, label in self.shown.items():
            self.curves[label].append((round(self.elapsed, 2), float(logs[name])))


class Setting:
    """What all models share.

    Args:
        size: int. Side of the pictures.
        width: int. Channels of the largest feature maps.
        source: data.Source. The training pictures.
        seed: int.
    """

    def __init__(self, size, width, source, seed):
        self.size, self.width, self.source, self.seed = size, width, source, seed

    def fit(self, model, seconds, shown, dataset=None, batch_size=BATCH_SIZE):
        """Trains for some seconds. Returns the Clock."""
        if dataset is None:
            dataset = data.batches(
                self.source, batch_size=batch_size, repeat=True, drop_remainder=True, fields=("image",), seed=self.seed
            )
        clock = Clock(seconds, shown, batch_size)
        settings = {"steps_per_epoch": STEPS_PER_EPOCH, "shuffle": False, "verbose": 0}
        model.fit(dataset, epochs=10**6, callbacks=[clock], **settings)
        return clock


def train_vae(setting, seconds):
    """Returns the trained VAE and its Clocks, as the other trainers do."""
    model = VAE(image_size=setting.size, width=setting.width)
    model.compile(training.AdamW(1e-3, weight_decay=0.0, ema_decay=0.99))
    return model, [setting.fit(model, seconds, {"loss": "VAE: negative ELBO"})]


def train_gan(setting, seconds):
    """As `train_vae`: a `GAN`."""
    model = GAN(image_size=setting.size, width=setting.width)
    model.compile(model.default_optimizer(5e-4, ema_decay=0.99))
    shown = {"generator_loss": "GAN: generator", "discriminator_loss": "GAN: discriminator"}
    return model, [setting.fit(model, seconds, shown)]


def train_vaegan(setting, seconds):
    """As `train_vae`: a `VAEGAN`."""
    model = VAEGAN(image_size=setting.size, width=setting.width)
    model.compile(model.default_optimizer(5e-4, ema_decay=0.99))
    shown = {"reconstruction": "VAE-GAN: reconstruction", "generator_loss": "VAE-GAN: generator"}
    return model, [setting.fit(model, seconds, shown)]


def unet(size, channels, widths):
    """An unconditional U-Net with attention on its lowest level alone."""
    levels = len(widths)
    return UNet(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=widths,
        down_block_types=["DownBlock2D"] * (levels - 1) + ["CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D"] + ["UpBlock2D"] * (levels - 1),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=None,
        attention_head_dim=4,
    )


def train_pixel_diffusion(setting, seconds):
    """As `train_vae`: `LatentDiffusion` without an autoencoder."""
    widths = [setting.width // 2 * factor for factor in (1, 2, 3, 4)]
    model = LatentDiffusion(unet=unet(setting.size, 3, widths))
    model.compile(training.Muon(5e-3, weight_decay=0.0, ema_decay=0.99, global_clipnorm=1.0))
    return model, [setting.fit(model, seconds, {"loss": "pixel diffusion"}, batch_size=SMALL_BATCH)]


def train_latent_diffusion(setting, seconds):
    """As `train_vae`: an autoencoder, then a U-Net on its latents."""
    width = setting.width
    autoencoder = AutoencoderKL(
        block_out_channels=[width // 2, width, 2 * width],
        norm_num_groups=8,
        sample_size=setting.size,
        mid_block_add_attention=False,
    )
    autoencoder.compile(training.Muon(5e-3, weight_decay=0.0, ema_decay=0.99, global_clipnorm=1.0))
    shown = {"reconstruction": "autoencoder"}
    first = setting.fit(autoencoder, AUTOENCODER_SHARE * seconds, shown, batch_size=SMALL_BATCH)
    started = time.perf_counter()
    with autoencoder.averaged_weights():
        frozen = autoencoder.get_weights()
    autoencoder.set_weights(frozen)
    autoencoder.scaling_factor = 1.0
    encode = training.compiled.compiled(autoencoder, "encode", lambda images: autoencoder.encode(images))
    latents = []
    for start in range(0, len(setting.source), 64):
        images = setting.source.images(np.arange(start, start + 64).clip(max=len(setting.source) - 1))
        latents.append(keras.ops.convert_to_numpy(encode(images.astype("float32") / 127.5 - 1.0)))
    latents = np.concatenate(latents)[: len(setting.source)]
    autoencoder.scaling_factor = float(1.0 / latents.std())
    latents *= autoencoder.scaling_factor
    model = LatentDiffusion(unet=unet(setting.size // 4, 4, [3 * width // 2, 3 * width]), autoencoder=autoencoder)
    model.compile(training.Muon(5e-3, weight_decay=0.0, ema_decay=0.99, global_clipnorm=1.0))
    dataset = data.latents_dataset(latents, batch_size=BATCH_SIZE, repeat=True, drop_remainder=True, seed=setting.seed)
    left = (1 - AUTOENCODER_SHARE) * seconds - (time.perf_counter() - started)
    return model, [first, setting.fit(model, max(left, 1.0), {"loss": "latent diffusion"}, dataset)]


TRAINERS = {
    "vae": train_vae,
    "gan": train_gan,
    "vaegan": train_vaegan,
    "pixel_diffusion": train_pixel_diffusion,
    "latent_diffusion": train_latent_diffusion,
}


def compare(
    out=OUT,
    *,
    budget=600.0,
    image_size=64,
    width=32,
    count=8192,
    samples=256,
    seed=0,
    models=tuple(TRAINERS),
    oracle="oracle_128",
    say=print,
):
    """Trains every family for the same time and measures what they paint.

    Rendering the pictures and measuring are not part of the budget; latent diffusion's autoencoder is.

    Args:
        out: str or path. Folder for `comparison.json` and `comparison.png`. Defaults to `comparison`.
        budget: float. Seconds of training for all models together.
        image_size: int. 32, 64, 128 or 256.
        width: int. Channels of the largest feature maps of VAE and GAN, a multiple of 16; it scales the others too.
        count: int. Training pictures.
        samples: int. Images that each model paints for its measurements, at least 32.
        seed: int.
        models: sequence of str. Families, of `TRAINERS`.
        oracle: str or path. Preset of the oracle.
        say: callable (str). Takes lines of progress.

    Returns: list of Row, "real renders" first.

    Raises: ValueError for a budget below a second, an unknown family, or too few samples.
    """
    out = files.check_writable_folder(out)
    for name in models:
        if name not in TRAINERS:
            raise ValueError(f"unknown model {name!r}; valid: {', '.join(TRAINERS)}")
    if not models or budget < len(models):
        raise ValueError(f"budget is {budget:g} s for {len(models)} models, but must be at least a second for each")
    if samples < 32 or count < max(samples, BATCH_SIZE):
        raise ValueError(f"samples={samples} must be at least 32, and count={count} at least as many")
    keras.utils.set_random_seed(seed)
    source = data.open_source("portrait_world", "train", image_size=image_size, count=count)
    unseen = data.open_source("portrait_world", "validation", image_size=image_size, count=2 * samples)
    judge = Judge(Oracle.from_preset(oracle), source, unseen, samples, seed)
    rows = [judge.measure(Row("real renders"), judge.others)]
    setting = Setting(image_size, width, source, seed)
    for name in models:
        say(f"{name}: {budget / len(models):.0f} s of training")
        rows.append(_row(name, setting, budget / len(models), judge))
        say(f"  {_line(rows[-1])}")
    record = {
        "rows": [row.numbers() for row in rows],
        "budget_seconds": budget,
        "image_size": image_size,
        "training_images": count,
        "samples": samples,
        "seed": seed,
        "precision": keras.config.dtype_policy().name,
        "machine": f"{keras.backend.backend()}, {platform.machine()}, {workers.cores()} cores",
    }
    with files.atomic_write(out / TABLE) as file:
        file.write(json.dumps(record, indent=1).encode())
    figure = plot.comparison(
        {row.name: row.images for row in rows if row.images is not None},
        {label: curve for row in rows for label, curve in row.curves.items()},
    )
    with files.atomic_write(out / PICTURE) as file:
        figure.savefig(file, format="png", dpi=110)
    return rows


class Judge:
    """Measures images against real renders, with an oracle.

    Args:
        oracle: Oracle.
        source: data.Source. The training pictures.
        unseen: data.Source. At least twice `samples` pictures of no training set.
        samples: int.
        seed: int.
    """

    def __init__(self, oracle, source, unseen, samples, seed):
        self.oracle, self.samples, self.seed = oracle, samples, seed
        self.real = oracle.embed(unseen.images(np.arange(samples)))
        self.others = unseen.images(np.arange(samples, 2 * samples))
        self.known = oracle.embed(source.images(np.arange(min(len(source), 2048))))
        self.usual = metrics.nearest_distances(self.real, self.known).mean()

    def measure(self, row, images):
        """Fills a row's measurements in from `samples` images."""
        features = self.oracle.embed(images)
        row.oracle_fd = metrics.frechet_distance(features, self.real)
        row.oracle_kd = metrics.kernel_distance(features, self.real)
        read = self.oracle.read(resized(images, self.oracle.image_size))
        row.entropy = metrics.attribute_entropy(read, self.oracle.attributes)
        row.twins = metrics.repeated_share(features, self.real)
        row.nearest = float(metrics.nearest_distances(features, self.known).mean() / self.usual)
        row.images = images[:SHOWN]
        if row.twins >= COLLAPSED:
            row.note = "collapsed"
        return row


def _row(name, setting, seconds, judge):
    row = Row(name.replace("_", " "))
    try:
        model, clocks = TRAINERS[name](setting, seconds)
        row.parameters = int(sum(np.prod(v.shape) for v in model.weights))
        row.images_per_second = sum(clock.images for clock in clocks) / seconds
        row.curves = {label: curve for clock in clocks for label, curve in clock.curves.items() if curve}
        return judge.measure(row, _paint(model, judge.samples, row))
    except FloatingPointError as error:
        row.note = f"diverged: {error}".split(". ")[0]
        return row


def _paint(model, count, row):
    diffusion = isinstance(model, LatentDiffusion)
    parts = []
    for start in range(0, count, 16):
        seeds = list(range(start, start + 16))
        started = time.perf_counter()
        parts.append(model.generate(None, seeds=seeds) if diffusion else model.generate(seeds=seeds))
        row.seconds_per_16 = time.perf_counter() - started  # of the last, which is warm
    return np.concatenate(parts)[:count]


HEAD = ("", "parameters", "images/s", "s for 16", "oracle_fd", "oracle_kd", "entropy", "twins", "nearest", "")


def table(rows):
    """Rows as a table of text: a Row, or what `comparison.json` has of it."""
    lines = [HEAD]
    for row in rows:
        row = row if isinstance(row, dict) else row.numbers()
        trained = row["parameters"] > 0
        lines.append(
            (
                row["name"],
                f"{row['parameters']:,}" if trained else "",
                f"{row['images_per_second']:.0f}" if trained else "",
                f"{row['seconds_per_16']:.2f}" if trained else "",
                f"{row['oracle_fd']:.2f}",
                f"{row['oracle_kd']:.3f}",
                f"{row['entropy']:.2f}",
                f"{row['twins']:.2f}",
                f"{row['nearest']:.2f}",
                row["note"],
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = ("  ".join(f"{c:{'<' if i in (0, 9) else '>'}{widths[i]}}" for i, c in enumerate(line)) for line in lines)
    return "\n".join(line.rstrip() for line in text)


def recorded(folder=None):
    """The record of an earlier comparison.

    Args:
        folder: str, path or None. Where it was written. With None the folder `comparison` is taken if a record is in
            it, else the record that ships with the package.

    Returns: dict as `comparison.json` has it, and the path of its folder.

    Raises: ValueError if there is none, or it is damaged.
    """
    if folder is None:
        folder = OUT if (Path(OUT) / TABLE).is_file() else Path(str(resources.files(__package__))) / "recorded"
    path = Path(folder) / TABLE
    try:
        return json.loads(path.read_text("utf-8")), path.parent
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error


def _line(row):
    if row.images is None:
        return row.note
    return f"oracle_fd {row.oracle_fd:.2f}, {row.images_per_second:.0f} images/s" + (row.note and f", {row.note}")
