"""Each rule of TensorFlow Serving's that matters to a client has a test that carries its row's id.

The list of rules has 230 rows, from R (routing) to N (monitoring): M are those that clients break
without, S those that should match, C cosmetics, and D those where dlkit may differ if it says so.
An id stands in a test's name (`test_l6_l11_a_new_version...`, `test_d1_to_d5_...`) or is a
parameter's id ("P18", "P19-scalar", "S1-S4").
"""

import ast
import pathlib
import re

import pytest

from tests.serving import http_asking

ROWS = """
    R M 2 4 5 6 15 16 17 18; R S 1 3 8 12 19 22; R C 9 10 11 20; R D 7 13 14 21 23
    G M 1 6 8; G S 2 3 7 9; G C 4 10; G D 5
    S M 1 2 3 5 6 7 9 10; S S 4 11; S C 12 13; S D 8
    D M 1 2 3 4 6 7; D S 5; D C 8 9
    P M 1 2 3 5 8 9 10 11 12 13 20 21 22 26 29 30 33 34 35 36 39 40 41
    P S 4 7 14 15 16 17 18 19 24 25 27 28 31 32 37 38 42 43 45; P C 6 44; P D 23
    V M 1 2 3 4 5 6 9; V S 7 8
    O M 1 2 3 4 10 11 12 13; O S 6 7 8 9 14 15; O C 5 16 17
    C M 1 2 7; C S 3 4 5 6 8 9 11 12 13 14 15 16; C C 10
    Q M 1 2 3 4 5 6 7 8 11 13 14 18 19 20 23; Q S 9 10 12 15 16 17 21 22 26 27 28; Q C 24 25 29
    L M 1 3 4 5 6 7 10 13 14 16 17 18 25 26; L S 8 11 12 15 19 20 21 22 23 24 27; L C 2; L D 9
    W M 1 2 5 7; W S 3 4 6 8 9
    B M 3; B S 1 2 4 5 6 8 9; B C 10 11; B D 7
    N M 1 5 6 7 8; N S 2 3 9 10; N C 4 11 12
"""
HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "tensorflow_serving.md"

_RANGE = re.compile(r"(?<![a-z0-9])([a-z])(\d+)(?:_to_|-)\1(\d+)(?![a-z0-9])", re.IGNORECASE)
_ID = re.compile(r"(?<![a-z0-9])([a-z]\d+)(?![a-z0-9])", re.IGNORECASE)
_PARAMETER = re.compile(r"[A-Z]\d+(-[\w-]+)?")


def rows(level):
    """Return the ids of a level's rows."""
    groups = [group.split() for line in ROWS.split("\n") for group in line.split(";")]
    return [f"{g[0]}{number}" for g in groups if g and g[1] == level for number in g[2:]]


def ids_in(text):
    """Return the ids that a test's name or a parameter's id carries."""
    found = {one.upper() for one in _ID.findall(text)}
    for letter, first, last in _RANGE.findall(text):
        found |= {f"{letter.upper()}{n}" for n in range(int(first), int(last) + 1)}
    return found


def ids_of_tests():
    """Return id -> the files whose tests carry it."""
    found = {}
    for path in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            text = ""
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                text = node.name.removeprefix("test_")
            elif isinstance(node, ast.Constant) and _PARAMETER.fullmatch(str(node.value)):
                text = node.value
            for one in ids_in(text):
                found.setdefault(one, set()).add(str(path.relative_to(HERE)))
    return found


def talks_to_a_server(name):
    """Say if a file's tests ask a URL or a channel, rather than call functions."""
    text = (HERE / name).read_text()
    asks = {http_asking.__name__, "grpc.insecure_channel", "with Server("}
    return any(word in text for word in asks)


def test_the_ids_are_read():
    assert len(rows("M")) + len(rows("S")) + len(rows("C")) + len(rows("D")) == 230
    assert ids_in("l6_l11_a_new_version") == {"L6", "L11"}
    assert ids_in("d1_to_d5_metadata") == {"D1", "D2", "D3", "D4", "D5"}
    assert ids_in("S1-S4") == {"S1", "S2", "S3", "S4"}
    assert ids_in("P19-scalar") == {"P19"}


@pytest.mark.parametrize("level", ["M", "S", "D"])
def test_every_row_has_a_test(level):
    found = ids_of_tests()
    assert [row for row in rows(level) if row not in found] == []


@pytest.mark.parametrize("level", ["M", "S"])
def test_every_row_is_asked_of_a_server(level):
    found = ids_of_tests()
    alone = [row for row in rows(level) if not any(map(talks_to_a_server, found.get(row, ())))]
    assert alone == []


def test_the_page_says_where_dlkit_differs():
    page = PAGE.read_text()
    assert [row for row in rows("D") if not re.search(rf"\b{row}\b", page)] == []
