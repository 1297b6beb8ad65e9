"""What a preset is worth: its painter against the oracle and real pictures, its autoencoder against the latter."""

import dataclasses

import numpy as np
from tqdm import tqdm

from tfportrait import world
from tfportrait.metrics.bias import Balance, balance
from tfportrait.metrics.distances import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    kernel_distance_of_subsets,
    precision_recall,
)
from tfportrait.metrics.image_distance import WINDOW, perceptual_distance, psnr, ssim
from tfportrait.metrics.intervals import bootstrap, wilson
from tfportrait.metrics.memory import Memorisation, memorisation
from tfportrait.metrics.parts import Parts
from tfportrait.metrics.prompts import Accuracy, accuracy_of, held_out_prompts, wanted_values
from tfportrait.metrics.words import clip_score
from tfportrait.world.choice import world_of

LEAST = 10  # images for distances between sets
NEIGHBOURS = {"precision_recall": 3, "density_coverage": 5}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Measured on pictures that no training has seen, and on what is painted for their captions.

    Attributes:
        prompts: Accuracy or None. Of the painted images. None where no caption names what the oracle reads.
        reconstructions: Accuracy or None. Of what the autoencoder makes of the real pictures: what the painter can
            reach at best. None without an autoencoder, as are `psnr`, `ssim` and `perceptual`.
        psnr: float or None. Mean over these reconstructions, in dB.
        ssim: float or None. Likewise; None for pictures smaller than its window, too.
        perceptual: float or None. Likewise, on the oracle's feature maps.
        count: int. Prompts.
        num_steps: int. Steps of the sampler.
        oracle_fd, oracle_kd: float or None. Frechet and kernel distance of painted and real pictures on the oracle's
            features. None for fewer than ten pictures, as are the next six.
        oracle_kd_deviation: float. Over a hundred pairs of random subsets of half the pictures, at most 1,000.
        real_fd, real_kd: float or None. The same distances between training pictures and real ones, equally many: what
            a perfect painter of other captions has. None without training pictures.
        precision, recall, density, coverage: float. On the oracle's features.
        fd: dict or None. "frechet", "kernel" and its "deviation" on the "features" of an Inception: FID and KID, where
            those are called "fid". None without `inception`.
        clip_score: float or None. Mean over the painted images.
        memorisation: Memorisation or None. Against the training pictures, where they were given.
        balance: Balance or None. Of the attributes that the prompts are silent about. None without pictures of a world.
        intervals: dict of str to (float, float). 95 % intervals of `accuracy`, `psnr`, `ssim`, `perceptual`,
            `clip_score` and, as "accuracy.NAME", of each attribute's accuracy: bootstrapped over pictures, Wilson's
            for the last.
        values: dict of str to list of str. The values of every attribute.
        confusion: dict of str to int array (values, values). For each attribute how often the row's value was named
            and the column's was read.
    """

    prompts: Accuracy | None
    reconstructions: Accuracy | None
    psnr: float | None
    count: int
    num_steps: int
    ssim: float | None = None
    perceptual: float | None = None
    oracle_fd: float | None = None
    oracle_kd: float | None = None
    oracle_kd_deviation: float | None = None
    real_fd: float | None = None
    real_kd: float | None = None
    precision: float | None = None
    recall: float | None = None
    density: float | None = None
    coverage: float | None = None
    fd: dict | None = None
    clip_score: float | None = None
    memorisation: Memorisation | None = None
    balance: Balance | None = None
    intervals: dict = dataclasses.field(default_factory=dict)
    values: dict = dataclasses.field(default_factory=dict)
    confusion: dict = dataclasses.field(default_factory=dict)

    def numbers(self):
        """All of it as numbers, strings, lists and dicts, for JSON; images' own distances are left out."""
        found = dataclasses.asdict(dataclasses.replace(self, memorisation=None, confusion={}))
        if self.memorisation is not None:
            fields = ("share", "level", "threshold", "interval")
            found["memorisation"] = {name: getattr(self.memorisation, name) for name in fields}
        found["confusion"] = {name: np.asarray(matrix).tolist() for name, matrix in self.confusion.items()}
        return found

    def __str__(self):
        lines = [f"{self.count} unseen prompts, {self.num_steps} steps"]
        if self.prompts is not None:
            between = "95 % interval {:.3f} to {:.3f})".format(*self.intervals["accuracy"])
            lines.append(str(self.prompts).replace(")", f"; {between}", 1))
        lines += self._distance_lines()
        if self.clip_score is not None:
            lines.append(f"CLIP score {self.clip_score:.2f}")
        if self.balance is not None:
            lines.append(str(self.balance))
        lines += self._reconstruction_lines()
        return "\n".join(lines)

    def _distance_lines(self):
        lines = []
        if self.oracle_fd is not None:
            fd, kd = _beside(self.oracle_fd, self.real_fd, 3), _beside(self.oracle_kd, self.real_kd, 5)
            lines.append(f"oracle_fd {fd}   oracle_kd {kd}, of subsets +- {self.oracle_kd_deviation:.5f}")
            lines.append(f"precision {self.precision:.3f}  recall {self.recall:.3f}  ")
            lines[-1] += f"density {self.density:.3f}  coverage {self.coverage:.3f}"
        if self.fd is not None:
            names = ("FID", "KID") if self.fd["features"] == "fid" else ("keras_inception_fd", "keras_inception_kd")
            lines.append(f"{names[0]} {self.fd['frechet']:.3f}   {names[1]} {self.fd['kernel']:.5f} ")
            lines[-1] += f"+- {self.fd['deviation']:.5f}"
        if self.memorisation is not None:
            low, high = self.memorisation.interval
            lines.append(f"{self.memorisation.share:.3f} ({low:.3f} to {high:.3f}) are nearer to a training picture ")
            lines[-1] += f"than all but {self.memorisation.level:.0%} of the unseen ones"
            lines[-1] += ": the painter repeats what it has seen" if self.memorisation.repeats else ""
        return lines

    def _reconstruction_lines(self):
        if self.psnr is None:
            return []
        similar = "" if self.ssim is None else f", {self.ssim:.4f} SSIM"
        lines = [f"autoencoder: {self.psnr:.2f} dB PSNR{similar}, {self.perceptual:.4f} perceptual distance"]
        if self.reconstructions is not None:
            accuracy, real = self.reconstructions.accuracy, self.prompts.real
            lines.append(f"oracle on its reconstructions {accuracy:.3f}, {accuracy / real:.3f} of that on real renders")
            worst = sorted(self.reconstructions.by_attribute.items(), key=lambda item: item[1])[:3]
            lines.append("  lowest: " + ", ".join(f"{name} {value:.3f}" for name, value in worst))
        return lines


def _beside(value, real, digits):
    return f"{value:.{digits}f}" + ("" if real is None else f" (real pictures {real:.{digits}f})")


def evaluate(
    painter,
    oracle,
    *,
    count=512,
    num_steps=20,
    guidance_scale=4.0,
    sampler="dpmpp_2m",
    batch_size=32,
    source=None,
    training=None,
    inception=None,
    clip=None,
    parts=None,
    identity=None,
    seed=0,
):
    """Paints unseen prompts and has an oracle read the pictures.

    Args:
        painter: LatentDiffusion, of the oracle's image size.
        oracle: Oracle.
        count: int. Number of prompts; at most as many as `source` has pictures.
        num_steps, guidance_scale, sampler: as `LatentDiffusion.generate` takes them.
        batch_size: int. Images painted at a time.
        source: data.Source or None. Unseen pictures of the oracle's size; where one has no caption, all are painted
            without words. Without a source, pictures of the world whose attributes the oracle reads, portraits or
            scenes, every other caption Chinese.
        training: data.Source or None. Training pictures: what is painted must not repeat them. At least `count`.
        inception: InceptionFeatures or None. For FID and KID; see `Evaluation.fd`.
        clip: CLIP or None. For the CLIP score.
        parts: str, path or None. Folder in which the results of the batches are kept until all are there: called again
            with the same arguments, an evaluation that was stopped goes on.
        identity: what JSON can hold, or None. Tells this painter and this oracle from others; needed with `parts`.
        seed: int. Of the first image; the others follow.

    Returns:
        Evaluation.

    Raises:
        ValueError: `count` is below 1 or more than there are pictures, the sizes differ, or the oracle is of no drawn
            world and there is no source.
    """
    available = None if source is None else len(source)
    if count < 1 or (available is not None and count > available):
        raise ValueError(f"count must be at least 1, got {count}" if count < 1 else f"{count} of {available} pictures")
    check_sizes(painter, oracle)
    if training is not None and len(training) < count:
        raise ValueError(f"{len(training)} training pictures for {count} unseen ones: give at least as many")
    texts, named, pictures = _subjects(oracle, count, source)
    others = [None if inception is None else inception.name, clip is not None]
    data = None if source is None else [source.fingerprint, source.text_fingerprint]
    kept = Parts(parts, identity, [count, num_steps, guidance_scale, sampler, batch_size, seed, *others, data])

    def measure(part, first):
        real = pictures(part)
        words = texts[part] if all(texts) else None
        seeds = list(range(seed + first, seed + first + len(real)))
        painted = painter.generate(
            words, seeds=seeds, num_steps=num_steps, guidance_scale=guidance_scale, sampler=sampler
        )
        found = {**_read("real", oracle, real), **_read("painted", oracle, painted)}
        if inception is not None:
            found |= {"real_inception": inception(real), "painted_inception": inception(painted)}
        if clip is not None and words is not None:
            found["clip_score"] = clip_score(clip, painted, texts[part])
        if painter.autoencoder is not None:
            again = painter.autoencoder.reconstruct(real)
            found.update(_read("reconstructed", oracle, again, features=False), psnr=psnr(real, again))
            if min(real.shape[1:3]) >= WINDOW:
                found["ssim"] = ssim(real, again)
            found["perceptual"] = perceptual_distance(oracle, real, again, batch_size=batch_size)
        return found

    batches = []
    for start in tqdm(range(0, count, batch_size), desc="painting", unit="batch", leave=False, disable=None):
        part = slice(start, min(start + batch_size, count))
        batches.append(kept.get(f"painted-{start:07d}", lambda part=part, start=start: measure(part, start)))
    rows = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    known = None if training is None else _features(oracle, training, kept, batch_size)
    result = _summary(rows, named, oracle, known, of_a_world=source is None)
    if inception is not None and count >= LEAST:
        painted, real = rows["painted_inception"], rows["real_inception"]
        result["fd"] = {"features": inception.name, "frechet": frechet_distance(painted, real)}
        result["fd"]["kernel"], result["fd"]["deviation"] = kernel_distance_of_subsets(painted, real, size=_half(real))
    kept.remove()
    return Evaluation(count=count, num_steps=num_steps, **result)


def check_sizes(painter, oracle):
    """Raises a ValueError unless an oracle reads images of the size that a painter paints."""
    if painter.image_size != oracle.image_size:
        raise ValueError(f"the painter paints {painter.image_size} px, but the oracle reads {oracle.image_size} px")


def _subjects(oracle, count, source):
    """Prompts, what each names, and a function from a slice to the real pictures."""
    if source is None:
        texts, named, drawn = held_out_prompts(count, of=world_of(oracle.attributes))
        return texts, named, lambda part: np.stack([each.render(oracle.image_size) for each in drawn[part]])
    texts = source.captions(np.arange(count))
    reader = world.WORLDS[world_of(oracle.attributes)].read_prompt
    named = [reader(text).attributes if text else {} for text in texts]
    return texts, named, lambda part: source.images(np.arange(part.start, part.stop))


def _read(name, oracle, images, features=True):
    found = {f"{name}.{attribute}": values for attribute, values in oracle.read(images).items()}
    if features:
        found[f"{name}_features"] = oracle.embed(images)
    return found


def _features(oracle, source, kept, batch_size):
    rows = []
    starts = range(0, len(source), batch_size)
    for start in tqdm(starts, desc="training pictures", unit="batch", leave=False, disable=None):
        part = np.arange(start, min(start + batch_size, len(source)))
        made = kept.get(
            f"training-{start:07d}", lambda part=part: {"features": oracle.embed(source.images(part), batch_size)}
        )
        rows.append(made["features"])
    return np.concatenate(rows)


def _summary(rows, named, oracle, known, of_a_world):
    attributes = oracle.attributes
    read, real, again = (_of(rows, name, attributes) for name in ("painted", "real", "reconstructed"))
    result = {"prompts": None, "reconstructions": None, "intervals": {}, "values": dict(attributes)}
    if any(named):
        judged = real if of_a_world else None  # what a caption leaves out may be in the picture all the same
        result["prompts"] = accuracy_of(read, named, attributes, judged)
        result["intervals"] = accuracy_intervals(read, named, attributes)
        result["confusion"] = _confusion(read, named, attributes)
        if again is not None and of_a_world:
            result["reconstructions"] = accuracy_of(again, named, attributes)
    for name in ("psnr", "ssim", "perceptual", "clip_score"):
        values = rows.get(name)
        result[name] = None if values is None else float(values.mean())
        if values is not None and len(values) > 1:
            result["intervals"][name] = bootstrap(np.mean, values)
    if of_a_world:
        silent = {name: np.array([name not in each for each in named]) for name in attributes}
        if all(rows.any() for rows in silent.values()):
            pair = ({name: values[silent[name]] for name, values in x.items()} for x in (read, real))
            result["balance"] = balance(*pair, attributes)
    if len(named) >= LEAST:
        result.update(_distances(rows["painted_features"], rows["real_features"], known))
    return result


def _of(rows, name, attributes):
    if f"{name}.{next(iter(attributes))}" not in rows:
        return None
    return {attribute: rows[f"{name}.{attribute}"] for attribute in attributes}


def _half(rows):
    return min(1000, len(rows) // 2)


def _distances(painted, real, known):
    found = {"oracle_fd": frechet_distance(painted, real), "oracle_kd": kernel_distance(painted, real)}
    found["oracle_kd_deviation"] = kernel_distance_of_subsets(painted, real, size=_half(real))[1]
    found["precision"], found["recall"] = precision_recall(painted, real, neighbours=NEIGHBOURS["precision_recall"])
    found["density"], found["coverage"] = density_coverage(painted, real, neighbours=NEIGHBOURS["density_coverage"])
    if known is not None:
        equally = known[: len(real)]
        found["real_fd"], found["real_kd"] = frechet_distance(equally, real), kernel_distance(equally, real)
        level = max(0.01, 1 / len(real))
        found["memorisation"] = memorisation(painted, known, real, level=level)
    return found


def accuracy_intervals(read, named, attributes):
    """95 % intervals of prompt accuracy: "accuracy" over the images, and "accuracy.NAME" of each named attribute."""
    found, of_image, counts = {}, np.zeros(len(named)), np.zeros(len(named))
    for name, (rows, values) in wanted_values(named, attributes).items():
        hits = read[name][rows] == values
        found[f"accuracy.{name}"] = wilson(int(hits.sum()), len(hits))
        of_image[rows] += hits
        counts[rows] += 1
    keep = counts > 0
    found["accuracy"] = bootstrap(lambda h, c: h.sum() / c.sum(), of_image[keep], counts[keep])
    return found


def _confusion(read, named, attributes):
    found = {}
    for name, (rows, values) in wanted_values(named, attributes).items():
        found[name] = np.zeros((len(attributes[name]),) * 2, int)
        np.add.at(found[name], (values, read[name][rows]), 1)
    return found
