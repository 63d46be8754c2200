"""One table a package: its public names, and the module that each is loaded from at its first use.

PEP 562 lets a module answer for attributes that it does not hold yet, so `import dlkit` stays fast
and TensorFlow is loaded by the first line that needs it.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attach(
    package: str, table: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for `package`.

    Args:
        package: The package's `__name__`.
        table: Public name -> the module that defines it, relative to `package`. A name that maps to
            `"."` is a submodule itself.

    Example:
        >>> getattr_, dir_, all_ = attach("dlkit", {"data": "."})
        >>> all_
        ['data']
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 - this becomes the package's own
        if name not in table:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if table[name] == ".":
            return importlib.import_module(f"{package}.{name}")
        value = getattr(importlib.import_module(f"{package}.{table[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807 - this becomes the package's own
        return sorted({*vars(sys.modules[package]), *table})

    return __getattr__, __dir__, sorted(table)
