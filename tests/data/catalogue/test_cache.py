"""Published files: found, unpacked once, and refused when damaged or malicious."""

import errno
import io
import tarfile
import zipfile

import pytest

from dlkit.data.catalogue import cache
from dlkit.data.image import sources
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
    folder = sources.folder("flowers")
    assert folder.is_relative_to(home / "keras" / "datasets" / "dlkit")
    assert (folder / "daisy" / "one").read_text() == "first"
    (folder / "daisy" / "one").write_text("still here")
    assert (sources.folder("flowers") / "daisy" / "one").read_text() == "still here"
    pack(path, flower_photos__daisy__one="another edition")
    assert (sources.folder("flowers") / "daisy" / "one").read_text() == "another edition"
    assert sources.folder("flowers", "test") is None


def test_a_zip_in_the_cache_is_found_too(home):
    cache.cache_folder().mkdir(parents=True)
    pack(cache.cache_folder() / FILE, flower_photos__roses__one="red")
    assert (sources.folder("flowers") / "roses" / "one").read_text() == "red"


def test_a_missing_zip_says_where_it_may_be_put(home):
    with pytest.raises(InputError, match=f"{FILE} is not on this machine: put it into one of") as e:
        sources.folder("flowers")
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
        sources.folder("flowers")
    assert list(cache.cache_folder().iterdir()) == []


@pytest.mark.parametrize("member", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_a_member_outside_the_folder_is_refused(home, member):
    path = home / "shared" / FILE
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "gone wild")
    with pytest.raises(InputError, match="would write outside its folder"):
        sources.folder("flowers")
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
                cache.unpack_published("text/texts.tar.gz")
        else:
            folder = cache.unpack_published("text/texts.tar.gz")
            assert (folder / "inside" / "one.txt").read_text() == "words"
    assert [found for found in home.rglob("*evil*")] == []


def test_a_tar_of_a_folder_from_within_is_unpacked(home):
    """As `tar -czf texts.tar.gz -C texts .` writes it: its first member is the folder itself."""
    (home / "texts").mkdir()
    (home / "texts" / "one.txt").write_text("words")
    with tarfile.open(home / "shared" / "texts.tar.gz", "w:gz") as archive:
        archive.add(home / "texts", arcname=".")
        assert archive.getnames() == [".", "./one.txt"]
    assert (cache.unpack_published("text/texts.tar.gz") / "one.txt").read_text() == "words"


def test_a_link_out_of_a_tar_is_refused(home):
    path = home / "shared" / "texts.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(InputError, match="would write outside its folder"):
        cache.unpack_published("text/texts.tar.gz")


def test_a_damaged_tar_is_named(home):
    path = home / "shared" / "texts.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"texts.tar.gz is not a whole archive"):
        cache.unpack_published("text/texts.tar.gz")


def tar_of(*members):
    """Write a tar.gz of `(name, type, what)`: the text of a file, or where a link leads."""

    def write(path):
        with tarfile.open(path, "w:gz") as archive:
            for name, kind, what in members:
                info = tarfile.TarInfo(name)
                info.type = kind
                if kind == tarfile.REGTYPE:
                    info.size = len(what)
                else:
                    info.linkname = what
                archive.addfile(info, io.BytesIO(what.encode()))

    return write


def zip_of(*names):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), "" if name.endswith("/") else "words")

    return write


def encrypted(path):
    """As a password makes it: the readers see a bit in the heads of the member."""
    zip_of("one")(path)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)


FILE_TYPE, SYMLINK, HARD_LINK = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
ODD = {
    "no bytes.zip": lambda path: path.write_bytes(b""),
    "no bytes.tar.gz": lambda path: path.write_bytes(b""),
    "no members.zip": zip_of(),
    "no members.tar.gz": tar_of(),
    "encrypted.zip": encrypted,
    "no name.zip": zip_of(""),
    "no name.tar.gz": tar_of(("", FILE_TYPE, "words")),
    "long name.zip": zip_of("n" * 300),
    "long name.tar.gz": tar_of(("n" * 300, FILE_TYPE, "words")),
    "file, then folder.zip": zip_of("one", "one/two"),
    "folder, then file.zip": zip_of("one/two", "one"),
    "file, then folder.tar.gz": tar_of(("one", FILE_TYPE, "a"), ("one/two", FILE_TYPE, "b")),
    "folder, then file.tar.gz": tar_of(("one/two", FILE_TYPE, "a"), ("one", FILE_TYPE, "b")),
    "hard link to nothing.tar.gz": tar_of(("one", HARD_LINK, "none")),
    "hard link to itself.tar.gz": tar_of(("one", HARD_LINK, "one")),
    "hard links in a ring.tar.gz": tar_of(("a", HARD_LINK, "b"), ("b", HARD_LINK, "a")),
    "link to nothing.tar.gz": tar_of(("one", SYMLINK, "none")),
    "link to itself.tar.gz": tar_of(("one", SYMLINK, "one")),
    "links in a ring.tar.gz": tar_of(("a", SYMLINK, "b"), ("b", SYMLINK, "a")),
    "file behind a ring.tar.gz": tar_of(("a", SYMLINK, "a"), ("a/one", FILE_TYPE, "words")),
    "link to its own folder.tar.gz": tar_of(("a/one", FILE_TYPE, "w"), ("a/b", SYMLINK, "../a")),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_archive_is_named_in_one_sentence_and_leaves_nothing(home, name):
    path = home / name
    ODD[name](path)
    target = home / "unpacked" / "target"
    with pytest.raises(InputError, match=r"is not a whole archive \(.+\); remove it or fetch") as e:
        cache.unpack_archive(path, target)
    assert str(e.value).startswith(str(path)) and "\n" not in str(e.value)
    assert len(str(e.value)) < 500
    assert list(target.parent.iterdir()) == []


def test_a_link_within_a_tar_is_kept(home):
    members = (
        ("a/one", FILE_TYPE, "words"),
        ("two", SYMLINK, "a/one"),
        ("three", HARD_LINK, "a/one"),
    )
    tar_of(*members)(home / "texts.tar.gz")
    cache.unpack_archive(home / "texts.tar.gz", home / "target")
    assert {(home / "target" / name).read_text() for name in ("two", "three")} == {"words"}


def test_a_full_disk_is_no_fault_of_the_archive(home, monkeypatch):
    zip_of("one")(home / "one.zip")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(InputError, match=r"one\.zip cannot be unpacked in .*: .*No space left"):
        cache.unpack_archive(home / "one.zip", home / "cache" / "target")
    assert list((home / "cache").iterdir()) == []
