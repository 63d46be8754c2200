"""The catalogue that is read from the files, and what reading it does not load."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models import catalogue
from dlkit.models.catalogue import BuilderInfo
from dlkit.tasks import TASKS

PACKAGE = pathlib.Path(catalogue.__file__).parent


def test_the_files_say_what_the_decorators_register():
    for info in catalogue.SHIPPED.values():
        importlib.import_module(f"dlkit.models.{info.family}")
    ours = {
        name: info
        for name, (info, function) in catalogue.REGISTERED.items()
        if function.__module__.startswith("dlkit.models.")
    }
    assert ours == catalogue.SHIPPED


def test_a_record_tells_what_a_table_of_models_needs():
    (info,) = [info for info in dk.models.list() if info.name == "lenet5"]
    assert info.description.startswith("LeNet-5: ")
    assert info.family == "image.convolutional"
    assert info.inputs == ("image",)
    assert info.tasks == TASKS
    assert "1998" in info.reference
    assert {info} == {info}


def test_names_are_public_sorted_and_no_module_hides_one():
    names = [info.name for info in dk.models.list()]
    assert names == sorted(names)
    assert set(names) <= set(dir(dk.models))
    assert not set(dk.models.__all__) - {"blocks"} & {file.stem for file in PACKAGE.glob("*.py")}


def test_listing_models_loads_no_keras():
    code = (
        "import sys, dlkit; infos = dlkit.models.list(); dir(dlkit.models)\n"
        "print(len(infos), sorted({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [str(len(dk.models.list())), "[]\n"]


def test_one_builder_loads_only_its_family():
    code = (
        "import sys, dlkit; dlkit.models.mlp\n"
        "print('dlkit.models.image.convolutional' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


@pytest.mark.parametrize("folder", ["models", "layers"])
def test_the_sources_import_keras_and_no_backend(folder):
    for file in (PACKAGE.parent / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            roots = {name.partition(".")[0] for name in names}
            allowed = {"keras", "numpy", "dlkit", "typing_extensions"}  # Keras brings NumPy
            assert roots <= {*allowed, *sys.stdlib_module_names}, file
            assert "keras.src" not in " ".join(names), file


FAMILY = '''
@builder(tasks=("binary",), inputs=("image",), reference="{reference}")
def {name}(input_shape, num_classes, *, task="binary", **compile_options):
    """{name} in a line.

    More.
    """


def helper():
    """Not a builder."""
'''


def write(folder, file, **words):
    path = folder / file
    path.write_text(FAMILY.format(**{"reference": "A 2020", "name": "net", **words}))
    return path


def test_a_family_file_is_read_without_being_run(tmp_path):
    path = write(tmp_path, "nets.py", name="tiny")
    assert catalogue.read_family(path) == (
        catalogue.BuilderInfo(
            name="tiny",
            family="nets",
            description="tiny in a line.",
            tasks=("binary",),
            inputs=("image",),
            reference="A 2020",
        ),
    )


def test_two_builders_of_one_name_are_refused(tmp_path):
    files = [write(tmp_path, "one.py"), write(tmp_path, "two.py")]
    with pytest.raises(InputError, match="Two builders are named 'net': in one and two"):
        catalogue.read_catalogue(files)


def test_a_decorator_that_is_not_literal_is_refused(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(FAMILY.format(name="net", reference="A").replace('("binary",)', "TASKS"))
    with pytest.raises(InputError, match=r"nets.py, line 2: .* 'net' has another expression"):
        catalogue.read_family(path)


def make_info(**words):
    fields = {"name": "new", "family": "mine", "description": "", "reference": ""}
    return catalogue.BuilderInfo(**{**fields, "tasks": ("binary",), "inputs": ("image",), **words})


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(InputError, match=r"'cnn' exists already, in image\.convolutional"):
        catalogue.register_builder(make_info(name="cnn"), print)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tasks", ("rank",)),
        ("inputs", ("sound",)),
        ("tasks", ()),
        ("inputs", (("image", "sound"),)),
        ("inputs", ("image", ())),
    ],
)
def test_an_unknown_task_or_input_is_refused(field, value):
    with pytest.raises(InputError, match=f"new: {field} must be from: .*Received: "):
        catalogue.register_builder(make_info(**{field: value}), print)


def test_who_takes_any_kind_is_not_named_for_one():
    info = BuilderInfo("both", "", "", ("binary",), ("any",), "")
    assert catalogue.takes(info, ["tokens", "image"])
    assert not catalogue.takes(info, ["tokens", "image"], of_any=False)
    two = BuilderInfo("two", "", "", ("binary",), ("image", ("image", "features")), "")
    assert catalogue.takes(two, ["features", "image"]) and catalogue.takes(two, ["image"])
    assert not catalogue.takes(two, ["features"])
