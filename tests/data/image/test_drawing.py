"""The picture of images."""

import dlkit as dk


def test_pictures_carry_the_class_of_their_image():
    data = dk.data.load("digits")
    _, labels = next(data.train.as_numpy_iterator())  # the first epoch's order
    again = dk.data.load("digits").show(count=9)
    titles = [axis.get_title() for axis in again.axes]
    assert titles == [data.class_names[label] for label in labels[:9]]
