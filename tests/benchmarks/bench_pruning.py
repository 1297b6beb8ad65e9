"""What zeros cost: the shipped U-Net pruned at once, and pruned while it trains on.

    python tests/benchmarks/bench_pruning.py [--sparsity 0.5] [--steps 150] [--samples 64]

For each: prompt accuracy on unseen prompts, half of them Chinese, and the bytes of the U-Net's float16 weights after
gzip, which is what zeros save on disk. Fine-tuning: batches of 48 latents, Muon at 1e-3, zeros growing over the first
half of the steps.
"""

import argparse
import gzip

import keras
import numpy as np
from tqdm import tqdm

import tfportrait as tp
from tfportrait import data, metrics, training
from tfportrait.training import pruning


def packed(painter):
    """Bytes of the U-Net's weights, float16, after gzip."""
    values = [keras.ops.convert_to_numpy(variable).astype("float16").tobytes() for variable in painter.unet.weights]
    return len(gzip.compress(b"".join(values), 6))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sparsity", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--portraits", type=int, default=4096)
    parser.add_argument("--preset", default="portrait_128")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter, oracle = tp.LatentDiffusion.from_preset(arguments.preset), tp.Oracle.from_preset("oracle_128")
    texts, named, _ = metrics.held_out_prompts(arguments.samples)

    def say(name):
        images = [painter.generate(texts[i : i + 16], seeds=i) for i in range(0, len(texts), 16)]
        accuracy = metrics.prompt_accuracy(oracle, np.concatenate(images), named).accuracy
        zeros, size = pruning.sparsity(painter), packed(painter) / 1e6
        print(f"{name:24} zeros {zeros:.2f}  {size:5.2f} MB  accuracy {accuracy:.3f}", flush=True)

    say("as it ships")
    whole = painter.unet.get_weights()
    painter.compile(training.Muon(1e-3, weight_decay=0.0, ema_decay=0.98))
    once = training.Pruning(arguments.sparsity, 1)
    once.set_model(painter)
    once.on_train_begin()
    once.prune(1.0)
    say("pruned at once")
    painter.unet.set_weights(whole)
    source = data.open_source("portrait_world", "train", image_size=painter.image_size, count=arguments.portraits)
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(source, painter.tokenizer, variants=4, seed=0)
    batches = data.latents_dataset(
        latents, token_ids, autoencoder=painter.autoencoder, batch_size=48, repeat=True, drop_remainder=True
    )
    with tqdm(total=arguments.steps, leave=False, disable=None) as bar:
        progress = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update(1))
        callbacks = [training.Pruning(arguments.sparsity, max(arguments.steps // 2, 1)), progress]
        painter.fit(batches, steps_per_epoch=arguments.steps, verbose=0, callbacks=callbacks)
    with painter.averaged_weights():
        say("pruned and trained on")


if __name__ == "__main__":
    main()
