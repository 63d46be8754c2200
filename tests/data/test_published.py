"""Published files: found, unpacked once, and refused when damaged or malicious."""

import io
import tarfile
import zipfile

import pytest

from dlkit.data import archives, published
from dlkit.errors import InputError

FILE = "flower_photos_192.zip"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path / "shared"))
    (tmp_path / "shared" / "images").mkdir(parents=True)
    return tmp_path


def pack(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)


def test_a_zip_is_unpacked_once_and_again_when_it_changes(home):
    path = home / "shared" / "images" / FILE
    pack(path, flower_photos__daisy__one="first")
    folder = archives.folder("flowers")
    assert folder.is_relative_to(home / "keras" / "datasets" / "dlkit")
    assert (folder / "daisy" / "one").read_text() == "first"
    (folder / "daisy" / "one").write_text("still here")
    assert (archives.folder("flowers") / "daisy" / "one").read_text() == "still here"
    pack(path, flower_photos__daisy__one="another edition")
    assert (archives.folder("flowers") / "daisy" / "one").read_text() == "another edition"
    assert archives.folder("flowers", "test") is None


def test_a_zip_in_the_cache_is_found_too(home):
    published.cache_folder().mkdir(parents=True)
    pack(published.cache_folder() / FILE, flower_photos__roses__one="red")
    assert (archives.folder("flowers") / "roses" / "one").read_text() == "red"


def test_a_missing_zip_says_where_it_may_be_put(home):
    with pytest.raises(InputError, match=f"{FILE} is not on this machine: put it into one of") as e:
        archives.folder("flowers")
    assert str(home / "shared" / "images") in str(e.value)


@pytest.mark.parametrize("damage", ["cut", "flipped", "no zip"])
def test_a_damaged_zip_is_named_and_leaves_nothing(home, damage):
    path = home / "shared" / FILE
    pack(path, flower_photos__daisy__one="petals " * 1000)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-40]
    elif damage == "flipped":
        content[60] ^= 0xFF
    else:
        content = b"<html>not found</html>"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{FILE} is not a whole archive \(.*fetch it again"):
        archives.folder("flowers")
    assert list(published.cache_folder().iterdir()) == []


@pytest.mark.parametrize("member", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_a_member_outside_the_folder_is_refused(home, member):
    path = home / "shared" / FILE
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "gone wild")
    with pytest.raises(InputError, match="would write outside its folder"):
        archives.folder("flowers")
    assert [found for found in home.rglob("*evil*")] == []


def test_a_tar_is_unpacked_and_one_that_leads_outside_is_refused(home):
    path = home / "shared" / "texts.tar.gz"
    for member in ("inside/one.txt", "../evil.txt"):
        with tarfile.open(path, "w:gz") as archive:
            info = tarfile.TarInfo(member)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"words"))
        if "evil" in member:
            with pytest.raises(InputError, match=r"would write outside its folder \('\.\./evil"):
                published.unpacked("text/texts.tar.gz")
        else:
            folder = published.unpacked("text/texts.tar.gz")
            assert (folder / "inside" / "one.txt").read_text() == "words"
    assert [found for found in home.rglob("*evil*")] == []


def test_a_tar_of_a_folder_from_within_is_unpacked(home):
    """As `tar -czf texts.tar.gz -C texts .` writes it: its first member is the folder itself."""
    (home / "texts").mkdir()
    (home / "texts" / "one.txt").write_text("words")
    with tarfile.open(home / "shared" / "texts.tar.gz", "w:gz") as archive:
        archive.add(home / "texts", arcname=".")
        assert archive.getnames() == [".", "./one.txt"]
    assert (published.unpacked("text/texts.tar.gz") / "one.txt").read_text() == "words"


def test_a_link_out_of_a_tar_is_refused(home):
    path = home / "shared" / "texts.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(InputError, match="would write outside its folder"):
        published.unpacked("text/texts.tar.gz")


def test_a_damaged_tar_is_named(home):
    path = home / "shared" / "texts.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"texts.tar.gz is not a whole archive"):
        published.unpacked("text/texts.tar.gz")
