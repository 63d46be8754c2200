"""Transfer: any backbone, pixels as it was trained on, and weights that it is given."""

import os
import pathlib
import sys

import keras
import numpy as np
import pytest
from sklearn import datasets

import dlkit as dk
from dlkit.errors import InputError, MissingExtraError
from dlkit.models.image import transfer as family

WEIGHTS = pathlib.Path(os.environ["DLKIT_DATA"], "weights")
WITH_HEAD = WEIGHTS / "mobilenet_2_5_224_tf.h5"
WITHOUT = WEIGHTS / "mobilenet_2_5_224_tf_no_top.h5"
SMALL = {"backbone": "MobileNet", "alpha": 0.25}


def photos(size):
    """Return scikit-learn's two photos, pixels in [0, 255]."""
    both = np.stack(datasets.load_sample_images().images).astype("float32")
    return keras.ops.convert_to_numpy(keras.ops.image.resize(both, (size, size)))


@pytest.mark.parametrize("weights", [WITHOUT, WITH_HEAD])
def test_features_are_what_the_backbone_gives_for_its_pixels(weights):
    mean, deviation = np.array([120.0, 110.0, 90.0]), np.array([60.0, 50.0, 70.0])
    model = dk.models.transfer(
        (96, 96, 3), 5, weights=weights, input_scale=(mean, deviation), **SMALL
    )
    theirs = keras.applications.MobileNet(
        (96, 96, 3), 0.25, include_top=False, weights=str(WITHOUT)
    )
    pixels = photos(96)
    maps = np.asarray(theirs(keras.applications.mobilenet.preprocess_input(pixels.copy())))
    expected = np.concatenate([maps.mean((1, 2)), maps.max((1, 2))], axis=-1)
    found = model.features(((pixels - mean) / deviation).astype("float32"))
    np.testing.assert_allclose(found, expected, atol=1e-3)


# One of each way: [-1, 1], blue first without the mean, [0, 1] standardised, inside the network.
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Xception", keras.applications.xception),
        ("ResNet50", keras.applications.resnet),
        ("DenseNet121", keras.applications.densenet),
        ("EfficientNetB0", keras.applications.efficientnet),
    ],
)
@pytest.mark.parametrize("channels", [3, 1])
def test_pixels_become_what_the_network_was_trained_on(name, module, channels):
    mean, deviation = np.arange(90.0, 90 + channels), np.arange(40.0, 40 + channels)
    inputs = keras.Input((8, 8, channels))
    outputs = family._to_pixels(inputs, (mean, deviation), family._preprocess(name))
    pixels = photos(8)[..., :channels]
    found = keras.Model(inputs, outputs)((pixels - mean) / deviation)
    colours = np.broadcast_to(pixels, (2, 8, 8, 3)).copy()
    np.testing.assert_allclose(found, module.preprocess_input(colours), rtol=1e-4, atol=1e-3)


def test_every_function_of_keras_applications_is_known():
    assert {"MobileNetV2", "ResNet50", "VGG16", "ConvNeXtTiny", "MobileNetV3Small"} <= set(
        family._APPLICATIONS
    )
    spelled = dk.models.transfer((32, 32, 3), 2, backbone="mobile_net_v2", weights=None, alpha=0.35)
    assert spelled.layers[2].name == "mobilenetv2_0.35_32"


def test_build_tells_how_the_data_is_standardised():
    data = dk.data.load("flowers", image_size=(32, 32))
    model = dk.models.build("transfer", data, weights=None, **SMALL)
    raw = data.examples[0][:2]
    pixels = keras.Model(model.inputs, model.get_layer("pixels").output)
    expected = keras.applications.mobilenet.preprocess_input(raw.astype("float32"))
    np.testing.assert_allclose(pixels(data.preprocessing(raw)), expected, atol=1e-4)


def test_a_backbone_of_ones_own_is_frozen_and_its_tokens_are_averaged():
    inputs = keras.Input((16, 16, 3))
    tokens = keras.layers.Reshape((64, 8))(keras.layers.Conv2D(8, 2, 2)(inputs))
    own = keras.Model(inputs, tokens, name="own")
    model = dk.models.transfer((16, 16, 3), 3, backbone=own)
    assert not own.trainable_weights
    x = photos(16)
    np.testing.assert_allclose(model.features(x), np.asarray(own(x)).mean(1), rtol=1e-4)


def test_a_preset_of_kerashub_brings_its_own_scale(tmp_path):
    import keras_hub as hub  # here, since it takes seconds

    backbone = hub.models.VGGBackbone([1, 1], [4, 8], image_shape=(None, None, 3))
    converter = hub.layers.ImageConverter(scale=1 / 127.5, offset=-1.0)
    backbone.save_to_preset(tmp_path)
    converter.save_to_preset(tmp_path)
    model = dk.models.transfer((16, 16, 3), 3, backbone=f"keras_hub/{tmp_path}")
    pixels = photos(16)
    maps = np.asarray(backbone(pixels / 127.5 - 1))
    expected = np.concatenate([maps.mean((1, 2)), maps.max((1, 2))], axis=-1)
    np.testing.assert_allclose(model.features(pixels), expected, rtol=1e-3, atol=1e-4)


def test_kerashub_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(MissingExtraError, match=r"dlkit\[hub\]"):
        dk.models.transfer((16, 16, 3), 3, backbone="keras_hub/some_preset")


def test_a_download_that_fails_is_a_sentence(monkeypatch):
    def make(input_shape, include_top, weights):
        if weights == "imagenet":
            raise Exception("URL fetch failure on https://... : None")
        return keras.applications.MobileNet(input_shape, 0.25, include_top=False, weights=None)

    monkeypatch.setitem(family._APPLICATIONS, "MobileNetV2", make)
    with pytest.raises(InputError, match="weights of MobileNetV2 cannot be downloaded"):
        dk.models.transfer((32, 32, 3), 3)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((96, 96, 3), {"backbone": "MobileNetV4"}, "MobileNetV"),
        ((96, 96, 3), {"backbone": 50}, "backbone"),
        ((96, 96, 3), {"backbone": "ResNet50", "alpha": 0.5, "weights": None}, "has no alpha"),
        ((96, 96, 3), {**SMALL, "alpha": 0.5, "weights": WITHOUT}, "for another network"),
        ((96, 96, 3), {**SMALL, "weights": "nowhere.h5"}, "no file of weights"),
        ((96, 96, 4), {**SMALL, "weights": None}, "1 or 3 channels"),
        ((16, 16, 3), {**SMALL, "weights": None}, "at least 32x32"),
        ((96, 96, 3), {**SMALL, "weights": None, "input_scale": (0, 0)}, "input_scale must be"),
        ((96, 96, 3), {**SMALL, "weights": None, "input_scale": 5}, "input_scale must be"),
        ((96, 96, 3), {"backbone": keras.Sequential([keras.Input((8, 8, 3))])}, "takes inputs of"),
    ],
)
def test_what_cannot_be_used_is_refused(shape, options, message):
    with pytest.raises(InputError, match=message) as raised:
        dk.models.transfer(shape, 3, **options)
    assert "eceived: " in str(raised.value) or "the images are" in str(raised.value)


def test_a_backbone_of_several_outputs_is_refused():
    inputs = keras.Input((16, 16, 3))
    several = keras.Model(inputs, [keras.layers.Flatten()(inputs), inputs])
    with pytest.raises(InputError, match="one map, tokens or features"):
        dk.models.transfer((16, 16, 3), 3, backbone=several)
