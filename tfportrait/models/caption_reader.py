"""Teaches a text encoder what captions say, before it ever sees a picture."""

import keras
from keras import layers, ops

from tfportrait.training import Trainable


@keras.saving.register_keras_serializable("tfportrait")
class CaptionReader(Trainable):
    """A text encoder with one linear head per attribute: reads from a caption which values it names.

    It plays the part that contrastive pretraining on pictures plays for CLIP (Radford et al. 2021): the U-Net is then
    conditioned on words whose meaning is told apart already, in either language. The heads are thrown away.

    Args:
        text_encoder: TextEncoder. Trained in place.
        attributes: dict of str to list of str. Names of the attributes and their values, in order.
        end_id: int. The token that ends and pads captions; its positions have read the whole caption.
    """

    def __init__(self, *, text_encoder, attributes, end_id, **kwargs):
        super().__init__(**kwargs)
        self.text_encoder = text_encoder
        self.attributes = {name: list(values) for name, values in attributes.items()}
        self.end_id = end_id
        # The value after the last means "not named".
        self.heads = [layers.Dense(len(values) + 1, dtype="float32") for values in self.attributes.values()]
        self.accuracy_tracker = keras.metrics.Mean(name="accuracy")
        for head in self.heads:
            head.build((None, text_encoder.config["hidden_size"]))
        self.built = True

    def call(self, inputs, training=None):
        """Logits of every attribute.

        Args:
            inputs: int32 (B, L) token ids, or a dict that has them as "token_ids".

        Returns:
            list of float32 (B, number of values + 1).
        """
        token_ids = inputs["token_ids"] if isinstance(inputs, dict) else inputs
        context = ops.cast(self.text_encoder(token_ids), "float32")  # (B, L, D)
        at_end = ops.cast(token_ids == self.end_id, "float32")[..., None]
        pooled = ops.sum(context * at_end, axis=1) / ops.maximum(ops.sum(at_end, axis=1), 1.0)
        return [head(pooled) for head in self.heads]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Cross-entropy, averaged over the attributes.

        Args:
            x: dict of "token_ids", int32 (B, L), and "labels", int32 (B, A): the index of the named value, or -1 where
                the caption does not name the attribute.

        Returns:
            float32 scalar.
        """
        losses, hits = [], []
        for i, logits in enumerate(self(x, training=training)):
            label = ops.cast(x["labels"][:, i], "int32")
            label = ops.where(label < 0, logits.shape[-1] - 1, label)
            losses.append(ops.mean(keras.losses.sparse_categorical_crossentropy(label, logits, from_logits=True)))
            hits.append(ops.mean(ops.cast(ops.cast(ops.argmax(logits, axis=-1), "int32") == label, "float32")))
        self.accuracy_tracker.update_state(ops.mean(ops.stack(hits)))
        return ops.mean(ops.stack(losses))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "text_encoder": keras.saving.serialize_keras_object(self.text_encoder),
            "attributes": self.attributes,
            "end_id": self.end_id,
        }

    @classmethod
    def from_config(cls, config):
        """The model that `get_config` describes, with fresh weights."""
        return cls(**{**config, "text_encoder": keras.saving.deserialize_keras_object(config["text_encoder"])})
