"""What the documents say runs: docstring examples, the README's tour, its tables, the examples."""

import ast
import doctest
import functools
import importlib
import inspect
import os
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import dlkit
from dlkit.models.building import builder_function, find_builder
from dlkit.training.compiling import BuilderOptions

ROOT = pathlib.Path(__file__).parent.parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(dlkit.__path__, "dlkit.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["dlkit", *MODULES])
def test_docstring_examples_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name),
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert result.failed == 0


def test_no_docstring_example_is_skipped():
    for path in (ROOT / "dlkit").rglob("*.py"):
        assert "doctest: +SKIP" not in path.read_text(), path


def run(arguments, folder, **environment):
    """Run Python on `arguments` in `folder`; return its output, or fail with all it wrote."""
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def readme_blocks():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_readmes_tour_runs(tmp_path):
    tour, _ = readme_blocks()
    (tmp_path / "tour.py").write_text(tour)
    output = run(["tour.py"], tmp_path)
    assert "digits: multiclass, 10 classes" in output
    assert (tmp_path / "exports/digits/1/saved_model.pb").is_file()
    assert (tmp_path / "digits.png").stat().st_size > 5000


def test_the_readmes_checks_and_folds_run(tmp_path):
    _, folds = readme_blocks()
    (tmp_path / "folds.py").write_text(folds)
    output = run(["folds.py"], tmp_path)
    assert "Check of breast_cancer" in output
    assert re.search(r"^recall 0\.\d+", output, re.MULTILINE)
    assert (tmp_path / "classes.png").stat().st_size > 3000


def test_the_readmes_table_of_kinds_calls_what_there_is():
    """Each call binds to its function, and each function that makes data has its row."""
    table = (ROOT / "README.md").read_text().partition("| you have |")[2].partition("\n\n")[0]
    named = set()
    for line in table.splitlines()[2:]:
        for text in re.findall(r"`(\w+\(.*?\))`", line.split("|")[2]):
            call = ast.parse(text, mode="eval").body
            options = {option.arg: option.value for option in call.keywords}
            inspect.signature(getattr(dlkit.data, call.func.id)).bind(*call.args, **options)
            named.add(call.func.id)
    assert named == {name for name in dlkit.data.__all__ if name.startswith(("from_", "load"))}


def test_the_readmes_tables_are_those_of_the_registries():
    run([str(ROOT / "docs/tables.py"), "--check"], ROOT)


def test_links_and_pictures_of_all_pages_exist():
    found = set()
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        targets = re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", page.read_text())
        assert [target for target in targets if not (page.parent / target).exists()] == [], page
        found |= set(targets)
    assert {"docs/images/history.png", "docs/serving.md", "tensorflow_serving.md"} <= found


def test_the_readmes_commands_exist():
    from typer.main import get_command

    from dlkit.cli.commands import app

    commands = get_command(app).commands
    text = (ROOT / "README.md").read_text()
    used = set(re.findall(r"^\$ dlkit (\w+)", text, re.MULTILINE))
    assert used and used <= set(commands)
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make (\w+)`?", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"


def calls_of(page):
    """Return the calls of dlkit in a page's blocks of Python: (dotted name, its syntax)."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        for call in ast.walk(ast.parse(block)):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("dk."):
                yield ast.unparse(call.func), call


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_a_page_calls_what_there_is(name):
    """Each call of dlkit binds to its function, and options of `build` are the builder's."""
    for dotted, call in calls_of(ROOT / "docs" / name):
        function = functools.reduce(getattr, dotted.split(".")[1:], dlkit)
        options = {option.arg: option.value for option in call.keywords if option.arg}
        inspect.signature(function).bind(*call.args, **options)
        if dotted == "dk.models.build" and isinstance(call.args[0], ast.Constant):
            own = inspect.signature(builder_function(find_builder(call.args[0].value))).parameters
            assert options.keys() <= own.keys() | BuilderOptions.__annotations__.keys(), dotted


def test_the_page_on_searching_has_the_functions_and_options_of_searching():
    page = (ROOT / "docs/tuning.md").read_text()
    called = {name.removeprefix("dk.tuning.") for name, _ in calls_of(ROOT / "docs/tuning.md")}
    assert {"search", "space", "results", "report", "best_model"} <= called
    used = set(re.findall(r"--[a-z][a-z-]*", page))
    assert used and used <= set(
        re.findall(r"--[a-z][a-z-]*", run(["-m", "dlkit", "tune", "--help"], ROOT))
    )


def has_fashion_mnist():
    from dlkit.data.arrays import sources

    return any(
        all((folder / file).is_file() for file in sources.IDX_FILES)
        for folder in sources.mnist_folders("fashion_mnist")
    )


EXAMPLES = {
    "arrays.py": [],
    "audio.py": ["--epochs", "4"],
    "capsules.py": [],
    "convolutional_networks.py": [],
    "check_and_folds.py": [],
    "digits.py": [],
    "ensemble.py": [],
    "forecast.py": [],
    "served_model.py": [],
    "export_formats.py": [],
    "fashion_mnist.py": ["--epochs", "1", "--filters", "8", "16"],
    "table.py": [],
    "image_folder.py": [],
    "detection.py": [],
    "graph.py": [],
    "language_model.py": ["--epochs", "1"],
    "long_forecast.py": [],
    "text.py": [],
    "ratings.py": [],
    "recurrent.py": [],
    "search_bayesian.py": [],
    "segmentation.py": [],
    "search_grid.py": [],
    "search_hyperband.py": [],
    "search_random.py": [],
    "search_tpe.py": [],
    "tabular.py": [],
    "temporal_cnn.py": [],
    "transfer.py": [],
    "transformer_classifier.py": [],
    "translation.py": [],
    "vision_transformer.py": [],
}
NEED_SHARED_DATA = (
    "audio.py",
    "check_and_folds.py",
    "forecast.py",
    "table.py",
    "image_folder.py",
    "detection.py",
    "graph.py",
    "language_model.py",
    "long_forecast.py",
    "text.py",
    "ratings.py",
    "recurrent.py",
    "search_random.py",
    "search_tpe.py",
    "tabular.py",
    "temporal_cnn.py",
    "transfer.py",
    "transformer_classifier.py",
    "translation.py",
)


def test_every_example_is_run():
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_reaches_its_target(name, tmp_path, request):
    if name in NEED_SHARED_DATA:
        request.getfixturevalue("shared_data")
    if name == "fashion_mnist.py" and not has_fashion_mnist():
        if os.environ.get("CI"):
            pytest.fail("Fashion-MNIST is missing: apt install dataset-fashion-mnist")
        pytest.skip("needs Fashion-MNIST's files: apt install dataset-fashion-mnist")
    run([str(ROOT / "examples" / name), *EXAMPLES[name]], tmp_path)
    if name == "fashion_mnist.py":
        assert (tmp_path / "runs/clothes-1/confusion_matrix.png").stat().st_size > 5000
    if name == "image_folder.py":
        assert (tmp_path / "training_batch.png").stat().st_size > 50_000
        assert (tmp_path / "exports/flowers/1/saved_model.pb").is_file()
