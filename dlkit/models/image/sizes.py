"""How often an image can be halved before nothing of it is left."""

from collections.abc import Iterator, Sequence
from typing import Any

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError

_LEAST = 3  # pixels of the last map's sides, below which small images are halved less


def check_image(shape: Sequence[int], least: int, **options: Any) -> None:
    """Refuse images with a side that is halved until nothing is left.

    Args:
        shape: (height, width, channels).
        least: Pixels that each side has to have.
        **options: What that comes from, for the message.

    Raises:
        InputError: for a smaller side.

    Example:
        >>> check_image((32, 48, 3), 32, depth=50)
    """
    if min(shape[:2]) < least:
        words = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise InputError(
            f"{words} needs images of at least {least} x {least} pixels: give larger ones, or"
            f" another {next(iter(options))}. Received: input_shape={tuple(shape)!r}."
        )


def check_multiple(shape: Sequence[int], multiple: int, **options: Any) -> None:
    """Refuse images with a side that cannot be halved as often as a network does and doubled again.

    Args:
        shape: (height, width, channels).
        multiple: What each side has to be a multiple of.
        **options: What that comes from, for the message.

    Raises:
        InputError: for another side, with the nearest size that is right.

    Example:
        >>> check_multiple((96, 128, 3), 16, filters=(16, 32, 64, 128))
    """
    if any(side % multiple for side in shape[:2]):
        words = ", ".join(f"{name}={value!r}" for name, value in options.items())
        near = [max(1, round(side / multiple)) * multiple for side in shape[:2]]
        raise InputError(
            f"{words} needs images whose sides are multiples of {multiple} pixels: give them as"
            f" {near[0]} x {near[1]}, or another {next(iter(options))}. Received:"
            f" input_shape={tuple(shape)!r}."
        )


def count_halvings(shape: Sequence[int], given: int | None, most: int) -> int:
    """Return how often a network halves an image.

    Args:
        shape: (height, width, channels).
        given: What the user asks for, or `None`: as often as leaves 3 pixels of the shorter side.
        most: How often the network halves a large one.

    Raises:
        InputError: for more than that, or than the image has pixels for.

    Example:
        >>> [count_halvings((side, side, 3), None, 5) for side in (224, 96, 32)]
        [5, 5, 3]
    """
    if given is None:
        side = min(shape[:2])
        return next(n for n in range(most, -1, -1) if n == 0 or side >= _LEAST * 2**n)
    if check_integer("halvings", given, minimum=0) > most:
        raise InputError(f"halvings is at most {most}. Received: halvings={given}.")
    check_image(shape, 2**given, halvings=given)
    return given


def halving_strides(shape: Sequence[int], given: int | None, most: int) -> Iterator[int]:
    """Return the strides of the layers that may halve an image; the first keep a small one's size.

    Args:
        shape: (height, width, channels).
        given: As `count_halvings` takes it.
        most: How many layers there are.

    Example:
        >>> list(halving_strides((32, 32, 3), None, 5))
        [1, 1, 2, 2, 2]
    """
    halvings = count_halvings(shape, given, most)
    return iter([1] * (most - halvings) + [2] * halvings)
