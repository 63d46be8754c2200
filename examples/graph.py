"""What is a paper about? Its words tell, and so do the papers that it cites.

    DLKIT_DATA=/path/to/data python examples/graph.py

Cora has 2,708 papers, 140 of them to learn from. One layer on words, or on their average over
two steps of citations (arXiv:1902.07153); and a network that averages twice (arXiv:1609.02907).
"""

import tempfile

import keras

import dlkit as dk

right = {}
for steps in (0, 2):
    data = dk.data.load("cora", propagate=steps, batch_size=140)
    model = dk.models.build("perceptron", data, learning_rate=0.3, l2=4e-4, seed=0)
    model.fit(data.train, epochs=60, verbose=0)
    right[f"{steps} steps"] = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
data.show("cora.png")


class GraphNetwork(keras.Model):
    """Works on the whole graph at once, and answers for the nodes of a batch."""

    def __init__(self, graph, classes):
        super().__init__()
        self.words, (self.sources, self.ends) = graph.features, graph.edges
        self.strengths = graph.weights[:, None]
        self.hidden = keras.layers.Dense(16, kernel_regularizer=keras.regularizers.L2(5e-4))
        self.dropout, self.head = keras.layers.Dropout(0.5), keras.layers.Dense(classes)

    def _average(self, x):  # (nodes, units) -> (edges, units) -> (nodes, units)
        sent = keras.ops.take(x, self.sources, axis=0) * self.strengths
        return keras.ops.segment_sum(sent, self.ends, len(self.words))

    def call(self, nodes, training=None):
        """Return the chances of each class."""
        x = keras.ops.relu(self._average(self.hidden(self.words)))
        x = self._average(self.head(self.dropout(x, training=training)))
        return keras.ops.softmax(keras.ops.take(x, nodes, axis=0))


data = dk.data.load("cora", encoding="node", batch_size=140)
keras.utils.set_random_seed(0)
model = GraphNetwork(data.graph, data.num_classes)
optimizer, loss = keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy"
model.compile(optimizer, loss, metrics=["accuracy"])
model.fit(data.train, epochs=90, verbose=0)
right["network"] = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/papers", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        ((*chances,),) = dk.serving.Client(server.url).predict([1708])
print("Paper 1708:", data.class_names[chances.index(max(chances))])
print("Right on test papers:", {name: f"{accuracy:.1%}" for name, accuracy in right.items()})
assert right["0 steps"] > 0.58, "logistic regression on the words is right for 60.6%"
assert right["2 steps"] > 0.79, "81.0% was published"
assert right["network"] > 0.78, "81.5% was published"
