"""What models there are, read from the family files' decorators without running them.

A family file imports Keras; its `@builder(...)` decorators hold literals only. So the names, tasks
and papers can be read from the syntax tree in milliseconds, and adding a family touches one file.
"""

import ast
import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from dlkit.errors import InputError
from dlkit.models.hyperparameters import BY_NAME, HyperParameter
from dlkit.tasks import MODEL_TASKS

# A decorated function up to the end of its docstring. Parsing is what takes long, and a body says
# nothing here.
_HEAD = re.compile(r'^@builder\(.*?^def .*?""".*?"""', re.MULTILINE | re.DOTALL)
FOLDER = pathlib.Path(__file__).parent
KINDS = {
    "features": "features (count,)",
    "id": "whole numbers ()",
    "image": "images (height, width, channels)",
    "sequence": "sequences (length, channels)",
    "tokens": "tokens (length,) of whole numbers",
}
# Of a builder that takes whatever the models that it is made of take.
ANY = "any"
# What a model takes: one input, or several by the kind of each.
Kinds = str | tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class BuilderInfo:
    """What is known of a builder before its family is imported.

    Args:
        name: The builder's name, as in `dk.models.<name>`.
        family: The module under `dlkit.models` that holds it, as `"image.resnet"`.
        description: The first line of its docstring.
        tasks: What it can be trained for.
        inputs: The kinds of input that it takes: features, id, image, sequence, tokens. One of them
            that is a tuple of kinds is several inputs at once; any is what its members take.
        reference: The paper.
        options: Compile options in which it differs from `compile_model`'s defaults.
            Defaults to none.
        cpu: `jit_compile` and `steps_per_execution` as measured to be fast on a CPU.
            Defaults to none.
        test_config: A tiny configuration for the tests that every builder has to pass.
            Defaults to none.
        space: What a search tries, by option. Defaults to none.

    Example:
        >>> [info.tasks for info in list() if info.name == "lenet5"][0][:2]
        ('binary', 'multiclass')
    """

    name: str
    family: str
    description: str
    tasks: tuple[str, ...]
    inputs: tuple[Kinds, ...]
    reference: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    cpu: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    test_config: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    space: dict[str, HyperParameter] = dataclasses.field(default_factory=dict, hash=False)


# Filled by `@builder` when a family is imported, or when a user registers a builder of their own.
REGISTERED: dict[str, tuple[BuilderInfo, Callable[..., Any]]] = {}


def list() -> tuple[BuilderInfo, ...]:
    """Return what models there are, sorted by name, without importing Keras.

    Returns:
        One record a builder.

    Example:
        >>> "cnn" in [info.name for info in list()]
        True
    """
    known = {info.name: info for info, _ in REGISTERED.values()} | SHIPPED
    return tuple(known[name] for name in sorted(known))


def each_kind(kinds: Kinds) -> tuple[str, ...]:
    """Return the kind of each input, of one or of several.

    Example:
        >>> each_kind("image"), each_kind(("image", "features"))
        (('image',), ('image', 'features'))
    """
    return (kinds,) if isinstance(kinds, str) else kinds


def takes(info: BuilderInfo, kinds: Iterable[str], *, of_any: bool = True) -> bool:
    """Return whether a builder takes inputs of these kinds, in any order.

    Args:
        info: The builder.
        kinds: The kind of each input.
        of_any: The answer for a builder that takes any kind. Defaults to True.

    Example:
        >>> [takes(info, ["image"]) for info in list() if info.name in ("cnn", "mlp")]
        [True, True]
    """
    if info.inputs == (ANY,):
        return of_any
    return sorted(kinds) in [sorted(each_kind(known)) for known in info.inputs]


def name_inputs(info: BuilderInfo) -> str:
    """Return the kinds of input that a builder takes, in a line.

    Example:
        >>> [name_inputs(info) for info in list() if info.name == "mlp"]
        ['features, image, sequence']
    """
    return ", ".join(" + ".join(each_kind(kinds)) for kinds in info.inputs)


def describe_inputs(info: BuilderInfo) -> str:
    """Return what a builder takes, with the shapes, for messages.

    Example:
        >>> [describe_inputs(info) for info in list() if info.name == "cnn"]
        ['images (height, width, channels)']
    """
    return " or ".join(
        " and ".join(KINDS.get(kind, "what its members take") for kind in each_kind(kinds))
        for kinds in info.inputs
    )


def register_builder(info: BuilderInfo, function: Callable[..., Any]) -> None:
    """Add a builder; the same name from another module is refused.

    Args:
        info: What it is.
        function: The builder itself.

    Raises:
        InputError: for a name that is taken, or a task or kind of input that does not exist.
    """
    for field, known in (("tasks", MODEL_TASKS), ("inputs", (*KINDS, ANY))):
        given = [each_kind(value) for value in getattr(info, field)]
        if not given or not all(given) or {name for names in given for name in names} - {*known}:
            raise InputError(
                f"{info.name}: {field} must be from: {', '.join(known)}."
                f" Received: {getattr(info, field)!r}."
            )
    taken = SHIPPED.get(info.name) or REGISTERED.get(info.name, (None,))[0]
    if taken and taken.family != info.family:
        raise InputError(
            f"A builder named '{info.name}' exists already, in {taken.family}: choose another name."
        )
    REGISTERED[info.name] = (info, function)


def read_catalogue(files: Iterable[pathlib.Path]) -> dict[str, BuilderInfo]:
    """Return the builders that `files` define, by name.

    Raises:
        InputError: for two builders of one name.
    """
    found: dict[str, BuilderInfo] = {}
    for file in sorted(files):
        for info in read_family(file):
            if info.name in found:
                raise InputError(
                    f"Two builders are named '{info.name}': in {found[info.name].family} and"
                    f" {info.family}. Rename one."
                )
            found[info.name] = info
    return found


def read_family(file: pathlib.Path) -> tuple[BuilderInfo, ...]:
    """Return the builders that one family file defines, read from its syntax tree.

    Args:
        file: A Python file with functions under `@builder(...)`.

    Raises:
        InputError: for a decorator whose arguments are neither literals nor hyperparameters.
    """
    source = file.read_text(encoding="utf-8")
    return tuple(
        _read_builder(function, decorator, file)
        for head in _HEAD.finditer(source)
        for function in _parse(source, head)
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", None) == "builder"
    )


def _parse(source: str, part: re.Match[str]) -> Iterable[ast.stmt]:
    """Return the syntax trees of a part of a file, which know the lines that they stand in."""
    return ast.parse("\n" * source.count("\n", 0, part.start()) + part[0]).body


def _read_builder(
    function: ast.FunctionDef, decorator: ast.Call, file: pathlib.Path
) -> BuilderInfo:
    try:
        fields = {str(word.arg): _read_value(word.value) for word in decorator.keywords}
    except ValueError:
        raise InputError(
            f"{file.name}, line {decorator.lineno}: @builder takes literals and"
            f" {', '.join(BY_NAME)} only (the catalogue is read without running the file), but"
            f" '{function.name}' has another expression."
        ) from None
    return BuilderInfo(
        name=function.name,
        family=_module(file),
        description=first_line(ast.get_docstring(function)),
        **fields,
    )


def _module(file: pathlib.Path) -> str:
    """Return a file's module under `dlkit.models`; that of a file elsewhere is its name alone."""
    inside = file.relative_to(FOLDER) if FOLDER in file.parents else pathlib.Path(file.name)
    return ".".join(inside.with_suffix("").parts)


def _read_value(node: ast.expr) -> Any:
    """Return a literal, or a dict whose values may be hyperparameters.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(node, ast.Dict) and all(node.keys):
        keys = [ast.literal_eval(key) for key in node.keys if key]
        return dict(zip(keys, map(_read_value, node.values), strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
        options = {str(word.arg): _read_value(word.value) for word in node.keywords}
        return BY_NAME[node.func.id](*map(_read_value, node.args), **options)
    return ast.literal_eval(node)


def first_line(docstring: str | None) -> str:
    r"""Return the first line of a docstring.

    Example:
        >>> first_line("One line.\n\nMore.")
        'One line.'
    """
    return (docstring or "").strip().partition("\n")[0]


SHIPPED = read_catalogue(FOLDER.rglob("*.py"))
