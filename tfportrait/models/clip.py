"""CLIP (Radford et al. 2021): how well a text describes an image."""

from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from tfportrait.models.layers import build_all, layer_norm, register
from tfportrait.models.text_encoder import CLIPEncoder, TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.weights import read_json, read_weights
from tfportrait.training import compiled

MEAN = (0.48145466, 0.4578275, 0.40821073)  # of the images that CLIP learnt from
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
OLD_EOS = 2  # what old configurations say; the end token has the largest number then


@register
class CLIPVisionEmbeddings(keras.layers.Layer):
    """Patches as tokens, a token for the whole image before them, and learned positions.

    Args:
        image_size: int. Side of the images.
        patch_size: int. Side of a patch.
        channels: int.
    """

    def __init__(self, image_size, patch_size, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.count = channels, (image_size // patch_size) ** 2 + 1
        dtype = self.dtype_policy
        self.patch_embedding = keras.layers.Conv2D(
            channels, patch_size, patch_size, use_bias=False, dtype=dtype, name="patch_embedding"
        )
        self.position_embedding = keras.layers.Embedding(self.count, channels, dtype=dtype, name="position_embedding")

    def build(self, input_shape=None):
        self.class_embedding = self.add_weight(name="class_embedding", shape=(self.channels,), initializer="zeros")
        self.patch_embedding.build((None, None, None, 3))
        self.position_embedding.build()

    def call(self, images):
        patches = self.patch_embedding(images)
        patches = ops.reshape(patches, (-1, self.count - 1, self.channels))
        whole = ops.broadcast_to(self.class_embedding, (ops.shape(patches)[0], 1, self.channels))
        tokens = ops.concatenate([ops.cast(whole, patches.dtype), patches], axis=1)
        return tokens + self.position_embedding(ops.arange(self.count))


@register
class CLIPVisionTransformer(keras.layers.Layer):
    """Images (B, H, W, 3) to one vector each, (B, hidden_size)."""

    def __init__(
        self,
        *,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        image_size=224,
        patch_size=32,
        hidden_act="quick_gelu",
        layer_norm_eps=1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.channels, dtype = hidden_size, self.dtype_policy
        self.embeddings = CLIPVisionEmbeddings(image_size, patch_size, hidden_size, dtype=dtype, name="embeddings")
        self.pre_layrnorm = layer_norm(layer_norm_eps, dtype=dtype, name="pre_layrnorm")  # written so on disk
        layer = {
            "channels": hidden_size,
            "num_heads": num_attention_heads,
            "hidden": intermediate_size,
            "activation": hidden_act,
            "epsilon": layer_norm_eps,
            "causal": False,
        }
        self.encoder = CLIPEncoder(num_hidden_layers, layer, dtype=dtype, name="encoder")
        self.post_layernorm = layer_norm(layer_norm_eps, dtype=dtype, name="post_layernorm")

    def build(self, input_shape=None):
        self.embeddings.build()
        self.encoder.build()
        build_all([self.pre_layrnorm, self.post_layernorm], self.channels)

    def call(self, images):
        return self.post_layernorm(self.encoder(self.pre_layrnorm(self.embeddings(images)))[:, 0])


@register
class CLIP(keras.Model):
    """Embeds images and texts in one space. Read from a checkpoint: `CLIP.from_folder(folder)`.

    Args:
        text: dict. Arguments of `TextEncoder`.
        vision: dict. Arguments of `CLIPVisionTransformer`.
        projection_dim: int. Channels of the common space.
    """

    weights_stem = "model"

    def __init__(self, *, text, vision, projection_dim=512, **kwargs):
        super().__init__(**kwargs)
        self.config = {"text": dict(text), "vision": dict(vision), "projection_dim": projection_dim}
        self.image_size = vision.get("image_size", 224)
        self.tokenizer = None
        dtype = self.dtype_policy
        self.text_model = TextEncoder(**text, dtype=dtype, name="text_model")
        self.vision_model = CLIPVisionTransformer(**vision, dtype=dtype, name="vision_model")
        for name in ("text_projection", "visual_projection"):
            layer = keras.layers.Dense(projection_dim, use_bias=False, dtype=dtype, name=name)
            setattr(self, name, layer)
        self.build()

    def build(self, input_shape=None):
        """Makes the variables."""
        self.vision_model.build()
        self.text_projection.build((None, self.text_model.config["hidden_size"]))
        self.visual_projection.build((None, self.vision_model.channels))
        self.logit_scale = self.add_weight(name="logit_scale", shape=(), initializer="zeros", trainable=False)
        self.built = True

    def get_config(self):
        return {**super().get_config(), **self.config}

    @classmethod
    def from_folder(cls, folder):
        """Reads a checkpoint in transformers' layout: config.json, model.safetensors, vocab.json and merges.txt.

        Args:
            folder: str or path.

        Returns: CLIP, with its `tokenizer`.

        Raises: ValueError if a file is missing or damaged, or is no CLIP's.
        """
        folder = Path(folder)
        config = read_json(folder / "config.json")
        if not isinstance(config, dict) or not {"text_config", "vision_config"} <= config.keys():
            raise ValueError(f"{folder} has no CLIP: its config.json says nothing of text_config and vision_config")
        vision = _known(config["vision_config"], VISION)
        text = _known(config["text_config"], TextEncoder.arguments())
        clip = cls(text=text, vision=vision, projection_dim=config.get("projection_dim", 512))
        read_weights(clip, folder)
        clip.tokenizer = Tokenizer.from_folder(folder)
        return clip

    def call(self, inputs):
        """Embeddings of `{"images": float (B, H, W, 3), "token_ids": int (M, L)}`: (B, D), (M, D)."""
        return self.embed_images(inputs["images"]), self.embed_tokens(inputs["token_ids"])

    def embed_images(self, images):
        """Unit vectors of prepared images, float (B, H, W, 3): float32 (B, D)."""
        return _unit(self.visual_projection(self.vision_model(images)))

    def embed_tokens(self, token_ids):
        """Unit vectors of tokenized texts, int (B, L): float32 (B, D)."""
        states = self.text_model(token_ids)  # (B, L, C)
        eos = self.text_model.config["eos_token_id"]
        ends = token_ids if eos == OLD_EOS else ops.cast(ops.equal(token_ids, eos), "int32")
        place = ops.one_hot(ops.argmax(ends, axis=-1), token_ids.shape[-1], dtype=states.dtype)  # of the first end
        return _unit(self.text_projection(ops.einsum("bl,blc->bc", place, states)))

    def prepared(self, images):
        """Images as CLIP takes them: the middle square, brought to its size (bicubic) and normalised.

        Args:
            images: uint8 (N, H, W, 3).

        Returns: float32 (N, image_size, image_size, 3).

        Raises: ValueError for another shape or type.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"images are {images.dtype} {images.shape}, but must be uint8 (N, H, W, 3)")
        pixels = np.stack([self._square(image) for image in images]) / np.float32(255)
        return (pixels - np.float32(MEAN)) / np.float32(DEVIATION)

    def _square(self, image):
        size, (height, width) = self.image_size, image.shape[:2]
        scale = size / min(height, width)
        shape = (max(size, int(width * scale)), max(size, int(height * scale)))
        picture = Image.fromarray(image).resize(shape, Image.BICUBIC)
        left, top = (shape[0] - size) // 2, (shape[1] - size) // 2
        return np.asarray(picture.crop((left, top, left + size, top + size)), "float32")

    def similarity(self, images, texts, *, batch_size=32):
        """Cosine of the angle between each image and its text.

        Args:
            images: uint8 (N, H, W, 3).
            texts: list of N str. Longer ones than CLIP takes are cut.
            batch_size: int.

        Returns: float64 (N,) in [-1, 1].

        Raises: ValueError if the numbers differ, or there is no tokenizer.
        """
        if len(images) != len(texts):
            raise ValueError(f"{len(images)} images and {len(texts)} texts: give equally many")
        if self.tokenizer is None:
            raise ValueError("this CLIP has no tokenizer: read it by CLIP.from_folder, or set clip.tokenizer")
        token_ids = self.tokenizer.encode(list(texts))
        run = compiled.compiled(self, "similarity", self._cosines)
        images = np.asarray(images)
        cosines = compiled.in_full_batches(
            lambda part: run(self.prepared(images[part]), token_ids[part]), len(images), batch_size
        )
        return cosines.astype("float64")

    def _cosines(self, images, token_ids):
        return ops.sum(self.embed_images(images) * self.embed_tokens(token_ids), axis=-1)


VISION = tuple(CLIPVisionTransformer.__init__.__kwdefaults__)


def _known(config, names):
    return {name: value for name, value in config.items() if name in names}


def _unit(x):
    x = ops.cast(x, "float32")
    return x / ops.norm(x, axis=-1, keepdims=True)
