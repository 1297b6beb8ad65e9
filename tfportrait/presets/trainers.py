"""From a configuration (TOML) to a trained preset: autoencoder, oracle, text encoder and U-Net, each resumable."""

import datetime
import json
import platform
import time
import tomllib
from importlib import metadata, resources
from pathlib import Path

import keras
import numpy as np

from tfportrait import data, files, presets, training, workers, world
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.caption_reader import CaptionReader
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.oracle import Oracle
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.unet import UNet

STEPS_PER_EPOCH = 250
RECORD = "training.toml"
SCALED_ON = 1024  # images whose latents settle the scaling factor


def load(config):
    """Reads a configuration.

    Args:
        config: str or path. A TOML file, or the name of a configuration that ships with the package.

    Returns:
        dict.

    Raises:
        ValueError: no such config (lists the shipped ones), or not TOML.
    """
    root = Path(str(resources.files(__package__)))
    shipped = {path.stem: path for path in sorted((root / "configs").glob("*.toml"))}
    path = shipped.get(str(config), Path(config))
    if not path.is_file():
        raise ValueError(
            f"no configuration {str(config)!r}; shipped configurations: {', '.join(shipped)}, or give a TOML file"
        )
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error


def train_autoencoder(config, out, *, init=None, steps=None):
    """Trains the autoencoder of a configuration and writes it to `out/vae`, scaled to latents of unit deviation.

    Args:
        config: dict, from `load`.
        out: str or path. Folder of the preset. The state of the training is kept in it until the stage is done, so
            that the same call continues an interrupted one.
        init: str, path or None. A preset whose autoencoder the training starts from.
        steps: int or None. Overrides the configuration's.
    """
    out = files.check_writable_folder(out)
    settings = config["autoencoder"]
    source = _source(config, "train")
    model = AutoencoderKL.from_folder(presets.locate(init) / "vae") if init else AutoencoderKL(**settings["network"])
    for name in ("kl_weight", "perceptual_weight"):
        if name in settings["network"]:
            model.config[name] = settings["network"][name]
    if settings.get("perceptual"):
        model.perceptual = _perceptual(Oracle.from_preset(settings["perceptual"]))

    def batches(first_step):
        return data.batches(
            source,
            repeat=True,
            fields=("image",),
            seed=config["seed"],
            batch_size=settings["batch_size"],
            first_step=first_step,
        )

    shown = _source(config, "validation").images(np.arange(8))
    _fit(model, batches, settings, out, "autoencoder", steps, [training.ReconstructionStrip(out / "pictures", shown)])
    with model.averaged_weights():
        model.scaling_factor = 1.0
        rows = np.array_split(np.arange(min(len(source), SCALED_ON)), 16)
        latents = np.concatenate([_encode(model, source, part) for part in rows])
        model.scaling_factor = float(1.0 / latents.std())
        model.save_to_folder(out / "vae")


def train_oracle(config, out, *, init=None, steps=None):
    """Trains the oracle of a configuration and writes it to `out` (arguments as in `train_autoencoder`)."""
    out = files.check_writable_folder(out)
    settings = config["oracle"]
    source = _source(config, "train")
    if init:
        model = Oracle.from_preset(init)
    else:
        model = Oracle(attributes=source.attributes, image_size=config["data"]["image_size"], **settings["network"])

    def batches(first_step):
        return data.batches(
            source,
            repeat=True,
            fields=("image", "attributes"),
            seed=config["seed"],
            batch_size=settings["batch_size"],
            first_step=first_step,
        )

    _fit(model, batches, settings, out, "oracle", steps, [])
    model.save_to_preset(out)


def train_text_encoder(config, out, *, steps=None):
    """Trains tokenizer and text encoder of a configuration on captions alone and writes them to `out`."""
    out = files.check_writable_folder(out)
    settings = config["text_encoder"]
    captions, labels = _captions(settings["captions"], config["seed"])
    length = settings["network"]["max_position_embeddings"]
    tokenizer = Tokenizer.train(captions, settings["vocabulary"], length)
    model = CaptionReader(
        text_encoder=TextEncoder(vocab_size=len(tokenizer), **_special_ids(tokenizer), **settings["network"]),
        attributes=world.ATTRIBUTES,
        end_id=int(tokenizer.encode("")[0, -1]),
    )
    arrays = {"token_ids": tokenizer.encode(captions), "labels": labels}

    def batches(first_step):
        return _numpy_batches(arrays, settings["batch_size"], config["seed"], first_step)

    _fit(model, batches, settings, out, "text encoder", steps, [])
    with model.averaged_weights():
        model.text_encoder.save_to_folder(out / "text_encoder")
    tokenizer.save(out / "tokenizer")


def train_diffusion(config, out, *, init=None, steps=None):
    """Trains the U-Net of a configuration on cached latents and writes the whole preset to `out`.

    Args:
        config: dict, from `load`.
        out: str or path. Folder of the preset, with `vae` in it unless `init` has one.
        init: str, path or None. A preset whose networks the training starts from.
        steps: int or None. Overrides the configuration's.
    """
    out = files.check_writable_folder(out)
    settings = config["diffusion"]
    painter = LatentDiffusion.from_preset(init) if init else _new_painter(config, out)
    source = _source(config, "train")
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(
        source, painter.tokenizer, variants=settings["captions_per_image"], seed=config["seed"]
    )

    def batches(first_step):
        return data.latents_dataset(
            latents,
            token_ids,
            repeat=True,
            drop_remainder=True,
            seed=config["seed"],
            batch_size=settings["batch_size"],
            first_step=first_step,
        )

    grid = training.SampleGrid(
        out / "pictures", every_epochs=4, prompts=settings["prompts"], seeds=0, num_steps=20, columns=4
    )
    _fit(painter, batches, settings, out, "diffusion", steps, [grid])
    painter.save_to_preset(out)


def _new_painter(config, out):
    if not (out / "vae").is_dir():
        raise ValueError(
            f"{out} has no autoencoder: run `tfportrait train autoencoder --out {out}` first, or give --init"
        )
    if not (out / "tokenizer" / "vocab.json").is_file():
        train_text_encoder(config, out)
    settings = config["diffusion"]
    return LatentDiffusion(
        unet=UNet(**config["unet"]),
        autoencoder=AutoencoderKL.from_folder(out / "vae"),
        text_encoder=TextEncoder.from_folder(out / "text_encoder"),
        tokenizer=Tokenizer.from_folder(out / "tokenizer"),
        schedule=settings["schedule"],
        prediction_type=settings["prediction_type"],
        weighting=settings["weighting"],
        caption_dropout=settings["caption_dropout"],
    )


def _fit(model, batches, settings, out, stage, steps, callbacks):
    """One stage: warm-up, constant rate, cosine decay; state saved every few minutes; the record written at its end."""
    steps = steps or settings["steps"]
    per_epoch = min(STEPS_PER_EPOCH, steps)
    epochs = -(-steps // per_epoch)
    warmup = min(settings["warmup_steps"], steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        settings["learning_rate"] * 0.1,
        decay_steps=max(epochs * per_epoch - warmup, 1),
        alpha=0.1,
        warmup_target=settings["learning_rate"],
        warmup_steps=warmup,
    )
    model.compile(
        training.AdamW(
            rate,
            weight_decay=settings["weight_decay"],
            beta_2=settings.get("beta_2", 0.99),
            ema_decay=settings["ema_decay"],
            global_clipnorm=1.0,
        )
    )
    state = out / f".state-{stage.replace(' ', '-')}"
    recovery = training.Recovery(state, every_minutes=5.0)
    started = time.time()
    history = model.fit(
        batches(recovery.peek() * per_epoch),
        epochs=epochs,
        steps_per_epoch=per_epoch,
        verbose=0,
        callbacks=[
            recovery,
            training.Progress(settings["batch_size"]),
            *callbacks,
        ],
    )
    if not history.history:
        return  # it was finished before
    write_record(
        out,
        stage,
        {
            "finished": datetime.date.today().isoformat(),
            "steps": epochs * per_epoch,
            "images": epochs * per_epoch * settings["batch_size"],
            "minutes_of_last_run": round((time.time() - started) / 60, 1),
            "precision": keras.config.dtype_policy().name,
            "machine": f"{platform.machine()}, {workers.cores()} cores",
            **{f"final_{name}": round(values[-1], 5) for name, values in history.history.items()},
            "versions": " ".join(f"{name} {metadata.version(name)}" for name in ("tfportrait", "keras", "numpy")),
        },
    )


def write_record(out, stage, entries):
    """Writes what a stage did into `training.toml`, in place of what stood there for the same stage.

    Args:
        out: path. Folder of the preset.
        stage: str. Name of the table.
        entries: dict of str, int or float.
    """
    path = Path(out) / RECORD
    record = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    record[stage.replace(" ", "_")] = entries
    tables = (
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
        for name, table in record.items()
    )
    with files.atomic_write(path) as file:
        file.write("\n".join(tables).encode())


def _source(config, split):
    settings = config["data"]
    return data.open_source(settings["source"], split, image_size=settings["image_size"], count=settings[split])


def _encode(autoencoder, source, indices):
    images = source.images(indices).astype("float32") / 127.5 - 1.0
    return keras.ops.convert_to_numpy(autoencoder.encode(images))


def _captions(count, seed):
    """Captions of random portraits, half of them Chinese, and int32 (count, A) labels, -1 where nothing is named."""
    captions, labels = [], np.full((count, len(world.ATTRIBUTES)), -1, "int32")
    index = {
        name: (i, {v: j for j, v in enumerate(values)}) for i, (name, values) in enumerate(world.ATTRIBUTES.items())
    }
    for row in range(count):
        portrait = world.sample(2**42 + seed * count + row)
        caption = portrait.caption("zh" if row % 2 else "en", seed=row)
        captions.append(str(caption))
        for name in caption.named:
            column, values = index[name]
            labels[row, column] = values[portrait.attributes[name]]
    return captions, labels


def _numpy_batches(arrays, batch_size, seed, step):
    """Endless shuffled batches of arrays of one length, from `step` on."""
    count = len(next(iter(arrays.values())))
    while True:
        epoch, position = divmod(step, count // batch_size)
        rows = np.random.default_rng([seed, epoch]).permutation(count)[position * batch_size :][:batch_size]
        yield ({name: array[rows] for name, array in arrays.items()},)
        step += 1


def _special_ids(tokenizer):
    begin, end = (int(i) for i in tokenizer.encode("")[0, :2])
    return {"bos_token_id": begin, "eos_token_id": end, "pad_token_id": end}


def _perceptual(oracle):
    """Mean squared distance of the oracle's normalised feature maps (as LPIPS, Zhang et al. 2018, without weights)."""
    oracle.trainable = False

    def distance(images, reconstructions):
        total = 0.0
        for a, b in zip(oracle.features(images), oracle.features(reconstructions), strict=True):
            a, b = (_normalised(keras.ops.cast(x, "float32")) for x in (a, b))
            total = total + keras.ops.mean(keras.ops.sum((a - b) ** 2, axis=-1), axis=(1, 2))
        return total

    return distance


def _normalised(x):
    return x * keras.ops.rsqrt(keras.ops.sum(x * x, axis=-1, keepdims=True) + 1e-6)
