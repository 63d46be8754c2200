"""The style guide, as far as a machine can check it. CONTRIBUTING.md says what no test can see.

Each rule has its exceptions beside it, each with its reason; an exception that is no longer needed
fails too.
"""

import ast
import collections
import functools
import graphlib
import hashlib
import importlib
import inspect
import pathlib
import re
import statistics
import tomllib
import typing

import grimp
import pytest

import dlkit as dk

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted((ROOT / "dlkit").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
ROOMS = ("data", "evaluation", "export", "layers", "models", "serving", "training", "tuning")
MAX_LINES = 300
MAX_BODY = 40
MAX_MODULES = 15

LONG_FILES = {
    "dlkit/data/data.py": "what can be done with data is one class, mostly docstrings",
    "dlkit/cli/commands.py": "a function a command, most of its lines the options' help",
    "dlkit/models/blocks.py": "the blocks that every family shares, mostly docstrings",
    "dlkit/models/registry.py": "all that a builder does before its own lines is one decorator",
    "dlkit/training/compiling.py": "the compile options and their checks belong side by side",
}
LONG_FUNCTIONS: dict[str, str] = {}
# Builders and blocks speak one language; a word that is not here is a new word to learn.
GLOSSARY = {
    *("input_shape", "num_classes", "task", "compile_options"),
    *("filters", "units", "kernel_size", "convs_per_block", "pool", "global_pool", "order"),
    *("activation", "normalization", "dropout", "kernel_initializer", "l1", "l2"),
    *("depth", "version", "block", "stem", "shortcut", "stochastic_depth"),
    *("alpha", "halvings", "weights", "auxiliary"),
    *("strides", "max_detections", "score_threshold"),
    *("tokenizer", "patch_size", "hidden_dim", "num_heads", "mlp_ratio"),
    *("primary_capsules", "primary_dim", "capsule_dim", "routing_iterations"),
    *("reconstruction_weight", "backbone", "input_scale"),
    *("members", "method", "shrinkage", "holdout", "kinds"),
    *("vocab_size", "embedding_dim", "cell", "bidirectional", "unroll"),
    *("target_columns", "individual"),
    *("positions", "attention", "window", "norm_first"),
    *("architecture", "bin_edges", "feature_columns"),
}


# Keras documents these, for every layer, metric and schedule.
KERAS_METHODS = (
    *("build", "call", "compute_mask", "compute_output_shape", "compute_output_spec"),
    *("get_config", "result", "update_state"),
)


def relative(path):
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path):
    return ast.parse(path.read_text())


def trees(paths=FILES):
    return {relative(path): parsed(path) for path in paths}


def functions(tree):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def body_without_docstring(function):
    has = ast.get_docstring(function) is not None
    return function.body[1:] if has else function.body


def public_names():
    """Return `(room, name)` of everything that a room exports."""
    modules = {room: getattr(dk, room) for room in ROOMS}
    return [(room, name) for room, module in modules.items() for name in module.__all__]


def public_callables():
    found = {}
    for room, name in public_names():
        thing = getattr(getattr(dk, room), name)
        if callable(thing):
            found[f"{room}.{name}"] = thing
            if inspect.isclass(thing):
                own = [k for k, v in vars(thing).items() if inspect.isfunction(v) and k[0] != "_"]
                own = [k for k in own if k not in KERAS_METHODS]
                found |= {f"{room}.{name}.{method}": getattr(thing, method) for method in own}
    return found


# ------------------------------------------------------------------ shape of the code


def test_files_can_be_read_in_one_go():
    long = {relative(p) for p in FILES if len(p.read_text().splitlines()) > MAX_LINES}
    assert long == set(LONG_FILES)


def test_functions_are_short():
    lengths = {}
    for path, tree in trees().items():
        for function in functions(tree):
            if body := body_without_docstring(function):
                length = body[-1].end_lineno - body[0].lineno + 1
                lengths[f"{path}:{function.name}"] = length
    long = {name: length for name, length in lengths.items() if length > MAX_BODY}
    assert set(long) == set(LONG_FUNCTIONS), long
    assert statistics.median(lengths.values()) <= 12


def test_no_function_is_written_twice():
    seen = {}
    for path, tree in trees().items():
        for function in functions(tree):
            text = "".join(map(ast.dump, body_without_docstring(function)))
            if len(text) > 300:  # shorter ones say little
                digest = hashlib.sha256(text.encode()).hexdigest()
                seen.setdefault(digest, []).append(f"{path}:{function.name}")
    assert [places for places in seen.values() if len(places) > 1] == []


def test_folders_can_be_seen_at_a_glance():
    modules = (path for path in FILES if path.name != "__init__.py")
    counts = collections.Counter(relative(path.parent) for path in modules)
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES} == {}


def test_no_file_imports_itself_by_way_of_others():
    """Nor for its types: a file in a circle cannot be read without the whole of it."""
    graph = grimp.build_graph("dlkit", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # its error names the files of a circle


def test_every_kind_stands_in_both_lists_of_the_import_contracts():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    contracts = tools["importlinter"]["contracts"]
    (data,) = [c for c in contracts if c.get("containers") == ["dlkit.data"]]
    (kinds,) = [c for c in contracts if c["type"] == "independence"]
    assert kinds["modules"] == [f"dlkit.data.{kind}" for kind in data["layers"][0].split(" : ")]


def test_no_module_hides_a_public_name():
    """`dk.models.cnn` would be the module `dlkit/models/cnn.py` once that was imported."""
    hidden = [
        f"{room}.{name}"
        for room, name in public_names()
        if (ROOT / "dlkit" / room / f"{name}.py").exists() and name != "blocks"
    ]
    assert hidden == []


def test_every_module_has_its_test_file():
    tested = {relative(path) for path in TESTS}
    missing = []
    for path in FILES:
        if path.name.startswith("__"):
            continue
        folder = path.parent.relative_to(ROOT / "dlkit")
        if str(pathlib.Path("tests", folder, f"test_{path.name}")) not in tested:
            missing.append(relative(path))
    assert sorted(missing) == sorted(TESTED_ELSEWHERE)


# Module -> the tests that hold it to account.
TESTED_ELSEWHERE = {
    "dlkit/serving/client/json_messages.py": "the tests of both REST clients send and read it",
    "dlkit/data/image/options.py": "image/test_from_files.py gives bad options",
    "dlkit/data/image/sources.py": "catalogue/test_loading.py loads the archives",
    "dlkit/data/boxes/sources.py": "boxes/test_from_voc.py loads the set",
    "dlkit/data/graph/sources.py": "graph/test_from_graph.py loads the set",
    "dlkit/data/pairs/sources.py": "pairs/test_from_text_pairs.py loads the sets",
    "dlkit/data/ratings/sources.py": "ratings/test_from_ratings.py loads the set",
    "dlkit/data/arrays/sources.py": "catalogue/test_loading.py loads each source",
    "dlkit/data/text/bucketing.py": "text/test_from_texts.py feeds and groups batches",
    "dlkit/data/text/pipelines.py": "text/test_from_texts.py reads folders and tables",
    "dlkit/data/core/graph.py": "graph/test_reading.py compares it with dense products",
    "dlkit/data/core/stored.py": "changes/test_disk_cache.py reads what it has written",
    "dlkit/export/registry.py": "versioning/test_mlflow_registry.py has MLflow load by it",
    "dlkit/data/core/targets.py": "arrays/test_from_arrays.py gives each kind of target",
}


# ------------------------------------------------------------------ what is not done


def test_nothing_is_pickled_and_nothing_unsafe_is_loaded():
    for path in FILES:
        text = path.read_text()
        imports = re.findall(r"^\s*(?:import|from) (pickle|dill|joblib|cloudpickle)\b", text, re.M)
        assert imports == [], path
        for word in ("allow_pickle=True", "safe_mode=False", "layers.Lambda", "unsafe_deserial"):
            assert word not in text, f"{path}: {word}"


def test_classes_that_are_saved_are_registered_as_dlkits():
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).endswith((".Layer", ".Wrapper", ".Loss", ".LearningRateSchedule"))
                for base in node.bases
            ):
                decorators = " ".join(ast.unparse(d) for d in node.decorator_list)
                assert "register_keras_serializable(package='dlkit')" in decorators, (path, node)


def test_tests_poll_instead_of_sleeping():
    """A pause in a polling loop is short; a test that hopes is long."""
    for path, tree in trees(TESTS).items():
        for node in ast.walk(tree):
            sleeps = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sleep"
            if sleeps and ast.unparse(node.func) == "time.sleep":
                seconds = ast.literal_eval(node.args[0])
                assert seconds <= 0.1, f"{path}:{node.lineno} sleeps {seconds} s"


def test_no_test_is_skipped_without_a_reason():
    for path in TESTS:
        for call in re.findall(r"mark\.(?:skip|xfail)\b(?!\w)(\(?.*)", path.read_text()):
            assert "reason=" in call, path


# ------------------------------------------------------------------ words


@pytest.mark.parametrize("name", sorted(public_callables()))
def test_the_docstring_tells_every_parameter(name):
    thing = public_callables()[name]
    doc = inspect.getdoc(thing) or ""
    documented = documented_parameters(doc)
    if typing.is_typeddict(thing):
        assert set(documented) == set(thing.__annotations__)
        return
    signature = inspect.signature(thing)
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    known = {p.name for p in parameters}
    assert set(documented) == known, f"{name}: documents {documented.keys()}, takes {known}"
    for parameter in parameters:
        told = "Defaults to" in documented[parameter.name]
        if told and not repr(parameter.default).startswith("<"):  # no default, or a factory's
            assert same_default(documented[parameter.name], parameter.default), (
                f"{name}: {parameter.name} defaults to {parameter.default!r}"
            )


@pytest.mark.parametrize("name", sorted(public_callables()))
def test_the_docstring_has_a_first_line_and_an_example(name):
    thing = public_callables()[name]
    doc = inspect.getdoc(thing)
    assert doc
    assert doc.splitlines()[0].endswith((".", ":"))
    if name.count(".") == 2 or typing.is_typeddict(thing):  # shown by its class, or its user
        return
    assert ">>>" in doc or "Example" in doc, f"{name} shows no example"


def documented_parameters(doc):
    """Return name -> text of a Google docstring's `Args:` (or a dataclass's `Attributes:`)."""
    section = re.search(r"^(?:Args|Attributes):\n((?:[ ]{4}.*\n?|\n)*)", doc, re.M)
    if not section:
        return {}
    entries = re.split(r"^[ ]{4}(?=\S)", section[1], flags=re.M)[1:]
    pairs = (entry.partition(":") for entry in entries)
    return {name.split(" ")[0].lstrip("*"): " ".join(text.split()) for name, _, text in pairs}


def same_default(text, default):
    told = re.search(r"Defaults to (.*)$", text)[1]
    shown = [repr(default), str(default), repr(default).replace("'", '"')]
    if isinstance(default, float):
        shown += [f"{default:g}", f"{default:.0e}".replace("e+0", "e").replace("e-0", "e-")]
    return any(told.replace("`", "").startswith(value) for value in shown)


def test_builders_use_the_words_of_the_glossary():
    for info in dk.models.list():
        names = set(inspect.signature(getattr(dk.models, info.name)).parameters)
        assert names <= GLOSSARY, f"{info.name} has new words: {names - GLOSSARY}"


def test_errors_say_what_was_given():
    """A message with no value in it leaves the reader to guess which one was meant."""
    silent = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            made_by = ast.unparse(node.exc.func)
            values = [part for part in ast.walk(node.exc) if isinstance(part, ast.FormattedValue)]
            text = ast.unparse(node.exc)
            if made_by in ("InputError", "ExportError") and not values and "_text(" not in text:
                silent.append(f"{path}:{text[:60]}")
    assert sorted(silent) == sorted(SILENT_ERRORS)


# Messages where there is no value to give, or that pass on one that has it.
SILENT_ERRORS = (
    "dlkit/data/changes/disk_cache.py:InputError(refusal)",
    "dlkit/evaluation/plots.py:InputError('The history holds no epoch; train the model befo",
    "dlkit/export/parity/cpp_loader.py:"
    "ExportError('This session is closed; load the SavedModel aga",
    "dlkit/export/parity/parity_run.py:ExportError(answer)",
    "dlkit/export/parity/subprocess_runner.py:ExportError(answer['error'])",
)


def test_every_module_says_what_it_is_for():
    for path, tree in trees().items():
        assert ast.get_docstring(tree), path


def test_the_lazy_tables_are_whole():
    for room, name in public_names():
        module = importlib.import_module(f"dlkit.{room}")
        assert getattr(module, name) is not None
        assert name in dir(module)
