"""Latent diffusion: words to portrait (Rombach et al. 2022, High-Resolution Image Synthesis with Latent Diffusion)."""

import contextlib

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion import add_noise, prediction, schedules
from tfportrait.diffusion import weighting as weightings
from tfportrait.models import generation, masking
from tfportrait.models.network import batch_images
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.training import Trainable, replicas

VALIDATION_SEED = 20221  # the noise of the validation loss never changes


@keras.saving.register_keras_serializable("tfportrait")
class LatentDiffusion(Trainable):
    """A text-to-image model of autoencoder, text encoder and denoising U-Net: `fit` trains it, `generate` paints.

    Args:
        unet: UNet. Predicts noise, velocity or image from noisy latents.
        autoencoder: AutoencoderKL or None. With None the U-Net works on pixels. It is frozen here: train it first.
        text_encoder: TextEncoder or None. With None the model is unconditional.
        tokenizer: Tokenizer or None. Goes with `text_encoder`.
        schedule: str, dict or Schedule. The forward process, see `tfportrait.diffusion.schedules`.
        prediction_type: str. What the U-Net predicts: "epsilon", "v_prediction", "sample", "flow" or "edm".
        weighting: str or dict. How much each noise level counts in the loss: "uniform", "min_snr",
            "logit_normal_times", ... or such a name as "name" beside its options, see `tfportrait.diffusion.weighting`.
        focus: (y, x, radius, gain) or None. Counts the latents around (y, x) more: 1 + gain * exp(-r^2 / 2) times, with
            r the distance in radii, lengths in sides of the picture. Whatever the weights, the best prediction of every
            latent stays the same; but what is small and rarely learnt, a face, is learnt sooner. Defaults to `None`.
        caption_dropout: float in [0, 1). Fraction of captions replaced by the empty one, which is what
            classifier-free guidance (Ho & Salimans 2022) needs. Defaults to 0.1.
        train_text_encoder: bool. Whether `fit` trains the text encoder along with the U-Net. Defaults to `False`, as
            Stable Diffusion was trained: at the U-Net's learning rate the encoder forgets most of what captions say.
        guidance_rescale: float in [0, 1]. Strength of the rescaling of the U-Net's guided output (Lin et al. 2023); an
            attribute that may be set.
    """

    def __init__(
        self,
        *,
        unet,
        autoencoder=None,
        text_encoder=None,
        tokenizer=None,
        schedule="cosine",
        prediction_type="v_prediction",
        weighting="uniform",
        focus=None,
        caption_dropout=0.1,
        train_text_encoder=False,
        guidance_rescale=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if (text_encoder is None) != (tokenizer is None):
            raise ValueError("text_encoder and tokenizer go together: give both or neither")
        if not 0.0 <= caption_dropout < 1.0:
            raise ValueError(f"caption_dropout is {caption_dropout}, but must be in [0, 1)")
        if tokenizer is not None and text_encoder is not None and len(tokenizer) > text_encoder.config["vocab_size"]:
            raise ValueError(
                f"the tokenizer has {len(tokenizer)} tokens, the text encoder knows "
                f"{text_encoder.config['vocab_size']}: they do not belong together"
            )
        self.unet = unet
        self.autoencoder = autoencoder
        self.text_encoder = text_encoder
        self.tokenizer = tokenizer
        self.schedule = schedules.get(schedule)
        self.prediction_type = prediction_type
        self.prediction = prediction.get(prediction_type)
        self.weighting = weighting
        self.loss_weight = weightings.get(weighting)
        self.focus = _check_focus(focus)
        self.caption_dropout = caption_dropout
        self.train_text_encoder = train_text_encoder
        self.guidance_rescale = guidance_rescale
        self.additions = []  # live LoRAs and new words, see `tfportrait.stable_diffusion`
        set_trainable(autoencoder, False)
        set_trainable(text_encoder, train_text_encoder)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    def call(self, inputs, training=None):
        """What the U-Net predicts for clean latents: the forward pass that Keras wants to see.

        Args:
            inputs: float32 (B, H, W, C) images in [-1, 1], or a dict as `preprocess` makes it.

        Returns:
            float (B, h, w, c): the raw output of the U-Net at time zero.
        """
        batch = self._batch(inputs)
        latents = self._latents(batch, seed=None)
        size = ops.shape(latents)[0]
        if self.inpaints:
            masks = ops.ones((*latents.shape[:3], 1))
            latents = ops.concatenate([latents, masks, ops.zeros_like(latents)], axis=-1)
        return self.unet(latents, ops.zeros((size,)), self._context(batch.get("token_ids"), size))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The denoising loss: weighted squared error of the prediction at a random time (Ho et al. 2020, eq. 14).

        Times are stratified over the batch. A U-Net for inpainting sees images with random masks. With `training=False`
        noise, times and masks are the same in every call, so that validation losses can be compared.

        Equation: `diffusion.loss`.

        Args:
            x: dict of "latents" (or "image") and "token_ids", or float32 (B, H, W, C) images in [-1, 1].
            sample_weight: float (B,) or None. How much each example counts; the mean is over all of them, as in Keras.

        Returns:
            float32 scalar.
        """
        batch = self._batch(x)
        seeds = [self.seed_generator] * 7 if training else [VALIDATION_SEED + i for i in range(7)]
        x_0 = ops.stop_gradient(self._latents(batch, seed=seeds[0]))
        size = ops.shape(x_0)[0]
        time = self.schedule.sample_times(self.loss_weight.times(replicas.stratified(size, seeds[1])))
        signal_rate, noise_rate = self.schedule.rates(time)
        noise = replicas.normal(ops.shape(x_0), seed=seeds[2])

        token_ids = batch.get("token_ids")
        if token_ids is not None and training and self.caption_dropout:
            dropped = replicas.uniform((size, 1), seed=seeds[3]) < self.caption_dropout
            token_ids = ops.where(dropped, self.empty_token_ids, token_ids)

        c_in, _, _ = self.prediction.coefficients(signal_rate, noise_rate)
        noisy = add_noise(x_0, noise, signal_rate, noise_rate) * c_in[:, None, None, None]
        if self.inpaints:
            noisy = ops.concatenate([noisy, self._beside(batch, *x_0.shape[1:3], seeds[4:])], axis=-1)
        output = self.unet(noisy, self.schedule.network_time(time), self._context(token_ids, size), training=training)
        target = self.prediction.target(x_0, noise, signal_rate, noise_rate)
        weight = self.loss_weight.weight(signal_rate, noise_rate, self.prediction_type)
        errors = ops.square(ops.cast(output, "float32") - target)
        if self.focus is not None:
            errors = errors * focus_weights(self.focus, *x_0.shape[1:3])[..., None]
        losses = weight * ops.mean(errors, axis=(1, 2, 3))  # (B,)
        return ops.mean(losses if sample_weight is None else losses * ops.cast(sample_weight, "float32"))

    @property
    def empty_token_ids(self):
        """int32 (1, L): the ids of the empty caption, the unconditional prompt."""
        return np.asarray(self.tokenizer.encode([""]), "int32")

    @property
    def latent_channels(self):
        """int: channels of what the U-Net denoises."""
        return self.unet.config["out_channels"]

    @property
    def inpaints(self):
        """bool: whether the U-Net is one for inpainting, which sees a mask and the masked image's latents as well."""
        return self.unet.config["in_channels"] == 2 * self.latent_channels + 1

    @property
    def downsampling(self):
        """int: pixels of the image per latent, along one side."""
        return 1 if self.autoencoder is None else self.autoencoder.reduction

    @property
    def image_size(self):
        """int: the side of the images the model was made for, in pixels."""
        return self.unet.config["sample_size"] * self.downsampling

    def generate(
        self,
        prompts,
        negative_prompts=None,
        *,
        seeds=0,
        num_steps=20,
        guidance_scale=4.0,
        sampler="dpmpp_2m",
        spacing=None,
        image_size=None,
        noise=None,
        progress=False,
        on_step=None,
        clip_skip=None,
        guidance_interval=None,
    ):
        """Paints images for prompts, with the averaged weights where training keeps an average.

        Prompts are read as the Stable Diffusion web UIs read them: `(word:1.3)` weighs 1.3, `(word)` 1.1, `[word]`
        1 / 1.1, brackets multiply, a backslash makes a bracket text, `BREAK` begins a new chunk; see
        `tfportrait.models.prompts`. A prompt longer than the text encoder's context goes on in further chunks, which
        the U-Net attends to together. Where the U-Net also pools the context (`addition_embed_type`, our own presets),
        it was trained on one chunk: there a text is cut, and a warning says what was lost.

        A tokenizer that spells Chinese in bytes, as CLIP's does, stands for an encoder that reads none: Chinese prompts
        about portraits are then said in English by the grammar of the captions, brackets and other words around them
        kept, and a warning names the words that it does not know. Other scripts are passed on as they are.

        Args:
            prompts: str, list of str, or None (unconditional). One prompt is broadcast over a list of seeds.
            negative_prompts: str, list of str or None. What guidance moves away from. Defaults to the empty prompt.
            seeds: int or list of int in [0, 2**63). One per image; 7 for four images means 7, 8, 9, 10. The same seed
                gives the same image in any batch.
            num_steps: int >= 1. Steps of the sampler.
            guidance_scale: float >= 0. 1 follows the prompt without guidance, at one evaluation a step.
            sampler: str. One of `tfportrait.diffusion.samplers.SAMPLERS`.
            spacing: str or None. "uniform", "leading", "trailing" or "karras"; None is what the checkpoint says, or
                else the sampler's own.
            image_size: int, (int, int) or None. (height, width) in pixels. Defaults to the size of training.
            noise: float array or None. (N, h, w, c) replaces the start, (num_steps + 1, N, h, w, c) also the noise of
                the steps. Of unit variance and channels last: diffusers' `latents.permute(0, 2, 3, 1).numpy()`.
            progress: bool. Shows a progress bar on standard error.
            on_step: callable or None. Called as `on_step(i, x_t, x_0)` after every prediction.
            clip_skip: int or None. Which layer of the text encoder the context comes from, counted as the web UIs do: 1
                is the last, 2 the one before it (diffusers' `clip_skip=1`), each through the final normalisation. None
                is 1. Stable Diffusion 2 leaves out OpenCLIP's last layer already: its configuration has 23.
            guidance_interval: (float, float) or None. Guidance counts only where the ratio of noise to signal lies
                between the two (Kynkaanniemi et al. 2024); elsewhere a step is one evaluation. None: everywhere.

        Returns:
            uint8 (N, H, W, 3).

        Raises:
            ValueError: an argument that cannot be used, before any work is done.
            FloatingPointError: not a number in the latents or the image; names the stage.
        """
        request = generation.Request.check(
            self,
            prompts,
            negative_prompts,
            seeds,
            num_steps,
            guidance_scale,
            sampler,
            spacing,
            image_size,
            noise,
            clip_skip,
            guidance_interval=guidance_interval,
        )
        with self.averaged_weights():
            return generation.run(self, request, progress=progress, on_step=on_step)

    def preprocess(self, dataset):
        """Turns the elements of `tfportrait.data.load` into what `fit` takes.

        Args:
            dataset: tf.data.Dataset of {"image", "caption", ...}.

        Returns:
            tf.data.Dataset of {"image" or "latents", "token_ids"}, numeric only. `token_ids` is left out of an
            unconditional model.
        """
        from tfportrait.data import preprocess

        return preprocess(dataset, self.tokenizer)

    @classmethod
    def from_preset(cls, preset, *, dtype=None, prediction_type=None, ema=False):
        """Loads a preset: the name of a shipped one, a folder in diffusers' layout, or a checkpoint in one file.

        Args:
            preset: str or path.
            dtype: str or None. Dtype policy of the networks, such as "mixed_bfloat16". Defaults to the global one.
            prediction_type: str or None. Overrides what the preset says; Stable Diffusion 2 in one file needs it.
            ema: bool. Take the averaged weights of a single file that has both.

        Raises:
            ValueError: no such preset (the message lists the shipped ones), or a missing or damaged file.
        """
        from tfportrait.models import preset as presets

        return presets.read(cls, preset, dtype=dtype, prediction_type=prediction_type, ema=ema)

    def save_to_preset(self, directory):
        """Writes the model as a folder in diffusers' layout, float16, with the averaged weights where there are any.

        LoRAs, live ones too, are written into the weights. New words are not: a warning names them.

        Args:
            directory: str or path. Created; files of the same names are replaced one by one, each of them whole.
        """
        from tfportrait.models import preset as presets

        with self.averaged_weights(), contextlib.ExitStack() as stack:
            for addition in self.additions:
                stack.enter_context(addition.within_weights())
            presets.write(self, directory)

    def get_config(self):
        """The constructor's arguments, networks included."""
        networks = {"unet": self.unet, "autoencoder": self.autoencoder, "text_encoder": self.text_encoder}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(network) for name, network in networks.items()},
            "tokenizer": None if self.tokenizer is None else self.tokenizer.get_config(),
            "schedule": self.schedule.get_config(),
            "prediction_type": self.prediction_type,
            "weighting": self.weighting,
            "focus": self.focus,
            "caption_dropout": self.caption_dropout,
            "train_text_encoder": self.train_text_encoder,
            "guidance_rescale": self.guidance_rescale,
            "additions": [keras.saving.serialize_keras_object(addition) for addition in self.additions],
        }

    @classmethod
    def from_config(cls, config):
        """The model that `get_config` describes, with fresh weights."""
        networks = {
            name: config[name] and keras.saving.deserialize_keras_object(config[name])
            for name in ("unet", "autoencoder", "text_encoder")
        }
        tokenizer = config["tokenizer"] and Tokenizer(**config["tokenizer"])
        additions = [keras.saving.deserialize_keras_object(addition) for addition in config.get("additions", ())]
        rest = {name: value for name, value in config.items() if name != "additions"}
        painter = cls(**{**rest, **networks, "tokenizer": tokenizer})
        for addition in additions:
            addition.attach(painter)
        return painter

    def _batch(self, x):
        return x if isinstance(x, dict) else {"image": x}

    def _beside(self, batch, height, width, seeds):
        if "image" not in batch:
            raise ValueError("a U-Net for inpainting is trained on images, of which it sees parts; these are latents")
        images = batch_images(batch)
        masks = masking.random_masks(ops.shape(images)[0], height, width, seeds)
        hidden = masking.hide(images, masks, self.downsampling)
        return ops.stop_gradient(masking.seen_beside(self, hidden, masks))

    def _latents(self, batch, seed):
        if "latents" in batch:
            return ops.cast(batch["latents"], "float32")
        images = batch_images(batch)
        return images if self.autoencoder is None else self.autoencoder.encode(images, seed=seed)

    def _context(self, token_ids, size):
        if self.text_encoder is None:
            return None
        if token_ids is None:  # pictures alone: they have the empty caption
            token_ids = ops.repeat(self.empty_token_ids, size, axis=0)
        return self.text_encoder(token_ids)


def focus_weights(focus, height, width):
    """The weights of latents that `LatentDiffusion(focus=...)` describes, of mean 1, float32 (height, width)."""
    y, x, radius, gain = focus
    rows, columns = (np.arange(height) + 0.5) / height - y, (np.arange(width) + 0.5) / width - x
    weights = 1.0 + gain * np.exp(-0.5 * (rows[:, None] ** 2 + columns**2) / radius**2)
    return (weights / weights.mean()).astype("float32")


def _check_focus(focus):
    if focus is None:
        return None
    values = [float(value) for value in focus]
    if len(values) != 4 or not values[2] > 0 or not values[3] >= 0:
        raise ValueError(f"focus is {focus!r}, but must be (y, x, radius > 0, gain >= 0), or None")
    return values


def set_trainable(network, value):
    """Sets whether a network (or None), with every layer inside it, trains."""
    # Keras passes the setting on to the layers inside only where it changes the outermost one's.
    for layer in network._flatten_layers() if network is not None else ():
        layer.trainable = value
