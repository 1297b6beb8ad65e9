"""The ledger of equations: where each one stands in the code, what tests it, and what the source document has wrong.

    tp.equations.table()                    # in a notebook: the whole ledger, formulas set
    tp.equations.table("erratum")           # the errata alone
    tp.equations.get("vae.kl").function     # "tfportrait.models.vae:kl_divergence"

A docstring says `Equation: <id>` or `Erratum: <id>`; a test fails on an id that leads nowhere.
"""

import dataclasses
import functools
import tomllib
from importlib import resources

KINDS = ("equation", "erratum")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        id: str. Its name, such as "vae.kl".
        kind: `"equation"` or `"erratum"`.
        title: str. What it is, in a few words.
        latex: str. The formula, or "" for an erratum that is no formula. Of an erratum: the right one.
        printed: str. Of an erratum: what the document says, shortened; a formula in LaTeX between dollars.
        wrong: str. Of an erratum: what is wrong with it.
        right: str. Of an erratum: what is right.
        function: str. "module:name" of what computes it, or "" for a fact that nothing computes.
        test: str. "file::test" that would fail if it were wrong, or "" for such a fact.
        section: str. Section of the source document, several with commas between them, or "".
        source: str. Paper and equation.
    """

    id: str
    kind: str
    title: str
    latex: str = ""
    printed: str = ""
    wrong: str = ""
    right: str = ""
    function: str = ""
    test: str = ""
    section: str = ""
    source: str = ""


@functools.cache
def entries():
    """All entries, tuple of Entry in the ledger's order."""
    text = resources.files("tfportrait").joinpath("equations.toml").read_text("utf-8")
    ledger = tomllib.loads(text)
    return tuple(Entry(kind=kind, **entry) for kind in KINDS for entry in ledger[kind])


def get(name):
    """The entry of an id.

    Raises: ValueError for an unknown id; lists those of the same family, or the families.
    """
    found = {entry.id: entry for entry in entries()}
    if name not in found:
        family = [key for key in found if key.split(".")[0] == str(name).split(".")[0]]
        raise ValueError(f"no equation {name!r}; there are {', '.join(family or found)}")
    return found[name]


@dataclasses.dataclass(frozen=True)
class Table:
    """Entries as a table: Markdown with LaTeX in a notebook, plain lines on a terminal."""

    rows: tuple

    def __str__(self):
        width = max(len(entry.id) for entry in self.rows)
        return "\n".join(f"{entry.id:{width}}  {entry.title}  [{entry.function or 'a fact'}]" for entry in self.rows)

    def _repr_markdown_(self):
        lines = ["| id | what | formula | code | test |", "|---|---|---|---|---|"]
        for entry in self.rows:
            what = entry.title if entry.kind == "equation" else _correction(entry)
            latex = f"${entry.latex}$" if entry.latex else ""
            code = f"`{entry.function}`" if entry.function else ""
            test = f"`{entry.test.split('::')[-1]}`" if entry.test else ""
            cells = (f"`{entry.id}`", what, latex, code, test)
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        return "\n".join(lines)


def table(kind=None):
    """The ledger as a Table.

    Args:
        kind: `"equation"`, `"erratum"` or None for both.

    Raises: ValueError for another kind.
    """
    if kind not in (*KINDS, None):
        raise ValueError(f"kind is {kind!r}; valid: {', '.join(KINDS)}, None")
    return Table(tuple(entry for entry in entries() if kind in (None, entry.kind)))


def _correction(entry):
    return (
        f"**{entry.title}** (§ {entry.section}). Printed: {entry.printed}. Wrong: {entry.wrong}. Right: {entry.right}."
    )
