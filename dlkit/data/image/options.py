"""How image files are read and fed, as `from_image_folder` documents it."""

from __future__ import annotations

import dataclasses
from typing import Any

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.core.pipeline import check_pipeline_options
from dlkit.data.image.augment import resolve_image_augmentation
from dlkit.errors import InputError


@dataclasses.dataclass(frozen=True)
class Options:
    """How image files are read and fed; checked when it is made."""

    image_size: tuple[int, int]
    channels: int | None
    corrupt: str
    batch_size: int
    seed: int
    val_fraction: float
    cache: bool | None
    augment: Any
    rare_classes: str = "error"

    def __post_init__(self) -> None:
        size = self.image_size
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise InputError(
                f"image_size must be (height, width), like (128, 128). Received: {size!r}."
            )
        for side, value in zip(("height", "width"), size, strict=True):
            check_integer(f"image_size's {side}", value)
        if self.channels not in (1, 3, None):
            raise InputError(
                "channels must be 1 (grey), 3 (colour) or None (what all files have). Received:"
                f" channels={self.channels!r}."
            )
        check_choice("corrupt", self.corrupt, ("error", "skip"))
        check_pipeline_options(self.batch_size, self.seed, self.val_fraction)
        resolve_image_augmentation(self.augment)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.image_size
        return height, width
