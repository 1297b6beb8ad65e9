"""A new character from five pictures: DreamBooth, DreamBooth with LoRA, textual inversion on portrait_128, measured.

    python tests/benchmarks/bench_personal.py [--recipes word,lora,full] [--characters 2] [--prompts 128] [--pictures X]

A character is a portrait of the world whose identity is fixed; five pictures show it in different styles, places and
clothes. Afterwards it is painted with other seeds, in styles, places and clothes of random portraits, and the oracle
reads it. Printed, before and after:

- identity: of the attributes of the identity, how many are right. Beside it what the prompt with all of them in words
  gets from the untrained painter, and what the oracle reads on real renders of the character.
- recognised: how often the character, among it and 99 random ones, is the one that most of what is read agrees with.
- scene: of what the prompts do say (style, background, clothes ...), how much is right: whether it can still be moved.
- others: prompt accuracy on ordinary prompts of other people, which is to stay.
"""

import argparse
import dataclasses
import os
import tempfile
import time

import numpy as np

COLOURED = ("flat", "soft", "watercolour", "oil", "anime", "pixel")
IDENTITY = (
    "age",
    "gender",
    "skin_tone",
    "face_shape",
    "hair_style",
    "hair_color",
    "eye_color",
    "glasses",
    "facial_hair",
)
SCENE = ("style", "expression", "clothing", "clothing_color", "pose", "lighting", "background")
CHARACTERS = (
    {"age": "young", "gender": "woman", "skin_tone": "brown", "face_shape": "heart", "hair_style": "braids",
     "hair_color": "pink", "eye_color": "green", "glasses": "round", "facial_hair": "none"},
    {"age": "elderly", "gender": "man", "skin_tone": "pale", "face_shape": "square", "hair_style": "curly",
     "hair_color": "blue", "eye_color": "brown", "glasses": "square", "facial_hair": "beard"},
    {"age": "middle_aged", "gender": "woman", "skin_tone": "dark", "face_shape": "oval", "hair_style": "bun",
     "hair_color": "blonde", "eye_color": "blue", "glasses": "none", "facial_hair": "none"},
)  # fmt: skip
OTHERS = {"headwear": "none", "earrings": "none"}
TAUGHT = tuple(
    dict(zip(SCENE, values, strict=True))
    for values in (
        ("flat", "smiling", "t_shirt", "red", "front", "even", "plain"),
        ("watercolour", "neutral", "suit", "black", "left", "even", "sea"),
        ("oil", "sad", "turtleneck", "green", "right", "left", "room"),
        ("soft", "surprised", "hoodie", "yellow", "front", "right", "mountains"),
        ("anime", "angry", "shirt", "white", "left", "right", "blossoms"),
    )
)


@dataclasses.dataclass
class Recipe:
    """How a character is taught.

    Attributes:
        trained: str. "word" (new vectors), "lora" or "full" (the whole U-Net).
        learning_rate: float.
        steps: int.
        noun: str. What the prompts call the character. "<zwk>" is the new word, which the recipe "word" learns; the
            others find it known.
        batch_size: int. Of each kind of pictures.
        prior: int. Painted pictures of others, to remember; 0 for none.
        prior_weight: float.
        rank: int. Of the LoRA.
        count: int. Vectors of the word.
    """

    trained: str
    learning_rate: float
    steps: int
    noun: str = "<zwk>"
    batch_size: int = 4
    prior: int = 0
    prior_weight: float = 1.0
    rank: int = 8
    count: int = 2


RECIPES = {
    "word": Recipe("word", 3e-2, 160, batch_size=8),
    "lora": Recipe("lora", 2e-3, 120, prior=64),
    "full": Recipe("full", 2e-4, 120, prior=64),
    "letters": Recipe("full", 1e-3, 300, noun="zwk person", prior=64),
}


def portrait(identity, scene, seed):
    """The character in a scene."""
    from tfportrait import world

    return world.sample(seed, **identity, **OTHERS, **scene)


def prompt(scene, noun, seed=None):
    """A sentence that says everything but who it is."""
    from tfportrait import world

    text = str(world.compose(scene, "en", seed))
    assert "person" in text
    return text.replace("person", noun, 1)


def person_prompts(scene, noun, count):
    """Several wordings; only those of them in which the person is called so."""
    from tfportrait import world

    texts = [str(world.compose(scene, "en", seed)) for seed in range(8 * count)]
    return [text.replace("person", noun, 1) for text in texts if "person" in text][:count]


def scenes(count):
    """Scenes of random portraits, in the styles that have colours."""
    from tfportrait import world

    made = []
    for i in range(count):
        sample = world.sample(2**43 + i, **OTHERS, style=COLOURED[i % len(COLOURED)])
        made.append({name: sample.attributes[name] for name in SCENE})
    return made


def share(read, oracle, names, wanted):
    """Of the attributes of each picture, how many are read as they should be; and the same for each attribute.

    Laughing closes the eyes: their colour does not count there.
    """
    hits = {name: [] for name in names}
    for i, each in enumerate(wanted):
        for name in names:
            if name == "eye_color" and each["expression"] == "laughing":
                continue
            hits[name].append(oracle.attributes[name][read[name][i]] == each[name])
    return np.mean(sum(hits.values(), [])), {name: float(np.mean(values)) for name, values in hits.items()}


def recognised(read, oracle, identity, count=100):
    """How often the character is the nearest of `count` to what is read; ties count against it."""
    from tfportrait import world

    people = [identity] + [world.sample(2**44 + i).attributes for i in range(count - 1)]
    codes = np.array([[oracle.attributes[name].index(each[name]) for name in IDENTITY] for each in people])
    seen = np.stack([read[name] for name in IDENTITY], axis=1)  # (N, attributes)
    agreeing = (seen[:, None] == codes[None]).sum(-1)  # (N, people)
    return float((agreeing[:, 0] > agreeing[:, 1:].max(1)).mean())


def paint(painter, texts, seed, batch_size=32):
    """Pictures for prompts, uint8 (N, H, W, 3)."""
    parts = range(0, len(texts), batch_size)
    return np.concatenate([painter.generate(texts[i : i + batch_size], seeds=seed + i) for i in parts])


def others(painter, oracle, count):
    """Prompt accuracy on ordinary prompts."""
    from tfportrait import metrics

    texts, named, _ = metrics.held_out_prompts(count)
    return metrics.prompt_accuracy(oracle, paint(painter, texts, 0), named).accuracy


def measure(painter, oracle, identity, noun, count):
    """Identity, recognition and scene of the character, painted for prompts that call it by `noun`; the pictures."""
    given = scenes(count)
    images = paint(painter, [prompt(scene, noun) for scene in given], 5000)
    read = oracle.read(images)
    wanted = [{**identity, **scene} for scene in given]
    right, by_attribute = share(read, oracle, IDENTITY, wanted)
    scene_right, _ = share(read, oracle, SCENE, wanted)
    return (
        {"identity": right, "recognised": recognised(read, oracle, identity), "scene": scene_right},
        by_attribute,
        images,
    )


def bounds(painter, oracle, identity, count):
    """The same with the identity in words, untrained, and on real renders."""
    from tfportrait import world

    given = scenes(count)
    wanted = [{**identity, **scene} for scene in given]
    worded = paint(painter, [str(world.compose({**identity, **scene}, "en")) for scene in given], 5000)
    real = np.stack([portrait(identity, scene, 7).render(painter.image_size) for scene in given])
    made = {}
    for name, images in (("in words", worded), ("real", real)):
        read = oracle.read(images)
        made[name] = {
            "identity": share(read, oracle, IDENTITY, wanted)[0],
            "recognised": recognised(read, oracle, identity),
            "scene": share(read, oracle, SCENE, wanted)[0],
        }
    return made


def teach(painter, identity, recipe, word):
    """Trains the painter on the character's five pictures; seconds of training.

    Args:
        painter: LatentDiffusion.
        identity: dict.
        recipe: Recipe.
        word: path. File of the new word: written by the recipe that learns it, read by the others that use it.
    """
    import tfportrait as tp
    from tfportrait import world

    if recipe.trained == "word":
        added = tp.add_word(painter, recipe.noun, like="person", count=recipe.count)
    elif recipe.noun == "<zwk>":
        tp.load_word(painter, word)
    if recipe.trained == "lora":
        tp.add_lora(painter, rank=recipe.rank)
    images = np.stack([portrait(identity, scene, 7).render(painter.image_size) for scene in TAUGHT])
    prompts = [person_prompts(scene, recipe.noun, 4) for scene in TAUGHT]
    sampled = [world.sample(2**42 + 2**40 + i) for i in range(recipe.prior)]
    classes = [str(each.caption("zh" if i % 2 else "en", seed=i)) for i, each in enumerate(sampled)]
    data = tp.personal_dataset(
        painter, images, prompts, classes, prior_weight=recipe.prior_weight, batch_size=recipe.batch_size, seed=100
    )
    painter.caption_dropout = 0.0
    settings = {"weight_decay": 0.0, "beta_2": 0.99, "ema_decay": 0.98, "global_clipnorm": 1.0}
    painter.compile(tp.training.AdamW(recipe.learning_rate, **settings))
    start = time.perf_counter()
    painter.fit(data, steps_per_epoch=recipe.steps, verbose=0, shuffle=False)
    if recipe.trained == "word":
        added.save(word)
    return time.perf_counter() - start


def row(name, values):
    """One line of the table."""
    cells = [
        f"{values[key]:12.3f}" if key in values else " " * 12 for key in ("identity", "recognised", "scene", "others")
    ]
    return f"{name:24s}{''.join(cells)}" + (f"{values['seconds']:8.0f} s" if "seconds" in values else "")


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipes", default="word,lora,full")
    parser.add_argument("--characters", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=128)
    parser.add_argument("--pictures", default=None, help="folder for a PNG of each run: the five, then painted ones")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tfportrait as tp

    with tempfile.TemporaryDirectory() as folder:
        run(tp, {name: RECIPES[name] for name in arguments.recipes.split(",")}, arguments, folder)


def run(tp, recipes, arguments, folder):
    """Teaches every character by every recipe; the words go into the folder."""
    oracle = tp.Oracle.from_preset("oracle_128")
    fresh = tp.LatentDiffusion.from_preset("portrait_128")
    kept = others(fresh, oracle, arguments.prompts)
    print(f"{'':24s}{'identity':>12s}{'recognised':>12s}{'scene':>12s}{'others':>12s}", flush=True)
    for number, identity in enumerate(CHARACTERS[: arguments.characters]):
        for name, values in bounds(fresh, oracle, identity, 48).items():
            print(row(f"{number} {name}", values), flush=True)
        before, _, _ = measure(fresh, oracle, identity, "zwk person", 48)
        print(row(f"{number} before", {**before, "others": kept}), flush=True)
        for name, recipe in recipes.items():
            painter = tp.LatentDiffusion.from_preset("portrait_128")
            seconds = teach(painter, identity, recipe, os.path.join(folder, f"{number}.safetensors"))
            after, by_attribute, images = measure(painter, oracle, identity, recipe.noun, 48)
            after["others"] = others(painter, oracle, arguments.prompts)
            print(row(f"{number} {name}", {**after, "seconds": seconds}), flush=True)
            print("    " + ", ".join(f"{key} {value:.2f}" for key, value in by_attribute.items()), flush=True)
            if arguments.pictures:
                show(os.path.join(arguments.pictures, f"{number}-{name}.png"), identity, images)


def show(path, identity, images):
    """The five pictures above sixteen painted ones."""
    from PIL import Image

    five = [portrait(identity, scene, 7).render(128) for scene in TAUGHT]
    five += [np.full_like(five[0], 255)] * 3
    rows = [np.concatenate(five, 1), np.concatenate(images[:8], 1), np.concatenate(images[8:16], 1)]
    Image.fromarray(np.concatenate(rows)).save(path)


if __name__ == "__main__":
    main()
