"""Reading and writing weights in diffusers' folder layout: config.json beside a safetensors file.

One rule names every variable: the path of attributes that leads to its layer, joined by dots
(`down_blocks.0.resnets.1`), then `weight` or `bias`. One rule transposes: a convolution is OIHW on disk and HWIO here,
a dense kernel (out, in) on disk and (in, out) here.
"""

import functools
import json
import re
from pathlib import Path
from typing import NamedTuple

import keras
import ml_dtypes  # noqa: F401  (teaches numpy the name "bfloat16", which safetensors asks it for)
import numpy as np
import safetensors
import safetensors.numpy

from tfportrait.files import atomic_write

SUFFIXES = {"kernel": "weight", "gamma": "weight", "embeddings": "weight", "bias": "bias", "beta": "bias"}
DTYPES = ("float16", "bfloat16", "float32")
# Names that older files use, as they end up here.
OLD_NAMES = (
    (".attentions.0.query.", ".attentions.0.to_q."),
    (".attentions.0.key.", ".attentions.0.to_k."),
    (".attentions.0.value.", ".attentions.0.to_v."),
    (".attentions.0.proj_attn.", ".attentions.0.to_out.0."),
)
UP_BLOCK = re.compile(r"\bup_blocks\.(\d+)\.")
FIRST_CONVOLUTION = "conv_in.weight"
FLOATS = ("F16", "BF16", "F32", "F64")  # as safetensors calls them
# The bits that are all set where a number is infinite or none.
EXPONENTS = {"float16": 0x7C00, "bfloat16": 0x7F80, "float32": 0x7F800000, "float64": 0x7FF0000000000000}
SHOWN = 10


def named_variables(model):
    """The model's variables under the names that they have on disk.

    Args:
        model: a built layer or model whose attributes carry diffusers' names. A class attribute `weights_prefix`
            is put before every name.

    Returns: dict, name -> variable, in the order of the attributes.
    """
    return dict(_walk(model, getattr(model, "weights_prefix", "")))


def _walk(layer, prefix):
    children = [(name, value) for name, value in vars(layer).items() if not name.startswith("_")]
    within = set()
    for name, value in children:
        items = enumerate(value) if isinstance(value, list | tuple) else [(None, value)]
        for index, child in items:
            if isinstance(child, keras.layers.Layer):
                within.update(map(id, child.weights))
                yield from _walk(child, f"{prefix}{name}." if index is None else f"{prefix}{name}.{index}.")
    for variable in layer.weights:
        if id(variable) not in within:
            yield prefix + SUFFIXES.get(variable.name, variable.name), variable


def copy_matching(source, target):
    """Gives the variables of one model the values of those in another that have the same place and shape.

    The blocks of both paths are counted from the image, so that the outer levels of a model fit one with more levels.
    Further channels of the first convolution, as an inpainting U-Net has them, are given zeros.

    Args:
        source: a built model.
        target: a built model.

    Returns: (int, int), the variables that were given a value, and all of the target.
    """
    given, wanted = _by_place(source), _by_place(target)
    fitting = 0
    for place in wanted.keys() & given.keys():
        value, shape = given[place], wanted[place].shape
        if place == FIRST_CONVOLUTION and value.shape[2] < shape[2]:
            value = keras.ops.pad(value, ((0, 0), (0, 0), (0, shape[2] - value.shape[2]), (0, 0)))
        if value.shape == shape:
            wanted[place].assign(value)
            fitting += 1
    return fitting, len(wanted)


def _by_place(model):
    """`named_variables`, with the numbers of `up_blocks`, whose last is the nearest to the image, counted backwards."""
    variables = named_variables(model)
    levels = 1 + max((int(found[1]) for found in map(UP_BLOCK.search, variables) if found), default=0)
    return {UP_BLOCK.sub(lambda found: f"up_blocks.{int(found[1]) - levels}.", k): v for k, v in variables.items()}


def _disk_shape(variable):
    shape = tuple(variable.shape)
    if variable.name == "kernel":
        return (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]
    return shape


def _to_disk(variable):
    value = keras.ops.convert_to_numpy(variable)
    if variable.name == "kernel":
        value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
    return np.ascontiguousarray(value)


def _same_shape(found, wanted):
    """Whether a tensor fits; older files store a dense kernel (O, I) as a 1x1 convolution (O, I, 1, 1)."""
    return found == wanted or (len(wanted) == 2 and found == (*wanted, 1, 1))


def weight_files(path, stem):
    """The safetensors files of a model folder: one, or the shards that an index lists; in half precision where there
    are no others.

    Args:
        path: str or path. A file, which is returned as it is, or a folder.
        stem: str. `"diffusion_pytorch_model"` or `"model"`.

    Raises: ValueError if there is none, or an index is damaged or lists a file that is missing or elsewhere.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    absent = []
    for variant in ("", ".fp16"):
        if (file := path / f"{stem}{variant}.safetensors").is_file():
            return [file]
        indices = f"{stem}.safetensors.index{variant}.json", f"{stem}{variant}.safetensors.index.json"
        for name in dict.fromkeys(indices):  # both are used for half precision
            if (path / name).is_file():
                shards = _shards(path / name)
                if all(shard.is_file() for shard in shards):
                    return shards
                absent += [shard for shard in shards if not shard.is_file()]
    if absent:
        raise ValueError(
            f"{len(absent)} of the files that the index in {path} lists are missing, first {absent[0].name}"
        )
    pickles = [file.name for kind in ("bin", "pt", "pth", "ckpt") for file in sorted(path.glob(f"*.{kind}"))]
    if pickles:
        raise ValueError(
            f"no weights at {path}: {stem}.safetensors is missing, and {pickles[0]} may run any code when opened: "
            "where you trust it, load it in diffusers and save_pretrained(..., safe_serialization=True)"
        )
    raise ValueError(f"no weights at {path}: {stem}.safetensors is missing")


def _shards(index):
    """The files that an index lists, all of them beside it."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{index} has no weight_map")
    for name in places.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise ValueError(f"{index} lists {name!r:.80}, which is no safetensors file beside it")
    return [index.parent / name for name in sorted(set(places.values()))]


def find_tensors(path, stem):
    """The tensors of a model folder or a file, whose headers alone are read.

    Args:
        path, stem: as `weight_files` takes them.

    Returns: dict, name on disk -> Place.

    Raises: ValueError if there are none, or a file is damaged.
    """
    return {key: place for file in weight_files(path, stem) for key, place in tensors_in(file).items()}


def read_weights(model, path):
    """Reads a safetensors file in diffusers' names and layout into the model's variables.

    Nothing is assigned unless every tensor fits.

    Args:
        model: a built model.
        path: str or path. The file, or the folder that has it. float16, bfloat16, float32 or float64.

    Raises: ValueError if the file is missing or damaged, or if tensors are missing, unexpected, of a wrong shape or not
        finite.
    """
    assign_tensors(model, path, named_variables(model), places_in(model, path))


def assign_tensors(model, path, variables, places):
    """Gives variables the values of tensors; none of them, unless all fit.

    Args:
        model: a built model, for messages.
        path: str or path, for messages.
        variables: dict, name -> variable.
        places: dict, name -> Place.

    Raises: as `read_weights`.
    """
    _check(model, path, variables, places)
    for name, variable in variables.items():
        variable.assign(_value(places[name], variable))


def places_in(model, path):
    """Where the tensors of a file or folder in diffusers' names are: dict, name as in `named_variables` -> Place."""
    tensors = find_tensors(path, getattr(model, "weights_stem", "diffusion_pytorch_model"))
    variables = named_variables(model)
    return {_canonical(key, variables): place for key, place in tensors.items()}


class Place(NamedTuple):
    """Where a tensor is: a file, its name in it, its shape, its type, and which of its rows if not all."""

    file: Path
    key: str
    shape: tuple[int, ...]
    dtype: str
    rows: slice | None = None


def tensors_in(file):
    """The tensors of a safetensors file, read no further than its header.

    Returns: dict, name -> Place.

    Raises: ValueError if the file is missing or damaged.
    """
    try:
        with safetensors.safe_open(file, "numpy") as tensors:
            slices = {key: tensors.get_slice(key) for key in tensors.keys()}
            return {
                key: Place(Path(file), key, tuple(part.get_shape()), part.get_dtype()) for key, part in slices.items()
            }
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"cannot read the weights {file}: {' '.join(str(error).split())[:300]}") from error


def make_with_weights(make, source, find_places):
    """A model whose variables have the values of tensors from the beginning.

    Nothing is made up for them before, and they take no memory until every tensor is known to fit; then it is one
    tensor at a time.

    Args:
        make: callable () -> model, built by its constructor.
        source: str or path. For messages.
        find_places: callable, model -> dict, name as in `named_variables` -> Place.

    Returns: the model.

    Raises: ValueError as in `read_weights`.
    """
    with keras.StatelessScope(initialize_variables=False):  # its variables have shapes and no values
        model = make()
    try:
        variables = named_variables(model)
        places = find_places(model)
        _check(model, source, variables, places)
        for name, variable in variables.items():
            variable._initializer = functools.partial(_initial_value, places[name], variable)
    except ValueError:
        for variable in model.variables:  # so that Keras makes nothing large up for what nobody will have
            variable._initializer = lambda shape, dtype: np.zeros((), dtype)
        raise
    finally:
        with keras.StatelessScope():
            pass  # at its end Keras gives every variable that has none its value
    return model


def _initial_value(place, variable, shape, dtype):
    return keras.ops.convert_to_tensor(_value(place, variable), dtype)


def _value(place, variable):
    """A tensor, as a variable has it: float32 in NumPy."""
    value = _read(place).reshape(_disk_shape(variable)).astype("float32")
    if variable.name == "kernel":
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
    return value


def read_tensor(place):
    """A tensor, as float32.

    Args:
        place: Place.

    Raises: ValueError if it is of a type that is not read, or not finite.
    """
    if place.dtype not in FLOATS:
        raise ValueError(f"{place.file}: the tensor {place.key} is of the type {place.dtype}, which is not read")
    value = _read(place)
    if not _is_finite(value):
        raise ValueError(f"{place.file}: the tensor {place.key} has numbers that are not finite")
    return value.astype("float32")


def _read(place):
    with safetensors.safe_open(place.file, "numpy") as tensors:
        return tensors.get_tensor(place.key) if place.rows is None else tensors.get_slice(place.key)[place.rows]


def _is_finite(value):
    """Whether all numbers are finite. The exponent of the largest tells, and whole numbers compare quickly."""
    bits = value.reshape(-1).view(f"uint{8 * value.itemsize}")
    exponent = EXPONENTS[value.dtype.name]
    return value.size == 0 or int(np.max(bits & bits.dtype.type(exponent))) < exponent


def _canonical(key, variables):
    for old, new in OLD_NAMES:
        key = key.replace(old, new)
    if key not in variables and f"text_model.{key}" in variables:
        return f"text_model.{key}"
    return key


def _check(model, path, variables, places):
    missing = [name for name in variables if name not in places]
    # Positions 0, 1, 2, ... which old text encoders stored.
    unexpected = [name for name in places if name not in variables and not name.endswith("position_ids")]
    wrong = [
        f"{name} {places[name].shape} instead of {_disk_shape(variable)}"
        for name, variable in variables.items()
        if name in places and not _same_shape(places[name].shape, _disk_shape(variable))
    ]
    whole = [
        f"{name} {places[name].dtype}" for name in variables if name in places and places[name].dtype not in FLOATS
    ]
    problems = []
    for what, names in (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of a wrong shape", wrong),
        ("of a type that is not read", whole),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            problems.append(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}")
    if problems:
        raise ValueError(f"{path} does not fit {type(model).__name__} ({'; '.join(problems)})")
    for name in variables:
        if not _is_finite(_read(places[name])):
            raise ValueError(f"{path}: the weight {name} has numbers that are not finite")


def write_weights(model, path, dtype="float16"):
    """Writes the model's variables as safetensors in diffusers' names and layout: whole, or not at all.

    Args:
        model: a built model.
        path: str or path. The file to write.
        dtype: str. `"float16"`, `"bfloat16"` or `"float32"` on disk. Defaults to `"float16"`.

    Raises: ValueError if `dtype` is unknown or a value does not fit into it; OSError if the file cannot be written.
    """
    if dtype not in DTYPES:
        raise ValueError(f"weights cannot be written as {dtype!r}; valid: {', '.join(DTYPES)}")
    tensors = {}
    for name, variable in named_variables(model).items():
        value = _to_disk(variable)
        with np.errstate(over="ignore"):
            tensors[name] = value.astype(dtype)
        if not np.isfinite(tensors[name].astype("float32")).all():
            raise ValueError(f"{name} has values that are not finite in {dtype} (largest: {np.abs(value).max():.3g})")
    with atomic_write(path) as file:
        file.write(safetensors.numpy.save(tensors, metadata={"format": "pt"}))


def read_json(path):
    """Reads a JSON object.

    Raises: ValueError if the file is missing, damaged or something else.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"cannot read {path}: {reason}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a JSON object")
    return content


def write_json(path, content):
    """Writes a JSON object: whole, or not at all."""
    with atomic_write(path) as file:
        file.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
