"""Flower photos in class folders: from JPEG files to a served model (half a minute on 2 cores).

    DLKIT_DATA=/folder/of/the/data/sets python examples/image_folder.py

Your own photos need nothing but one sub-folder a class: `from_image_folder("my_photos", ...)`.
"""

import argparse

import dlkit as dk
from dlkit.data.image import sources

EPOCHS = 10

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--folder", help="class folders of images; by default flower photos")
options = parser.parse_args()

dk.training.set_seed(0)
data = dk.data.from_image_folder(
    options.folder or sources.folder("flowers"),  # unpacked from DLKIT_DATA's zip
    image_size=(64, 64),
    batch_size=32,
    corrupt="skip",
    cache=True,  # 600 small photos fit into memory; leave it out where yours do not
    augment="medium",
)
data.summary()
data.show("training_batch.png")

schedule = dk.training.OneCycle(4e-3, EPOCHS * len(data.train))
model = dk.models.build("cnn", data, filters=(16, 32, 32), seed=0, learning_rate=schedule)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)
accuracy = model.evaluate(data.test, return_dict=True)["accuracy"]

version = dk.export.saved_model(model, "exports/flowers", data=data)
print(f"Test accuracy {accuracy:.1%} of {data.num_classes} classes; raw pixels go to {version}")
assert accuracy > 2 / data.num_classes, "it should be right twice as often as chance"
