"""What is a paper about? Its words tell, and so do the papers that it cites.

    DLKIT_DATA=/path/to/data python examples/graph.py

Cora has 2,708 papers, and the fields of 140 to learn from. One layer on the words alone, then on
words averaged over two steps of citations (Wu et al. 2019, arXiv:1902.07153).
"""

import tempfile

import dlkit as dk

accuracies = {}
for steps in (0, 2):
    data = dk.data.load("cora", propagate=steps, batch_size=140)
    options = {"learning_rate": 0.3, "l2": 4e-4, "seed": 0}
    model = dk.models.build("perceptron", data, **options)
    model.fit(data.train, epochs=60, verbose=0)
    accuracies[steps] = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
data.summary()
data.show("cora.png")

# A client asks for a paper by its number: what is known of it is in the export.
with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, f"{exports}/papers", data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        ((*chances,),) = dk.serving.Client(server.url).predict([1708])
field = data.class_names[chances.index(max(chances))]

print(f"Paper 1708 is about {field.lower()} ({max(chances):.0%}).")
print(f"Test accuracy {accuracies[0]:.1%} from words, {accuracies[2]:.1%} from citations as well")
assert accuracies[0] > 0.58, "logistic regression on the words is right for 60.6%"
assert accuracies[2] > 0.79, "with two steps of citations 81.0% was published"
