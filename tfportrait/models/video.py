"""Moving pictures all at once: temporal attention between the blocks of a painter's U-Net."""

import dataclasses

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion import Denoiser, add_noise, guidance
from tfportrait.diffusion import noise as noises
from tfportrait.models import generation
from tfportrait.models.layers import BasicTransformerBlock, sinusoidal_embedding
from tfportrait.models.network import Trained, record
from tfportrait.models.normalization import GroupNorm
from tfportrait.training import replicas
from tfportrait.training.compiled import compiled

VALIDATION_SEED = 20221  # the noise of the validation loss never changes


@keras.saving.register_keras_serializable("tfportrait")
class TemporalTransformer(keras.layers.Layer):
    """A transformer block over the frames of each place of a feature map, with a residual that begins at zero.

    Args:
        channels: int. Channels of input and output.
        width: int. Channels of the transformer block between them.
        num_heads: int. Attention heads.
        norm_num_groups: int. Groups of the normalisation in front.
        motion_dim: int. Width of what says which motion it is.

    Call arguments: `x` (B F, H, W, channels), the frames of a clip one behind the other; `motion`
        (B, motion_dim); `moments` float32 (F,), when each of the frames is.
    """

    def __init__(self, channels, width, num_heads, norm_num_groups, motion_dim, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.width, self.motion_dim = channels, width, motion_dim
        dtype = self.dtype_policy
        self.norm = GroupNorm(norm_num_groups, 1e-6, dtype=dtype, name="norm")
        self.proj_in = keras.layers.Dense(width, dtype=dtype, name="proj_in")
        self.motion_proj = keras.layers.Dense(width, dtype=dtype, name="motion_proj")
        self.block = BasicTransformerBlock(width, num_heads, dtype=dtype, name="block")
        self.proj_out = keras.layers.Dense(channels, kernel_initializer="zeros", dtype=dtype, name="proj_out")

    def build(self, input_shape=None):
        self.norm.build((None, None, None, self.channels))
        self.proj_in.build((None, None, None, self.channels))
        self.motion_proj.build((None, self.motion_dim))
        self.block.build()
        self.proj_out.build((None, None, self.width))

    def call(self, x, motion, moments):
        frames = moments.shape[0]
        _, rows, columns, channels = x.shape
        h = ops.reshape(self.proj_in(self.norm(x)), (-1, frames, rows * columns, self.width))
        places = ops.cast(sinusoidal_embedding(moments, self.width), h.dtype)  # (F, W)
        h = h + places[:, None] + ops.cast(self.motion_proj(motion), h.dtype)[:, None, None]
        h = ops.reshape(ops.transpose(h, (0, 2, 1, 3)), (-1, frames, self.width))
        h = self.proj_out(self.block(h))
        h = ops.reshape(h, (-1, rows * columns, frames, channels))
        return x + ops.reshape(ops.transpose(h, (0, 2, 1, 3)), (-1, rows, columns, channels))


@keras.saving.register_keras_serializable("tfportrait")
class VideoDiffusion(Trained):
    """A painter that paints all frames of a clip together (after AnimateDiff, Guo et al. 2024): its U-Net stays as it
    is, and a temporal transformer behind each of its blocks lets the frames see one another.

    Frames have a context each, on the way from what is to be seen first to what is to be seen last. Their noise is the
    same, so that they begin alike: what no frame settles by itself, they have in common from the start. (With half of
    its variance a frame's own, as Ge et al. 2023 have it, 500 steps of training kept the background, but not the face.)

    Args:
        channels: sequence of int. What the blocks of the U-Net leave, see `UNet.left_channels`.
        motions: sequence of str. Names of the motions.
        width: int or None. Channels of the temporal transformers; None for those of the U-Net's blocks.
        num_heads: int. Heads of the temporal attention.
        norm_num_groups: int. Groups of the normalisations.
        motion_dim: int. Width of what says which motion it is.
        frames: int. Of the clips of the training, for the default of `generate`.
        difference_weight: float. How much more the loss counts errors in what tells the frames of a clip apart than
            errors that they have in common. Both are orthogonal, so that the best prediction stays the same; but what
            frames have in common is nearly all of the error, and temporal attention has little to say about it.
    """

    disk_config = {"_class_name": "VideoDiffusion"}

    def __init__(
        self,
        *,
        channels=(320, 640, 1280, 1280, 1280, 1280, 1280, 640, 320),
        motions=("",),
        width=None,
        num_heads=4,
        norm_num_groups=16,
        motion_dim=32,
        frames=8,
        difference_weight=20.0,
        **kwargs,
    ):
        config = record(VideoDiffusion, locals())
        super().__init__(**kwargs)
        self.config = config
        self.motions, self.frames, self.difference_weight = list(motions), frames, difference_weight
        dtype = self.dtype_policy
        self.motion_embedding = keras.layers.Embedding(len(motions), motion_dim, dtype="float32", name="motion")
        self.motion_embedding.build()
        self.transformers = [
            TemporalTransformer(
                left, width or left, num_heads, norm_num_groups, motion_dim, dtype=dtype, name=f"transformers_{i}"
            )
            for i, left in enumerate(channels)
        ]
        for transformer in self.transformers:
            transformer.build()
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    @classmethod
    def from_preset(cls, preset, painter=None, *, dtype=None):
        """Loads what `save_to_preset` wrote.

        Args:
            preset: str or path.
            painter: LatentDiffusion or None. May be attached afterwards.
            dtype: str or None. Precision policy. Defaults to the global one.
        """
        video = super().from_preset(preset, dtype=dtype)
        return video if painter is None else video.attach(painter)

    @property
    def painter(self):
        """LatentDiffusion: whose U-Net it is. Neither trained nor saved.

        Raises: ValueError before `attach`.
        """
        if "_painter" not in self.__dict__:
            raise ValueError("this video model has no painter yet: attach(painter) the one that it was trained with")
        return self.__dict__["_painter"]

    def attach(self, painter):
        """Sets the painter whose pictures are to move; another one takes its place.

        Args:
            painter: LatentDiffusion.

        Returns: this model.

        Raises: ValueError if its U-Net has other channels.
        """
        channels = painter.unet.left_channels
        if channels != list(self.config["channels"]):
            raise ValueError(
                f"the blocks of this painter's U-Net leave {channels} channels, but the video model was made for "
                f"{list(self.config['channels'])}"
            )
        self.__dict__["_painter"] = painter  # Keras would take an attribute for a part of this model
        return self

    def call(self, inputs, training=None):
        latents = inputs["latents"]
        size, frames = ops.shape(latents)[0], latents.shape[1]
        flat = ops.reshape(latents, (-1, *latents.shape[2:]))
        contexts = self._contexts(inputs["first"], inputs["last"], frames)
        return self._predict(flat, ops.zeros((size * frames,)), contexts, frames, inputs["motion"], training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The painter's denoising loss, of whole clips: one time and one motion for all frames of a clip. What the
        errors of a clip's frames have in common counts once, what tells them apart `difference_weight` times.

        Args:
            x: dict of "latents" float (B, F, h, w, c), "first" and "last" int32 (B, L) token ids of what is seen at
                the ends, and "motion" int32 (B,).

        Returns:
            float32 scalar.
        """
        painter = self.painter
        x_0 = ops.cast(x["latents"], "float32")
        size, frames = ops.shape(x_0)[0], x_0.shape[1]
        seeds = [self.seed_generator] * 3 if training else [VALIDATION_SEED + i for i in range(3)]
        share = replicas.stratified(size, seeds[0])
        time = painter.schedule.sample_times(painter.loss_weight.times(share))
        rates = painter.schedule.rates(time)
        weight = painter.loss_weight.weight(*rates, painter.prediction_type)
        signal_rate, noise_rate = (ops.repeat(rate, frames) for rate in rates)
        x_0 = ops.reshape(x_0, (-1, *x_0.shape[2:]))
        noise = ops.repeat(replicas.normal((size, *x_0.shape[1:]), seed=seeds[1]), frames, axis=0)
        dropped = replicas.uniform((size, 1), seed=seeds[2]) < (painter.caption_dropout if training else 0.0)
        first, last = (ops.where(dropped, painter.empty_token_ids, x[name]) for name in ("first", "last"))
        c_in, _, _ = painter.prediction.coefficients(signal_rate, noise_rate)
        noisy = add_noise(x_0, noise, signal_rate, noise_rate) * c_in[:, None, None, None]
        network_time = painter.schedule.network_time(ops.repeat(time, frames))
        contexts = self._contexts(first, last, frames)
        output = self._predict(noisy, network_time, contexts, frames, x["motion"], training)
        target = painter.prediction.target(x_0, noise, signal_rate, noise_rate)
        errors = ops.reshape(ops.cast(output, "float32") - target, (-1, frames, *x_0.shape[1:]))
        common = ops.mean(errors, axis=1, keepdims=True)
        squares = ops.square(common) + self.difference_weight * ops.square(errors - common)
        losses = weight * ops.mean(squares, axis=(1, 2, 3, 4))
        return ops.mean(losses if sample_weight is None else losses * ops.cast(sample_weight, "float32"))

    def generate(
        self,
        first,
        last=None,
        negative_prompt=None,
        *,
        motion,
        frames=None,
        seeds=0,
        num_steps=20,
        guidance_scale=4.0,
        motion_guidance=2.0,
        sampler="dpmpp_2m",
        spacing=None,
        progress=False,
    ):
        """Paints clips.

        Args:
            first: str or list of N str. What is to be seen at first.
            last: str, list of N str, or None. What is to be seen at last; None is as at first.
            negative_prompt: str or None.
            motion: str. One of `motions`.
            frames: int or None. Of each clip, 2 to 64. Defaults to that of the training.
            motion_guidance: float. The guidance scale of what tells frames apart, `guidance_scale` being that of what
                they have in common. More reaches the motion's end more often, and changes more besides it: where words
                pull hard on single frames, a hat appears with a smile.
            seeds, num_steps, guidance_scale, sampler, spacing, progress: as `LatentDiffusion.generate` takes them; one
                seed a clip.

        Returns:
            uint8 (N, frames, H, W, 3).

        Raises:
            ValueError: an argument that cannot be used, before any work is done.
            FloatingPointError: not a number in the latents or the image; names the stage.
        """
        painter, frames = self.painter, self.frames if frames is None else frames
        if motion not in self.motions:
            raise ValueError(f"unknown motion {motion!r}; this model knows {', '.join(self.motions)}")
        if isinstance(frames, bool) or not isinstance(frames, int | np.integer) or not 2 <= frames <= 64:
            raise ValueError(f"frames is {frames!r}, but must be a whole number from 2 to 64")
        if not 0 <= motion_guidance < float("inf"):
            raise ValueError(f"motion_guidance is {motion_guidance!r}, but must be a number of at least 0")
        request = generation.Request.check(
            painter,
            first,
            None,
            seeds,
            num_steps=num_steps,
            guidance_scale=guidance_scale,
            sampler=sampler,
            steps_spacing=spacing,
            image_size=None,
            start=None,
        )
        count = len(request.seeds)
        last = [last] * count if isinstance(last, str) else last or request.prompts
        if len(last) != count:
            raise ValueError(f"{len(last)} prompts for the last frames of {count} clips: give one, or one for each")
        with painter.averaged_weights(), self.averaged_weights():
            scales = np.float32([guidance_scale, motion_guidance])
            denoise = self._denoiser(request, list(last), negative_prompt or "", motion, int(frames), scales)
            steps = range(len(request.rates))  # the start and the noise of each step
            noise = np.stack([noises.unit_noise(request.seeds, step, request.latent_shape) for step in steps])
            noise = noise.repeat(frames, axis=1)  # the same for all frames of a clip
            all_frames = dataclasses.replace(request, noise=noise)
            latents = generation.sample(painter, all_frames, denoise=denoise, progress=progress)
            images = generation.decode(painter, latents)
        return images.reshape(count, frames, *images.shape[1:])

    def _denoiser(self, request, last, negative, motion, frames, scales):
        """The painter with its temporal layers as a denoiser of all frames, (N F, h, w, c)."""
        painter, count = self.painter, len(request.seeds)
        texts = [*request.prompts, *last, negative]
        contexts = generation.encode_prompts(painter, texts)
        context = between(contexts[:count], contexts[count : 2 * count], frames)
        numbers = np.full(count, self.motions.index(motion), "int32")
        if guided := bool(np.any(scales != 1.0)):
            empty = ops.repeat(contexts[2 * count :], count * frames, axis=0)
            context = ops.concatenate([context, empty], axis=0)
            numbers = np.concatenate([numbers, numbers])
        whole_times, rescale = request.whole_times, painter.guidance_rescale

        def function(x, signal_rate, noise_rate, context, numbers, *scales):
            def network(x, time):
                time = ops.broadcast_to(ops.cast(time, "float32"), ops.shape(x)[:1])
                if guided:
                    x, time = (ops.concatenate([v, v], axis=0) for v in (x, time))
                time = ops.round(time) if whole_times else time
                y = ops.cast(self._predict(x, time, context, frames, numbers, False), "float32")
                return guide_clips(*ops.split(y, 2, axis=0), frames, *scales, rescale) if guided else y

            return Denoiser(network, painter.schedule, painter.prediction)(x, signal_rate, noise_rate)

        run = compiled(self, f"denoise {whole_times} {rescale} {frames} {guided}", function)
        bound = (context, numbers, *scales)
        return lambda x, signal_rate, noise_rate: run(x, np.float32(signal_rate), np.float32(noise_rate), *bound)

    def _contexts(self, first, last, frames):
        encode = self.painter.text_encoder
        return between(*(ops.cast(encode(ops.cast(ids, "int32")), "float32") for ids in (first, last)), frames)

    def _predict(self, x, time, context, frames, motion, training):
        embedded = self.motion_embedding(ops.cast(motion, "int32"))
        moments = ops.linspace(0.0, self.frames - 1.0, frames)  # longer clips are not longer motions

        def see_one_another(i, h):
            return self.transformers[i](h, embedded, moments)

        return self.painter.unet(x, time, context, between=see_one_another, training=training)


def guide_clips(conditional, unconditional, frames, scale, motion_scale, rescale=0.0):
    """Guidance of clips: what their frames have in common by one scale, what tells frames apart by another.

    Args:
        conditional, unconditional: float (N frames, h, w, c).
        frames: int.
        scale, motion_scale: float.
        rescale: float, as `diffusion.guidance.guide` takes it.

    Returns:
        float (N frames, h, w, c).
    """
    difference = ops.reshape(conditional - unconditional, (-1, frames, *conditional.shape[1:]))
    common = ops.mean(difference, axis=1, keepdims=True)
    difference = common + motion_scale / ops.maximum(scale, 1e-6) * (difference - common)
    return guidance.guide(
        unconditional + ops.reshape(difference, ops.shape(conditional)), unconditional, scale, rescale
    )


def between(first, last, frames):
    """Contexts (N, L, D) of both ends to those of all frames, (N frames, L, D)."""
    share = ops.reshape(ops.arange(frames, dtype="float32") / (frames - 1), (1, frames, 1, 1))
    contexts = first[:, None] + share * (last - first)[:, None]
    return ops.reshape(contexts, (-1, *first.shape[1:]))
