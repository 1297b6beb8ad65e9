"""The blocks of Stable Diffusion's networks. Attributes carry diffusers' names: a variable's path is its name on disk.

Every layer knows its channels when it is constructed; `build` therefore needs no input shape.
"""

import math

import keras
from keras import ops

from tfportrait.models.fast_convolution import Conv2D, winograd, winograd_tile
from tfportrait.models.normalization import GroupNorm, bands
from tfportrait.training.compiled import after, inferring

register = keras.saving.register_keras_serializable("tfportrait")

FEW_PIXELS = 128  # for which the sums of an `Upsample2D` take longer than what they save
LOGITS_BYTES = 2**26  # of attention's logits that are in memory at a time, in float32
MANY = 2048  # logits of a query


def build_all(layers, channels):
    """Builds each layer for inputs with `channels` channels."""
    for layer in layers:
        layer.build((None, None, None, channels))


def conv(filters, kernel_size, **kwargs):
    """A convolution of stride 1 that keeps the size."""
    return Conv2D(filters, kernel_size, padding="same", **kwargs)


def layer_norm(epsilon=1e-5, **kwargs):
    """Layer normalisation over the channels, with float32 statistics."""
    return keras.layers.LayerNormalization(epsilon=epsilon, **kwargs)


def without_bias(layer, x):
    """What the convolution `layer` returns, less its bias."""
    return layer.convolution_op(x, layer.kernel)


def normalize_and_convolve(norm, layer, x, shift=None):
    """`without_bias(layer, norm(x, shift))`, band by band where the image is large.

    Args:
        norm: GroupNorm.
        layer: 3x3 convolution of stride 1.
        x: (B, H, W, C).
        shift: (B, C), (1, C) or None.
    """
    rows = bands(x)
    if len(rows) == 1:
        return without_bias(layer, norm(x, shift))
    normalize, margin, results = norm.of(x, shift), 4, []  # of 4 because that is the side of a tile
    for band in rows:
        first, last = max(band.start - margin, 0), min(band.stop + margin, x.shape[1])
        y = without_bias(layer, normalize(x[:, first:last]))
        results.append(y[:, band.start - first : band.stop - first])
    return ops.concatenate(results, axis=1)


@register
class ResnetBlock2D(keras.layers.Layer):
    """Residual block: norm, SiLU, convolution, twice; the time embedding is added in between.

    Source: diffusers' `ResnetBlock2D` (Rombach et al. 2022, after Ho et al. 2020).

    Args:
        in_channels: int. Channels of the input.
        out_channels: int. Channels of the output; a 1x1 convolution adapts the shortcut where they differ.
        norm_num_groups: int. Groups of both normalisations.
        epsilon: float. Epsilon of both normalisations.
        time_embedding_dim: int or None. Width of the time embedding, None where there is none. Defaults to `None`.

    Call arguments: `x` (B, H, W, in_channels); `time_embedding` (B, time_embedding_dim), already through SiLU.
    Returns: (B, H, W, out_channels).
    """

    def __init__(self, in_channels, out_channels, norm_num_groups, epsilon, time_embedding_dim=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.in_channels, self.out_channels = in_channels, out_channels
        self.time_embedding_dim = time_embedding_dim
        self.norm1 = GroupNorm(norm_num_groups, epsilon, activation="silu", dtype=dtype, name="norm1")
        self.conv1 = conv(out_channels, 3, dtype=dtype, name="conv1")
        if time_embedding_dim:
            self.time_emb_proj = keras.layers.Dense(out_channels, dtype=dtype, name="time_emb_proj")
        self.norm2 = GroupNorm(norm_num_groups, epsilon, activation="silu", dtype=dtype, name="norm2")
        self.conv2 = conv(out_channels, 3, dtype=dtype, name="conv2")
        if in_channels != out_channels:
            self.conv_shortcut = conv(out_channels, 1, dtype=dtype, name="conv_shortcut")

    def build(self, input_shape=None):
        build_all([self.norm1, self.conv1], self.in_channels)
        build_all([self.norm2, self.conv2], self.out_channels)
        if self.time_embedding_dim:
            self.time_emb_proj.build((None, self.time_embedding_dim))
        if self.in_channels != self.out_channels:
            self.conv_shortcut.build((None, None, None, self.in_channels))

    def call(self, x, time_embedding=None):
        # Bias and time embedding are the same for all pixels: the norm takes them in without touching the pixels.
        h = normalize_and_convolve(self.norm1, self.conv1, x)
        shift = ops.cast(self.conv1.bias, "float32")[None]  # (1, C)
        if self.time_embedding_dim:
            shift = shift + ops.cast(self.time_emb_proj(time_embedding), "float32")  # (B, C)
        h = normalize_and_convolve(self.norm2, self.conv2, h, shift) + self.conv2.bias
        if self.in_channels != self.out_channels:
            x = self.conv_shortcut(x)
        return x + h


@register
class Downsample2D(keras.layers.Layer):
    """Halves both sides by a 3x3 convolution of stride 2.

    Args:
        channels: int. Channels of input and output.
        padding: int. 1 pads one pixel on every side (U-Net); 0 pads below and to the right only (VAE encoder).
            Defaults to `1`.
    """

    def __init__(self, channels, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.margin = (1, 1) if padding else (0, 1)
        self.conv = keras.layers.Conv2D(channels, 3, strides=2, padding="valid", dtype=self.dtype_policy, name="conv")

    def build(self, input_shape=None):
        self.conv.build((None, None, None, self.channels))

    def call(self, x):
        return self.conv(ops.pad(x, ((0, 0), self.margin, self.margin, (0, 0))))


@register
class Upsample2D(keras.layers.Layer):
    """Doubles both sides: nearest neighbour, then a 3x3 convolution; computed as one transposed convolution.

    Each pixel occurs 2x2 times in the enlarged image, so the 3x3 kernel meets every pixel of the input several times.
    Adding those weights up first gives the same result from a 4x4 transposed convolution of stride 2, with 16 instead
    of 36 multiplications for each pixel of the input; where tiles pay (see `winograd`) it takes 25 / 4.

    Args:
        channels: int. Channels of input and output.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.conv = conv(channels, 3, dtype=self.dtype_policy, name="conv")

    def build(self, input_shape=None):
        self.conv.build((None, None, None, self.channels))

    def call(self, x):
        batch, height, width, _ = x.shape
        if inferring() and batch and height and width and batch * height * width <= FEW_PIXELS:
            return self.conv(ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2))
        kernel = after(x, ops.convert_to_tensor(self.conv.kernel))
        tile = winograd_tile(x, kernel, scale=2)
        if tile:
            return winograd(x, kernel, tile, scale=2) + self.conv.bias
        kernel = ops.transpose(kernel, (0, 1, 3, 2))  # (3, 3, out, in)
        for axis in (0, 1):
            first, second, third = ops.unstack(kernel, axis=axis)
            kernel = ops.stack([third, second + third, first + second, first], axis=axis)  # (4, 4, out, in) in the end
        return ops.conv_transpose(x, kernel, strides=2, padding="same") + self.conv.bias


@register
class Attention(keras.layers.Layer):
    """Multi-head attention: softmax(q k^T / sqrt(d)) v (Vaswani et al. 2017, equation 1); softmax in float32.

    Args:
        channels: int. Channels of `x` and of the output.
        num_heads: int. Heads; divides `channels`.
        context_dim: int or None. Channels of the context; None attends to `x` itself. Defaults to `None`.
        use_bias: bool. Whether queries, keys and values have a bias. Defaults to `False`.

    Call arguments: `x` (B, L, channels); `context` (B, S, context_dim).
    Returns: (B, L, channels).
    """

    def __init__(self, channels, num_heads, context_dim=None, use_bias=False, **kwargs):
        super().__init__(**kwargs)
        if channels % num_heads:
            raise ValueError(f"{channels} channels cannot be split into {num_heads} attention heads of equal width")
        self.channels, self.num_heads, self.context_dim = channels, num_heads, context_dim
        dense = {"use_bias": use_bias, "dtype": self.dtype_policy}
        self.to_q = keras.layers.Dense(channels, name="to_q", **dense)
        self.to_k = keras.layers.Dense(channels, name="to_k", **dense)
        self.to_v = keras.layers.Dense(channels, name="to_v", **dense)
        self.to_out = [keras.layers.Dense(channels, dtype=self.dtype_policy, name="to_out")]

    def build(self, input_shape=None):
        build_all([self.to_q, *self.to_out], self.channels)
        build_all([self.to_k, self.to_v], self.context_dim or self.channels)

    def call(self, x, context=None):
        context = x if context is None else context
        h = attend(self.to_q(x), self.to_k(context), self.to_v(context), self.num_heads)
        return self.to_out[0](h)


def attend(query, key, value, num_heads, mask=None):
    """softmax(q k^T / sqrt(d) + mask) v for `num_heads` heads; of large logits one slice of queries after another.

    Equation: `network.attention`.

    Args:
        query: tensor (B, L, C).
        key: tensor (B, S, C).
        value: tensor (B, S, C).
        num_heads: int.
        mask: float32 (L, S) or None. Added before the softmax. Defaults to `None`.

    Returns: (B, L, C).
    """
    channels = query.shape[-1]
    head_dim = channels // num_heads

    def split(x):
        return ops.transpose(ops.reshape(x, (-1, x.shape[1] or ops.shape(x)[1], num_heads, head_dim)), (0, 2, 1, 3))

    query, key, value = split(query * head_dim**-0.5), ops.swapaxes(split(key), -1, -2), split(value)

    def slice_of(query, mask):
        logits = ops.matmul(query, key)  # (B, heads, L, S)
        if mask is not None or not _softmax_is_exact(logits):
            logits = ops.cast(logits, "float32")
        weights = ops.softmax(logits if mask is None else logits + mask)
        return ops.matmul(ops.cast(weights, value.dtype), value)

    length = query.shape[2]
    row_bytes = 4 * (query.shape[0] or 1) * num_heads * (key.shape[-1] or 1)
    rows = max(1, LOGITS_BYTES // row_bytes) if length else None
    if not length or rows >= length:
        out = slice_of(query, mask)
    else:
        slices = [slice(i, i + rows) for i in range(0, length, rows)]
        parts = [slice_of(query[:, :, part], None if mask is None else mask[part]) for part in slices]
        out = ops.concatenate(parts, axis=2)
    out = ops.transpose(out, (0, 2, 1, 3))  # (B, L, heads, head_dim)
    return ops.reshape(out, (-1, length or ops.shape(query)[2], channels))


def _softmax_is_exact(logits):
    """Whether the softmax of half-precision logits need not be told to compute in float32.

    TensorFlow's does so by itself; where there are many logits, casting them takes longer than the softmax.
    """
    return keras.backend.backend() == "tensorflow" and (logits.shape[-1] or 0) >= MANY


@register
class GEGLU(keras.layers.Layer):
    """a * gelu(b) with (a, b) = proj(x) (Shazeer 2020, "GLU variants improve Transformer").

    Args:
        in_channels: int.
        out_channels: int.
        approximate_gelu: bool. By tanh instead of erf, as KerasCV computes it. Defaults to `False`.
    """

    def __init__(self, in_channels, out_channels, approximate_gelu=False, **kwargs):
        super().__init__(**kwargs)
        self.in_channels, self.approximate_gelu = in_channels, approximate_gelu
        self.proj = keras.layers.Dense(2 * out_channels, dtype=self.dtype_policy, name="proj")

    def build(self, input_shape=None):
        self.proj.build((None, None, self.in_channels))

    def call(self, x):
        # TensorFlow's erf is slow in half precision.
        value, gate = ops.split(self.proj(x), 2, axis=-1)
        gate = ops.cast(gate, "float32")
        if self.approximate_gelu:
            return value * ops.cast(ops.gelu(gate, approximate=True), self.compute_dtype)
        return value * ops.cast(gate * (0.5 + 0.5 * ops.erf(gate * 0.5**0.5)), self.compute_dtype)


@register
class FeedForward(keras.layers.Layer):
    """GEGLU to four times the channels, then back.

    Args:
        channels: int. Channels of input and output.
        approximate_gelu: bool. As for `GEGLU`. Defaults to `False`.
    """

    def __init__(self, channels, approximate_gelu=False, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        dtype = self.dtype_policy
        # Index 1 is diffusers' dropout, which has no weights and rate 0 in every published configuration.
        self.net = [
            GEGLU(channels, 4 * channels, approximate_gelu, dtype=dtype, name="net_0"),
            keras.layers.Identity(dtype=dtype, name="net_1"),
            keras.layers.Dense(channels, dtype=dtype, name="net_2"),
        ]

    def build(self, input_shape=None):
        self.net[0].build()
        self.net[2].build((None, None, 4 * self.channels))

    def call(self, x):
        return self.net[2](self.net[0](x))


@register
class BasicTransformerBlock(keras.layers.Layer):
    """Self-attention, cross-attention (where there is a context) and feed-forward, each with its norm and residual.

    Args:
        channels: int. Channels of input and output.
        num_heads: int. Attention heads.
        context_dim: int or None. Channels of the context; None leaves the cross-attention out.
        approximate_gelu: bool. As for `GEGLU`. Defaults to `False`.
    """

    def __init__(self, channels, num_heads, context_dim=None, approximate_gelu=False, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.context_dim = channels, context_dim
        dtype = self.dtype_policy
        self.norm1 = layer_norm(name="norm1", dtype=dtype)
        self.attn1 = Attention(channels, num_heads, dtype=dtype, name="attn1")
        if context_dim:
            self.norm2 = layer_norm(name="norm2", dtype=dtype)
            self.attn2 = Attention(channels, num_heads, context_dim, dtype=dtype, name="attn2")
        self.norm3 = layer_norm(name="norm3", dtype=dtype)
        self.ff = FeedForward(channels, approximate_gelu, dtype=dtype, name="ff")

    def build(self, input_shape=None):
        build_all([self.norm1, self.attn1, self.norm3, self.ff], self.channels)
        if self.context_dim:
            build_all([self.norm2, self.attn2], self.channels)

    def call(self, x, context=None):
        x = x + self.attn1(self.norm1(x))
        if self.context_dim:
            x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


@register
class Transformer2DModel(keras.layers.Layer):
    """Transformer blocks over the pixels of a feature map, with a residual around all of them.

    Args:
        channels: int. Channels of input and output.
        num_heads: int. Attention heads.
        norm_num_groups: int. Groups of the normalisation in front.
        num_layers: int. Transformer blocks. Defaults to `1`.
        context_dim: int or None. Channels of the context. Defaults to `None`.
        use_linear_projection: bool. Dense layers (Stable Diffusion 2) instead of 1x1 convolutions (1) around the
            blocks. Defaults to `False`.
        norm_eps: float. Epsilon of the normalisation in front. Defaults to `1e-6`.
        approximate_gelu: bool. As for `GEGLU`. Defaults to `False`.

    Call arguments: `x` (B, H, W, channels); `context` (B, S, context_dim).
    """

    def __init__(
        self,
        channels,
        num_heads,
        norm_num_groups,
        num_layers=1,
        context_dim=None,
        use_linear_projection=False,
        norm_eps=1e-6,
        approximate_gelu=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.channels, self.use_linear_projection = channels, use_linear_projection
        dtype = self.dtype_policy

        def projection(name):
            if use_linear_projection:
                return keras.layers.Dense(channels, dtype=dtype, name=name)
            return conv(channels, 1, dtype=dtype, name=name)

        self.norm = GroupNorm(norm_num_groups, norm_eps, dtype=dtype, name="norm")
        self.proj_in = projection("proj_in")
        self.transformer_blocks = [
            BasicTransformerBlock(
                channels, num_heads, context_dim, approximate_gelu, dtype=dtype, name=f"transformer_blocks_{i}"
            )
            for i in range(num_layers)
        ]
        self.proj_out = projection("proj_out")

    def build(self, input_shape=None):
        build_all([self.norm, self.proj_in, *self.transformer_blocks, self.proj_out], self.channels)

    def call(self, x, context=None):
        shape = ops.shape(x)
        h = self.proj_in(self.norm(x))
        pixels = x.shape[1] * x.shape[2] if x.shape[1] and x.shape[2] else shape[1] * shape[2]
        h = ops.reshape(h, (-1, pixels, self.channels))  # (B, H W, C)
        for block in self.transformer_blocks:
            h = block(h, context)
        h = ops.reshape(h, (-1, shape[1], shape[2], self.channels))  # (B, H, W, C)
        return x + self.proj_out(h)


@register
class TimestepEmbedding(keras.layers.Layer):
    """Two dense layers with SiLU between them.

    Args:
        in_channels: int. Width of the sinusoidal embedding.
        embedding_dim: int. Width of the result.
    """

    def __init__(self, in_channels, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        self.in_channels, self.embedding_dim = in_channels, embedding_dim
        self.linear_1 = keras.layers.Dense(embedding_dim, activation="silu", dtype=self.dtype_policy, name="linear_1")
        self.linear_2 = keras.layers.Dense(embedding_dim, dtype=self.dtype_policy, name="linear_2")

    def build(self, input_shape=None):
        self.linear_1.build((None, self.in_channels))
        self.linear_2.build((None, self.embedding_dim))

    def call(self, x):
        return self.linear_2(self.linear_1(x))


@register
class AttentionPooling(keras.layers.Layer):
    """One vector of a sequence: attention from the mean of its tokens, moved by a learned vector, to them and itself.

    Source: diffusers' `AttentionPooling` (DeepFloyd IF).

    Args:
        channels: int. Channels of the tokens and of the result.
        num_heads: int. Heads; divides `channels`.

    Call arguments: `x` (B, L, channels). Returns: (B, channels).
    """

    def __init__(self, channels, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.num_heads = channels, num_heads
        self.k_proj, self.q_proj, self.v_proj = (
            keras.layers.Dense(channels, dtype=self.dtype_policy, name=name) for name in ("k_proj", "q_proj", "v_proj")
        )

    def build(self, input_shape=None):
        build_all([self.k_proj, self.q_proj, self.v_proj], self.channels)
        self.positional_embedding = self.add_weight(
            shape=(1, self.channels),
            initializer=keras.initializers.RandomNormal(stddev=self.channels**-0.5),
            name="positional_embedding",
        )

    def call(self, x):
        query = ops.mean(x, axis=1, keepdims=True) + ops.cast(self.positional_embedding, x.dtype)  # (B, 1, C)
        x = ops.concatenate([query, x], axis=1)  # (B, 1 + L, C)
        return attend(self.q_proj(query), self.k_proj(x), self.v_proj(x), self.num_heads)[:, 0]


@register
class TextTimeEmbedding(keras.layers.Layer):
    """What the whole text says, as a vector that is added to the embedding of the time.

    Source: diffusers' `TextTimeEmbedding` (DeepFloyd IF; Saharia et al. 2022, section 2.4, pool the text likewise).

    Args:
        context_dim: int. Channels of the context.
        embedding_dim: int. Width of the embedding of the time.
        num_heads: int. Heads of the pooling; divides `context_dim`.

    Call arguments: `context` (B, L, context_dim). Returns: (B, embedding_dim).
    """

    def __init__(self, context_dim, embedding_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.context_dim, self.embedding_dim = context_dim, embedding_dim
        dtype = self.dtype_policy
        self.norm1 = layer_norm(name="norm1", dtype=dtype)
        self.pool = AttentionPooling(context_dim, num_heads, name="pool", dtype=dtype)
        self.proj = keras.layers.Dense(embedding_dim, name="proj", dtype=dtype)
        self.norm2 = layer_norm(name="norm2", dtype=dtype)

    def build(self, input_shape=None):
        build_all([self.norm1, self.pool, self.proj], self.context_dim)
        build_all([self.norm2], self.embedding_dim)

    def call(self, context):
        return self.norm2(self.proj(self.pool(self.norm1(context))))


def sinusoidal_embedding(timesteps, channels, flip_sin_to_cos=True, freq_shift=0):
    """[sin(t w_i), cos(t w_i)], w_i = 10000^(-i / (channels / 2 - freq_shift)), in float32.

    Equation: `network.time_embedding`.

    Source: Vaswani et al. 2017, section 3.5, as Ho et al. 2020 use it.

    Args:
        timesteps: tensor (B,). Any real numbers.
        channels: int. Width of the result, even.
        flip_sin_to_cos: bool. Cosines first. Defaults to `True`.
        freq_shift: float. Defaults to `0`.

    Returns: float32 (B, channels).
    """
    half = channels // 2
    exponents = ops.arange(half, dtype="float32") * (-math.log(10000.0) / (half - freq_shift))
    angles = ops.expand_dims(ops.cast(timesteps, "float32"), -1) * ops.exp(exponents)
    parts = [ops.sin(angles), ops.cos(angles)]
    return ops.concatenate(parts[::-1] if flip_sin_to_cos else parts, axis=-1)
