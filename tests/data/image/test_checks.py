"""What is said of pictures and their files, planted among real photos."""

import shutil

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.catalogue import cache
from tests.data.findings import found


def test_clean_photos_stay_clean(shared_data):
    data = dk.data.load("flowers", image_size=(32, 32))
    by_name = found(data)
    assert {finding.level for finding in by_name.values()} == {"ok"}
    assert "(height x width) in 300 files" in by_name["picture sizes"].detail


@pytest.fixture(scope="module")
def photos(tmp_path_factory, shared_data):
    """Two classes of 20 flower photos, and what is planted among them."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    source = cache.unpack_published("images/flower_photos_192.zip")
    for path in sorted({path.parent for path in source.rglob("*.jpg")})[:2]:
        (folder / path.name).mkdir()
        for photo in sorted(path.glob("*.jpg"))[:20]:
            shutil.copy(photo, folder / path.name)
    plain = dk.data.from_image_folder(folder, image_size=(48, 48), batch_size=8)
    split, paths = plain.origin.split, plain.origin.paths
    # In testing: a photo of training saved again, and smaller.
    again = Image.open(paths[split.train[0]])
    again.resize([side * 3 // 4 for side in again.size]).save(paths[split.test[0]], quality=60)
    Image.new("RGB", (90, 60), (200, 30, 30)).save(paths[split.train[4]])
    Image.open(paths[split.train[5]]).resize((400, 40)).save(paths[split.train[5]])
    return folder, split


def test_a_photo_that_was_saved_again_is_found_in_the_other_split(photos):
    folder, split = photos
    data = dk.data.from_image_folder(folder, image_size=(48, 48), batch_size=8)
    by_name = found(data)
    near = by_name["alike in test and train"]
    assert near.detail.startswith("1 of 8")
    assert f"{split.test[0]} and {split.train[0]}" in near.detail
    assert by_name["same in two splits"].level == "ok"
    blank = by_name["blank pictures"]
    assert blank.level == "warning" and blank.detail.endswith(f"rows {split.train[4]}")
    assert "40x" in by_name["picture sizes"].detail


def test_pictures_that_are_blown_up_are_told(photos):
    data = dk.data.from_image_folder(photos[0], image_size=(256, 256), batch_size=8)
    finding = found(data)["picture sizes"]
    assert finding.level == "warning"
    assert "are smaller than the 256x256 they are resized to" in finding.detail


def test_grey_files_among_colours_are_counted(photos, tmp_path):
    from PIL import Image

    shutil.copytree(photos[0], tmp_path / "mixed")
    for path in sorted(tmp_path.glob("mixed/daisy/*"))[:10]:
        with Image.open(path) as photo:
            photo.convert("L").save(path)
    data = dk.data.from_image_folder(tmp_path / "mixed", image_size=(48, 48), batch_size=8)
    grey = 0
    for path in data.origin.paths[data.origin.split.train]:
        with Image.open(path) as photo:
            grey += photo.mode == "L"
    finding = found(data)["picture colours"]
    assert finding.level == "note" and grey > 0
    assert finding.detail.startswith(f"{grey} of 28") and "one class" in finding.advice


def test_files_of_16_bits_among_others_are_counted(tmp_path):
    from PIL import Image

    folder = tmp_path / "grey"
    for row in range(20):
        levels = np.arange(4096).astype(np.uint16 if row % 4 == 0 else np.uint8) + row
        path = folder / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels.reshape(64, 64)).save(path)
    data = dk.data.from_image_folder(folder, image_size=(8, 8), channels=1, batch_size=4)
    finding = found(data)["picture depths"]
    assert finding.level == "note"
    assert "files have 16 bits a pixel, the others 8" in finding.detail
