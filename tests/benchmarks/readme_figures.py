"""Makes the pictures of the README: contact sheets of the two worlds, what the shipped preset paints, edits and strips.

python tests/benchmarks/readme_figures.py data/figures
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import tfportrait as tp
from tfportrait.tasks.moving import video_presets

JPEG = {"quality": 70, "optimize": True, "progressive": True}
PROMPTS = [
    "a smiling woman with long red hair and round glasses, watercolour",
    "一位面带微笑、戴圆框眼镜的红色长发女士，水彩风格",
    "an angry bald man with a black beard, flat illustration",
    "a laughing girl with blonde braids and a straw hat, anime",
    "an elderly man with a grey moustache in a suit, oil painting",
    "一位戴墨镜的蓝色短发男子，像素风格",
    "穿汉服的黑色长发女子，水墨画",
    "a surprised woman with pink curly hair and hoop earrings, forest background",
    "一个悲伤的男孩，戴毛线帽，铅笔素描",
    "a young man with spiky blue hair and sunglasses at night, anime",
    "a middle-aged woman with a brown bun in a green turtleneck, by the sea",
    "portrait of a woman with a blonde bob and a red beret, soft shading",
    "a dark-skinned man with a goatee and a yellow hoodie, city background",
    "戴皇冠的金发女孩，樱花背景，动漫风格",
    "a pencil sketch of an elderly woman with square glasses",
    "a smiling man with a cap and a purple t-shirt, pixel art",
]

EDITED = 2**41 + 2**39 + 5  # a portrait of no split
PARTS = (  # (top, bottom, left, right), and what is said of it
    ((44, 72, 28, 100), {"glasses": "sunglasses"}),
    ((74, 100, 40, 88), {"expression": "laughing"}),
    ((0, 46, 0, 128), {"headwear": "crown"}),
)


def contact_sheet(path, sample, rows, columns=8, size=160):
    """The first pictures of a world."""
    images = np.stack([sample(seed).render(2 * size) for seed in range(rows * columns)])
    sheet = images.reshape(rows, columns, 2 * size, 2 * size, 3).swapaxes(1, 2)
    sheet = sheet.reshape(2 * rows * size, 2 * columns * size, 3)
    Image.fromarray(sheet).resize((columns * size, rows * size), Image.LANCZOS).save(path, **JPEG)


def painted(path):
    """Sixteen prompts and what the preset paints for them."""
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    images = painter.generate(PROMPTS, seeds=0)
    tp.plot.images(images, PROMPTS, columns=4).savefig(path, dpi=110, pil_kwargs=JPEG)


DAMAGE = {  # title -> kind, level, what restores it
    "noise of 25": ("gaussian", 25, "pixels"),
    "noise of 50": ("gaussian", 50, "pixels"),
    "30 photons": ("poisson", 30, "pixels"),
    "JPEG, quality 10": ("jpeg", 10, "painter"),
    "blur of 2 pixels": ("blur", 2, "painter"),
    "grey": ("grey", None, "painter"),
}


def editing(path):
    """One portrait that no training has seen: restyled, parts of it painted anew, enlarged, damaged and restored."""
    portrait = tp.world.sample(EDITED)
    image = portrait.render(128)
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    source = str(tp.world.compose(portrait.attributes))
    rows = [{"portrait": image}, {}, {}, {}, {}]
    for style in ("oil", "anime", "ink", "pencil", "pixel"):
        words = str(tp.world.compose({**portrait.attributes, "style": style}))
        rows[0][style] = tp.tasks.image_to_image(painter, image, words, source_prompts=source)[0]
    for number, (box, changes) in enumerate(PARTS):
        top, bottom, left, right = box
        mask = np.zeros((128, 128), bool)
        mask[top:bottom, left:right] = True
        hole = image.copy()
        hole[mask] = 128
        words = str(tp.world.compose({**portrait.attributes, **changes}))
        rows[1][f"hole {number + 1}"] = hole
        rows[1][", ".join(changes.values()).replace("_", " ")] = tp.tasks.inpaint(painter, hole, mask, words)[0]
    detail = np.s_[40:104, 32:96]
    large = tp.tasks.upscale(image)[0]
    small = Image.fromarray(image[detail])
    rows[2] = {
        "128 px": np.asarray(small.resize((256, 256), Image.NEAREST)),
        "bicubic": np.asarray(small.resize((256, 256), Image.BICUBIC)),
        "upscaled": np.asarray(Image.fromarray(large[80:208, 64:192]).resize((256, 256), Image.NEAREST)),
        "the world's 256 px": portrait.render(256)[80:208, 64:192],
    }
    again = str(tp.world.compose({**portrait.attributes, "hair_color": "blue", "expression": "laughing"}))
    found = painter.generate(again, seeds=3)
    rows[2]["painted"] = found[0]
    rows[2]["at 256 px"] = tp.tasks.upscale(found, painted=True)[0]
    pixels = tp.PixelDiffusion.from_preset("pixels_128")
    for title, (name, level, model) in DAMAGE.items():
        damaged = tp.tasks.degrade(image, name, level)[0]
        rows[3][title] = damaged
        if model == "pixels":
            restored = tp.tasks.restore(pixels, damaged, name, level=level)
        else:
            restored = tp.tasks.restore(painter, damaged, name, source, level=level)
        rows[4][f"{title},\nrestored"] = restored[0]
    figure = Figure(figsize=(12, 11.6), layout="constrained")
    grid = figure.subplots(5, 6)
    for line, row in zip(grid, rows, strict=True):
        for axes, (title, picture) in zip(line, row.items(), strict=True):
            axes.imshow(picture)
            axes.set_title(title, fontsize=11)
            axes.axis("off")
    figure.savefig(path, dpi=110, pil_kwargs=JPEG)


def moving(path):
    """Walks between words and seeds, motions, guidance, a direction, and a panorama of scenes: strips of 1024 px."""
    painter, scenes = (tp.LatentDiffusion.from_preset(name) for name in ("portrait_128", "scene_128"))
    words = ["a neutral man in a suit, anime", "a laughing man in a suit, anime"]
    asked, landscape = "a woman with long hair and round glasses, oil painting", "a sea coast at dawn, anime"
    found = tp.tasks.directions(painter, tp.Oracle.from_preset("oracle_128"), "hair_color", count=160)
    strengths = [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0]
    scales = [1, 2, 3, 4, 6, 8, 10, 12]

    def moved(prompt, motion, seed):
        first, last, kind = tp.tasks.motion_ends([prompt], motion)
        video = tp.VideoDiffusion.from_preset(video_presets(motion)[1], scenes if kind == "nightfall" else painter)
        return f"animate --motion {motion}: {prompt}", video.generate(first, last, motion=kind, seeds=seed)[0]

    strips = {
        "animate: from a neutral to a laughing man, one seed": tp.tasks.animate(painter, words, frames=8, seeds=3),
        f"animate: {asked}, from one seed to another": tp.tasks.animate(painter, [asked] * 2, frames=8, seeds=[1, 2]),
        **dict(
            [
                moved("a woman with long red hair, anime", "turn-left", 1),
                moved("a sailing boat on the sea, flat colours", "nightfall", 1),
            ]
        ),
        "explore: guidance " + ", ".join(map(str, scales)): np.concatenate(
            [painter.generate(asked, seeds=1, guidance_scale=float(scale)) for scale in scales]
        ),
        "slide: towards red hair, strengths " + ", ".join(f"{strength:g}" for strength in strengths): tp.tasks.slide(
            painter, found["red", "latents"], "a young woman with long black hair in a blue shirt", strengths, seeds=5
        )[:, 0],
        f"panorama: {landscape}; its ends join": tp.tasks.panorama(scenes, landscape, width=1024, seeds=1),
    }
    figure = Figure(figsize=(10.24, 1.5 * len(strips)), layout="constrained")
    for axis, (title, images) in zip(figure.subplots(len(strips)), strips.items(), strict=True):
        axis.imshow(np.concatenate(images, axis=1))
        axis.set_title(title, fontsize=9, loc="left")
        axis.axis("off")
    figure.savefig(path, dpi=100, pil_kwargs=JPEG)


def main(folder):
    """Writes them into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    contact_sheet(folder / "world.jpg", tp.world.sample, rows=5)
    contact_sheet(folder / "scenes.jpg", tp.world.scenes.sample, rows=4)
    painted(folder / "painted.jpg")
    editing(folder / "editing.jpg")
    moving(folder / "moving.jpg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", help="where the pictures go")
    main(parser.parse_args().folder)
