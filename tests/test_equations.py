"""The ledger leads somewhere, and the code leads back."""

import ast
import importlib
import re
from pathlib import Path

import matplotlib.mathtext
import pytest

import tfportrait as tp
from tfportrait import equations

ROOT = Path(__file__).parents[1]
ENTRIES = equations.entries()
CODE = [entry for entry in ENTRIES if entry.function]


def resolve(function):
    module, _, name = function.partition(":")
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_ids_are_unique_and_entries_complete():
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert entry.title and re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", entry.id), entry.id
        if entry.kind == "equation":
            assert entry.latex and entry.function and entry.test, entry.id
        else:
            assert entry.printed and entry.wrong and entry.right and entry.section, entry.id
            assert bool(entry.function) == bool(entry.test), entry.id


@pytest.mark.parametrize("entry", CODE, ids=lambda entry: entry.id)
def test_the_function_is_there_and_says_so(entry):
    docstring = resolve(entry.function).__doc__ or ""
    if entry.kind == "equation":
        assert f"`{entry.id}`" in docstring, f"the docstring of {entry.function} does not name {entry.id}"


def test_docstrings_name_no_id_that_leads_nowhere():
    known, named = {entry.id for entry in ENTRIES}, {}
    for path in sorted((ROOT / "tfportrait").rglob("*.py")):
        if path.name == "equations.py":
            continue
        for line in re.findall(r"(?:Equations?|Erratum): (`.+)", path.read_text("utf-8")):
            named.update(dict.fromkeys(re.findall(r"`([^`]+)`", line), path.name))
    assert len(named) > 30
    assert not {name: file for name, file in named.items() if name not in known}


@pytest.mark.parametrize("entry", CODE, ids=lambda entry: entry.id)
def test_the_test_is_there(entry):
    file, _, name = entry.test.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, entry.test


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.latex], ids=lambda entry: entry.id)
def test_the_formula_can_be_set(entry):
    matplotlib.mathtext.MathTextParser("path").parse(f"${entry.latex}$".replace(r"\|", r"\Vert "))


def test_tables(capsys):
    errata = tp.equations.table("erratum")
    assert len(errata.rows) == len([e for e in ENTRIES if e.kind == "erratum"]) >= 30
    markdown = errata._repr_markdown_()
    assert markdown.count("\n") == len(errata.rows) + 1
    # every line has the five cells of the first one
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines()}
    assert cells == {6}
    assert "vae.kl" in str(tp.equations.table())
    with pytest.raises(ValueError, match="kind is 'x'; valid: equation, erratum"):
        tp.equations.table("x")


def test_an_unknown_id_lists_its_family():
    assert tp.equations.get("vae.kl").function == "tfportrait.models.vae:kl_divergence"
    with pytest.raises(ValueError, match="no equation 'vae.x'; there are vae.elbo, vae.kl"):
        tp.equations.get("vae.x")
