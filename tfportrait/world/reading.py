"""Reads free text, English, Chinese or mixed, into attributes: phrases by longest match, colours by what they stand at.

A text becomes words (English) and single characters (Chinese). From left to right the longest known phrase is taken.
Colour and shape words wait for the noun they belong to ("long red hair", "红色长发"), look back over "is"
("眼睛是蓝色的"), or mean the clothes ("in red"). "Without glasses" and "不戴眼镜" set the value "none". Where a text
gives two values for one attribute the first stays, and the other is reported.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from . import lexicon, synonyms
from .attributes import ATTRIBUTES

CJK = "\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+|[^\w\s]")
_IDEOGRAPH = re.compile(f"[{CJK}]")
_NEAREST, _LOOKED_UP = 3, 24  # suggestions a word; different unknown words that get any
_SPECIFIC_HAIR = ("spiky", "bob", "curly", "bun", "ponytail", "braids", "buzz")  # "long curly hair" is curly
_AGES = ((14, "child"), (40, "young"), (62, "middle_aged"))  # below so many years
Fact = tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """What a text says.

    Attributes:
        attributes: dict of str to str. Attribute name to value, in the order of `ATTRIBUTES`.
        understood: list of (phrase, attribute, value), in the order of the text.
        unknown: list of (word, known phrases), at most three phrases, nearest first; none where nothing is near.
        conflicts: list of (phrase, attribute, value). What was left out, because the text says something else before.
        language: str. "zh" or "en", whichever has more words.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    understood: list[tuple[str, str, str]] = field(default_factory=list)
    unknown: list[tuple[str, list[str]]] = field(default_factory=list)
    conflicts: list[tuple[str, str, str]] = field(default_factory=list)
    language: str = "en"


def read_prompt(text: str) -> Reading:
    """Reads the attributes that a text asks for.

    Args:
        text: str. Any Unicode.

    Returns:
        Reading. Empty for a text without words.

    Raises:
        ValueError: `text` is not a str.
    """
    if not isinstance(text, str):
        raise ValueError(f"A prompt is a str, not {type(text).__name__}.")
    reader = _Reader(normalised(text))
    reader.run()
    return reader.reading()


def explain(reading: Reading) -> str:
    """Lines for people: what was understood, what was left out, what is not known and what comes near."""
    lines = []
    if reading.understood:
        facts: dict[str, list[str]] = {}
        for phrase, name, value in reading.understood:
            facts.setdefault(phrase, []).append(f"{name}={value}")
        lines.append("Understood: " + "; ".join(f"{phrase} ({', '.join(said)})" for phrase, said in facts.items()))
    else:
        lines.append(
            "Understood: nothing. Name a person, hair, glasses, clothes, a background or a style; or a landscape."
        )
    for phrase, name, value in reading.conflicts:
        kept = reading.attributes[name]
        lines.append(f"Left out: {phrase} ({name}={value}), because the text also says {name}={kept}")
    for word, nearest in reading.unknown:
        lines.append(f"Not known: {word}" + (f" (nearest: {', '.join(nearest)})" if nearest else ""))
    return "\n".join(lines)


# ---- the table of phrases --------------------------------------------------------------------------------------------


@dataclass
class _Meaning:
    """What one phrase can be. Several may apply: "pale" is a fact, and a modifier of "skin"."""

    facts: tuple[Fact, ...] = ()
    head: str | None = None  # what modifiers before it are said of
    modifies: dict[str, Fact] = field(default_factory=dict)
    is_colour: bool = False
    negates: bool = False
    stops: bool = False
    nearest: tuple[str, ...] | None = None  # known not to be paintable

    @property
    def is_modifier(self) -> bool:
        return bool(self.modifies) or self.is_colour


class _Table:
    """All phrases, as tuples of tokens, with the lengths to try for each first token."""

    def __init__(self) -> None:
        self.meanings: dict[tuple[str, ...], _Meaning] = {}
        self.known: dict[str, str] = {}  # phrase or one of its words -> phrase to suggest

    def add(self, phrase: str) -> _Meaning:
        return self.meanings.setdefault(tuple(phrase_tokens(phrase)), _Meaning())

    def index(self) -> None:
        lengths: dict[str, set[int]] = {}
        for tokens in self.meanings:
            lengths.setdefault(tokens[0], set()).add(len(tokens))
        self.lengths = {first: sorted(sizes, reverse=True) for first, sizes in lengths.items()}
        self.words = {token for tokens in self.meanings for token in tokens}
        for phrase in sorted(self.known.values(), key=len):  # a misspelt word may be one of a longer phrase
            for token in phrase_tokens(phrase):
                if len(token) > 3:
                    self.known.setdefault(token, phrase)

    def match(self, tokens: list[str], start: int) -> tuple[int, _Meaning | None]:
        """Length and meaning of the longest phrase at `start`; (1, None) if there is none."""
        for length in self.lengths.get(tokens[start], ()):
            phrase = tuple(tokens[start : start + length])
            if phrase in self.meanings:
                return len(phrase), self.meanings[phrase]
        return 1, None


def _spellings(phrase: str) -> set[str]:
    american = phrase
    for british, other in lexicon.AMERICAN:
        american = american.replace(british, other)
    return {phrase, american}


def _bare(phrase: str) -> str:
    return re.sub(r"^(an?|the) ", "", phrase.replace("{c} ", "").replace("{c}", ""))


def _written() -> Iterator[tuple[str, str, str]]:
    """(attribute, value, phrase) of everything that captions are written with and that stands for itself."""
    for table in (lexicon.ENGLISH, lexicon.CHINESE):
        for name, values in table.items():
            if name in lexicon.ENGLISH_COLOURS:
                continue
            for value, places in values.items():
                for place, phrases in places.items():
                    if place != "verb":
                        yield from ((name, value, _bare(phrase)) for phrase in phrases)


@cache
def _table() -> _Table:
    table = _Table()
    for name, value, phrase in _written():
        for spelling in _spellings(phrase):
            _add_fact(table, spelling, ((name, value),), suggest=not spelling.startswith("一"))
    for name, values in synonyms.ALSO_READ.items():
        for value, phrases in values.items():
            for phrase in phrases:
                for spelling in _spellings(phrase):
                    _add_fact(table, spelling, ((name, value),))
    for (age, gender), texts in lexicon.ENGLISH_NOUNS.items():
        facts = tuple((name, value) for name, value in (("age", age), ("gender", gender)) if value)
        measured = lexicon.CHINESE_NOUNS[age, gender]
        for text in (*texts, *(noun[1:] for noun in measured)) if facts else ():
            _add_fact(table, text, facts)
    for phrase, facts in synonyms.SEVERAL:
        _add_fact(table, phrase, facts)
    _add_modifiers(table)
    for head, phrases in synonyms.HEADS.items():
        for phrase in phrases:
            table.add(phrase).head = head
    for phrase in synonyms.NEGATIONS:
        table.add(phrase).negates = True
    for phrase in (*synonyms.STOP_WORDS, *synonyms.PRONOUNS):
        for spelling in _spellings(phrase):
            table.add(spelling).stops = True
    for phrase, nearest in synonyms.HINTS.items():
        table.add(phrase).nearest = nearest
    table.index()
    return table


def _add_fact(table: _Table, phrase: str, facts: tuple[Fact, ...], suggest: bool = True) -> None:
    tokens = phrase_tokens(phrase)
    if not tokens:
        return
    meaning = table.add(phrase)
    if not meaning.facts:
        meaning.facts = facts
        meaning.head = next((synonyms.FAMILIES[name] for name, _ in facts if name in synonyms.FAMILIES), None)
    if suggest:
        table.known.setdefault(phrase.lower(), phrase)


def _add_modifiers(table: _Table) -> None:
    for phrase, meant in synonyms.SHAPES:
        table.add(phrase).modifies.update(meant)
    for phrase, meant in synonyms.COLOURS:
        _add_colour(table, phrase, meant)
    heads = {name: head for head, name in synonyms.COLOUR_ATTRIBUTES.items() if head != "beard"}
    for colours in (lexicon.ENGLISH_COLOURS, lexicon.CHINESE_COLOURS):
        for name, values in colours.items():
            for value, phrases in values.items():
                for phrase in phrases:
                    _add_colour(table, phrase.removesuffix("的"), {heads[name]: (name, value)})
    for phrase in synonyms.NEAR_COLOURS:
        _add_colour(table, phrase, {})


def _add_colour(table: _Table, phrase: str, meant: dict[str, Fact]) -> None:
    for spelling in _spellings(phrase):
        meaning = table.add(spelling)
        meaning.modifies.update(meant)
        meaning.is_colour = True


# ---- reading ---------------------------------------------------------------------------------------------------------


def normalised(text: str) -> str:
    """The text in lower case, simplified characters and NFKC, without possessives."""
    text = unicodedata.normalize("NFKC", text).lower().translate(synonyms.TRADITIONAL)
    return re.sub(r"(?<=\w)['’]s\b", "", text).replace("’", "'").replace("n't", "nt")


def phrase_tokens(text: str) -> list[str]:
    """Words in lower case, and single Chinese characters."""
    return _TOKEN.findall(normalised(text).replace("-", " "))


def tokens_of(text: str) -> list[tuple[str, int, int]]:
    """The words, Chinese characters and marks of a normalised text, with where they begin and end."""
    return [(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(text)]


class _Pending(NamedTuple):
    """A modifier that waits for its noun."""

    start: int  # index of its first token
    end: int
    meaning: _Meaning


class _Reader:
    """One pass over the tokens of a text."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("-", " ")
        spans = tokens_of(self.text)
        self.tokens = [_known_form(token) for token, _, _ in spans]
        self.starts = [start for _, start, _ in spans]
        self.ends = [end for _, _, end in spans]
        self.table = _table()
        self.attributes: dict[str, str] = {}
        self.understood: list[tuple[str, str, str]] = []
        self.conflicts: list[tuple[str, str, str]] = []
        self.unknown: dict[str, tuple[str, ...] | None] = {}
        self.weak: list[tuple[str, Fact]] = []
        self.pending: list[_Pending] = []
        self.negation: int | None = None  # index of the token where it begins
        self.copula_of: str | None = None  # head before "is", for "the hair is red"
        self.last_head: str | None = None
        self.clothes_next = False
        self.unmatched: int | None = None  # start of a run of unknown Chinese characters

    def run(self) -> None:
        position = 0
        while position < len(self.tokens):
            length, meaning = self._age(position) or self.table.match(self.tokens, position)
            if meaning is not None and self._is_fragment(position, length, meaning):
                meaning = None
            self._step(position, position + length, meaning)
            position += length
        self._flush()
        self._end_unmatched(position)
        for phrase, (name, value) in self.weak:
            if name not in self.attributes:
                self._record(phrase, (name, value))

    def _age(self, position: int) -> tuple[int, _Meaning] | None:
        """ "30 years old", "8 year old", "70岁": length and meaning."""
        if not self.tokens[position].isdecimal():
            return None
        for unit in synonyms.YEARS:
            if self.tokens[position + 1 : position + 1 + len(unit)] == unit:
                years = int(self.tokens[position][:4])
                value = next((value for limit, value in _AGES if years < limit), "elderly")
                return 1 + len(unit), _Meaning(facts=(("age", value),))
        return None

    def reading(self) -> Reading:
        ideographs = sum(1 for token in self.tokens if _IDEOGRAPH.match(token))
        words = sum(1 for token in self.tokens if len(token) > 1 and token.isalpha())
        unknown = [
            (word, _translated(word, nearest) if nearest is not None else (_near(word) if index < _LOOKED_UP else []))
            for index, (word, nearest) in enumerate(self.unknown.items())
        ]
        attributes = {name: self.attributes[name] for name in ATTRIBUTES if name in self.attributes}
        language = "zh" if ideographs > 2 * words else "en"
        return Reading(attributes, self.understood, unknown, self.conflicts, language)

    def _phrase(self, start: int, end: int) -> str:
        return self.text[self.starts[start] : self.ends[end - 1]]

    def _is_fragment(self, position: int, length: int, meaning: _Meaning) -> bool:
        """A single Chinese character is a modifier only directly before what it can be said of, else part of a word."""
        if length > 1 or not _IDEOGRAPH.match(self.tokens[position]) or meaning.stops or meaning.negates:
            return False
        if meaning.nearest is not None:
            return True  # looked up when the run of unknown characters has ended
        if not meaning.is_modifier:
            return False
        if position + 1 == len(self.tokens):
            return True
        _, following = self.table.match(self.tokens, position + 1)
        return following is None or not (following.head or following.is_modifier)

    def _step(self, start: int, end: int, meaning: _Meaning | None) -> None:
        token = self.tokens[start]
        if meaning is None and _IDEOGRAPH.match(token):
            self._flush()
            if self.unmatched is None:
                self.unmatched = start
            self._reset()
            return
        self._end_unmatched(start)
        if meaning is None:
            self._unmatched_token(start, end)
        elif meaning.nearest is not None:
            self._flush()
            self._unknown(self._phrase(start, end), meaning.nearest)
            self._reset()
        elif meaning.is_modifier and not (meaning.facts and self.negation is not None):
            self._modifier(start, end, meaning)
        elif meaning.facts or (meaning.head and (self.pending or self.negation is not None)):
            self._noun(start, end, meaning)
        elif meaning.head:
            self.last_head = meaning.head
        elif meaning.negates:
            self._flush()
            self._reset()
            self.negation = start
        else:
            self._small_word(start, end)

    def _unmatched_token(self, start: int, end: int) -> None:
        token = self.tokens[start]
        if not token[0].isalnum():
            self._small_word(start, end)
        elif token.isdigit():
            self._reset()
        else:
            self._flush()
            self._unknown(self._phrase(start, end), None)
            self._reset()

    def _small_word(self, start: int, end: int) -> None:
        word = self._phrase(start, end)
        if word in synonyms.PRONOUNS:
            self.weak.append((word, ("gender", synonyms.PRONOUNS[word])))
        if word in synonyms.COPULAS:
            self._flush()
            self.copula_of = self.last_head
            return
        if self.pending and word in synonyms.JOINING and self._continues(word, end):
            return
        self._flush()
        negation = self.negation if word[0].isalnum() else None
        self._reset()
        self.clothes_next, self.negation = word in synonyms.BEFORE_CLOTHES, negation

    def _continues(self, word: str, position: int) -> bool:
        """Do waiting modifiers go on waiting behind a joining word?"""
        _, following = self.table.match(self.tokens, position) if position < len(self.tokens) else (1, None)
        if following is None or not (following.is_modifier or following.head):
            return False
        last = self.pending[-1].meaning
        return word != "," or not (self.clothes_next or (last.is_colour and following.is_colour))

    def _modifier(self, start: int, end: int, meaning: _Meaning) -> None:
        if self._phrase(start, end) in synonyms.SHADES and end < len(self.tokens):
            _, following = self.table.match(self.tokens, end)
            if following is not None and following.is_colour:
                return  # "dark red": the shade is not told apart
        self.pending.append(_Pending(start, end, meaning))

    def _noun(self, start: int, end: int, meaning: _Meaning) -> None:
        if self.negation is not None:
            self._negated(start, end, meaning)
            return
        first = self.pending[0].start if self.pending else start
        said = []
        for modifier in self.pending:
            if meaning.head in modifier.meaning.modifies:
                said.append(modifier.meaning.modifies[meaning.head])
            elif modifier.meaning.facts:
                for fact in modifier.meaning.facts:
                    self._record(self._phrase(modifier.start, modifier.end), fact)
            else:
                self._unpaintable(modifier, (start, end) if meaning.head else None, meaning.head)
        self.pending = []
        phrase = self._phrase(first, end)
        said_names = {name for name, _ in said}
        for fact in said:
            self._record(phrase, fact)
        for fact in meaning.facts:
            if fact[0] not in said_names or fact[0] == "hair_style":
                self._record(phrase if said else self._phrase(start, end), fact)
        self._reset()
        self.last_head = meaning.head
        if any(value == "none" for _, value in meaning.facts):
            self._go_on_negating(start, end)

    def _negated(self, start: int, end: int, meaning: _Meaning) -> None:
        phrase = self._phrase(self.negation, end)
        self.pending = []
        names = [name for name, _ in meaning.facts if "none" in ATTRIBUTES[name]]
        begin = self.negation
        self.negation = None
        if names:
            self._record(phrase, (names[0], "none"))
            self._go_on_negating(begin, end)
        elif any(name == "expression" for name, _ in meaning.facts):
            self._record(phrase, ("expression", "neutral"))
        elif meaning.head == "hair" and not meaning.facts:
            self._record(phrase, ("hair_style", "bald"))
        else:
            self._unknown(phrase, ())

    def _go_on_negating(self, begin: int, end: int) -> None:
        """ "without glasses or a hat" and "no hat and glasses" deny both, "no hat and a beard" does not."""
        following = end + 1
        if end < len(self.tokens) and self.tokens[end] in synonyms.OR | synonyms.AND:
            if self.tokens[end] in synonyms.OR and self.tokens[following : following + 1] in (["a"], ["an"], ["any"]):
                following += 1
            if following < len(self.tokens):
                _, meaning = self.table.match(self.tokens, following)
                if meaning is not None and any("none" in ATTRIBUTES[name] for name, _ in meaning.facts):
                    self.negation = begin

    def _flush(self) -> None:
        """Settles modifiers after which no noun came."""
        for modifier in self.pending:
            meaning, phrase = modifier.meaning, self._phrase(modifier.start, modifier.end)
            if self.copula_of in meaning.modifies:
                self._record(phrase, meaning.modifies[self.copula_of])
            elif self.clothes_next and "clothes" in meaning.modifies:
                self._record(phrase, meaning.modifies["clothes"])
            elif meaning.facts:
                for fact in meaning.facts:
                    self._record(phrase, fact)
            else:
                self._unpaintable(modifier, None, None)
        self.pending = []

    def _reset(self) -> None:
        self.negation = self.copula_of = self.last_head = None
        self.clothes_next = False

    def _record(self, phrase: str, fact: Fact) -> None:
        name, value = fact
        before = self.attributes.get(name)
        if before == value:
            return
        if name == "hair_style" and before in ("long", "short") and value in _SPECIFIC_HAIR:
            self.understood = [entry for entry in self.understood if entry[1] != name]
        elif before is not None:
            if not (name == "hair_style" and value in ("long", "short") and before in _SPECIFIC_HAIR):
                self.conflicts.append((phrase, name, value))
            return
        self.attributes[name] = value
        self.understood.append((phrase, name, value))

    def _unknown(self, word: str, nearest: tuple[str, ...] | None) -> None:
        self.unknown.setdefault(word, nearest)

    def _unpaintable(self, modifier: _Pending, noun: tuple[int, int] | None, head: str | None) -> None:
        """Reports a modifier that is said of nothing, or of something that cannot be so."""
        word = self._phrase(modifier.start, modifier.end)
        if noun is not None and head in synonyms.HEADS:
            noun_word = self._phrase(*noun)
            joint = "" if _IDEOGRAPH.search(noun_word) else " "
            nearest = tuple(f"{colour}{joint}{noun_word}" for colour in _near_colours(word, head))
            self._unknown(self._phrase(modifier.start, noun[1]), nearest)
            return
        nouns = {"hair": "头发", "eyes": "眼睛", "clothes": "衣服", "face": "脸", "skin": "皮肤", "glasses": "眼镜"}
        chinese = _IDEOGRAPH.search(word) is not None
        heads = [head for head in modifier.meaning.modifies if head in nouns]
        nearest = [f"{word}{nouns[head]}" if chinese else f"{word} {head}" for head in heads]
        self._unknown(word, tuple(nearest[:_NEAREST]) or None)

    def _end_unmatched(self, end: int) -> None:
        if self.unmatched is not None:
            hint = self.table.meanings.get(tuple(self.tokens[self.unmatched : end]))
            self._unknown(self._phrase(self.unmatched, end), hint.nearest if hint is not None else None)
            self.unmatched = None


def _known_form(token: str) -> str:
    """The token, or its singular or plural where only that is known."""
    words = _table().words
    if token in words or not token.isascii() or len(token) < 4:
        return token
    for form in (token.removesuffix("s"), token.removesuffix("es"), f"{token}s"):
        if form in words:
            return form
    return token


def _near_colours(word: str, head: str) -> list[str]:
    """Colours like `word`, in its script, that what it is said of can have."""
    chinese = _IDEOGRAPH.search(word) is not None
    meanings = _table().meanings
    near = [c for c in synonyms.NEAR_COLOURS.get(word, ()) if (_IDEOGRAPH.search(c) is not None) == chinese]
    return [colour for colour in near if head in meanings[tuple(phrase_tokens(colour))].modifies][:_NEAREST]


@lru_cache(maxsize=1024)
def _nearest_known(word: str) -> tuple[str, ...]:
    known = _table().known
    cutoff = 0.5 if _IDEOGRAPH.search(word) else 0.7
    found = difflib.get_close_matches(word, known, n=3 * _NEAREST, cutoff=cutoff)
    by_meaning = {}
    for key in found:
        by_meaning.setdefault(_table().meanings[tuple(phrase_tokens(known[key]))].facts, known[key])
    return tuple(by_meaning.values())[:_NEAREST]


def _translated(word: str, phrases: tuple[str, ...]) -> list[str]:
    """Suggestions in the script of the word that they are for."""
    if not _IDEOGRAPH.search(word):
        return list(phrases)
    return [phrase if _IDEOGRAPH.search(phrase) else _chinese(phrase) for phrase in phrases]


@cache
def _chinese(phrase: str) -> str:
    from .captions import tags

    return tags(read_prompt(phrase).attributes, "zh")


def _near(word: str) -> list[str]:
    return list(_nearest_known(word[:40]))
