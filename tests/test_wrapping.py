from hypothesis import given
from hypothesis import strategies as st

from tfportrait.wrapping import width, wrap


@given(st.lists(st.sampled_from(["a", "word", "longer", "噪", "声"]), min_size=1), st.integers(12, 30))
def test_nothing_is_lost_and_lines_fit(words, limit):
    text = " ".join(words)
    lines = wrap(text, limit)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= limit for line in lines)


def test_chinese_breaks_anywhere_but_before_punctuation():
    assert width("ab 噪声") == 7
    assert wrap("噪声调度，噪声", 8) == ["噪声调", "度，噪声"]
    assert wrap("one two", 4) == ["one", "two"] and wrap(" ", 4) == []
