"""From a configuration (TOML) to a trained preset, stage by stage, each of them resumable."""

import datetime
import hashlib
import inspect
import json
import platform
import shutil
import time
import tomllib
from importlib import metadata, resources
from pathlib import Path

import keras
import numpy as np

from tfportrait import data, files, presets, training, workers, world
from tfportrait.data.mixture import vocabulary
from tfportrait.data.motions import MotionWorld
from tfportrait.models import weights
from tfportrait.models.adversarial import AdversarialAutoencoder
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.caption_reader import CaptionReader
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.oracle import Oracle
from tfportrait.models.perceptual import oracle_distance, vgg_distance
from tfportrait.models.pixel_diffusion import PixelDiffusion
from tfportrait.models.preset import part_folder, share
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.unet import UNet
from tfportrait.models.upscaler import Upscaler
from tfportrait.models.video import VideoDiffusion
from tfportrait.stable_diffusion import adapted, add_lora, load_lora, lora_file
from tfportrait.stable_diffusion.additions import kernels
from tfportrait.tasks import strangers
from tfportrait.training import cluster

STEPS_PER_EPOCH = 250
RECORD = "training.toml"
WORDS = "words.safetensors"  # of a LoRA that is being trained
OPTIMIZERS = {"adamw": training.AdamW, "muon": training.Muon}
# Entries that a configuration may leave out.
OPTIONAL = ("focus", "optimizer", "decoder_only", "augmentation", "motions", "pruning")
OF_TRAINING = ("kl_weight", "perceptual_weight", "scaling_factor")  # what a network of the same weights may change
AUGMENTED = ("autoencoder", "oracle", "pixels")  # stages that see pictures
WHOLE = {
    "upscaler": "upscale_2x",
    "pixels": "pixels_128",
    "motion": "motion_128",
    "lora": "scene_lora",
}  # stages that have a configuration of their own
SCALED_ON = 1024  # images whose latents settle the scaling factor
CALIBRATED_ON = 512  # images that settle what a painter takes for its own kind


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
        loaded = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    model = next((name for stage, name in WHOLE.items() if stage in loaded), "portrait_128")
    complete = tomllib.loads(shipped[model].read_text("utf-8"))
    if "autoencoder" in loaded.get("diffusion", {}):  # another preset's: it needs none of its own
        complete.pop("autoencoder", None)
    for table, entries in complete.items():
        if table not in loaded:
            raise ValueError(f"{path} has no {table!r}; {model} shows a whole configuration")
        for name in entries if isinstance(entries, dict) and table not in ("unet", "network") else ():
            if name not in loaded[table] and name not in OPTIONAL:
                raise ValueError(f"{path} has no {name!r} in [{table}]; {model} shows a whole configuration")
    return loaded


def with_data(config, weights, **options):
    """A configuration for other data.

    Args:
        config: dict, from `load`.
        weights: dict of str to float. Names or paths of data sets, as `tfportrait.data.open_source` takes them; all
            their examples are used.
        **options: `crop`, `upsample`, as there.

    Returns:
        dict.
    """
    alone = len(weights) == 1 and all(weight > 0 for weight in weights.values())
    source = next(iter(weights)) if alone else dict(weights)
    size = {"image_size": config["data"]["image_size"]}
    return {**config, "data": {"source": source, **size, "train": None, "validation": None, **options}}


def with_augmentation(config, stage, augmentation):
    """A configuration whose pictures are augmented.

    Args:
        config: dict, from `load`.
        stage: str. What is to be trained.
        augmentation: sequence of str, as `tfportrait.data.Augmentation` takes them.

    Returns:
        dict.

    Raises:
        ValueError: a bad augmentation, or a stage that sees no pictures.
    """
    if stage not in AUGMENTED:
        raise ValueError(
            f"{stage} is not trained on pictures themselves (latents are encoded once), so that there is nothing to "
            f"augment; {', '.join(AUGMENTED)} can be"
        )
    data.Augmentation(augmentation)
    return {**config, "data": {**config["data"], "augmentation": list(augmentation)}}


def resuming(config):
    """A configuration whose training goes on where it was stopped, or says that there is nothing to go on with.

    Args:
        config: dict, from `load`.

    Returns:
        dict.
    """
    return {**config, "resume": True}


def profiled(config, directory):
    """A configuration whose training writes a profile of ten of its steps, see `training.Profile`.

    Args:
        config: dict, from `load`.
        directory: str or path.

    Returns:
        dict.
    """
    return {**config, "profile": str(files.check_writable_folder(directory))}


def train_autoencoder(config, out, *, init=None, steps=None):
    """Trains the autoencoder of a configuration and writes it to `out/vae`, scaled to latents of unit deviation.

    Stable Diffusion's recipe has two things more, which a configuration may have: `perceptual` in `[autoencoder]`, the
    preset of an oracle or `"vgg"`, whose features are compared too (weighed by the network's `perceptual_weight`); and
    the table `[autoencoder.discriminator]` with `weight` and `start_step`, as `AdversarialAutoencoder` takes them.

    With `decoder_only = true` the encoder and the scale of `init`'s latents stay as they are, and so does what any
    U-Net has learnt about them: only pictures get better.

    Args:
        config: dict, from `load`.
        out: str or path. Folder of the preset. The state of the training is kept in it until the stage is done, so
            that the same call continues an interrupted one.
        init: str, path or None. A preset whose autoencoder the training starts from. Where the configuration has
            another one (a level more, say), the weights that fit are taken.
        steps: int or None. Overrides the configuration's.
    """
    out, settings = _begin(config, out, "autoencoder")
    network = model = _make(AutoencoderKL, settings["network"])
    if init:
        start = AutoencoderKL.from_folder(part_folder(init, "vae"))
        _take_over(start, network, init)
    if decoder_only := settings.get("decoder_only", False):
        if not init or network.config != {**start.config, **_of_training(network)}:
            raise ValueError("decoder_only needs --init PRESET with the autoencoder of the configuration")
        for part in (network.encoder, getattr(network, "quant_conv", None)):
            if part is not None:
                part.trainable = False
    if judge := settings.get("perceptual"):
        network.perceptual = vgg_distance() if judge == "vgg" else oracle_distance(Oracle.from_preset(judge))
    if "discriminator" in settings:
        model = _make(AdversarialAutoencoder, settings["discriminator"], autoencoder=network)
    source = _source(config, "train")

    batches = _picture_batches(source, config, settings, ("image",))

    unseen = _unseen(config, source)
    strip = training.ReconstructionStrip(_pictures(out), unseen.images(np.arange(min(8, len(unseen)))))

    def save():
        network.scaling_factor = start.scaling_factor if decoder_only else _scaling_factor(network, source)
        network.save_to_folder(out / "vae")

    _fit(model, batches, config, out, "autoencoder", steps, [strip], [init], save, seen=_seen(source, "pictures"))


def train_oracle(config, out, *, init=None, steps=None):
    """Trains the oracle of a configuration and writes it to `out` (arguments as in `train_autoencoder`)."""
    out, settings = _begin(config, out, "oracle")
    model = Oracle.from_preset(init) if init else None
    source = _source(config, "train")
    if model is None:
        size = config["data"]["image_size"]
        model = _make(Oracle, settings["network"], attributes=source.attributes, image_size=size)

    batches = _picture_batches(source, config, settings, ("image", "attributes"))

    def save():
        model.save_to_preset(out)

    _fit(model, batches, config, out, "oracle", steps, [], [init], save, seen=_seen(source, "pictures"))


def train_text_encoder(config, out, *, init=None, steps=None):
    """Trains tokenizer and text encoder of a configuration on captions alone and writes them to `out`.

    Arguments as in `train_autoencoder`; the tokenizer of `init` is taken as it is.
    """
    out, settings = _begin(config, out, "text_encoder")
    attributes, captions, labels = _captions(config["data"]["source"], settings["captions"], config["seed"])
    if init:
        tokenizer = Tokenizer.from_folder(presets.locate(init) / "tokenizer")
        text_encoder = TextEncoder.from_folder(part_folder(init, "text_encoder"))
    else:
        length = settings["network"]["max_position_embeddings"]
        tokenizer = Tokenizer.train(captions, settings["vocabulary"], length)
        ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_id") for name in ("bos", "eos", "pad")}
        text_encoder = _make(TextEncoder, settings["network"], vocab_size=len(tokenizer), **ids)
    model = CaptionReader(text_encoder=text_encoder, attributes=attributes, end_id=tokenizer.eos_id)
    arrays = {"token_ids": tokenizer.encode(captions), "labels": labels}

    def batches(first_step):
        return _numpy_batches(arrays, settings["batch_size"], config["seed"], first_step)

    def save():
        model.text_encoder.save_to_folder(out / "text_encoder")
        tokenizer.save(out / "tokenizer")

    _fit(model, batches, config, out, "text_encoder", steps, [], [init], save)


def train_diffusion(config, out, *, init=None, steps=None):
    """Trains the U-Net of a configuration on cached latents and writes the whole preset to `out`.

    Args:
        config: dict, from `load`. With `2 * out_channels + 1` for `in_channels` of `[unet]` it is one for inpainting.
        out: str or path. Folder of the preset, with `vae` in it unless `init` has one or the configuration names, as
            `autoencoder` of `[diffusion]`, another preset whose autoencoder it is; the new one then only refers to it.
        init: str, path or None. A preset whose networks, schedule and prediction type the training starts from. Where
            its U-Net is not the configuration's, the weights that fit are taken over.
        steps: int or None. Overrides the configuration's.
    """
    out, settings = _begin(config, out, "diffusion")
    painter = _painter(config, out, init)
    source = _source(config, "train")
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(
        source, painter.tokenizer, variants=settings["captions_per_image"], seed=config["seed"]
    )

    images = source if painter.inpaints else None
    batches = _latent_batches(painter, latents, token_ids, config, settings, images)

    grid = training.SampleGrid(
        _pictures(out), every_epochs=4, prompts=settings["prompts"], seeds=0, num_steps=20, columns=4
    )
    networks = [data.latents.autoencoder_hash(painter.autoencoder), data.latents.tokenizer_hash(painter.tokenizer)]
    pictures = [] if painter.inpaints else [grid]  # which it cannot paint from words alone

    def save():
        painter.save_to_preset(out)
        if owner := settings.get("autoencoder"):
            share(out, "vae", owner)
        if not painter.inpaints:
            calibrate(painter, _unseen(config, source), out)

    _fit(painter, batches, config, out, "diffusion", steps, pictures, [init, *networks], save, seen=_seen(source))


def calibrate(painter, source, out):
    """Writes into a preset what tells strangers from pictures such as a source's, see `tasks.strangers`."""
    rows = np.unique(np.linspace(0, len(source) - 1, CALIBRATED_ON).astype(int))
    strangers.calibrate(painter, source.images(rows), out, source.name)


def train_lora(config, out, *, init=None, steps=None):
    """Trains a LoRA of a configuration on another world than its painter's, and writes a preset of both to `out`.

    First a LoRA of the text encoder learns what captions say, as `train_text_encoder` does it; then, with that, one of
    all layers of the U-Net learns what they show. Both are written as one.

    Args:
        config: dict, from `load`.
        out: str or path. Folder of the preset.
        init: str, path or None. A preset with a LoRA of the same layers and rank for the U-Net to go on from.
        steps: int or None. Overrides the configuration's, for both.
    """
    out, settings = _begin(config, out, "lora")
    start = LatentDiffusion.from_preset(settings["painter"])
    same = ("unet", "autoencoder", "text_encoder", "tokenizer", "schedule", "prediction_type")
    chosen = {name: settings[name] for name in ("weighting", "focus", "caption_dropout") if name in settings}
    painter = LatentDiffusion(**{name: getattr(start, name) for name in same}, **chosen)
    shapes = {layer: tuple(owner._kernel.shape) for layer, owner in kernels(painter).items()}
    known = lora_file.read(presets.locate(init) / adapted.WEIGHTS, shapes, painter.unet.config) if init else {}
    words = out / WORDS
    if texts := {layer: factors for layer, factors in known.items() if layer.startswith("text_encoder.")}:
        if cluster.is_chief():
            lora_file.write(words, texts, "float16")
        cluster.barrier()
    elif not words.is_file():
        _learn_words(config, out, painter, steps, words)
    load_lora(painter, words, name="words")
    source = _source(config, "train")
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(
        source, painter.tokenizer, variants=settings["captions_per_image"], seed=config["seed"]
    )
    lora = add_lora(painter, settings["rank"], targets="all", name="pictures")
    for layer, factors in lora.factors.items():
        if layer in known:
            factors["down"].assign(known[layer].down)
            factors["up"].assign(known[layer].up * known[layer].scale)

    batches = _latent_batches(painter, latents, token_ids, config, settings)

    grid = training.SampleGrid(
        _pictures(out), every_epochs=2, prompts=settings["prompts"], seeds=0, num_steps=20, columns=4
    )

    def save():
        texts = lora_file.read(words, shapes, painter.unet.config)
        adapted.write(out, settings["painter"], {**texts, **lora.numbers()})
        calibrate(LatentDiffusion.from_preset(out), _unseen(config, source), out)
        words.unlink()

    config = {**config, "resume": False}  # the words were learnt before: that was it
    origin = [settings["painter"], init]
    _fit(painter, batches, config, out, "lora", steps, [grid], origin, save, seen=_seen(source))


def _learn_words(config, out, painter, steps, path):
    """Trains a LoRA of the painter's text encoder on captions alone, writes it, and takes it out again."""
    settings = {"weight_decay": 0.0, **config["lora"]["words"]}
    attributes, captions, labels = _captions(config["data"]["source"], settings["captions"], config["seed"])
    lora = add_lora(painter, settings["rank"], targets=(), text_encoder="all", name="words")
    reader = CaptionReader(text_encoder=painter.text_encoder, attributes=attributes, end_id=painter.tokenizer.eos_id)
    reader.additions = [lora]  # whose weights are none of the text encoder's own
    arrays = {"token_ids": painter.tokenizer.encode(captions), "labels": labels}

    def batches(first_step):
        return _numpy_batches(arrays, settings["batch_size"], config["seed"], first_step)

    def save():
        lora_file.write(path, lora.numbers(), "float16")

    config = {**config, "words": settings}
    _fit(reader, batches, config, out, "words", steps, [], [config["lora"]["painter"]], save)
    lora.remove()


def train_upscaler(config, out, *, init=None, steps=None):
    """Trains the upscaler of a configuration and writes it to `out` (arguments as in `train_autoencoder`).

    Small images are the means of 2x2 pixels, half of them as the autoencoder of the configuration's painter shows them.
    """
    out, settings = _begin(config, out, "upscaler")
    model = _make(Upscaler, settings["network"])
    if init:
        _take_over(Upscaler.from_preset(init), model, init)
    source = _source(config, "train")
    autoencoder = AutoencoderKL.from_folder(part_folder(settings["painter"], "vae"))
    painted = data.reconstruct(autoencoder, source)

    def batches(first_step):
        return crops(source, painted, settings["crop"], settings["batch_size"], config["seed"], first_step)

    origin = [init, data.latents.autoencoder_hash(autoencoder)]

    def save():
        model.save_to_preset(out)

    _fit(model, batches, config, out, "upscaler", steps, [], origin, save, seen=_seen(source, "pictures"))


def crops(source, painted, side, batch_size, seed, step):
    """Endless batches of crops for an upscaler, from `step` on; every other one is of what a painter shows."""
    while True:
        random = np.random.default_rng([seed, step])
        rows = np.sort(random.choice(len(source), batch_size, replace=False))
        images, smaller = source.images(rows), painted[rows]
        kinds = random.permutation(batch_size) % 2
        batch = {"image": [], "low": [], "painted": kinds.astype("float32")}
        for image, small, kind in zip(images, smaller, kinds, strict=True):
            top, left = random.integers([image.shape[0] // 2 - side + 1, image.shape[1] // 2 - side + 1])
            image = image[2 * top : 2 * (top + side), 2 * left : 2 * (left + side)]
            low = small[top : top + side, left : left + side] if kind else data.halved(image)
            flip = np.s_[:, :: random.choice([1, -1])]
            batch["image"].append(image[flip].astype("float32") / 127.5 - 1.0)
            batch["low"].append(low[flip].astype("float32") / 127.5 - 1.0)
        yield ({name: np.stack(values) for name, values in batch.items()},)
        step += 1


def train_pixels(config, out, *, init=None, steps=None):
    """Trains the diffusion model of pixels of a configuration and writes it to `out` (arguments as in
    `train_autoencoder`).
    """
    out, settings = _begin(config, out, "pixels")
    model = _make(PixelDiffusion, settings["network"])
    if init:
        _take_over(PixelDiffusion.from_preset(init), model, init)
    source = _source(config, "train")

    batches = _picture_batches(source, config, settings, ("image",))

    def save():
        model.save_to_preset(out)

    _fit(model, batches, config, out, "pixels", steps, [], [init], save, seen=_seen(source, "pictures"))


def train_motion(config, out, *, init=None, steps=None):
    """Trains the temporal layers of a configuration on the worlds in motion and writes them to `out` (arguments as in
    `train_autoencoder`). The painter that they are for, `painter` of the configuration, stays as it is.
    """
    out, settings = _begin(config, out, "motion")
    painter = LatentDiffusion.from_preset(presets.locate(settings["painter"]))
    size, frames = config["data"]["image_size"], config["data"]["frames"]
    kinds = config["data"].get("motions", world.motion.KINDS)
    shape = {"channels": painter.unet.left_channels, "motions": kinds, "frames": frames}
    model = _make(VideoDiffusion, settings["network"], **shape).attach(painter)
    if init:
        _take_over(VideoDiffusion.from_preset(init), model, init)
    source = MotionWorld("train", image_size=size, count=config["data"]["train"], frames=frames, kinds=kinds)
    latents = data.encode_latents(painter.autoencoder, source)
    clips = np.arange(source.count)
    arrays = {
        "motion": source.labels(clips * frames)["motion"],
        **{
            name: painter.tokenizer.encode([source.ends(clip, seed=config["seed"])[end] for clip in clips])
            for end, name in enumerate(("first", "last"))
        },
    }

    def batches(first_step):
        for (rows,) in _numpy_batches({"clip": clips}, settings["batch_size"], config["seed"], first_step):
            chosen = rows["clip"]
            read = latents[(chosen[:, None] * frames + np.arange(frames)).reshape(-1)]
            batch = {name: values[chosen] for name, values in arrays.items()}
            yield ({**batch, "latents": np.asarray(read, "float32").reshape(len(chosen), frames, *read.shape[1:])},)

    networks = [data.latents.autoencoder_hash(painter.autoencoder), data.latents.tokenizer_hash(painter.tokenizer)]

    def save():
        model.save_to_preset(out)

    _fit(model, batches, config, out, "motion", steps, [], [init, *networks], save, seen=_seen(source))


def _latent_batches(painter, latents, token_ids, config, settings, images=None):
    """First step -> endless batches of latents and captions, as `_fit` takes them."""

    def batches(first_step, share=(0, 1)):
        return data.latents_dataset(
            latents,
            token_ids,
            autoencoder=painter.autoencoder,
            images=images,
            repeat=True,
            drop_remainder=True,
            seed=config["seed"],
            batch_size=settings["batch_size"],
            first_step=first_step,
            share=share,
        )

    return batches


def _picture_batches(source, config, settings, fields):
    """First step -> endless batches of a source's pictures, as `_fit` takes them."""

    def batches(first_step, share=(0, 1)):
        return data.batches(
            source,
            repeat=True,
            fields=fields,
            augmentation=config["data"].get("augmentation"),
            seed=config["seed"],
            batch_size=settings["batch_size"],
            first_step=first_step,
            share=share,
        )

    return batches


def _painter(config, out, init):
    settings = config["diffusion"]
    chosen = {
        name: settings[name]
        for name in ("weighting", "focus", "caption_dropout", "train_text_encoder")
        if name in settings
    }
    owner = settings.get("autoencoder")
    if init:
        start = LatentDiffusion.from_preset(init)
        for name in ("autoencoder", "text_encoder", "tokenizer", "schedule", "prediction_type"):
            chosen[name] = getattr(start, name)
        if owner:
            chosen["autoencoder"] = AutoencoderKL.from_folder(part_folder(owner, "vae"))
        chosen["unet"] = _make(UNet, config["unet"])
        _take_over(start.unet, chosen["unet"], init)
        return LatentDiffusion(**chosen)
    if not owner and not (out / "vae").is_dir():
        raise ValueError(
            f"{out} has no autoencoder: run `tfportrait train autoencoder --out {out}` first, or give --init"
        )
    if not (out / "tokenizer" / "vocab.json").is_file():
        train_text_encoder(config, out)
    return LatentDiffusion(
        unet=_make(UNet, config["unet"]),
        autoencoder=AutoencoderKL.from_folder(part_folder(owner or out, "vae")),
        text_encoder=TextEncoder.from_folder(out / "text_encoder"),
        tokenizer=Tokenizer.from_folder(out / "tokenizer"),
        schedule=settings["schedule"],
        prediction_type=settings["prediction_type"],
        **chosen,
    )


def _begin(config, out, stage):
    """The folder, checked, and the stage's settings; weights drawn from here on follow the configuration's seed."""
    if stage not in config:
        trained = ", ".join(name for name in config if f"train_{name}" in globals())
        raise ValueError(f"this configuration is not for the {stage}: it has no [{stage}], but {trained}")
    if (optimizer := config[stage].get("optimizer", "adamw")) not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r} in [{stage}]; known are {', '.join(OPTIMIZERS)}")
    keras.utils.set_random_seed(config["seed"])
    return files.check_writable_folder(out), config[stage]


def _make(network, settings, **more):
    try:
        return network(**settings, **more)
    except TypeError as error:
        reason = str(error).split("__init__() ")[-1]
        raise ValueError(f"the configuration does not fit {network.__name__}: {reason}") from None


def _take_over(start, network, init):
    """Gives a network the weights of another that fit; says so if they differ in more than their training and scale."""
    taken, total = weights.copy_matching(start, network)
    if network.config != {**start.config, **_of_training(network)}:
        name = type(network).__name__
        print(f"the configuration has another {name} than {init}: {taken} of {total} weights fit", flush=True)


def _of_training(network):
    return {name: network.config[name] for name in OF_TRAINING if name in network.config}


def _pictures(out):
    """Beside the preset, not in it: they are no part of what is shipped."""
    return out.with_name(f"{out.name}-pictures")


def _fit(model, batches, config, out, stage, steps, callbacks, origin, save, *, seen=None):
    """One stage: warm-up, then cosine decay; its state saved every few minutes. At the end the first worker, or the
    only one, saves what was trained, its record and the preset's checksums, while the others wait.

    Args:
        model: Trainable.
        batches: callable. First step and, where it takes one, share of the batch -> endless data set.
        config: dict. The whole configuration.
        out: path. Folder of the preset.
        stage: str. Table of the configuration, and of the record.
        steps: int or None. Overrides the configuration's.
        callbacks: list.
        origin: list of str or None. What else the result depends on; another origin is another training.
        save: callable. Writes what was trained; the model has its averaged weights then.
        seen: dict of str to str, or None. The data, as `Recovery` takes them: a stopped training does not go on with
            others.
    """
    settings, chief = config[stage], cluster.is_chief()
    steps = steps or settings["steps"]
    epochs = -(-steps // STEPS_PER_EPOCH)
    per_epoch = -(-steps // epochs)
    warmup = min(settings["warmup_steps"], steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        settings["learning_rate"] * 0.1,
        decay_steps=max(epochs * per_epoch - warmup, 1),
        alpha=0.1,
        warmup_target=settings["learning_rate"],
        warmup_steps=warmup,
    )
    optimizer = OPTIMIZERS[settings.get("optimizer", "adamw")](
        rate,
        weight_decay=settings["weight_decay"],
        beta_2=0.99,
        ema_decay=settings["ema_decay"],
        global_clipnorm=1.0,
    )
    if isinstance(model, AdversarialAutoencoder):
        judges = training.AdamW(rate, weight_decay=0.0, beta_1=0.5, beta_2=0.9)
        optimizer = training.Players({model.autoencoder.name: optimizer, model.discriminator.name: judges})
    model.compile(optimizer)
    of_stage = {name: value for name, value in settings.items() if name != "steps"}
    identity = json.dumps([of_stage, config["data"], config.get("unet"), config["seed"], list(map(str, origin))])
    state = out / f".state-{stage}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    recovery = training.Recovery(state, every_minutes=5.0, data=seen)
    if config.get("resume") and not any(state.glob(training.Recovery.FILES)):
        others = f"{out} has one with other settings, data or start; " if any(out.glob(f".state-{stage}-*")) else ""
        raise ValueError(
            f"no stopped training of the {stage} to resume in {out}: {others}without --resume it begins anew"
        )
    started = time.time()
    history = model.fit(
        _own_share(batches, recovery.peek() * per_epoch, settings["batch_size"]),
        epochs=epochs,
        steps_per_epoch=per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[
            *([training.Pruning(settings["pruning"], steps=max(steps // 2, 1))] if "pruning" in settings else []),
            recovery,
            *([training.Progress(settings["batch_size"])] if chief else []),
            *([training.Profile(config["profile"])] if chief and "profile" in config else []),
            *(callbacks if chief else []),
        ],
    )
    if chief:
        with model.averaged_weights():
            save()
    if chief and history.history:
        count = cluster.worker_count(cluster.current())
        write_record(
            out,
            stage,
            {
                "finished": datetime.date.today().isoformat(),
                "steps": epochs * per_epoch,
                "examples": epochs * per_epoch * settings["batch_size"],
                "batch_size": settings["batch_size"],
                "optimizer": settings.get("optimizer", "adamw"),
                "learning_rate": settings["learning_rate"],
                "started_from": str(origin[0]) if origin and origin[0] else "nothing",
                "minutes_of_last_run": round((time.time() - started) / 60, 1),
                "precision": keras.config.dtype_policy().name,
                "machine": f"{keras.backend.backend()}, {platform.machine()}, {workers.cores()} cores"
                + (f", {count} such workers" if count > 1 else ""),
                **{f"final_{name}": round(values[-1], 5) for name, values in history.history.items()},
                "versions": " ".join(f"{name} {metadata.version(name)}" for name in ("tfportrait", "keras", "numpy")),
            },
        )
    if chief:
        files.write_checksums(out)
        shutil.rmtree(state, ignore_errors=True)
    cluster.barrier()


def _own_share(batches, first_step, batch_size):
    """Of several workers each reads its own rows; replicas of one machine share what it reads."""
    strategy = cluster.current()
    if cluster.worker_count(strategy) == 1 or "share" not in inspect.signature(batches).parameters:
        return batches(first_step)

    def own(context):
        share = context.input_pipeline_id, context.num_input_pipelines
        return batches(first_step, share=share).rebatch(context.get_per_replica_batch_size(batch_size))

    return strategy.distribute_datasets_from_function(own)


def _seen(source, *fields):
    """What a training sees of a source, as `Recovery` takes it: its pictures and its captions, or those named."""
    prints = {"pictures": source.fingerprint, "captions": source.text_fingerprint}
    return {name: value for name, value in prints.items() if not fields or name in fields}


def write_record(out, stage, entries):
    """Writes what a stage did into `training.toml`, in place of what stood there for the same stage.

    Args:
        out: path. Folder of the preset.
        stage: str. Name of the table.
        entries: dict of str, int or float.
    """
    path = Path(out) / RECORD
    record = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    record[stage] = entries
    tables = (
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
        for name, table in record.items()
    )
    with files.atomic_write(path) as file:
        file.write("\n".join(tables).encode())


def _source(config, split):
    settings = config["data"]
    options = {name: settings[name] for name in ("crop", "upsample") if name in settings}
    return data.open_source(
        settings["source"], split, image_size=settings["image_size"], count=settings[split], **options
    )


def _unseen(config, source):
    """Pictures to show: of the validation split, or of the training's where there is none (a folder of one's own)."""
    try:
        return _source(config, "validation")
    except ValueError:
        return source


def _scaling_factor(autoencoder, source):
    """What gives latents of unit deviation."""
    autoencoder.scaling_factor = 1.0
    count = min(len(source), SCALED_ON)
    rows = np.array_split(np.arange(count), min(count, 16))
    return float(1.0 / np.concatenate([_encode(autoencoder, source, part) for part in rows]).std())


def _encode(autoencoder, source, indices):
    images = source.images(indices).astype("float32") / 127.5 - 1.0
    return keras.ops.convert_to_numpy(autoencoder.encode(images))


def _captions(source, count, seed):
    """Captions of what the worlds of a data source draw, half of them Chinese; of portraits where it has no world.

    Returns:
        (attributes, captions, labels): those of all worlds, with their values; list of str; int32 (count, A), -1 where
        nothing is named.
    """
    names = [source] if isinstance(source, str) else [name for name, weight in source.items() if weight > 0]
    worlds = [world.WORLDS[name] for name in names if name in world.WORLDS] or [world]
    attributes = vocabulary([each.ATTRIBUTES for each in worlds])
    columns = {name: number for number, name in enumerate(attributes)}
    captions, labels = [], np.full((count, len(attributes)), -1, "int32")
    for row in range(count):
        turn, number = divmod(row, len(worlds))
        drawn = worlds[number].sample(2**42 + seed * count + row)
        caption = drawn.caption("zh" if turn % 2 else "en", seed=row)
        captions.append(str(caption))
        for name in caption.named:
            labels[row, columns[name]] = attributes[name].index(drawn.attributes[name])
    return attributes, captions, labels


def _numpy_batches(arrays, batch_size, seed, step):
    """Endless shuffled batches of arrays of one length, from `step` on."""
    count = len(next(iter(arrays.values())))
    while True:
        epoch, position = divmod(step, count // batch_size)
        rows = np.random.default_rng([seed, epoch]).permutation(count)[position * batch_size :][:batch_size]
        yield ({name: array[rows] for name, array in arrays.items()},)
        step += 1
