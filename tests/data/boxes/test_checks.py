"""What is said of boxes, counted by hand."""

import pathlib

import pytest
from PIL import Image

import dlkit as dk


@pytest.fixture
def photos(tmp_path):
    """Write 20 photos of 100x200 with a cat of 40x40; 10 have 2 dogs of 8x6 too, the last none."""
    for row in range(20):
        Image.new("L", (200, 100), row).save(tmp_path / f"{row:02d}.png")
        boxes = [] if row == 19 else [("cat", 10, 20, 50, 60)]
        boxes += [("dog", 60 + 9 * i, 5, 68 + 9 * i, 11) for i in range(2 * (row < 10))]
        write(tmp_path, row, boxes)
    for split, rows in (("train", range(20)), ("val", (3, 4)), ("test", (1, 2))):
        lists = tmp_path / "ImageSets" / "Main"
        lists.mkdir(parents=True, exist_ok=True)
        chosen = [row for row in rows if split != "train" or row not in (1, 2, 3, 4)]
        (lists / f"{split}.txt").write_text("".join(f"{row:02d}\n" for row in chosen))
    return tmp_path


def write(folder: pathlib.Path, row, boxes):
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in boxes
    )
    size = "<size><width>200</width><height>100</height></size>"
    (folder / f"{row:02d}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


def found(folder, **options):
    data = dk.data.from_voc(folder, **{"image_size": (100, 200), "batch_size": 4, **options})
    return {finding.what: finding for finding in data.check(show=False)}


def test_boxes_are_counted_by_class_and_image(photos):
    by_name = found(photos)
    assert by_name["box counts"].detail == "cat 15, dog 12"
    assert by_name["boxes an image"].level == "note"
    assert by_name["boxes an image"].detail == (
        "0 to 3, half of the images have up to 1; 1 of 16 (6.2%) have none"
    )
    assert by_name["box sizes"].level == "ok"
    assert by_name["box sizes"].detail.startswith("6.9 to 40 pixels wide at 100x200")


def test_boxes_that_become_too_small_are_told(photos):
    finding = found(photos, image_size=(50, 100))["box sizes"]
    assert finding.level == "warning" and finding.advice == "give a greater image_size"
    assert finding.detail.startswith("12 of 27 (44%) are narrower than 4 pixels")


def test_a_class_without_a_box_in_training_is_told(photos):
    write(photos, 1, [("bird", 0, 0, 9, 9)])
    finding = found(photos)["box counts"]
    assert finding.level == "error" and finding.detail.startswith("no training box of bird; bird 0")


def test_a_rare_class_is_told(photos):
    write(photos, 0, [("cat", 0, 0, 99, 99)] * 120 + [("dog", 0, 0, 30, 30)])
    finding = found(photos)["box counts"]
    assert finding.detail == "cat 134, dog 11" and finding.level == "note"


def test_class_bars_count_boxes(photos):
    data = dk.data.from_voc(photos, image_size=(20, 40), batch_size=4)
    axes = data.show_classes().axes
    assert [axis.get_title() for axis in axes] == ["train: 16", "val: 2", "test: 2"]
    assert [[bar.get_width() for bar in axis.patches] for axis in axes] == [
        *([15, 12], [2, 4], [2, 4])
    ]
