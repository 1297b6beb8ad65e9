"""Embeddings of transformers' CLIPModel with a tiny configuration -> clip.npz.

    python tests/golden/clip.py        # needs torch, transformers; made with transformers 5.23.0

Weights and inputs are numbers that numpy draws from their names, as in networks.py.
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".npz")
TEXT = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT |= {"max_position_embeddings": 12, "bos_token_id": 38, "eos_token_id": 39, "pad_token_id": 39}
VISION = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3}
VISION |= {"image_size": 32, "patch_size": 8}
DIMENSION = 8


def weight(name, shape):
    """A weight as networks.py draws it; embeddings of the image's own token count as kernels."""
    from golden import networks

    if name == "logit_scale":
        return np.float32(2.0)
    return networks.weight(name, shape)


def inputs():
    """Prepared images, float32 (3, 32, 32, 3), and token ids, int32 (3, 12): start, text, one or several ends."""
    from golden import networks

    token_ids = np.floor(networks.tensor("ids", (3, 12), 0, 38)).astype("int32")
    token_ids[:, 0] = 38
    for row, length in enumerate((5, 11, 8)):
        token_ids[row, length:] = 39
    return networks.tensor("images", (3, 32, 32, 3), -2, 2), token_ids


def main():
    import torch
    import transformers

    model = transformers.CLIPModel(
        transformers.CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=DIMENSION)
    ).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(np.asarray(weight(name, tuple(parameter.shape)))))
    images, token_ids = inputs()
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    with torch.no_grad():
        output = model(input_ids=torch.from_numpy(token_ids).long(), pixel_values=pixels)
    np.savez_compressed(OUT, images=output.image_embeds.numpy(), texts=output.text_embeds.numpy())


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    main()
