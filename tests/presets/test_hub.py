import shutil

import huggingface_hub
import pytest

import tfportrait as tp
from tfportrait import presets
from tfportrait.presets import hub

FILES = [
    "model_index.json",
    "README.md",
    "v1-5-pruned.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_encoder/pytorch_model.bin",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "safety_checker/model.safetensors",
    "safety_checker/config.json",
]


def test_one_copy_of_what_is_needed_is_fetched():
    assert sorted(hub.wanted("a/b", FILES)) == [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/special_tokens_map.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ]


def test_shards_come_with_their_index():
    whole = "unet/diffusion_pytorch_model"
    files = [file for file in FILES if not file.startswith("unet/")]
    shards = [f"{whole}-0000{i}-of-00002.safetensors" for i in (1, 2)]
    chosen = hub.wanted("a/b", [*files, f"{whole}.safetensors.index.json", *shards])
    assert {f"{whole}.safetensors.index.json", *shards} <= set(chosen)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["v2.safetensors", "x.ckpt"], "not in diffusers' layout .*it has v2.safetensors: fetch one of them"),
        (["README.md"], r"not in diffusers' layout \(no model_index.json\)$"),
        (
            [f for f in FILES if f != "text_encoder/model.safetensors"],
            "no safetensors for its text_encoder, only pickles, which may run any code",
        ),
        ([f for f in FILES if not f.startswith("vae/")], "no safetensors for its vae$"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_fetched(files, message):
    with pytest.raises(ValueError, match=message):
        hub.wanted("a/b", files)


def test_a_name_of_the_hub_is_a_preset(tmp_path, monkeypatch):
    shipped, fetched = presets.shipped()["portrait_128"], tmp_path / "fetched"
    files = [path.relative_to(shipped).as_posix() for path in shipped.rglob("*") if path.is_file()]
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda self, name: files)

    def snapshot(name, allow_patterns):
        for file in allow_patterns:
            (fetched / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(shipped / file, fetched / file)
        return str(fetched)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    painter = tp.LatentDiffusion.from_preset("somebody/portraits")
    assert painter.unet.config == tp.UNet.from_folder(shipped / "unet").config
    assert not (fetched / "README.md").exists()


def test_without_the_network_the_cache_is_asked_then_the_reason_given(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network\nat all")

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", offline)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, local_files_only: str(tmp_path))
    assert presets.locate("somebody/portraits") == tmp_path
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(
        ValueError, match="no preset or folder 'somebody/portraits', and the hub does not.*no network at all"
    ):
        presets.locate("somebody/portraits")
