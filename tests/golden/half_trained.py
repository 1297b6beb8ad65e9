"""The U-Net that lessons go on training -> tfportrait/course/weights.

    python tests/golden/half_trained.py [--steps 1000] [--portraits 12288]

It learns the portrait world's latents, as the shipped autoencoder encodes them, at a constant learning rate, and is
stopped there: no decay, no average of the weights. Its prompt accuracy and distance are printed.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import tfportrait as tp
from tfportrait import data, metrics, training
from tfportrait.course import checkpoint
from tfportrait.models import UNet

SIZE = 128
NETWORK = {
    "sample_size": SIZE // 8,
    "in_channels": 8,
    "out_channels": 8,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [40, 56],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "cross_attention_dim": 192,
    "attention_head_dim": 4,
    "use_linear_projection": True,
    "addition_embed_type": "text",
    "addition_embed_type_num_heads": 4,
}


def measured(painter, samples=256):
    """Prompt accuracy and oracle_fd of unseen prompts' portraits."""
    oracle = tp.Oracle.from_preset("oracle_128")
    texts, named, drawn = metrics.held_out_prompts(samples)
    parts = [painter.generate(texts[i : i + 64], seeds=i, num_steps=20) for i in range(0, samples, 64)]
    painted = np.concatenate(parts)
    real = oracle.embed(np.stack([each.render(SIZE) for each in drawn]))
    accuracy = metrics.prompt_accuracy(oracle, painted, named).accuracy
    return accuracy, metrics.frechet_distance(oracle.embed(painted), real), painted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--portraits", type=int, default=12288)
    parser.add_argument("--run", default="half_trained", help="folder for the state of a training that was stopped")
    parser.add_argument("--out", type=Path, default=checkpoint.FOLDER)
    arguments = parser.parse_args()
    print(tp.accelerate())
    keras.utils.set_random_seed(0)
    painter = checkpoint.painter(UNet(**NETWORK))
    source = data.open_source("portrait_world", "train", image_size=SIZE, count=arguments.portraits)
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(source, painter.tokenizer, variants=4, seed=0)
    batches = data.latents_dataset(
        latents, token_ids, autoencoder=painter.autoencoder, batch_size=64, repeat=True, drop_remainder=True, seed=0
    )
    painter.compile(training.Muon(3e-3, weight_decay=0.01, beta_2=0.99, global_clipnorm=1.0))
    epoch = 100
    painter.fit(
        batches,
        epochs=arguments.steps // epoch,
        steps_per_epoch=epoch,
        verbose=2,
        callbacks=[tp.Recovery(arguments.run)],
    )
    checkpoint.save_unet(painter.unet, arguments.out)
    accuracy, distance, painted = measured(painter)
    print(f"prompt accuracy {accuracy:.3f}, oracle_fd {distance:.2f}")
    tp.plot.images(painted[:16], columns=8, size=1.0).savefig(Path(arguments.run) / "painted.png")


if __name__ == "__main__":
    main()
