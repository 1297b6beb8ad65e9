import os
import shutil

import pytest

from tfportrait import files


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        with files.atomic_write(path) as file:
            file.write(b"half")
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    with files.atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_writable_is_known_before_any_work(tmp_path):
    assert files.check_writable(tmp_path / "x.png") == tmp_path / "x.png"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for path, message in [
        (tmp_path, "it is a folder"),
        (tmp_path / "no" / "x.png", "does not exist"),
        (tmp_path / "file" / "x.png", "is a file, not a folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            files.check_writable(path)
    with pytest.raises(ValueError, match="cannot create the folder"):
        files.check_writable_folder(tmp_path / "file")


def test_folder_that_takes_no_files(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "touch", refuse)
    with pytest.raises(ValueError, match="x.png: Permission denied"):
        files.check_writable(tmp_path / "x.png")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME" if os.name != "nt" else "USERPROFILE", str(tmp_path))
    assert files.check_writable("~/x.png") == tmp_path / "x.png"


def test_cache_folder_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "elsewhere"))
    assert files.cache_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("TFPORTRAIT_CACHE")
    assert files.cache_dir().name == "tfportrait"
    assert not (tmp_path / "elsewhere").exists()


def test_space_is_checked_on_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path, monkeypatch):
    files.check_space(tmp_path / "a" / "b", 1)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    with pytest.raises(OSError, match="2.5 GB needed but 1.0 GB free"):
        files.check_space(tmp_path / "a", 25 * 10**8)


def test_checksums_find_missing_and_damaged_files(tmp_path):
    (tmp_path / "unet").mkdir()
    for name in ("a.json", "unet/b.bin", "c"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state/run").write_text("1")
    files.write_checksums(tmp_path)
    (tmp_path / ".state/run").write_text("2")
    assert files.verify_checksums(tmp_path) == []
    (tmp_path / "unet/b.bin").write_text("unet/b.bIn")
    (tmp_path / "c").unlink()
    assert files.verify_checksums(tmp_path) == ["c is missing", "unet/b.bin is damaged (its checksum differs)"]
    (tmp_path / files.CHECKSUMS).write_text("nonsense\n")
    with pytest.raises(ValueError, match="SHA256SUMS line 1"):
        files.verify_checksums(tmp_path)
    (tmp_path / files.CHECKSUMS).unlink()
    with pytest.raises(ValueError, match="has no SHA256SUMS"):
        files.verify_checksums(tmp_path)
