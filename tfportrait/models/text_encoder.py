"""CLIP's text transformer (Radford et al. 2021), which conditions Stable Diffusion 1.x and 2.x."""

import keras
import numpy as np
from keras import ops

from tfportrait.models.layers import attend, build_all, layer_norm, register
from tfportrait.models.network import Network, one_of, record

ACTIVATIONS = {
    "quick_gelu": lambda x: x * ops.sigmoid(1.702 * x),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "gelu_pytorch_tanh": lambda x: ops.gelu(x, approximate=True),
}


@register
class CLIPEmbeddings(keras.layers.Layer):
    """Token embeddings plus learned position embeddings.

    Args:
        vocab_size: int.
        max_positions: int. Longest text in tokens.
        channels: int.
    """

    def __init__(self, vocab_size, max_positions, channels, **kwargs):
        super().__init__(**kwargs)
        kwargs = {"embeddings_initializer": keras.initializers.RandomNormal(stddev=0.02), "dtype": self.dtype_policy}
        self.token_embedding = keras.layers.Embedding(vocab_size, channels, name="token_embedding", **kwargs)
        self.position_embedding = keras.layers.Embedding(max_positions, channels, name="position_embedding", **kwargs)

    def build(self, input_shape=None):
        self.token_embedding.build()
        self.position_embedding.build()

    def call(self, token_ids):
        return self.token_embedding(token_ids) + self.position_embedding(ops.arange(token_ids.shape[-1]))


@register
class CLIPAttention(keras.layers.Layer):
    """Multi-head self-attention.

    Args:
        channels: int.
        num_heads: int.
        causal: bool. Whether a token sees only itself and those before it.
    """

    def __init__(self, channels, num_heads, causal=True, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.num_heads, self.causal = channels, num_heads, causal
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, keras.layers.Dense(channels, dtype=self.dtype_policy, name=name))

    def build(self, input_shape=None):
        build_all([self.q_proj, self.k_proj, self.v_proj, self.out_proj], self.channels)

    def call(self, x):
        length = x.shape[1]
        mask = np.triu(np.full((length, length), -1e9, "float32"), 1) if self.causal else None
        return self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.num_heads, mask))


@register
class CLIPMLP(keras.layers.Layer):
    """Two dense layers with an activation between them.

    Args:
        channels: int.
        hidden: int. Channels between the layers.
        activation: `"quick_gelu"`, `"gelu"` or `"gelu_pytorch_tanh"`, its approximation by tanh.
    """

    def __init__(self, channels, hidden, activation, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.hidden, self.activation = channels, hidden, activation
        self.fc1 = keras.layers.Dense(hidden, dtype=self.dtype_policy, name="fc1")
        self.fc2 = keras.layers.Dense(channels, dtype=self.dtype_policy, name="fc2")

    def build(self, input_shape=None):
        build_all([self.fc1], self.channels)
        build_all([self.fc2], self.hidden)

    def call(self, x):
        return self.fc2(ACTIVATIONS[self.activation](self.fc1(x)))


@register
class CLIPEncoderLayer(keras.layers.Layer):
    """Pre-norm transformer layer.

    Args:
        channels: int.
        num_heads: int.
        hidden: int. Channels inside the feed-forward part.
        activation: `"quick_gelu"`, `"gelu"` or `"gelu_pytorch_tanh"`, its approximation by tanh.
        epsilon: float. Of the normalisations.
        causal: bool. As `CLIPAttention` takes it.
    """

    def __init__(self, channels, num_heads, hidden, activation, epsilon, causal=True, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        dtype = self.dtype_policy
        self.self_attn = CLIPAttention(channels, num_heads, causal, dtype=dtype, name="self_attn")
        self.layer_norm1 = layer_norm(epsilon, dtype=dtype, name="layer_norm1")
        self.mlp = CLIPMLP(channels, hidden, activation, dtype=dtype, name="mlp")
        self.layer_norm2 = layer_norm(epsilon, dtype=dtype, name="layer_norm2")

    def build(self, input_shape=None):
        build_all([self.self_attn, self.layer_norm1, self.mlp, self.layer_norm2], self.channels)

    def call(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


@register
class CLIPEncoder(keras.layers.Layer):
    """A stack of `CLIPEncoderLayer`.

    Args:
        num_layers: int.
        layer: dict. Arguments of each layer.

    Call arguments: `x` (B, L, channels); `num_layers` int or None, how many layers are run. Defaults to `None`: all.
    """

    def __init__(self, num_layers, layer, **kwargs):
        super().__init__(**kwargs)
        self.layers = [
            CLIPEncoderLayer(**layer, dtype=self.dtype_policy, name=f"layers_{i}") for i in range(num_layers)
        ]

    def build(self, input_shape=None):
        for layer in self.layers:
            layer.build()

    def call(self, x, num_layers=None):
        for layer in self.layers[:num_layers]:
            x = layer(x)
        return x


@register
class TextEncoder(Network, keras.Model):
    """Turns token ids into the context of a U-Net.

    The keyword arguments are the keys of transformers' `CLIPTextConfig`, with the same defaults.

    Args:
        vocab_size: int. Tokens.
        hidden_size: int. Channels of the result.
        intermediate_size: int. Channels inside the feed-forward parts.
        num_hidden_layers: int. Transformer layers. Stable Diffusion 2 says 23 and so uses the last but one of 24.
        num_attention_heads: int. Heads; divides `hidden_size`.
        max_position_embeddings: int. Longest text in tokens.
        hidden_act: `"quick_gelu"`, `"gelu"` or `"gelu_pytorch_tanh"`, its approximation by tanh.
        layer_norm_eps: float.
        bos_token_id: int. Written to config.json.
        eos_token_id: int. Written to config.json.
        pad_token_id: int. Written to config.json.

    Call arguments: `token_ids` int (B, L), L at most `max_position_embeddings`; `clip_skip` int, the layer whose output
        is taken, counted from the last, 1. Defaults to `1`.
    Returns: (B, L, hidden_size), the hidden state after the final normalisation.
    """

    # Without a type transformers 5 computes in that of the file, float16, and diffusers' U-Net in float32.
    disk_config = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "torch_dtype": "float32"}
    accepted_config = dict.fromkeys(
        # How it was trained, what is not used here, and what old versions of transformers wrote.
        ("attention_dropout", "dropout", "initializer_factor", "initializer_range", "projection_dim", "torch_dtype",
         "dtype", "transformers_version", "use_cache", "return_dict")
    )  # fmt: skip
    weights_stem = "model"
    weights_prefix = "text_model."

    def __init__(
        self,
        *,
        vocab_size=49408,
        hidden_size=512,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=8,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        layer_norm_eps=1e-5,
        bos_token_id=49406,
        eos_token_id=49407,
        pad_token_id=1,
        **kwargs,
    ):
        config = record(TextEncoder, locals())
        one_of("hidden_act", hidden_act, tuple(ACTIVATIONS))
        if hidden_size % num_attention_heads:
            raise ValueError(f"hidden_size={hidden_size} is not divisible by num_attention_heads={num_attention_heads}")
        super().__init__(**kwargs)
        self.config = config
        dtype = self.dtype_policy
        self.embeddings = CLIPEmbeddings(
            vocab_size, max_position_embeddings, hidden_size, dtype=dtype, name="embeddings"
        )
        layer = {
            "channels": hidden_size,
            "num_heads": num_attention_heads,
            "hidden": intermediate_size,
            "activation": hidden_act,
            "epsilon": layer_norm_eps,
        }
        self.encoder = CLIPEncoder(num_hidden_layers, layer, dtype=dtype, name="encoder")
        self.final_layer_norm = layer_norm(layer_norm_eps, dtype=dtype, name="final_layer_norm")
        self.build()

    def build(self, input_shape=None):
        self.embeddings.build()
        self.encoder.build()
        self.final_layer_norm.build((None, None, self.config["hidden_size"]))

    def call(self, token_ids, clip_skip=1):
        longest = self.config["max_position_embeddings"]
        if token_ids.shape[-1] > longest:
            raise ValueError(f"{token_ids.shape[-1]} tokens are more than the {longest} that this encoder takes")
        layers = self.config["num_hidden_layers"]
        if not 1 <= clip_skip <= layers:
            raise ValueError(f"clip_skip is {clip_skip}, but this encoder has {layers} layers")
        return self.final_layer_norm(self.encoder(self.embeddings(token_ids), num_layers=layers + 1 - clip_skip))
