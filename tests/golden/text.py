"""Makes text.npz: contexts of a tiny CLIP of transformers' for prompts with weights and breaks, and of its layers.

    python tests/golden/text.py        # needs torch, transformers; made with transformers 5.24.0

The web UI's way from weighted texts to a context, token by token: `tokenize_line` and `process_tokens` of
AUTOMATIC1111's stable-diffusion-webui, re-expressed. What its reader of brackets makes of a prompt stands beside it by
hand. Words of one token only: where a word of several would be cut in two, ours begins the next chunk with it.
"""

import pathlib
import tempfile

import numpy as np
from golden import networks, tokenizer

OUT = pathlib.Path(__file__).with_suffix(".npz")
LENGTH = 32
CLIP = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
CLIP |= {"max_position_embeddings": LENGTH, "hidden_act": "quick_gelu"}
BREAK, BACKTRACK = "BREAK", 20

PROMPTS = {
    "a smiling woman": [("a smiling woman", 1.0)],
    "": [("", 1.0)],
    "a (smiling:1.3) woman": [("a ", 1.0), ("smiling", 1.3), (" woman", 1.0)],
    "((red)) hair, [round glasses]": [("red", 1.1 * 1.1), (" hair, ", 1.0), ("round glasses", 1 / 1.1)],
    "(a man:0.2) with a beret": [("a man", 0.2), (" with a beret", 1.0)],
    # The comma before the last eight words is near enough.
    "red hair " * 11 + ", " + "round glasses " * 10: [("red hair " * 11 + ", " + "round glasses " * 10, 1.0)],
    # This one is too far away.
    "a man, " + "red hair " * 20: [("a man, " + "red hair " * 20, 1.0)],
    # The comma itself does not fit.
    "red " * 30 + ", hair": [("red " * 30 + ", hair", 1.0)],
    "a woman BREAK (a man:1.5), smiling": [("a woman", 1.0), (BREAK, -1), ("a man", 1.5), (", smiling", 1.0)],
    "(long hair, " * 4 + "red " * 15: [
        *(("long hair, ", 1.1**depth) for depth in (1, 2, 3)),
        ("long hair, " + "red " * 15, 1.1**4),
    ],
}


def reference_model(vocab_size):
    """transformers' text encoder with weights from their names."""
    import torch
    import transformers

    model = transformers.CLIPTextModel(transformers.CLIPTextConfig(vocab_size=vocab_size, **CLIP))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            name = networks.disk_name("clip", name)
            parameter.copy_(torch.from_numpy(networks.weight(name, tuple(parameter.shape))))
    return model.eval()


def chunks(parsed, peer):
    """[(token ids, multipliers)], each of `LENGTH`."""
    start, end, comma = peer.bos_token_id, peer.eos_token_id, peer.convert_tokens_to_ids(",</w>")
    size, done, tokens, multipliers, last_comma = LENGTH - 2, [], [], [], -1

    def next_chunk():
        nonlocal tokens, multipliers, last_comma
        fill = size - len(tokens)
        done.append(([start, *tokens, *[end] * fill, end], [1.0, *multipliers, *[1.0] * fill, 1.0]))
        tokens, multipliers, last_comma = [], [], -1

    for text, weight in parsed:
        if text == BREAK and weight == -1:
            next_chunk()
            continue
        for token in peer(text, add_special_tokens=False)["input_ids"]:
            if token == comma:
                last_comma = len(tokens)
            elif len(tokens) == size and last_comma != -1 and len(tokens) - last_comma <= BACKTRACK:
                moved = tokens[last_comma + 1 :], multipliers[last_comma + 1 :]
                del tokens[last_comma + 1 :], multipliers[last_comma + 1 :]
                next_chunk()
                tokens, multipliers = moved
            if len(tokens) == size:
                next_chunk()
            tokens.append(token)
            multipliers.append(weight)
    if tokens or not done:
        next_chunk()
    return done


def hidden(model, token_ids, clip_skip):
    """(L, D): the output of a layer counted from the last, 1, through the final normalisation."""
    import torch

    with torch.no_grad():
        outputs = model(torch.tensor([token_ids]), output_hidden_states=True)
        norm = next(module for name, module in model.named_modules() if name.endswith("final_layer_norm"))
        return norm(outputs.hidden_states[-clip_skip])[0].numpy()


def context(model, parsed, peer, clip_skip=1):
    """(chunks * L, D)."""
    parts = []
    for token_ids, multipliers in chunks(parsed, peer):
        z = hidden(model, token_ids, clip_skip)
        weighted = z * np.float32(multipliers)[:, None]
        parts.append(weighted * (z.mean() / weighted.mean()))
    return np.concatenate(parts)


def main():
    import transformers

    ours = tokenizer.rebuilt(LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        ours.save(folder)
        peer = transformers.CLIPTokenizer.from_pretrained(folder)
    model = reference_model(len(ours))
    kept = {f"prompt {i}": context(model, parsed, peer) for i, parsed in enumerate(PROMPTS.values())}
    parsed = PROMPTS["a (smiling:1.3) woman"]
    kept |= {f"layer {clip_skip}": context(model, parsed, peer, clip_skip) for clip_skip in (1, 2, 3)}
    np.savez_compressed(OUT, **{name: value.astype("float32") for name, value in kept.items()})


if __name__ == "__main__":
    main()
