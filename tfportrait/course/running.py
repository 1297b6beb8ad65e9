"""What a student's function computes; in the process that is judged, which knows neither solutions nor grades.

Whatever this process says is only taken for what the function returned: see `tfportrait.course.assessing`.
"""

import ast
import base64
import copy
import dataclasses
import json
import math
import os
import re
import symtable
import sys

import numpy as np

MAX_ARRAYS = 16  # of one result
MAX_NUMBERS = 2**19  # of all results together
MAX_TEXT = 200
HIDDEN = "tfportrait.course.bank"
_MAGIC = re.compile(r"(?m)^( *)([%!].*)$")


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a function made of its cases.

    Attributes:
        results: list of tuple of float64 array. One for each case, as far as it came.
        error: str. What it raised, or "".
        changed: int. Number of the argument that it changed, from 1, or 0.
    """

    results: list
    error: str = ""
    changed: int = 0


def outputs(function, cases):
    """Calls a function on all cases, up to the first that it cannot do.

    Args:
        function: callable. The student's; it may return arrays or tensors.
        cases: list of tuple of arguments. They are not changed.

    Returns: Outputs.
    """
    results = []
    for arguments in cases:
        given = copy.deepcopy(arguments)
        try:
            result = _result(function(*given))
        except Exception as error:
            return Outputs(results, error=_named(error))
        for number, (before, after) in enumerate(zip(arguments, given, strict=True), 1):
            if not _equal(arrays(before), arrays(after)):
                return Outputs(results, changed=number)
        results.append(result)
    return Outputs(results)


def arrays(value):
    """A result as a tuple of float64 arrays."""
    return tuple(np.asarray(part, "float64") for part in (value if isinstance(value, tuple) else (value,)))


def _result(value):
    for part in value if isinstance(value, tuple) else (value,):
        if part is None or isinstance(part, str):
            raise TypeError(f"it returns {part!r}; is a return missing?")
    return arrays(value)


def _equal(first, second):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def _named(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:MAX_TEXT]


def function_of(cells, chosen, name):
    """Runs of a notebook what an exercise's function needs, and nothing else.

    Those are the statements that define it and, in turn, the names that they use: from the cells up to its own, or
    from later ones where only those define it. So a notebook that trains for minutes, or imports TensorFlow for its
    figures, is judged in milliseconds.

    Args:
        cells: list of str. Sources of the code cells, in order.
        chosen: collection of int. Which of them solve the exercise.
        name: str. The function's. A cell with one function only may call it otherwise.

    Returns: callable.

    Raises: SyntaxError in a chosen cell, NameError where there is no such function, whatever the statements raise.
    """
    statements = []
    for number, source in enumerate(cells):
        try:
            tree = ast.parse(_MAGIC.sub(r"\1pass  # \2", source), f"cell {number + 1}")
            statements += [_Statement(number, node, *_names(node)) for node in tree.body]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            if number in chosen:
                raise
    own = [each for each in statements if each.cell in chosen]
    if not any(name in each.binds for each in own):
        defined = [each.node.name for each in own if isinstance(each.node, ast.FunctionDef)]
        if len(defined) != 1:
            raise NameError(f"no function {name} in its cell")
        name = defined[0]
    space = {"__name__": "__main__"}
    for each in _needed(statements, name, max(chosen)):
        exec(compile(ast.Module([each.node], []), f"cell {each.cell + 1}", "exec"), space)
    return space[name]


@dataclasses.dataclass(frozen=True)
class _Statement:
    cell: int
    node: ast.stmt
    binds: set
    uses: set


def _needed(statements, name, last):
    """The statements, in order, that a name depends on."""
    needed, known, wanted = set(), {name}, [name]
    while wanted:
        name = wanted.pop()
        places = [i for i, each in enumerate(statements) if name in each.binds]
        stars = [i for i, each in enumerate(statements) if "*" in each.binds and each.cell <= last]
        for i in [i for i in places if statements[i].cell <= last] or places or stars:
            needed.add(i)
            wanted += statements[i].uses - known
            known |= statements[i].uses
    return [statements[i] for i in sorted(needed)]


def _names(node):
    """Names that a statement binds ("*" for all), and those that it uses."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        return {"*"}, set()
    bound, used = set(), set()
    tables = [symtable.symtable(ast.unparse(node), "cell", "exec")]
    for table in tables:  # grows
        tables += table.get_children()
        for symbol in table.get_symbols():
            top = table.get_type() == "module"
            if (top or symbol.is_declared_global()) and (symbol.is_assigned() or symbol.is_imported()):
                bound.add(symbol.get_name())
            if symbol.is_referenced() and (top or symbol.is_global()):
                used.add(symbol.get_name())
    for target in getattr(node, "targets", [getattr(node, "target", None)]):
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            bound.add(target.id)
    return bound, used


def pack(cases):
    """Cases as what JSON can hold.

    Raises: TypeError for an argument that is neither array nor number.
    """
    return [[_packed(value) for value in arguments] for arguments in cases]


def _packed(value):
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, bool | int | float):
        return value.item() if isinstance(value, np.generic) else value
    raise TypeError(f"cases consist of arrays and numbers, not of {type(value).__name__}")


def unpack(packed):
    """Cases from what `pack` made."""
    return [tuple(_unpacked(value) if isinstance(value, dict) else value for value in case) for case in packed]


def _unpacked(value):
    data = base64.b64decode(value["data"], validate=True)
    return np.frombuffer(data, value["dtype"]).reshape(value["shape"]).copy()


def answer(found):
    """Outputs as one line of JSON."""
    if sum(array.size for result in found.results for array in result) > MAX_NUMBERS:
        found = Outputs([], error=f"ValueError: it returns more than {MAX_NUMBERS} numbers")
    return json.dumps({**vars(found), "results": pack(found.results)}).encode() + b"\n"


def read_answer(line, count):
    """Outputs from a line that nobody vouches for.

    Args:
        line: bytes.
        count: int. How many cases there were.

    Returns: Outputs, or None where it is not what `answer` writes.
    """
    try:
        found = json.loads(line)
        results = [tuple(_read_array(array) for array in result) for result in found["results"]]
        error, changed = found["error"], found["changed"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    if not isinstance(error, str) or type(changed) is not int or not 0 <= changed < 100:
        return None
    if not error and not changed and len(results) != count or any(len(result) > MAX_ARRAYS for result in results):
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in error)
    return Outputs(results, " ".join(printable.split())[:MAX_TEXT], changed)


def _read_array(array):
    shape = array["shape"]
    if array["dtype"] != "<f8" or len(shape) > 8 or any(type(side) is not int or not 0 <= side for side in shape):
        raise ValueError("no array of float64")
    data = base64.b64decode(array["data"], validate=True)
    if len(data) != 8 * math.prod(shape):
        raise ValueError("shape and data differ")
    return np.frombuffer(data, "<f8").reshape(shape)


def serve():
    """The judged process: reads one job from standard input and writes one line of JSON."""
    job = json.loads(sys.stdin.buffer.readline())
    written = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    confine(job["limits"])
    sys.modules[HIDDEN] = None  # without a sandbox this stops only those who do not know it
    try:
        found = outputs(function_of(job["cells"], job["chosen"], job["name"]), unpack(job["cases"]))
        line = answer(found)
    except BaseException as error:
        line = answer(Outputs([], error=_named(error)))
    while line:
        line = line[os.write(written, line) :]
    os._exit(0)


def confine(limits):
    """Gives up what this process may do, for good.

    Args:
        limits: dict. "seconds" of computing; "memory", "file" in bytes; "processes" of this user or None; "user", the
            number of the user to become where this one is root, or None.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    for name, value in (
        ("CORE", 0),
        ("CPU", limits["seconds"]),
        ("AS", limits["memory"]),
        ("FSIZE", limits["file"]),
        ("NOFILE", 256),
        ("NPROC", limits["processes"]),
    ):
        if value is not None:
            _limit(resource, getattr(resource, f"RLIMIT_{name}"), value)
    if limits["user"] is not None:
        os.setgroups([])
        os.setgid(limits["user"])
        os.setuid(limits["user"])


def _limit(resource, kind, value):
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # macOS has no limit of a process' address space
        pass
