"""Tables of images: columns, labels of each sort, and each fault with its line."""

import pytest

from dlkit.data.files.file_tables import find_files_in_table
from dlkit.errors import InputError


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "views.csv"

    def write(text, **options):
        path.write_text(text, encoding=options.pop("encoding", "utf-8"))
        columns = {"image_column": None, "label_columns": None, "separator": None}
        return find_files_in_table(path, **{**columns, **options})

    return write


def test_paths_are_relative_to_the_table_and_spaces_do_not_count(table, tmp_path):
    files, names = table(' path , label \na.png , "cat" \n sub/b.png,dog\n')
    assert files.paths.tolist() == [str(tmp_path / "a.png"), str(tmp_path / "sub/b.png")]
    assert (files.labels.tolist(), names) == (["cat", "dog"], None)
    assert files.where[1] == f" (line 3 of {tmp_path / 'views.csv'})"


def test_an_absolute_path_stays_and_a_byte_order_mark_is_no_name(table):
    files, _ = table("path,label\n/data/a.png,cat\n", encoding="utf-8-sig", image_column="path")
    assert files.paths.tolist() == ["/data/a.png"]


@pytest.mark.parametrize(
    ("text", "options", "labels", "names"),
    [
        ("p,y\na,10\nb,9\n", {}, [10, 9], None),
        ("p,y\na,0010\nb,10\n", {}, ["0010", "10"], None),
        ("p,y\na,0.5\nb,9\n", {}, [0.5, 9.0], None),
        ("p,y\na,1E5\nb,100000\n", {}, ["1E5", "100000"], None),
        ("p,y\na,1_0\nb,10\n", {}, ["1_0", "10"], None),
        (f"p,y\na,{2**53}\nb,{2**53 + 1}\n", {}, [2**53, 2**53 + 1], None),
        (f"p,y\na,{10**20}\nb,{10**20 + 1}\n", {}, [str(10**20), str(10**20 + 1)], None),
        ("p,y\na,True\nb,False\n", {}, ["True", "False"], None),
        ("p,sun,sea\na,True,TRUE\nb,false,true\n", {}, [[1, 1], [0, 1]], ("sun", "sea")),
        ("p,sun,sea\na,True,1\n", {"label_columns": "sun"}, ["True"], None),
        ("p,y\na,1\nb,one\n", {}, ["1", "one"], None),
        ("p,sun,sea\na,1,1\nb,0,1\n", {}, [[1, 1], [0, 1]], ("sun", "sea")),
        ("p,x,y\na,1,0.5\nb,0,1\n", {"label_columns": "y"}, [0.5, 1.0], None),
        ("y,p\n1,a\n0,b\n", {"image_column": "p"}, [1, 0], None),
        ("p,y\na,sun|sea\nb,\nc, sea \n", {"separator": "|"}, [[1, 1], [0, 0], [1, 0]], 2),
        ("p,y\na,b\n", {"separator": "|", "names": ("a", "b")}, [[0, 1]], ("a", "b")),
        ("p,y\na,sun,sea\nb,sea\nc\n", {}, [[1, 1], [1, 0], [0, 0]], 2),
        ("p,x,y\na,sun,sea\nb,,sun\n", {}, [[1, 1], [0, 1]], 2),
        ("p,y,y\na,sun,sea\nb,,sun\n", {}, [[1, 1], [0, 1]], 2),
        ("p,x,x,y\na,1,2,sun\nb,3,4,sea\n", {"label_columns": "y"}, ["sun", "sea"], None),
        ("p,y\na,b\n", {"names": ("a", "b")}, [[0, 1]], ("a", "b")),
    ],
)
def test_labels_are_what_they_look_like(table, text, options, labels, names):
    files, found = table(text, **options)
    assert files.labels.tolist() == labels
    assert found == (("sea", "sun") if names == 2 else names)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "views.csv holds no rows; it should have a header, like path,label"),
        ("path,label\n", {}, "views.csv holds no rows"),
        ("path,label\na,b\n", {"label_columns": "lable"}, "no column 'lable'. Did you mean 'label"),
        ("path,label\na,b\n", {"image_column": "file"}, "no column 'file'. Its columns: path, lab"),
        ("path\na\n", {}, r"needs at least one label column. Received: \[\]"),
        ("path;y\na;b\n", {}, r"Received: \[\]. Cells are divided by commas, and .* 'path;y'"),
        ("p,p\na,b\n", {}, r"has two columns named 'p' \(the 1\. and the 2\.\)"),
        ("p,y,y\na,b,c\n", {"separator": "|"}, "has two columns named 'y'"),
        ("p,y,y\na,1,0\nb,0,1\n", {}, r"'a' \(line 2 of .*\) has the cell '0' beyond the 2 col"),
        ("p,y\na,b\n", {"label_columns": "p"}, "has the column 'p' for the paths and for the lab"),
        ("views.csv,cat\nb,dog\n", {}, r"has no header: its first line names the file 'views"),
        ("p,x,y\na,b,c\n", {"separator": "|"}, r"one label column to split. Received: \['x', 'y'"),
        ("p,y\na,b\nc,  \n", {}, r"'c' \(line 3 of .*\) has no value in column 'y'"),
        ("p,y\na,b\nc\n", {}, r"'c' \(line 3 of .*\) has no value in column 'y'"),
        ("p,x,y\na,1,0\nb,1,True\n", {}, r"\(x, y\) must hold numbers.* Received 'True' besi"),
        ("p,x,y\na,1,0\nb,1,no\n", {}, r"columns \(x, y\) must hold numbers.* Received 'no' besi"),
        ("p,y\na,1\nb,1,7\n", {}, r"'b' \(line 3 of .*\) has the cell '7' beyond the 2 columns"),
        ("p,y\na,\n", {"separator": "|"}, "None of the 1 rows has a label to split at '|'"),
        (
            "p,y\na,cta\n",
            {"separator": "|", "names": ("cat", "dog")},
            r"Label 'cta' \(line 2 of .*one of the 2 labels: cat, dog. Did you mean 'cat'",
        ),
        (
            "päth,y\na,b\n",
            {"encoding": "latin-1"},
            r"is not UTF-8 text \(byte 1: .*iconv -f latin1",
        ),
    ],
)
def test_a_wrong_table_is_told_in_one_sentence(table, text, options, sentence):
    with pytest.raises(InputError, match=sentence.replace("|", r"\|")):
        table(text, **options)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read .*No such file"):
        find_files_in_table(tmp_path / "none.csv", None, None, None)
