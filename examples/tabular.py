"""The price of a house by many small networks in one, which vote (half a minute).

    DLKIT_DATA=/folder/of/the/data/sets python examples/tabular.py

California in 1990, 20,640 districts: numbers with gaps, and how far the ocean is. TabM's numbers
become vectors that bend where the training rows are, so that coasts and cities are found.
"""

import numpy as np

import dlkit as dk

EPOCHS = 6

data = dk.data.load("california_housing", batch_size=128)
edges = dict(zip(data.feature_names, data.bin_edges, strict=True))
print(f"bins of the latitude: {len(edges['latitude']) - 1}; of a category: none, it is yes or no")

schedule = dk.training.OneCycle(8e-3, EPOCHS * len(data.train))
model = dk.models.build("tabular", data, learning_rate=schedule, seed=0)
model.fit(data.train, validation_data=data.val, epochs=EPOCHS, verbose=2)

truth = data.origin.targets.values[data.origin.split.test]
error = np.sqrt(np.mean((model.predict(data.test, verbose=0) - truth.reshape(-1, 1)) ** 2))
mean = np.sqrt(np.mean((truth - data.target_scale[0]) ** 2))
print(f"off by {error * 1e5:,.0f} dollars, beside {mean * 1e5:,.0f} of the mean price")
assert error < 0.53, "linear regression is off by 0.68; six epochs reach 0.50"
