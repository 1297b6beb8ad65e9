"""The denoising U-Net of Stable Diffusion 1.x and 2.x (Rombach et al. 2022), every size an argument."""

import keras
from keras import ops

from tfportrait.models.layers import (
    Downsample2D,
    ResnetBlock2D,
    TextTimeEmbedding,
    TimestepEmbedding,
    Transformer2DModel,
    Upsample2D,
    conv,
    register,
    sinusoidal_embedding,
)
from tfportrait.models.network import Network, check_sides, one_of, record
from tfportrait.models.normalization import GroupNorm

DOWN_BLOCKS = ("CrossAttnDownBlock2D", "DownBlock2D")
UP_BLOCKS = ("CrossAttnUpBlock2D", "UpBlock2D")
MID_BLOCKS = ("UNetMidBlock2DCrossAttn", "UNetMidBlock2D", None)


@register
class UNetBlock(keras.layers.Layer):
    """Residual blocks, each with a transformer behind it or not, and the change of size at the end.

    Args:
        in_channels: list of int. Channels that enter each residual block.
        out_channels: int. Channels that leave each of them.
        resnet: dict. Further arguments of `ResnetBlock2D`.
        transformer: dict or None. Further arguments of `Transformer2DModel`; None leaves attention out.
        num_transformers: int. Transformers; the residual blocks beyond them have none.
        resample: `"down"`, `"up"` or None.
    """

    def __init__(self, in_channels, out_channels, resnet, transformer, num_transformers, resample=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.resnets = [
            ResnetBlock2D(channels, out_channels, **resnet, dtype=dtype, name=f"resnets_{i}")
            for i, channels in enumerate(in_channels)
        ]
        self.attentions = [
            Transformer2DModel(out_channels, **transformer, dtype=dtype, name=f"attentions_{i}")
            for i in range(num_transformers)
        ]
        self.downsamplers = [Downsample2D(out_channels, dtype=dtype, name="downsamplers_0")] * (resample == "down")
        self.upsamplers = [Upsample2D(out_channels, dtype=dtype, name="upsamplers_0")] * (resample == "up")

    def build(self, input_shape=None):
        for layer in (*self.resnets, *self.attentions, *self.downsamplers, *self.upsamplers):
            layer.build()

    gradient_checkpointing = False

    def step(self, i, x, time_embedding, context):
        """Residual block i and its transformer."""

        def run(x, time_embedding, *context):
            x = self.resnets[i](x, time_embedding)
            return self.attentions[i](x, *context) if i < len(self.attentions) else x

        run = keras.remat(run) if self.gradient_checkpointing else run
        return run(x, time_embedding, *([] if context is None else [context]))


@register
class DownBlock(UNetBlock):
    """`DownBlock2D` and `CrossAttnDownBlock2D`. Returns its output and what it leaves for the up path."""

    def call(self, x, time_embedding, context=None):
        skips = []
        for i in range(len(self.resnets)):
            x = self.step(i, x, time_embedding, context)
            skips.append(x)
        for layer in self.downsamplers:
            x = layer(x)
            skips.append(x)
        return x, skips


@register
class MidBlock(UNetBlock):
    """`UNetMidBlock2DCrossAttn` (two residual blocks around a transformer) and `UNetMidBlock2D` (one alone)."""

    def call(self, x, time_embedding, context=None):
        for i in range(len(self.resnets)):
            x = self.step(i, x, time_embedding, context)
        return x


@register
class UpBlock(UNetBlock):
    """`UpBlock2D` and `CrossAttnUpBlock2D`. Each residual block takes one of `skips` beside its input."""

    def call(self, x, skips, time_embedding, context=None):
        for i, skip in enumerate(skips):
            x = self.step(i, ops.concatenate([x, skip], axis=-1), time_embedding, context)
        for layer in self.upsamplers:
            x = layer(x)
        return x


@register
class UNet(Network, keras.Model):
    """Predicts noise, velocity or image from a noisy image, its time and a context.

    The keyword arguments are the keys of diffusers' `UNet2DConditionModel`, with the same defaults and meaning; so
    Stable Diffusion 1.5 is `UNet(sample_size=64, cross_attention_dim=768)` and its folder is read by
    `UNet.from_folder`.

    Args:
        sample_size: int or None. Side of the images that it was trained on; any size that the levels divide works.
        in_channels: int. Channels of `sample`.
        out_channels: int. Channels of the result.
        flip_sin_to_cos: bool. Whether the cosines come first in the embedding of the time.
        freq_shift: float. Shift of the frequencies in the embedding of the time.
        down_block_types: sequence of `"CrossAttnDownBlock2D"` or `"DownBlock2D"`, one for each level.
        mid_block_type: `"UNetMidBlock2DCrossAttn"`, `"UNetMidBlock2D"` (one residual block) or None.
        up_block_types: sequence of `"CrossAttnUpBlock2D"` or `"UpBlock2D"`, one for each level, lowest first.
        block_out_channels: sequence of int. Channels of each level.
        layers_per_block: int, or one for each level. Residual blocks on the way down (one more on the way up).
        norm_num_groups: int. Groups of the group normalisations; divides all channels.
        norm_eps: float. Epsilon of the group normalisations outside the transformers.
        cross_attention_dim: int or None. Channels of the context; None leaves cross-attention out (unconditional).
            A list has the same value for each level.
        transformer_layers_per_block: int, or one for each level.
        attention_head_dim: int, or one for each level. The *number* of heads (diffusers keeps the name for the sake
            of old files).
        use_linear_projection: bool. Dense layers instead of 1x1 convolutions around the transformer blocks.
        upcast_attention: bool. Accepted for the sake of the files: the softmax is always in float32.
        addition_embed_type: `"text"` or None. With `"text"` the context, pooled, is added to the embedding of the time:
            what is said of the whole picture then reaches every residual block (Stable Diffusion: None).
        addition_embed_type_num_heads: int. Heads of that pooling.
        transformer_norm_eps: float. Epsilon of the group normalisations in front of the transformers.
        approximate_gelu: bool. GELU by tanh instead of erf, as KerasCV computes it.

    Call arguments:
        sample: float (B, H, W, in_channels); H and W divisible by 2 ** (levels - 1).
        timesteps: float (B,) or scalar. Kept in float32.
        context: float (B, L, cross_attention_dim), or None without cross-attention.
        between: callable or None. Called as `between(i, x)` with what block i leaves, (B, h, w, C), counted from the
            first on the way down; its result goes on instead.

    Returns: (B, H, W, out_channels) in the compute dtype.
    """

    disk_config = {"_class_name": "UNet2DConditionModel", "act_fn": "silu"}
    accepted_config = {
        "downsample_padding": 1,
        "mid_block_scale_factor": 1,
        "resnet_time_scale_shift": "default",
        "time_embedding_type": "positional",
        "attention_type": "default",
        "conv_in_kernel": 3,
        "conv_out_kernel": 3,
        "resnet_out_scale_factor": 1.0,
        "dropout": 0.0,
        # The size of an encoder that is refused when it is switched on.
        "projection_class_embeddings_input_dim": None,
    }

    constants = {"transformer_norm_eps": 1e-6, "approximate_gelu": False}

    def __init__(
        self,
        *,
        sample_size=None,
        in_channels=4,
        out_channels=4,
        flip_sin_to_cos=True,
        freq_shift=0,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(320, 640, 1280, 1280),
        layers_per_block=2,
        norm_num_groups=32,
        norm_eps=1e-5,
        cross_attention_dim=1280,
        transformer_layers_per_block=1,
        attention_head_dim=8,
        use_linear_projection=False,
        upcast_attention=False,
        addition_embed_type=None,
        addition_embed_type_num_heads=64,
        transformer_norm_eps=1e-6,
        approximate_gelu=False,
        **kwargs,
    ):
        if isinstance(cross_attention_dim, list | tuple):
            cross_attention_dim = _one_value("cross_attention_dim", cross_attention_dim)
        config = record(UNet, locals())
        _check_config(config)
        super().__init__(autocast=False, **kwargs)  # the cast would round the times
        self.config = config
        channels = config["block_out_channels"]
        dtype = self.dtype_policy
        self.conv_in = conv(channels[0], 3, dtype=dtype, name="conv_in")
        self.time_embedding = TimestepEmbedding(channels[0], 4 * channels[0], dtype=dtype, name="time_embedding")
        if addition_embed_type:
            self.add_embedding = TextTimeEmbedding(
                cross_attention_dim, 4 * channels[0], addition_embed_type_num_heads, dtype=dtype, name="add_embedding"
            )
        self.down_blocks, self.mid_block, self.up_blocks = _make_blocks(config, dtype)
        self.conv_norm_out = GroupNorm(norm_num_groups, norm_eps, "silu", dtype=dtype, name="conv_norm_out")
        self.conv_out = conv(out_channels, 3, dtype=dtype, name="conv_out")
        self.build()

    @property
    def left_channels(self):
        """list of int: the channels of what each block leaves, in the order in which `between` is called."""
        channels = self.config["block_out_channels"]
        middle = [channels[-1]] if self.mid_block is not None else []
        return [*channels, *middle, *reversed(channels)]

    @property
    def gradient_checkpointing(self):
        """bool: whether training forgets what is inside the residual blocks and transformers and computes it again for
        the gradient: less memory, more time. Not saved."""
        return self.down_blocks[0].gradient_checkpointing

    @gradient_checkpointing.setter
    def gradient_checkpointing(self, value):
        for block in (*self.down_blocks, self.mid_block, *self.up_blocks):
            if block is not None:
                block.gradient_checkpointing = bool(value)

    def disk(self):
        # diffusers takes "no context" only level by level.
        levels = len(self.config["block_out_channels"])
        none = {"cross_attention_dim": [None] * levels} if self.config["cross_attention_dim"] is None else {}
        return {**super().disk(), **none}

    def build(self, input_shape=None):
        channels = self.config["block_out_channels"]
        self.conv_in.build((None, None, None, self.config["in_channels"]))
        self.time_embedding.build()
        if self.config["addition_embed_type"]:
            self.add_embedding.build()
        for block in (*self.down_blocks, self.mid_block, *self.up_blocks):
            if block is not None:
                block.build()
        self.conv_norm_out.build((None, None, None, channels[0]))
        self.conv_out.build((None, None, None, channels[0]))

    def call(self, sample, timesteps, context=None, between=None):
        between = between or (lambda i, x: x)
        config = self.config
        check_sides(sample.shape, 2 ** (len(self.down_blocks) - 1))
        if config["cross_attention_dim"] and context is None:
            raise ValueError(f"context is missing: this U-Net wants (B, L, {config['cross_attention_dim']})")
        x = ops.cast(sample, self.compute_dtype)
        context = ops.cast(context, self.compute_dtype) if config["cross_attention_dim"] else None
        timesteps = ops.broadcast_to(ops.cast(timesteps, "float32"), (ops.shape(x)[0],))
        embedding = sinusoidal_embedding(
            timesteps, config["block_out_channels"][0], config["flip_sin_to_cos"], config["freq_shift"]
        )
        embedding = self.time_embedding(embedding)
        if config["addition_embed_type"]:
            embedding = embedding + self.add_embedding(context)
        embedding = ops.silu(embedding)  # the blocks take it only so
        x = self.conv_in(x)
        skips = [x]
        for i, block in enumerate(self.down_blocks):
            x, left = block(x, embedding, context)
            x = between(i, x)
            skips += left
        done = len(self.down_blocks)
        if self.mid_block is not None:
            x = between(done, self.mid_block(x, embedding, context))
            done += 1
        for i, block in enumerate(self.up_blocks):
            count = len(block.resnets)
            x = between(done + i, block(x, skips[: -count - 1 : -1], embedding, context))
            del skips[-count:]
        return self.conv_out(self.conv_norm_out(x))


def _make_blocks(config, dtype):
    """The blocks of the way down, in the middle (or None) and of the way up."""
    channels = config["block_out_channels"]
    levels = len(channels)
    layers = _per_level("layers_per_block", config["layers_per_block"], levels)
    transformer_layers = _per_level("transformer_layers_per_block", config["transformer_layers_per_block"], levels)
    heads = _per_level("attention_head_dim", config["attention_head_dim"], levels)
    groups = config["norm_num_groups"]
    resnet = {"norm_num_groups": groups, "epsilon": config["norm_eps"], "time_embedding_dim": 4 * channels[0]}

    def block(cls, name, level, in_channels, num_transformers, resample=None):
        transformer = {
            "num_heads": heads[level],
            "norm_num_groups": groups,
            "num_layers": transformer_layers[level],
            "context_dim": config["cross_attention_dim"],
            "use_linear_projection": config["use_linear_projection"],
            "norm_eps": config["transformer_norm_eps"],
            "approximate_gelu": config["approximate_gelu"],
        }
        transformer = transformer if num_transformers else None
        width = channels[level]
        return cls(in_channels, width, resnet, transformer, num_transformers, resample, dtype=dtype, name=name)

    down, up, middle = [], [], None
    skips = [channels[0]]  # channels of the skip connections, in the order in which they are left
    for i, kind in enumerate(config["down_block_types"]):
        resample = "down" if i < levels - 1 else None
        entering = [channels[max(i - 1, 0)]] + [channels[i]] * (layers[i] - 1)
        skips += [channels[i]] * (layers[i] + (resample is not None))
        attentions = layers[i] * kind.startswith("CrossAttn")
        down.append(block(DownBlock, f"down_blocks_{i}", i, entering, attentions, resample))
    if config["mid_block_type"]:
        attentions = int(config["mid_block_type"].endswith("CrossAttn"))
        middle = block(MidBlock, "mid_block", levels - 1, [channels[-1]] * (1 + attentions), attentions)
    width = channels[-1]
    for i, kind in enumerate(config["up_block_types"]):
        level = levels - 1 - i
        count = layers[level] + 1
        entering = [w + skips.pop() for w in [width] + [channels[level]] * (count - 1)]
        width = channels[level]
        attentions = count * kind.startswith("CrossAttn")
        up.append(block(UpBlock, f"up_blocks_{i}", level, entering, attentions, "up" if level else None))
    return down, middle, up


def _per_level(name, value, levels):
    """One value for each level."""
    values = [value] * levels if isinstance(value, int) else list(value)
    if len(values) != levels:
        raise ValueError(f"{name} has {len(values)} values for {levels} levels (block_out_channels)")
    return values


def _one_value(name, values):
    """The value that all levels share."""
    if len(set(values)) != 1:
        raise ValueError(f"{name}={list(values)}: levels that differ are not supported")
    return values[0]


def _check_config(config):
    levels = len(config["block_out_channels"])
    for name, valid in (("down_block_types", DOWN_BLOCKS), ("up_block_types", UP_BLOCKS)):
        if len(config[name]) != levels:
            raise ValueError(f"{name} has {len(config[name])} entries for {levels} levels (block_out_channels)")
        for value in config[name]:
            one_of(name, value, valid)
    one_of("mid_block_type", config["mid_block_type"], MID_BLOCKS)
    one_of("addition_embed_type", config["addition_embed_type"], ("text", None))
    if config["addition_embed_type"] and config["cross_attention_dim"] is None:
        raise ValueError("addition_embed_type='text' pools the context, but cross_attention_dim is None: there is none")
