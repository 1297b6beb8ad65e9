"""Stable Diffusion models of KerasCV: their weights in the package's own classes, and our samplers on their U-Net.

KerasCV's layers are found by their class, in the order in which they are connected; nothing of KerasCV is imported, and
nothing is downloaded that the given model would not download itself.

KerasCV computes two things otherwise than CompVis did when the weights were trained, and so do the networks made here:
GELU by tanh (in the U-Net and in the second version's text encoder), and an epsilon of 1e-5 instead of 1e-6 in the
group normalisations of transformers and autoencoder. KerasCV also fills up the second version's prompts with the end
token; here the tokenizer that is given decides, and Stable Diffusion 2's has "!".
"""

import collections

import keras
from keras import ops

from tfportrait.diffusion import schedules
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.layers import sinusoidal_embedding
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.unet import UNet
from tfportrait.models.weights import named_variables
from tfportrait.stable_diffusion.single_file import SCALING_FACTOR, SCHEDULER

_PARTS = ("diffusion_model", "image_encoder", "decoder", "text_encoder")
_VARIABLES = ("kernel", "bias", "gamma", "beta", "embeddings")


def from_keras_cv(model, tokenizer, *, prediction_type="epsilon", dtype=None):
    """A painter with the weights of a KerasCV model.

    Args:
        model: `keras_cv.models.StableDiffusion` or `StableDiffusionV2`. Parts that it has not loaded yet, it loads now.
        tokenizer: Tokenizer, or str or path of a folder with vocab.json and merges.txt, as any Stable Diffusion
            checkpoint in diffusers' layout has it.
        prediction_type: str. What the U-Net predicts. Defaults to `"epsilon"`, as which KerasCV takes both models.
        dtype: str or None. Dtype policy of the networks. Defaults to the global one.

    Returns:
        LatentDiffusion.

    Raises:
        ValueError: a network that is not as KerasCV builds it, or a damaged tokenizer.
    """
    if not all(hasattr(type(model), part) for part in _PARTS):
        raise ValueError(f"{type(model).__name__} is no keras_cv.models.StableDiffusion or StableDiffusionV2")
    tokenizer = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer.from_folder(tokenizer)
    schedule, _ = schedules.from_diffusers(SCHEDULER)
    return LatentDiffusion(
        unet=unet(model.diffusion_model, dtype=dtype),
        autoencoder=autoencoder(model.image_encoder, model.decoder, dtype=dtype),
        text_encoder=text_encoder(model.text_encoder, dtype=dtype),
        tokenizer=tokenizer,
        schedule=schedule,
        prediction_type=prediction_type,
    )


def unet(model, *, dtype=None):
    """The U-Net with the weights of a `DiffusionModel` or `DiffusionModelV2`."""
    found = _by_class(model, "ResBlock", "SpatialTransformer", "Upsample", "PaddedConv2D")
    blocks, transformers = found["ResBlock"], found["SpatialTransformer"]
    levels = len(found["Upsample"]) + 1
    layers = (len(blocks) - 2 - levels) // (2 * levels)
    heads = [layer.transformer_block.attn1.num_heads for layer in transformers[: layers * (levels - 1) + 1 : layers]]
    shapes = {tensor.name: tensor.shape for tensor in model.inputs}
    network = UNet(
        sample_size=shapes["latent"][1],
        in_channels=shapes["latent"][-1],
        out_channels=model.output_shape[-1],
        block_out_channels=[block.output_dim for block in blocks[: layers * levels : layers]],
        down_block_types=["CrossAttnDownBlock2D"] * (levels - 1) + ["DownBlock2D"],
        up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * (levels - 1),
        layers_per_block=layers,
        cross_attention_dim=shapes["context"][-1],
        attention_head_dim=heads[0] if len(set(heads)) == 1 else heads,
        use_linear_projection=not hasattr(transformers[0].proj1, "conv2d"),
        transformer_norm_eps=transformers[0].norm.epsilon,
        approximate_gelu=True,
        dtype=dtype,
    )
    down, up = network.down_blocks, network.up_blocks
    path = [*down, network.mid_block, *up]
    convs = [network.conv_in, *(layer.conv for layer in _all(down, "downsamplers")), network.conv_out]
    pairs = [
        *_zip([network.time_embedding.linear_1, network.time_embedding.linear_2], found["Dense"]),
        *_zip(convs, found["PaddedConv2D"]),
        *_zip([network.conv_norm_out], found["GroupNormalization"]),
        *((ours.conv, theirs.conv) for ours, theirs in _zip(_all(up, "upsamplers"), found["Upsample"])),
    ]
    for ours, theirs in _zip(_all(path, "resnets"), blocks):
        pairs += [
            (ours.norm1, theirs.entry_flow[0]),
            (ours.conv1, theirs.entry_flow[2]),
            (ours.time_emb_proj, theirs.embedding_flow[1]),
            (ours.norm2, theirs.exit_flow[0]),
            (ours.conv2, theirs.exit_flow[2]),
            *_shortcut(ours, theirs),
        ]
    for ours, theirs in _zip(_all(path, "attentions"), transformers):
        (block,), other = ours.transformer_blocks, theirs.transformer_block
        pairs += [(ours.norm, theirs.norm), (ours.proj_in, theirs.proj1), (ours.proj_out, theirs.proj2)]
        pairs += [(block.norm1, other.norm1), (block.norm2, other.norm2), (block.norm3, other.norm3)]
        pairs += [(block.ff.net[0].proj, other.geglu.dense), (block.ff.net[2], other.dense)]
        for attention, its in ((block.attn1, other.attn1), (block.attn2, other.attn2)):
            pairs += [(getattr(attention, name), getattr(its, name)) for name in ("to_q", "to_k", "to_v")]
            pairs.append((attention.to_out[0], its.out_proj))
    return _assigned(network, pairs)


def autoencoder(encoder, decoder, *, dtype=None):
    """The autoencoder with the weights of an `ImageEncoder` and a `Decoder`."""
    found, back = (_by_class(half, "ResnetBlock", "PaddedConv2D") for half in (encoder, decoder))
    channels = [block.output_dim for block in found["ResnetBlock"]]
    levels = len(found["PaddedConv2D"]) - 2  # less the first convolution and the two at the end, plus one
    layers = (len(channels) - 2) // levels
    network = AutoencoderKL(
        block_out_channels=channels[: levels * layers : layers],
        layers_per_block=layers,
        norm_num_groups=32,
        norm_eps=found["GroupNormalization"][0].epsilon,
        sample_size=2 ** (levels - 1) * decoder.input_shape[1],
        scaling_factor=SCALING_FACTOR,
        dtype=dtype,
    )
    pairs = []
    for half, theirs, blocks in (
        (network.encoder, found, [*network.encoder.down_blocks, network.encoder.mid_block]),
        (network.decoder, back, [network.decoder.mid_block, *network.decoder.up_blocks]),
    ):
        samplers = [layer.conv for layer in (*_all(blocks, "downsamplers"), *_all(blocks, "upsamplers"))]
        convs = [half.conv_in, *samplers, half.conv_out]
        convs = [*convs, network.quant_conv] if half is network.encoder else [network.post_quant_conv, *convs]
        pairs += _zip(convs, theirs["PaddedConv2D"])
        pairs += _zip([half.conv_norm_out], theirs["GroupNormalization"])
        for ours, other in _zip(_all(blocks, "resnets"), theirs["ResnetBlock"]):
            pairs += [(getattr(ours, name), getattr(other, name)) for name in ("norm1", "conv1", "norm2", "conv2")]
            pairs += _shortcut(ours, other)
        for ours, other in _zip(_all(blocks, "attentions"), theirs["AttentionBlock"]):
            pairs += [(ours.group_norm, other.norm), (ours.to_out[0], other.proj_out)]
            pairs += [(ours.to_q, other.q), (ours.to_k, other.k), (ours.to_v, other.v)]
    return _assigned(network, pairs)


def text_encoder(model, *, dtype=None):
    """The text encoder with the weights of a `TextEncoder` or `TextEncoderV2`."""
    found = _by_class(model, "CLIPEmbedding", "CLIPEncoderLayer")
    (embedding,), layers = found["CLIPEmbedding"], found["CLIPEncoderLayer"]
    vocab_size, channels = embedding.token_embedding.embeddings.shape
    network = TextEncoder(
        vocab_size=vocab_size,
        hidden_size=channels,
        intermediate_size=layers[0].fc1.units,
        num_hidden_layers=len(layers),
        num_attention_heads=layers[0].clip_attn.num_heads,
        max_position_embeddings=embedding.position_embedding.input_dim,
        hidden_act="quick_gelu" if layers[0].activation.__name__ == "quick_gelu" else "gelu_pytorch_tanh",
        dtype=dtype,
    )
    pairs = [
        (network.embeddings.token_embedding, embedding.token_embedding),
        (network.embeddings.position_embedding, embedding.position_embedding),
        *_zip([network.final_layer_norm], found["LayerNormalization"]),
    ]
    for ours, theirs in _zip(network.encoder.layers, layers):
        pairs += [(ours.layer_norm1, theirs.layer_norm1), (ours.layer_norm2, theirs.layer_norm2)]
        pairs += [(ours.mlp.fc1, theirs.fc1), (ours.mlp.fc2, theirs.fc2)]
        projections = ("q_proj", "k_proj", "v_proj", "out_proj")
        pairs += [(getattr(ours.self_attn, name), getattr(theirs.clip_attn, name)) for name in projections]
    return _assigned(network, pairs)


def network(diffusion_model, context):
    """A KerasCV U-Net as what `tfportrait.diffusion.Denoiser` takes, so that our samplers run on it as it is.

    `Denoiser(network(model.diffusion_model, context), schedule, "epsilon")` is the denoiser of a prompt.

    Args:
        diffusion_model: `DiffusionModel` or `DiffusionModelV2`.
        context: float (B, L, D). What `StableDiffusion.encode_text` returns.

    Returns:
        callable (x, time) -> (B, h, w, c), x (B, h, w, c) and time float32 (B,).
    """
    width = next(tensor.shape[-1] for tensor in diffusion_model.inputs if tensor.name == "timestep_embedding")

    def run(x, time):
        inputs = {"latent": x, "timestep_embedding": sinusoidal_embedding(time, width), "context": context}
        inputs = {name: ops.convert_to_tensor(value, "float32") for name, value in inputs.items()}
        return diffusion_model(inputs, training=False)

    return run


def _by_class(model, *needed):
    """The layers of a KerasCV model in their order, under the names of their classes."""
    found = collections.defaultdict(list)
    for layer in model.layers:
        found[type(layer).__name__].append(layer)
    for name in needed:
        if not found[name]:
            raise ValueError(f"this is not built as KerasCV builds it: {type(model).__name__} has no {name}")
    return found


def _all(blocks, kind):
    return [layer for block in blocks for layer in getattr(block, kind)]


def _shortcut(ours, theirs):
    projected = isinstance(theirs.residual_projection, keras.layers.Layer)
    return [(ours.conv_shortcut, theirs.residual_projection)] if projected else []


def _zip(ours, theirs):
    if len(ours) != len(theirs):
        kind = type((theirs or ours)[0]).__name__
        raise ValueError(f"this is not built as KerasCV builds it: {len(theirs)} {kind} where {len(ours)} belong")
    return list(zip(ours, theirs, strict=True))


def _assigned(network, pairs):
    """Gives every variable of a network the value of its counterpart."""
    waiting = {id(variable) for variable in named_variables(network).values()}
    for ours, theirs in pairs:
        theirs = getattr(theirs, "conv2d", theirs)
        for name in _VARIABLES:
            variable = getattr(ours, name, None)
            if variable is not None:
                # A 1x1 convolution may be a dense layer here.
                variable.assign(ops.reshape(getattr(theirs, name), variable.shape))
                waiting.discard(id(variable))
    if waiting:
        raise ValueError(f"this is not built as KerasCV builds it: {len(waiting)} weights have no counterpart")
    return network
