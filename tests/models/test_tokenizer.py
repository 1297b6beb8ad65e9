"""The tokenizer against transformers' CLIPTokenizer, on any Unicode, at its limits, and on damaged files."""

import json
import subprocess
import sys
from functools import cache

import golden.tokenizer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.models.tokenizer import END, START, Tokenizer
from tfportrait.world import captions

GOLDEN = json.loads(golden.tokenizer.OUT.read_text(encoding="utf-8"))
any_text = st.text(st.characters(codec="utf-8"), max_size=40)
any_str = st.text(max_size=40)  # lone surrogates too


rebuilt = cache(golden.tokenizer.rebuilt)


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return Tokenizer.train(captions.corpus(1200), 2000, max_length=64)


def test_ids_are_those_of_transformers():
    np.testing.assert_array_equal(rebuilt().encode(GOLDEN["texts"]), GOLDEN["ids"])


def test_ids_of_ten_thousand_generated_strings_are_those_of_transformers():
    texts = golden.tokenizer.generated()
    assert len(set(texts)) > 9000
    assert golden.tokenizer.digests(rebuilt().encode(texts)) == GOLDEN["digests_of_generated"]


def test_ids_are_those_of_transformers_with_stable_diffusion_2_files(tmp_path):
    rebuilt().save(tmp_path)
    specials = GOLDEN["described_tokens"]
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(specials), encoding="utf-8")
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.pad_id == tokenizer.vocab["!"] == 0
    np.testing.assert_array_equal(tokenizer.encode(GOLDEN["texts"]), GOLDEN["described_ids"])


@pytest.mark.peers
def test_transformers_reads_our_folder(trained, tmp_path):
    transformers = pytest.importorskip("transformers")
    trained.save(tmp_path)
    peer = transformers.CLIPTokenizer.from_pretrained(tmp_path)
    assert (peer.model_max_length, peer.pad_token_id) == (64, trained.pad_id)

    @settings(max_examples=300, deadline=None)
    @given(any_text | st.sampled_from([*captions.corpus(40)]))
    def same(text):
        row = peer(text, padding="max_length", truncation=True, max_length=64)["input_ids"]
        assert trained.encode(text)[0].tolist() == row

    same()


def test_who_reads_chinese(trained):
    english = (text for text in captions.corpus(600) if text.isascii())
    assert trained.reads_chinese and not Tokenizer.train(english, 2000).reads_chinese


def test_layout_is_clips():
    tokenizer = rebuilt()
    names = [*tokenizer.vocab]
    assert names[:3] == ["!", '"', "#"] and names[256:259] == ["!</w>", '"</w>', "#</w>"]
    assert names[-2:] == [START, END] and [*tokenizer.vocab.values()] == [*range(len(tokenizer))]
    assert names[512] == "".join(GOLDEN["merges"][0])


def test_rows():
    tokenizer = rebuilt()
    rows = tokenizer.encode(["", "a woman"])
    assert rows.dtype == np.int32 and rows.shape == (2, 24)
    assert rows[0].tolist() == [tokenizer.bos_id] + [tokenizer.eos_id] * 23
    assert tokenizer.encode([]).shape == (0, 24)
    np.testing.assert_array_equal(tokenizer.encode("a woman")[0], rows[1])
    assert tokenizer.count("") == 2 and tokenizer.count("a woman") == 4


@settings(max_examples=200, deadline=None)
@given(any_str)
def test_any_text_has_ids_and_decodes(text):
    tokenizer = rebuilt()
    row = tokenizer.encode(text)[0]
    assert row[0] == tokenizer.bos_id and tokenizer.eos_id in row
    assert row.min() >= 0 and row.max() < len(tokenizer)
    if END not in text.lower() and START not in text.lower() and tokenizer.count(text) <= 24:
        assert (row != tokenizer.eos_id).sum() == tokenizer.count(text) - 1  # nothing became the unknown token


def test_surrogates_are_joined_or_replaced():
    tokenizer = rebuilt()
    np.testing.assert_array_equal(tokenizer.encode("\ud83d\ude00"), tokenizer.encode("😀"))
    np.testing.assert_array_equal(tokenizer.encode("a\ud800b"), tokenizer.encode("a\ufffdb"))


def test_decode():
    tokenizer = rebuilt()
    assert tokenizer.decode(tokenizer.encode("A smiling  WOMAN, 一位女士 😀")[0]) == "a smiling woman , 一位女士 😀"


@pytest.mark.parametrize("word", ["beret ", "一位", "😀"])
def test_what_does_not_fit_is_cut_before_the_end_token_and_reported(word):
    tokenizer = rebuilt()
    text = word * 40
    row, lost = tokenizer.encode(text)[0], tokenizer.truncated(text)
    assert row[-1] == tokenizer.eos_id and (row[1:-1] != tokenizer.eos_id).all()
    assert text.endswith(lost) and 0 < len(lost) < len(text)
    np.testing.assert_array_equal(tokenizer.encode(text.removesuffix(lost))[0][:20], row[:20])
    assert tokenizer.truncated("a woman") == tokenizer.truncated("") == ""


def test_a_text_of_exactly_the_length_is_not_cut():
    tokenizer = rebuilt()
    assert tokenizer.count("1" * 22) == 24 and tokenizer.truncated("1" * 22) == ""
    assert tokenizer.truncated("1" * 22 + "2") == "2"


def test_training_is_the_same_in_another_process_and_order():
    code = (
        "import hashlib, json, sys; from tfportrait.models.tokenizer import Tokenizer\n"
        "from tfportrait.world import captions\n"
        "texts = list(captions.corpus(300))[:: int(sys.argv[1])]\n"
        "t = Tokenizer.train(texts, 1200); print(hashlib.md5(json.dumps([t.vocab, t.merges]).encode()).hexdigest())\n"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules\n"
    )
    runs = [subprocess.run([sys.executable, "-c", code, step], capture_output=True, text=True) for step in ("1", "-1")]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def test_training_size(trained):
    assert len(trained) == 2000 and len(trained.merges) >= 2000 - 514
    assert len(Tokenizer.train(["a a"], 5000)) < 520  # no more pairs to merge
    with pytest.raises(ValueError, match="at least 514"):
        Tokenizer.train([], 513)


def test_captions_fit_the_context_of_the_shipped_text_encoder():
    tokenizer = Tokenizer.train(captions.corpus(6000), 2500, max_length=64)
    lengths = [tokenizer.count(text) for text in captions.corpus(2000, seed=10**6)]
    assert max(lengths) <= 64 and np.mean(lengths) < 30


def test_folder_round_trip(trained, tmp_path):
    trained.save(tmp_path / "tokenizer")
    again = Tokenizer.from_folder(tmp_path / "tokenizer")
    assert again.get_config() == trained.get_config() == Tokenizer.from_config(trained.get_config()).get_config()
    assert sorted(path.name for path in (tmp_path / "tokenizer").iterdir()) == [
        "merges.txt",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.json",
    ]
    json.dumps(trained.get_config())


def test_a_folder_with_only_vocabulary_and_merges_is_clips(trained, tmp_path):
    trained.save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "special_tokens_map.json").unlink()
    bare = Tokenizer.from_folder(tmp_path)
    assert bare.max_length == 77 and bare.pad_id == bare.eos_id == trained.eos_id


@pytest.mark.parametrize(
    "name, text",
    [
        ("vocab.json", None),
        ("vocab.json", '{"a": 0'),
        ("vocab.json", "[]"),
        ("vocab.json", '{"a": 0}'),
        ("merges.txt", None),
        ("merges.txt", "#version: 0.2\na b c\n"),
        ("merges.txt", "#version: 0.2\nqqq zzz\n"),
        ("tokenizer_config.json", "nonsense"),
        ("special_tokens_map.json", '{"pad_token": "<|nowhere|>"}'),
    ],
)
def test_damaged_folders_are_value_errors_that_name_the_place(tmp_path, name, text):
    rebuilt().save(tmp_path)
    (tmp_path / name).unlink()
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=tmp_path.name):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("length", [2, 0, -1, 7.5, True, "64"])
def test_bad_max_length(length):
    base = Tokenizer.train([], 514)
    with pytest.raises(ValueError, match="max_length"):
        Tokenizer(base.vocab, base.merges, length)


def test_a_text_that_is_none_is_a_value_error():
    with pytest.raises(ValueError, match="NoneType"):
        rebuilt().encode([None])
