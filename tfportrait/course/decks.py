"""Slides from an executed notebook of the course: its prose, its figures, and the tasks of its exercises."""

import base64
import functools
import html
import io
import json
import math
import re
from pathlib import Path

from tfportrait.course.catalogue import exercise
from tfportrait.course.definition import LANGUAGES
from tfportrait.files import atomic_write
from tfportrait.wrapping import width

SIZE = 3.9  # of letters, in hundredths of a slide's height
SHORT, LONG = 320, 500  # characters that leave room for a figure, and from which on letters are smaller
EXERCISE = {"en": "Exercise", "zh": "练习"}
_IMAGES = ("image/png", "image/jpeg")
_INLINE = re.compile(
    r"\$(?P<math>[^$\n]+)\$|`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*]+)\*|\[(?P<text>[^\]]+)\]\((?P<to>[^)]+)\)"
)
_MATPLOTLIB = {
    r"\|": r"\Vert ",
    r"\lVert": r"\Vert",
    r"\rVert": r"\Vert",
    r"\lvert": r"\vert",
    r"\rvert": r"\vert",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
}
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f4f2; color: #222; font: 2.5vmin/1.45 system-ui, "Noto Sans", "Noto Sans CJK SC",
  "PingFang SC", "Microsoft YaHei", sans-serif; }
section { width: 100vw; height: 100vh; padding: 7vmin 10vmin 8vmin; background: #fff; display: flex;
  flex-direction: column; position: relative; overflow: hidden; }
h1, h2 { margin: 0 0 3vmin; font-weight: 600; line-height: 1.15; color: #1f4e79; }
h1 { font-size: 7vmin; } h2 { font-size: 4.6vmin; }
.title { justify-content: center; }
.text { font-size: calc(var(--size) * 1vmin); max-width: 42em; }
.text p, .text ul, .text ol { margin: 0 0 .8em; } .text li { margin-bottom: .35em; }
.math { vertical-align: baseline; } .display { margin: 1em 0; font-size: 1.15em; }
.id { color: #888; font-size: .7em; margin-left: 1.5em; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .92em; background: #f0f0ee;
  border-radius: .2em; padding: .05em .3em; }
pre { padding: .8em 1em; white-space: pre-wrap; }
.figure h2 { font-size: 3.4vmin; }
.figure > img { flex: 1 1 0; min-height: 0; width: 100%; object-fit: contain; }
.task { border-left: 1vmin solid #d9822b; } .task h2 { color: #d9822b; }
footer { position: absolute; left: 10vmin; right: 10vmin; bottom: 2.5vmin; font-size: 1.8vmin; color: #888;
  display: flex; justify-content: space-between; }
.one section { display: none; } .one section.now { display: flex; }
@page { size: 320mm 180mm; margin: 0; }
@media print { body { background: #fff; font-size: 4.5mm; }
  section, .one section { display: flex; width: 320mm; height: 180mm; padding: 12mm 18mm; break-after: page; }
  section:last-of-type { break-after: auto; }
  h1 { font-size: 12.6mm; } h2 { font-size: 8.3mm; } .text { font-size: calc(var(--size) * 1.8mm); }
  .figure h2 { font-size: 6.1mm; } footer { font-size: 3.2mm; left: 18mm; right: 18mm; bottom: 4mm; } }
"""
_SCRIPT = """
const slides = [...document.querySelectorAll("section")];
const here = () => Math.min(Math.max(parseInt(location.hash.slice(1)) || 1, 1), slides.length);
function show() { slides.forEach((slide, i) => slide.classList.toggle("now", i + 1 === here())); }
function go(to) { location.replace("#" + Math.min(Math.max(to, 1), slides.length)); }
document.body.classList.add("one");
addEventListener("hashchange", show);
addEventListener("keydown", event => {
  const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  if (event.key in steps) { event.preventDefault(); go(here() + steps[event.key]); }
  if (event.key === "Home") go(1);
  if (event.key === "End") go(slides.length);
});
addEventListener("click", event => go(here() + (event.clientX < innerWidth / 3 ? -1 : 1)));
show();
"""


def slides(notebook, out):
    """Writes the slides of an executed notebook as one HTML file that needs no network.

    A slide for every cell of prose, every figure and every exercise, of which the task is shown and not the solution.
    Arrow keys, the space bar and clicks turn them; printed, each is a page.

    Args:
        notebook: str or path. An .ipynb of the course, with its outputs.
        out: str or path. The HTML file.

    Returns: path of the file.

    Raises: ValueError for a file that is no notebook of the course, or has no figures because it was not run.
    """
    path, out = Path(notebook), Path(out)
    try:
        made = json.loads(path.read_text("utf-8"))
        cells, title = made["cells"], made["metadata"]["title"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is no notebook of the course") from None
    if not any(list(_figures(cell)) for cell in cells):
        raise ValueError(f"{path} has no figures: run it first (tfportrait course build, or in Jupyter)")
    language = _language(cells)
    found = list(_slides(cells, language))
    body = "\n".join(
        f'<section class="{kind}">{content}'
        f"<footer><span>{html.escape(title)}</span><span>{number} / {len(found)}</span></footer></section>"
        for number, (kind, content) in enumerate(found, 1)
    )
    page = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )
    with atomic_write(out) as file:
        file.write(page.encode())
    return out


def _language(cells):
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    found = re.search(r'(?m)^LANGUAGE = "(\w+)"', code)
    return found[1] if found and found[1] in LANGUAGES else LANGUAGES[0]


def _slides(cells, language):
    """Pairs of a slide's kind and its content, in order. A figure stands below the text before it if that is short."""
    heading, waiting = "", None
    for cell in cells:
        if cell["cell_type"] == "markdown":
            if waiting:
                yield waiting[:2]
            level, heading, text = _parts("".join(cell["source"]), heading)
            kind, tag = ("title", "h1") if level == 1 else ("prose", "h2")
            content = f"<{tag}>{_inline(heading)}</{tag}>{_text(_blocks(text), text)}"
            waiting = kind, content, kind == "prose" and width(text) <= SHORT
            continue
        for tag in cell["metadata"].get("tags", []):
            if tag.startswith("exercise-"):
                if waiting:
                    yield waiting[:2]
                waiting, task = None, exercise(tag.removeprefix("exercise-"))
                asked = getattr(task, language)
                content = f"<p>{html.escape(asked)}</p><pre>def {html.escape(task.signature)}:</pre>"
                yield "task", f"<h2>{EXERCISE[language]} {task.id}</h2>{_text(content, asked)}"
        for kind, data in _figures(cell):
            above = f"<h2>{_inline(heading)}</h2>"
            if waiting and waiting[2]:
                above = waiting[1]
            elif waiting:
                yield waiting[:2]
            waiting = None
            alt = html.escape(heading, quote=True)
            yield "figure", f'{above}<img alt="{alt}" src="data:{kind};base64,{data}">'
    if waiting:
        yield waiting[:2]


def _text(content, source):
    size = SIZE * min(1, math.sqrt(LONG / max(width(source), 1)))
    return f'<div class="text" style="--size: {size:.2f}">{content}</div>'


def _figures(cell):
    """Kind and data of each figure that a cell shows."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        for kind in _IMAGES:
            if kind in data:
                yield kind, "".join(data[kind]).replace("\n", "")


def _parts(text, before):
    """A cell's level, heading and text; without a heading of its own it goes on under the one before."""
    found = re.match(r"(#+) (.*)\n*", text)
    if not found:
        return 2, before, text
    return len(found[1]), found[2].strip(), text[found.end() :]


def _blocks(text):
    """Paragraphs, lists, code and formulas as HTML."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        formula = re.fullmatch(r"\$\$\s*(.+?)\s*\$\$\s*(?:`([\w.]+)`)?", block, re.DOTALL)
        if formula:
            name = f'<span class="id">{formula[2]}</span>' if formula[2] else ""
            parts.append(f'<div class="display">{_math(" ".join(formula[1].split()), 1.25)}{name}</div>')
        elif block.startswith("```"):
            parts.append(f"<pre>{html.escape(block.strip('`').partition(chr(10))[2].rstrip())}</pre>")
        elif re.match(r"[*-] |\d+\. ", block):
            items = re.split(r"(?m)^(?:[*-]|\d+\.) ", block)[1:]
            tag = "ol" if block[0].isdigit() else "ul"
            parts.append(f"<{tag}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{tag}>")
        elif block:
            parts.append(f"<p>{_inline(block.lstrip('# '))}</p>")
    return "".join(parts)


def _inline(text):
    """Markdown within a paragraph as HTML."""
    text = re.sub(r"(?<=[^\x00-\u2e80])\n(?=[^\x00-\u2e80])", "", text.strip())  # no blank between Chinese lines
    parts, end = [], 0
    for found in _INLINE.finditer(text):
        parts.append(html.escape(text[end : found.start()], quote=False))
        end = found.end()
        if found["math"]:
            parts.append(_math(found["math"]))
        elif found["code"]:
            parts.append(f"<code>{html.escape(found['code'], quote=False)}</code>")
        elif found["text"]:
            parts.append(_inline(found["text"]))
        else:
            tag = "strong" if found["strong"] else "em"
            parts.append(f"<{tag}>{_inline(found[tag])}</{tag}>")
    return "".join([*parts, html.escape(text[end:], quote=False)])


@functools.cache
def _math(latex, scale=1.0):
    """A formula as a picture; as code where matplotlib cannot set it."""
    from matplotlib import mathtext
    from matplotlib.font_manager import FontProperties

    file, size = io.BytesIO(), 12
    try:
        font = FontProperties(size=size, math_fontfamily="stix")
        parser = mathtext.MathTextParser("path")
        width, height, depth, _, _ = parser.parse(f"${_plain(latex)}$", 72, font)
        mathtext.math_to_image(f"${_plain(latex)}$", file, prop=font, dpi=72, format="svg")
    except ValueError:
        return f"<code>{html.escape(latex, quote=False)}</code>"
    data = base64.b64encode(file.getvalue()).decode()
    em = scale / size
    shape = f"height:{height * em:.3f}em;width:{width * em:.3f}em;vertical-align:{-depth * em:.3f}em"
    alt = html.escape(latex, quote=True)
    return f'<img class="math" alt="{alt}" style="{shape}" src="data:image/svg+xml;base64,{data}">'


def _plain(latex):
    """In the words that matplotlib has."""
    for theirs, ours in _MATPLOTLIB.items():
        latex = latex.replace(theirs, ours)
    return latex
