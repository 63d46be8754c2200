"""Image files: found, told apart by their bytes, and each fault with its words."""

import io

import numpy as np
import pytest
from PIL import Image

from dlkit.data.image import formats
from dlkit.errors import InputError

NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)


def content(kind, mode="RGB"):
    buffer = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", formats.KINDS)
def test_a_kind_is_told_by_the_bytes_whatever_the_name(tmp_path, kind):
    path = tmp_path / "picture.txt"
    path.write_bytes(content(kind))
    assert formats.inspect(path) == (kind, "")
    path.write_bytes(content(kind) + b"notes of a camera" * 1000)
    assert formats.inspect(path) == (kind, "")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "is not a JPEG, PNG, BMP or GIF image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "is not a JPEG, PNG, BMP or GIF image but WebP: save it as PNG"),
        (content("tiff"), "is not a JPEG, PNG, BMP or GIF image but TIFF"),
        (content("webp"), "is not a JPEG, PNG, BMP or GIF image but WebP"),
        (content("avif"), "is not a JPEG, PNG, BMP or GIF image but AVIF"),
        (content("jpeg2000"), "is not a JPEG, PNG, BMP or GIF image but JPEG 2000"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is not a JPEG, PNG, BMP or GIF image but HEIC"),
        (content("jpeg")[:-2], "is a JPEG image that was cut short"),
        (content("png")[:-300], "is a PNG image that was cut short"),
        (content("bmp")[:-1], "is a BMP image that was cut short"),
        (content("bmp", "1"), "is a BMP image of 1 bits a pixel, and only 8, 24 and 32 can"),
        (
            content("bmp", "L")[:30] + b"\1" + content("bmp", "L")[31:],
            "is a BMP image that is comp",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, written, fault):
    path = tmp_path / "picture.jpg"
    path.write_bytes(written)
    assert formats.inspect(path)[1].startswith(fault)


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    assert formats.inspect(tmp_path) == ("", "cannot be read (Is a directory)")


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content("png"))


def test_class_folders_are_walked_and_hidden_files_left_out(tmp_path):
    fill(tmp_path, "b/2.png", "b/more/1.png", "a/x.png", ".git/y.png", "b/.DS_Store", "b/.c/z.png")
    fill(tmp_path, "b/Thumbs.db", "a/desktop.ini", "__MACOSX/b/._2.png")  # of Windows and macOS
    (tmp_path / "LICENSE.txt").write_text("beside the classes")
    files, classes = formats.in_folder(tmp_path)
    assert classes == ("a", "b")
    names = [path.removeprefix(f"{tmp_path}/") for path in files.paths]
    assert names == ["a/x.png", "b/2.png", "b/more/1.png"]
    assert files.labels.tolist() == ["a", "b", "b"]


def test_what_a_folder_lacks_is_told_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="nowhere is not a folder"):
        formats.in_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"{tmp_path} holds no class folders"):
        formats.in_folder(tmp_path)
    fill(tmp_path, "set/train/a/1.png", "set/test/a/1.png")
    with pytest.raises(InputError, match=r"holds splits \(test, train\) and not .*test='.*/test'"):
        formats.in_folder(tmp_path / "set")
    (tmp_path / "set" / "cats").mkdir()
    with pytest.raises(InputError, match="set/cats is empty; put the images of 'cats' there"):
        formats.in_folder(tmp_path / "set")


@pytest.mark.parametrize(
    ("splits", "train", "held"),
    [
        (["train", "val"], "train", "val"),
        (["test", "train"], "train", "test"),
        (["Train", "Valid", "Test"], "Train", "Test"),
        (["training", "validation"], "training", "validation"),
    ],
)
def test_the_advice_for_splits_never_tests_on_training_files(tmp_path, splits, train, held):
    fill(tmp_path, *(f"{split}/a/1.png" for split in splits))
    with pytest.raises(InputError) as caught:
        formats.in_folder(tmp_path)
    assert f"give '{tmp_path / train}', and test='{tmp_path / held}'." in str(caught.value)


def test_files_that_are_no_images_are_named_or_skipped(tmp_path, capsys):
    fill(tmp_path, "a/1.png", "a/3.png")
    (tmp_path / "a" / "2.txt").write_text("notes")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "4.png").write_bytes(content("png")[:100])
    files, _ = formats.in_folder(tmp_path)
    with pytest.raises(InputError, match=r"a/2\.txt is not a JPEG, PNG, BMP or GIF .*'skip'\."):
        formats.checked(files, "error")
    kept = formats.checked(files, "skip")
    assert [path[-7:] for path in kept.paths] == ["a/1.png", "a/3.png"]
    assert (kept.labels == "a").all() and (kept.kinds == formats.KINDS.index("png")).all()
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert told.startswith("Skipped 2 of 4 files: ") and "b/4.png is a PNG image that was" in told
    with pytest.raises(InputError, match="None of the 2 files is an image"):
        formats.checked(files.take(np.array([1, 3])), "skip")


def test_many_skipped_files_are_named_by_the_first_ten(capsys):
    paths = np.array([f"missing{i}.png" for i in range(12)] + [__file__])
    files = formats.Files(paths, np.zeros(13))
    formats.leave_out(files, {row: f"{paths[row]} does not exist" for row in range(12)})
    told = capsys.readouterr().out
    assert "missing9.png" in told and "missing10.png" not in told and ", and 2 more" in told
