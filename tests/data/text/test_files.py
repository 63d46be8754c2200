"""Reading texts: folders, tables, single files, and what is wrong with them."""

import re

import numpy as np
import pytest

from dlkit.data.text.files import Layout, Texts, find_text_folders
from dlkit.errors import InputError


def layout(**options):
    given = {"text_column": "text", "label_column": "label", "columns": None}
    return Layout(**(given | {"delimiter": ",", "quoted": True} | options))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(sentence):
    return pytest.raises(InputError, match=sentence)


def test_class_folders_hold_a_text_a_file(tmp_path):
    for name in ("pos", "neg"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "1_9.txt", f"\ufeffé {name}\n")
        write(tmp_path / name / "urls.html", "no text")
    found, classes = find_text_folders(tmp_path)
    assert classes == ("neg", "pos")
    assert found.texts.tolist() == ["é neg\n", "é pos\n"] and found.labels.tolist() == [*classes]


def test_bad_folders_are_named(tmp_path):
    with refused(rf"{re.escape(str(tmp_path))} holds no class folders; .* with that class's texts"):
        find_text_folders(tmp_path)
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "x.pdf", "x")
    with refused(r"Class folder .*a holds no \.txt file"):
        find_text_folders(tmp_path)


def test_a_quoted_table(tmp_path):
    path = write(
        tmp_path / "a.csv", 'label,title,text\r\n yes ,A,"one, ""two""\nthree"\r\nno,B,x\r\n'
    )
    found = layout(text_column=("title", "text")).read(path, None)
    assert found.texts.tolist() == ['A one, "two"\nthree', "B x"]
    assert found.labels.tolist() == ["yes", "no"]
    assert found.where == [f"Line 3 of {path}", f"Line 4 of {path}"]


def test_a_text_may_be_longer_than_python_would_have_a_cell(tmp_path):
    path = write(tmp_path / "a.csv", f"text,label\n{'word ' * 40_000},0010\nx,10\n")
    found = layout().read(path, None)
    assert len(found.texts[0]) == 199_999
    assert found.labels.tolist() == ["0010", "10"]


def test_a_table_that_takes_quotes_as_they_are(tmp_path):
    path = write(tmp_path / "a.tsv", 'ham\t"Hello\nspam\tWin\u2028now\x85\n')
    table = layout(columns=("label", "text"), delimiter="\t", quoted=False)
    assert table.read(path, None).texts.tolist() == ['"Hello', "Win\u2028now"]


def test_several_columns_of_labels(tmp_path):
    path = write(tmp_path / "a.csv", "text,rude,long\nx,1,0\ny,0,0\n")
    found = layout(label_column=("rude", "long")).read(path, None)
    assert found.labels.tolist() == [[1, 0], [0, 0]] and found.label_names == ("rude", "long")


def test_labels_keep_their_digits_and_columns_of_them_may_be_booleans(tmp_path):
    text = f"text,label,sun,sea\na,{2**53},True,false\nb,{2**53 + 1},False,true\n"
    path = write(tmp_path / "t.csv", text)
    assert layout().read(path, None).labels.tolist() == [2**53, 2**53 + 1]
    assert layout(label_column=["sun", "sea"]).read(path, None).labels.tolist() == [[1, 0], [0, 1]]
    assert layout(label_column="sun").read(path, None).labels.tolist() == ["True", "False"]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("words,label\nx,1\n", {}, r"has no column 'text'\. .*columns: words, label"),
        ("text,lable\nx,1\n", {}, r"no column 'label'\. Did you mean 'lable'\?"),
        ("text,label\nx\n", {}, r"Line 2 of .* has 1 fields where 2 .*\(now ','\)"),
        ("text,label\n", {}, r"a\.csv holds no rows"),
        ("text,label\nx,\n", {}, r"1 of 1 rows have no target 'label', the first is row 1"),
        ("text,label\nx,1\n", {"delimiter": ";;"}, r"one character.*delimiter=';;'"),
        (b"text,label\n\xe9,1\n", {}, r"a\.csv is not UTF-8 text \(byte 11"),
        ('text,label\n"x,1\n' + "y" * 200_000, {}, r"Line 3 of .* has 1 fields .*quoted="),
        (
            "text,label\nx,1\n",
            {"label_column": "text"},
            "column 'text' for the texts and for the l",
        ),
        ("text,label\nx,1\n", {"delimiter": None}, "delimiter=None"),
        (
            "text,a,b\nx,1,no\n",
            {"label_column": ("a", "b")},
            r"label columns \(a, b\) must hold numbers, .* Received 'no' in column 'b'",
        ),
    ],
)
def test_bad_tables_are_told(tmp_path, content, options, sentence):
    with refused(sentence):
        layout(**options).read(write(tmp_path / "a.csv", content), None)


def test_empty_texts_are_named_or_skipped(capsys):
    texts = Texts(np.array(["a", " \n", "b"], object), np.array([0, 1, 1]), ["x", "y", "z"])
    with refused(r"y holds no text \(1 of 3 are empty\).*empty='skip'"):
        texts.usable("error")
    kept = texts.usable("skip")
    assert kept.texts.tolist() == ["a", "b"] and kept.labels.tolist() == [0, 1]
    assert kept.where == ["x", "z"]
    assert capsys.readouterr().out == "Skipped 1 of 3 texts, which are empty: y\n"
    with refused(r"y holds no text \(1 of 1 are empty\)"):
        Texts(texts.texts[1:2], texts.labels[1:2], ["y"]).usable("skip")
    with refused(r"empty must be one of: error, skip\. Received: empty='drop'"):
        texts.usable("drop")
