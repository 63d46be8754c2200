"""What the command line shows, into a pipe and on terminals of 80 and 200 columns."""

import json
import os
import re

import numpy as np
import pytest

from dlkit.cli import terminal

COLUMNS = ("name", "what it is", "where it comes from")
ROWS = [
    ("fashion_mnist", "Zalando's clothes, 28x28 grey values", "dataset-fashion-mnist"),
    ("matplotlib", "missing", 'pip install "dlkit[plot]"'),
    ("reference", ":smile: [bold] [1, 2]", ""),
]


def shown(monkeypatch, capsys, width):
    """Return what a terminal of that width shows, without its escape codes."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    terminal.print_table(COLUMNS, ROWS)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


def test_a_pipe_gets_a_line_a_row(capsys):
    terminal.print_table(COLUMNS, ROWS)
    assert capsys.readouterr().out == "".join("\t".join(row) + "\n" for row in (COLUMNS, *ROWS))


def test_a_wide_terminal_shows_a_line_a_row_in_columns(monkeypatch, capsys):
    lines = shown(monkeypatch, capsys, 200).splitlines()
    assert len(lines) == 4
    for line, row in zip(lines, (COLUMNS, *ROWS), strict=True):
        assert re.split(r"  +", line.strip()) == [cell for cell in row if cell]
    starts = [line.index(row[1]) for line, row in zip(lines, (COLUMNS, *ROWS), strict=True)]
    assert len(set(starts)) == 1


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_shows_every_letter(monkeypatch, capsys, width):
    lines = shown(monkeypatch, capsys, width).splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    starts = [0, *(lines[0].index(column.split()[0]) for column in COLUMNS[1:]), width]
    for index, row in enumerate(zip(*ROWS, strict=True)):
        column = [line[starts[index] : starts[index + 1]].strip() for line in lines]
        text = "".join(column).replace(" ", "")
        assert text == "".join((COLUMNS[index], *row)).replace(" ", "")


def test_the_first_column_is_never_broken(monkeypatch, capsys):
    assert "fashion_mnist" in shown(monkeypatch, capsys, 40)


def test_the_notes_of_a_library_are_kept_from_the_terminal(capfd):
    with terminal.loading_tensorflow():
        os.write(2, b"I0000 oneDNN custom operations are on\n")
    os.write(2, b"after")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "after")


@pytest.mark.parametrize("error", [ImportError("libcuda.so.1"), KeyboardInterrupt()])
def test_the_notes_are_shown_when_it_fails(capfd, error):
    def fail():
        os.write(2, b"this CPU lacks AVX\n")
        raise error

    with pytest.raises(type(error)), terminal.loading_tensorflow():
        fail()
    os.write(2, b"after")
    assert capfd.readouterr().err == "this CPU lacks AVX\nafter"


def test_loading_says_so_on_a_terminal_and_leaves_no_trace(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with terminal.loading_tensorflow():
        assert capsys.readouterr().err == "Loading TensorFlow ...\r"
    assert capsys.readouterr().err == " " * len("Loading TensorFlow ...") + "\r"


def test_loading_leaves_no_file_open():
    before = os.listdir("/proc/self/fd")
    with terminal.loading_tensorflow():
        pass
    assert os.listdir("/proc/self/fd") == before


def test_answers_become_json():
    answer = {"a": np.array([[1.5, 2.0]]), "b": np.array([b"\xff"], dtype=object)}
    text = json.dumps(answer, default=terminal.json_default)
    assert json.loads(text) == {"a": [[1.5, 2.0]], "b": [{"b64": "/w=="}]}


def test_results_are_one_line(capsys):
    terminal.print_results({"accuracy": 0.98765, "loss": 2.0})
    assert capsys.readouterr().out == "Test: accuracy 0.9877, loss 2.0000\n"
