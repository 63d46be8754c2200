"""Attention among the places of an image: digits by a small vision transformer (half a minute)."""

import dlkit as dk

EPOCHS = 20

data = dk.data.load("digits", batch_size=32, seed=0)
steps = EPOCHS * len(data.train)
model = dk.models.build(
    "vit",
    data,
    hidden_dim=64,
    depth=2,
    learning_rate=dk.training.OneCycle(2e-3, steps),
    seed=0,
)
model.summary()
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)

accuracy = model.evaluate(data.test, return_dict=True)["accuracy"]
print(f"Test accuracy: {accuracy:.1%}")
assert accuracy > 0.95, "this network should read at least 95% of the digits"
