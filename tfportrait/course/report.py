"""A class's results as one page that needs nothing else, not even a network."""

import statistics
from collections import Counter
from html import escape
from itertools import groupby

from tfportrait.course import catalogue
from tfportrait.course.definition import LANGUAGES, check_language

COMMONEST = 15
# What is shown alike: its sign, then the kinds of results.
GROUPS = {
    "right": ("✓", ("right",)),
    "mistake": ("◐", ("mistake",)),
    "wrong": ("✗", ("wrong", "shape", "not_finite", "changed_argument")),
    "failed": ("!", ("error", "time", "memory", "ended")),
    "unreadable": ("?", ("unreadable",)),
    "unanswered": ("·", ("unanswered",)),
}
GROUP_OF = {kind: group for group, (_, kinds) in GROUPS.items() for kind in kinds}
TEXTS = {
    "title": ("Class report", "班级报告"),
    "subtitle": ("{students} students, {exercises} exercises", "{students} 名学生，{exercises} 道习题"),
    "right_of_all": ("of all exercises are right", "的习题正确"),
    "right_of_answered": ("of the answered ones are right", "的已答习题正确"),
    "answered": ("were answered", "的习题已作答"),
    "seconds": ("an answer takes, at the median", "为运行一份答案的中位时间"),
    "exercises": ("Chapters and exercises", "各章与各题"),
    "chapter": ("Chapter {number}", "第 {number} 章"),
    "skipped": ("Chapters without any answer: {numbers}.", "无人作答的章：{numbers}。"),
    "mistakes": ("The commonest misconceptions", "最常见的误解"),
    "no_mistakes": ("No known misconception was found.", "没有发现已知的误解。"),
    "students": ("Students", "学生"),
    "student": ("student", "学生"),
    "total": ("right", "正确"),
    "taken": ("time", "时间"),
    "right": ("right", "正确"),
    "mistake": ("a known misconception", "已知的误解"),
    "wrong": ("wrong in another way", "其他错误"),
    "failed": ("failed while it ran", "运行失败"),
    "unreadable": ("file cannot be read", "文件无法读取"),
    "unanswered": ("not answered", "未作答"),
    "shape": ("a wrong shape", "形状不对"),
    "not_finite": ("infinities or NaN", "无穷大或 NaN"),
    "changed_argument": ("changes its arguments", "改动了参数"),
    "error": ("raises an error", "抛出异常"),
    "memory": ("takes too much memory", "占用内存过多"),
    "ended": ("ended without a result", "没有结果就结束了"),
    "time": ("takes too long", "运行时间过长"),
}
STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #22252b; --soft: #6b7280; --line: #e6e3dd;
  --right: #2f9e83; --mistake: #e3a12f; --wrong: #d2603f; --failed: #7f62b3; --unreadable: #5a7fb8;
  --unanswered: #dfdbd3; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --card: #1d2026; --ink: #e7e5e0; --soft: #9aa1ad;
  --line: #2e323a; --right: #3fb598; --mistake: #e0a740; --wrong: #dc7253; --failed: #9d83cf; --unreadable: #7699cf;
  --unanswered: #343942; --on: #14161a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { margin: 0; font-size: 30px; letter-spacing: -0.01em; }
h2 { margin: 44px 0 14px; font-size: 19px; }
p { margin: 4px 0; } .soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; margin-top: 24px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 20px; }
.card + .card, .card + p { margin-top: 14px; } .tiles .card { margin: 0; }
.tiles b { display: block; font-size: 28px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 14px; padding: 0; list-style: none;
  font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; }
.row { display: grid; grid-template-columns: minmax(0, 17em) 1fr 3.2em 4.6em; gap: 14px; align-items: center;
  padding: 4px 0; }
.row > span { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.row .number { text-align: right; font-variant-numeric: tabular-nums; }
.row.chapter { font-weight: 600; border-bottom: 1px solid var(--line); padding-bottom: 12px; margin-bottom: 8px; }
.row.chapter .bar { height: 16px; } .row.chapter > span:first-child { grid-column: 1 / -1; }
.row.chapter .bar { grid-column: 1 / 3; }
.bar { display: flex; height: 10px; border-radius: 5px; overflow: hidden; background: var(--unanswered); }
.bar i { height: 100%; } .bar i + i { box-shadow: -1px 0 0 var(--card); }
.ranked { display: grid; grid-template-columns: 2.2em 3.4em 7em 1fr; gap: 14px; align-items: center; padding: 7px 0; }
.ranked + .ranked { border-top: 1px solid var(--line); }
.ranked b { text-align: right; font-variant-numeric: tabular-nums; }
.ranked .bar { height: 8px; background: none; } .ranked .bar i { border-radius: 4px; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.wide { overflow-x: auto; padding: 8px 0 12px; }
table { border-collapse: separate; border-spacing: 3px; margin: 0 12px; font-size: 14px; }
th { font-weight: 500; color: var(--soft); font-size: 12px; } th.name { text-align: left; }
td.name { padding-right: 14px; max-width: 18em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  position: sticky; left: 0; background: var(--card); }
td.cell { width: 27px; min-width: 27px; height: 27px; border-radius: 6px; text-align: center; font-weight: 600;
  color: var(--on); cursor: default; }
td.cell.unanswered { color: var(--soft); }
td.total, td.time { text-align: right; padding-left: 12px; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.time { color: var(--soft); }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
@media (max-width: 640px) { .row { grid-template-columns: 9em 1fr 3em; } .row .time { display: none; }
  .ranked { grid-template-columns: 2em 3em 1fr; } .ranked > span:last-child { grid-column: 1 / -1; } }
""" + "".join(f".{group} {{ background: var(--{group}); }}\n" for group in GROUPS)


def page(results, *, language="en", names=None):
    """A report of a class.

    Args:
        results: list of Result.
        language: str. "en" or "zh".
        names: dict of str to str, or None. What students are called instead of their names.

    Returns: str, HTML. Of what students wrote it shows their names only.

    Raises: ValueError for another language.
    """
    check_language(language)
    say = _speaker(language)
    answered = {_chapter(result) for result in results if result.kind != "unanswered"}
    shown = [result for result in results if _chapter(result) in answered]
    skipped = sorted(set(map(_chapter, results)) - answered)
    students, tasks = ({getattr(result, what) for result in shown} for what in ("student", "exercise"))
    body = [
        f"<header><h1>{say('title')}</h1>",
        f'<p class="soft">{say("subtitle", students=len(students), exercises=len(tasks))}</p></header>',
        _tiles(shown, say),
        f"<h2>{say('exercises')}</h2>",
        _legend(say),
        *_chapters(shown, say, language),
    ]
    if skipped:
        body.append(f'<p class="soft">{say("skipped", numbers=", ".join(str(int(each)) for each in skipped))}</p>')
    body += [f"<h2>{say('mistakes')}</h2>", _mistakes(shown, say, language)]
    body += [f"<h2>{say('students')}</h2>", _legend(say), _students(shown, say, language, names or {})]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{say('title')}</title><style>{STYLE}</style>"
    )
    tag = {"en": "en", "zh": "zh-Hans"}[language]
    main = "\n".join(body)
    return f'<!doctype html>\n<html lang="{tag}"><head>{head}</head><body><main>\n{main}\n</main></body></html>\n'


def _speaker(language):
    return lambda key, **values: TEXTS[key][LANGUAGES.index(language)].format(**values)


def _chapter(result):
    return catalogue.exercise(result.exercise).chapter


def _share(part, whole):
    return f"{100 * part / whole:.0f}%" if whole else "–"


def _seconds(results):
    taken = [result.seconds for result in results if result.seconds]
    return f"{statistics.median(taken):.1f} s" if taken else "–"


def _tiles(results, say):
    right = sum(map(bool, results))
    answered = sum(result.kind not in ("unanswered", "unreadable") for result in results)
    tiles = (
        (_share(right, len(results)), "right_of_all"),
        (_share(answered, len(results)), "answered"),
        (_share(right, answered), "right_of_answered"),
        (_seconds(results), "seconds"),
    )
    cards = (f'<div class="card"><b>{value}</b><span class="soft">{say(key)}</span></div>' for value, key in tiles)
    return f'<div class="tiles">{"".join(cards)}</div>'


def _legend(say):
    items = (f'<li><i class="{group}"></i>{sign} {say(group)}</li>' for group, (sign, _) in GROUPS.items())
    return f'<ul class="legend">{"".join(items)}</ul>'


def _chapters(results, say, language):
    titles = _titles(language)
    for chapter, group in groupby(sorted(results, key=_chapter), key=_chapter):
        group = list(group)
        number = say("chapter", number=int(chapter))
        rows = [_row(f"{number} · {titles[chapter]}" if chapter in titles else number, group, say, "row chapter")]
        for task in dict.fromkeys(result.exercise for result in group):
            label = f"{task} <code>{escape(catalogue.exercise(task).function)}</code>"
            rows.append(_row(label, [result for result in group if result.exercise == task], say))
        yield f'<div class="card">{"".join(rows)}</div>'


def _titles(language):
    from tfportrait.course import sources

    return {lesson.name[:2]: escape(lesson.title(language)) for lesson in sources.lessons()}


def _row(label, results, say, style="row"):
    counts = Counter(GROUP_OF[result.kind] for result in results)
    parts = [(group, counts[group]) for group in GROUPS if counts[group]]
    spoken = ", ".join(f"{say(group)}: {count}" for group, count in parts)
    bar = "".join(f'<i class="{group}" style="width:{100 * count / len(results):.2f}%"></i>' for group, count in parts)
    return (
        f'<div class="{style}"><span>{label}</span><div class="bar" role="img" title="{spoken}" aria-label="{spoken}">'
        f'{bar}</div><span class="number">{_share(counts["right"], len(results))}</span>'
        f'<span class="number time soft">{_seconds(results)}</span></div>'
    )


def _mistakes(results, say, language):
    counts = Counter((result.exercise, result.mistake) for result in results if result.mistake).most_common(COMMONEST)
    if not counts:
        return f'<p class="soft">{say("no_mistakes")}</p>'
    rows = []
    for (name, mistake), count in counts:
        width = 100 * count / counts[0][1]
        rows.append(
            f'<div class="ranked"><b>{count}</b><span class="soft">{name}</span><div class="bar"><i class="mistake" '
            f'style="width:{width:.2f}%"></i></div><span>{escape(_text(name, mistake, language))}</span></div>'
        )
    return f'<div class="card">{"".join(rows)}</div>'


def _text(name, mistake, language):
    return next(getattr(each, language) for each in catalogue.exercise(name).mistakes if each.name == mistake)


def _students(results, say, language, names):
    tasks = list(dict.fromkeys(result.exercise for result in results))
    found = {(result.student, result.exercise): result for result in results}
    students = sorted({result.student for result in results}, key=lambda student: names.get(student, student))
    head = "".join(f"<th>{task.replace('-', '<br>')}</th>" for task in tasks)
    rows = [f'<tr><th class="name">{say("student")}</th>{head}<th>{say("total")}</th><th>{say("taken")}</th></tr>']
    for student in students:
        own = [found[student, task] for task in tasks if (student, task) in found]
        cells = "".join(_cell(found.get((student, task)), say, language) for task in tasks)
        name = escape(names.get(student, student))
        rows.append(
            f'<tr><td class="name" title="{name}">{name}</td>{cells}<td class="total">{sum(map(bool, own))} / '
            f'{len(tasks)}</td><td class="time">{sum(result.seconds for result in own):.1f} s</td></tr>'
        )
    return f'<div class="card wide"><table>{"".join(rows)}</table></div>'


def _cell(result, say, language):
    if result is None:
        return "<td></td>"
    group = GROUP_OF[result.kind]
    text = _text(result.exercise, result.mistake, language) if result.mistake else say(result.kind)
    title = escape(f"{result.exercise}: {text}")
    return f'<td class="cell {group}" title="{title}">{GROUPS[group][0]}</td>'
