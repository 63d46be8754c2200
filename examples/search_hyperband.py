"""Many networks for an epoch, the best of them for more: Hyperband on the digits (20 s)."""

import dlkit as dk
from dlkit.tuning import Choice, Float

EPOCHS = 9

data = dk.data.load("digits", batch_size=32, augment=False)
space = {
    "learning_rate": Float(1e-4, 3e-2, sampling="log", default=1e-3),
    "units": Choice([(32,), (128,), (64, 64)]),
}
# A round: 9 networks for one epoch, the best 3 of them until the third, and one until the ninth.
tuner = dk.tuning.search(
    "mlp", data, strategy="hyperband", space=space, max_trials=13, epochs=EPOCHS
)
table = dk.tuning.results(tuner)
print(table[["trial", "score", "epochs", *space]])

model, data = dk.tuning.best_model(tuner)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
spent = table["epochs"].sum()
print(f"Test accuracy {accuracy:.1%}, after {spent} epochs for 9 networks")
assert spent < 9 * EPOCHS / 3, "a third of what it takes to train all 9"
assert accuracy > 0.92, "one of the nine should read 92% of the digits"
