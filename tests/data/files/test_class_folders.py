"""Files in class folders: found, left out, and each fault with its words."""

import numpy as np
import pytest

from dlkit.data.files.class_folders import Files, find_class_folders, leave_out, whole_files
from dlkit.data.image.formats import inspect_image
from dlkit.errors import InputError
from tests.data.image.test_formats import content


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content("png"))


def test_class_folders_are_walked_and_hidden_files_left_out(tmp_path):
    fill(tmp_path, "b/2.png", "b/more/1.png", "a/x.png", ".git/y.png", "b/.DS_Store", "b/.c/z.png")
    fill(tmp_path, "b/Thumbs.db", "a/desktop.ini", "__MACOSX/b/._2.png")  # of Windows and macOS
    (tmp_path / "LICENSE.txt").write_text("beside the classes")
    files, classes = find_class_folders(tmp_path, "images")
    assert classes == ("a", "b")
    names = [path.removeprefix(f"{tmp_path}/") for path in files.paths]
    assert names == ["a/x.png", "b/2.png", "b/more/1.png"]
    assert files.labels.tolist() == ["a", "b", "b"]


def test_what_a_folder_lacks_is_told_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="nowhere is not a folder"):
        find_class_folders(tmp_path / "nowhere", "images")
    with pytest.raises(InputError, match=f"{tmp_path} holds no class folders"):
        find_class_folders(tmp_path, "images")
    fill(tmp_path, "set/train/a/1.png", "set/test/a/1.png")
    with pytest.raises(InputError, match=r"holds splits \(test, train\) and not .*test='.*/test'"):
        find_class_folders(tmp_path / "set", "images")
    (tmp_path / "set" / "cats").mkdir()
    with pytest.raises(InputError, match="set/cats is empty; put the images of 'cats' there"):
        find_class_folders(tmp_path / "set", "images")


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
        find_class_folders(tmp_path, "images")
    assert f"give '{tmp_path / train}', and test='{tmp_path / held}'." in str(caught.value)


def test_files_that_are_no_images_are_named_or_skipped(tmp_path, capsys):
    fill(tmp_path, "a/1.png", "a/3.png")
    (tmp_path / "a" / "2.txt").write_text("notes")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "4.png").write_bytes(content("png")[:100])
    files, _ = find_class_folders(tmp_path, "images")
    with pytest.raises(InputError, match=r"a/2\.txt is not a JPEG, PNG, BMP or GIF .*'skip'\."):
        whole_files(files, "error", inspect_image, "an image")
    kept = whole_files(files, "skip", inspect_image, "an image")
    assert [path[-7:] for path in kept.paths] == ["a/1.png", "a/3.png"]
    assert (kept.labels == "a").all() and (kept.kinds == "png").all()
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert told.startswith("Skipped 2 of 4 files: ") and "b/4.png is a PNG image that was" in told
    with pytest.raises(InputError, match="None of the 2 files is an image"):
        whole_files(files.take(np.array([1, 3])), "skip", inspect_image, "an image")


def test_many_skipped_files_are_named_by_the_first_ten(capsys):
    paths = np.array([f"missing{i}.png" for i in range(12)] + [__file__])
    files = Files(paths, np.zeros(13))
    leave_out(files, {row: f"{paths[row]} does not exist" for row in range(12)}, "an image")
    told = capsys.readouterr().out
    assert "missing9.png" in told and "missing10.png" not in told and ", and 2 more" in told
