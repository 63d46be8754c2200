"""A classifier of handwritten digits, from data to test accuracy (about 10 seconds)."""

import dlkit as dk

EPOCHS = 15

data = dk.data.load("digits", batch_size=32)
steps = EPOCHS * len(data.train)
model = dk.models.build("cnn", data, seed=0, learning_rate=dk.training.OneCycle(4e-3, steps))
model.summary()
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)

accuracy = model.evaluate(data.test, return_dict=True)["accuracy"]
print(f"Test accuracy: {accuracy:.1%}")
assert accuracy > 0.97, "this network should read at least 97% of the digits"
