"""Height, width and channels from the heads of image files, as Pillow wrote them."""

import pytest
from PIL import Image

import dlkit as dk
from dlkit.data.image import headers
from dlkit.errors import InputError


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "jpeg"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_shape_of_a_picture_is_read_from_its_head(kind, mode, tmp_path):
    path = tmp_path / f"a.{kind}"
    Image.new("RGB", (37, 21), (1, 200, 3)).convert(mode).save(path)
    grey = mode == "L" and kind in ("png", "jpeg")  # the others hold a palette
    assert headers.shape(path) == (21, 37, 1 if grey else 3)


def test_transparency_is_no_channel_and_what_is_broken_has_no_shape(tmp_path):
    Image.new("RGBA", (4, 5)).save(tmp_path / "a.png")
    Image.new("LA", (4, 5)).save(tmp_path / "b.png")
    assert [headers.shape(tmp_path / f"{name}.png")[2] for name in "ab"] == [3, 1]
    (tmp_path / "c.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    assert headers.shape(tmp_path / "c.jpg") is None
    assert headers.shape(tmp_path / "nothing") is None


def test_mixed_channel_counts_are_refused_where_they_should_be_alike(tmp_path):
    for number in range(40):
        path = tmp_path / "ab"[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (6, 6), number).save(path)
    options = {"image_size": (6, 6), "batch_size": 4}
    data = dk.data.from_image_folder(tmp_path, channels=None, **options)
    assert data.input_spec["image"].shape == (6, 6, 1)
    Image.new("RGB", (6, 6)).save(tmp_path / "b" / "07.png")
    sentence = r"mixed channel counts: 39 are grey, like .*a/00\.png, and 1 in colour, like .*b/07"
    with pytest.raises(InputError, match=sentence):
        dk.data.from_image_folder(tmp_path, channels=None, corrupt="skip", **options)
    assert dk.data.from_image_folder(tmp_path, **options).input_spec["image"].shape == (6, 6, 3)


def test_a_file_is_deep_where_it_is_a_grey_png_of_16_bits(tmp_path):
    deep = Image.new("I;16", (4, 5))
    deep.save(tmp_path / "a.png")
    for mode in ("L", "LA", "RGB", "1", "P"):
        Image.new(mode, (4, 5)).save(tmp_path / f"{mode}.png")
    Image.new("L", (4, 5)).save(tmp_path / "b.jpg")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\nIEND")
    deep_ones = [path.name for path in tmp_path.iterdir() if headers.is_deep(path)]
    assert deep_ones == ["a.png"]
    assert not headers.is_deep(tmp_path / "nothing")
    assert headers.shape(tmp_path / "short.png") == (0, 0, 3)
