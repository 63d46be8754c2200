import pytest

from dlkit.errors import InputError
from dlkit.models.image.sizes import check_image, check_multiple, count_halvings


@pytest.mark.parametrize(("side", "count"), [(1, 0), (5, 0), (6, 1), (95, 4), (96, 5), (1000, 5)])
def test_three_pixels_are_left(side, count):
    assert count_halvings((side, 2 * side, 3), None, 5) == count


def test_what_is_asked_for_is_done_where_there_are_pixels():
    assert count_halvings((8, 8, 1), 3, 5) == 3
    with pytest.raises(
        InputError, match=r"halvings=4 needs images of at least 16 x 16 .*\(8, 8, 1\)"
    ):
        count_halvings((8, 8, 1), 4, 5)
    with pytest.raises(InputError, match=r"at most 5\. Received: halvings=6"):
        count_halvings((800, 800, 1), 6, 5)


def test_the_shorter_side_counts():
    check_image((4, 100, 3), 4, depth=20)
    with pytest.raises(InputError, match="depth=20 needs images of at least 4 x 4"):
        check_image((100, 3, 3), 4, depth=20)


def test_the_nearest_size_that_can_be_halved_is_named():
    check_multiple((16, 48, 3), 16, filters=(4, 8))
    words = r"filters=\(4, 8\) .* multiples of 16 .* as 16 x 64, .*filters.*\(3, 60, 1\)"
    with pytest.raises(InputError, match=words):
        check_multiple((3, 60, 1), 16, filters=(4, 8))
