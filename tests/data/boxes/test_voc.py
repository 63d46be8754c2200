"""Pascal VOC's files: boxes by hand, and each fault with its sentence."""

import numpy as np
import pytest

from dlkit.data.boxes import voc
from dlkit.data.catalogue import cache
from dlkit.errors import InputError

BOX = (30, 20, 60, 70)


def note(*objects, size=(100, 200), filename="photo.jpg", head=""):
    """Return an annotation; `objects` are (name, (xmin, ymin, xmax, ymax))."""
    parts = [f"<filename>{filename}</filename>"]
    parts.append(f"<size><width>{size[0]}</width><height>{size[1]}</height></size>")
    for name, edges in objects:
        tags = zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
        box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags)
        parts.append(f"<object><name> {name}\n</name><bndbox>{box}</bndbox></object>")
    return f"{head}<annotation>{''.join(parts)}</annotation>"


def write(folder, text, stem="photo", image="photo.jpg"):
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "JPEGImages").mkdir(exist_ok=True)
    (folder / "Annotations" / f"{stem}.xml").write_bytes(
        text.encode() if isinstance(text, str) else text
    )
    if image:
        (folder / "JPEGImages" / image).touch()
    return folder


def test_boxes_are_parts_of_the_image_cut_at_its_edges(tmp_path):
    text = note(("cat", BOX), ("dog", (-5, 190.5, 50, 260)))
    (found,) = voc.read_annotations(write(tmp_path, text))
    assert found.names == ("cat", "dog") and found.dropped == ()
    assert found.image == str(tmp_path / "JPEGImages" / "photo.jpg")
    expected = [(0.3, 0.1, 0.6, 0.35), (0, 0.9525, 0.5, 1)]
    np.testing.assert_allclose(found.boxes, expected)


def test_boxes_without_area_and_outside_are_left_out_and_named(tmp_path):
    nothing, outside = ("cat", (30, 20, 30, 70)), ("dog", (100, 0, 150, 10))
    (found,) = voc.read_annotations(write(tmp_path, note(nothing, ("cat", BOX), outside)))
    assert found.names == ("cat",)
    assert found.dropped == (
        "photo.xml cat (30, 20, 30, 70) has no area",
        "photo.xml dog (100, 0, 150, 10) lies outside the image of 100 x 200",
    )


def test_files_beside_their_images_are_found_by_name_or_stem(tmp_path):
    for stem, filename in (("a", "a.png"), ("b", "lost.jpg")):
        (tmp_path / f"{stem}.xml").write_text(note(("cat", BOX), filename=filename))
        (tmp_path / f"{stem}.png").touch()
    found = voc.read_annotations(tmp_path)
    assert [one.image for one in found] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_published_lists_are_read_with_or_without_a_mark_behind_each_name(tmp_path):
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a  1\nb -1\n\na 1\n")
    (lists / "test.txt").write_text("c\n")
    (lists / "cat_train.txt").write_text("x 1\n")
    splits = voc.read_published_splits(tmp_path, "abc")
    assert splits == {"train": ["a", "b"], "test": ["c"]}
    with pytest.raises(InputError, match=r"test\.txt lists 'c', and there is no annotation c\.xml"):
        voc.read_published_splits(tmp_path, "ab")


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]>'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (note(("cat", BOX), head=BOMB), r"photo\.xml declares a document type"),
        (note(("cat", BOX), head=BOMB).encode("utf-16"), r"photo\.xml declares a document type"),
        (note(("cat", BOX))[:-9], r"photo\.xml is not whole XML \("),
        (note(size=(0, 200)), r"says that its image is 0 x 200 pixels; write its true <size>"),
        (note(size=("wide", 9)), r"needs a number in <size><width>. Received: 'wide'"),
        (note(("cat", (1, 2, "nan", 4))), r"needs a number in <bndbox><xmax>. Received: 'nan'"),
        ("<annotation/>", r"needs a number in <size><width>. Received: None"),
        (note(("", BOX)), r"an object without a <name>"),
        (note(("cat", BOX), filename="no.jpg"), r"is of the image 'no\.jpg', which is neither in"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path, text, sentence):
    image = None if "neither" in sentence else "photo.jpg"
    with pytest.raises(InputError, match=sentence):
        voc.read_annotations(write(tmp_path, text, image=image))


def test_a_folder_without_annotations_is_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no annotations: it should hold Annotations/\*"):
        voc.read_annotations(tmp_path)


def test_blood_cells_have_the_published_numbers(shared_data):
    folder = cache.unpack_published("detection/BCCD.zip") / "BCCD"
    found = voc.read_annotations(folder)
    names = [name for one in found for name in one.names]
    counts = {name: names.count(name) for name in set(names)}
    assert counts == {"RBC": 4155 - 2, "WBC": 372, "Platelets": 361}
    assert [one.path.stem for one in found if one.dropped] == [
        "BloodImage_00338",
        "BloodImage_00343",
    ]
    splits = voc.read_published_splits(folder, [one.path.stem for one in found])
    sizes = {name: len(listed) for name, listed in splits.items()}
    assert sizes == {"train": 205, "val": 87, "trainval": 292, "test": 72}


def test_a_list_that_is_not_utf8_is_named(tmp_path):
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "test.txt").write_bytes("café\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"test\.txt is not UTF-8 text .*iconv -f latin1"):
        voc.read_published_splits(tmp_path, ["café"])
