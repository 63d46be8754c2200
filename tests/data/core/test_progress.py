"""The bar is drawn on a terminal alone."""

import pytest

from dlkit.data.core.progress import progress


@pytest.mark.parametrize(("sized", "shown"), [(False, "30/30"), (True, "30/30 bytes")])
def test_a_terminal_sees_the_bar_and_a_pipe_nothing(monkeypatch, capfd, sized, shown):
    for colour in (None, "1"):
        if colour:
            monkeypatch.setenv("FORCE_COLOR", colour)  # what rich takes for a terminal
        with progress("counting sheep", 30, sized=sized) as done:
            done(10)
            done(30)
        written = capfd.readouterr()
        assert written.out == ""
        if colour is None:
            assert written.err == ""
        else:
            assert "counting sheep" in written.err and "100%" not in written.err
            assert shown.split()[0] in written.err.replace("\x1b[32m", "").replace("\x1b[0m", "")
