"""A plain stack of convolutions beside residual blocks, on the same digits (20 s on 2 cores).

Each network is a small form of its paper's (VGG: arXiv:1409.1556; ResNet: arXiv:1512.03385).
`mobilenet` and `inception` are built the same way; for pictures of 8 x 8 they are too deep.
"""

import time

import dlkit as dk

EPOCHS = 12
NETWORKS = {"cnn": {"filters": (16, 32)}, "resnet": {"depth": 8}}

data = dk.data.load("digits", batch_size=64, seed=0)
found = {}
for name, options in NETWORKS.items():
    rate = dk.training.OneCycle(5e-3, EPOCHS * len(data.train))
    model = dk.models.build(name, data, learning_rate=rate, seed=0, **options)
    began = time.process_time()
    model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=0)
    seconds = time.process_time() - began
    found[name] = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    words = ", ".join(f"{option}={value}" for option, value in options.items())
    print(
        f"{name}({words})".ljust(26),
        f"{model.count_params():>7,} weights {seconds:5.1f} CPU seconds {found[name]:.1%}",
    )
worst = min(found, key=found.get)
assert found[worst] > 0.95, f"{worst} should read at least 95% of the digits"
