"""Write the README's tables from the registries, between their markers.

    python docs/tables.py            # rewrite README.md
    python docs/tables.py --check    # exit 1 if it is stale

A test runs the check, so that a new builder, data set or command cannot be forgotten.
"""

import pathlib
import re
import sys
from collections.abc import Iterable

import typer.main

from dlkit import data, models
from dlkit.cli.commands import app
from dlkit.models import blocks
from dlkit.models.catalogue import name_inputs
from dlkit.tasks import MODEL_TASKS
from dlkit.training import names

README = pathlib.Path(__file__).parent.parent / "README.md"


def builders() -> list[tuple[str, ...]]:
    """Return a row for each builder."""
    return [
        (f"`{info.name}`", info.description, name_inputs(info), info.reference)
        for info in models.list()
    ]


def datasets() -> list[tuple[str, ...]]:
    """Return a row for each named data set."""
    return [
        (f"`{info.name}`", info.description, info.task, f"{info.examples:,}", info.origin)
        for info in data.list()
    ]


def commands() -> list[tuple[str, ...]]:
    """Return a row for each command of `dlkit`."""
    group = typer.main.get_command(app)
    rows = []
    for name, command in group.commands.items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join(["dlkit", name, *(p.metavar or p.name.upper() for p in arguments)])
        usage = usage.replace("|", "\\|")  # a bare one would end the table's cell
        rows.append((f"`{usage}`", command.get_short_help_str(200)))
    return rows


def choices() -> list[tuple[str, ...]]:
    """Return a row for each option that takes names."""

    def listed(known: Iterable[str]) -> str:
        return ", ".join(f"`{name}`" for name in known)

    rows = [("`optimizer`", listed(names.OPTIMIZERS))]
    for option, known in (("loss", names.LOSSES), ("metrics", names.METRICS)):
        rows += [
            (f"`{option}`, {task}", listed(n for n, tasks in known.items() if task in tasks))
            for task in MODEL_TASKS
        ]
    rows.append(("`activation`", listed(blocks.ACTIVATIONS)))
    return [*rows, ("`kernel_initializer`", listed(blocks.INITIALIZERS))]


TABLES = {
    "builders": (("builder", "what it is", "inputs", "reference"), builders),
    "datasets": (("data set", "what it is", "task", "examples", "where it comes from"), datasets),
    "choices": (("option", "names"), choices),
    "commands": (("command", "what it does"), commands),
}


def render(text: str) -> str:
    """Return `text` with each table between its markers made anew."""
    for name, (columns, rows) in TABLES.items():
        lines = [columns, ("---",) * len(columns), *rows()]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        marked = rf"(<!-- {name}: made by docs/tables.py -->\n).*?(<!-- end -->)"
        new = rf"\g<1>{table}\n\g<2>"
        text, found = re.subn(marked, new, text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"README.md needs the markers of the table '{name}' once.")
    return text


def main() -> None:
    """Rewrite the README, or check it."""
    before = README.read_text()
    after = render(before)
    if "--check" in sys.argv:
        sys.exit("README.md is stale: run python docs/tables.py" if after != before else 0)
    README.write_text(after)


if __name__ == "__main__":
    main()
