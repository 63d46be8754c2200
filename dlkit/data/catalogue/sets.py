"""The facts of the named data sets; listing them loads neither TensorFlow nor scikit-learn."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DataSetInfo:
    """The facts of a named data set.

    Attributes:
        name: What `load` takes.
        kind: What one input is: `"image"`, `"features"`, and so on.
        task: What a network learns from it.
        examples: How many examples there are, test split included.
        description: One line.
        origin: Where the data comes from.
        module: The module of `dlkit.data` whose `load` reads it.
        augment: The name of the augmentation that suits it, or `None`. Defaults to None.

    Example:
        >>> import dlkit as dk
        >>> dk.data.list()[0].description
        'Handwritten digits, 8x8 grey values 0 to 16, 10 classes'
    """

    name: str
    kind: str
    task: str
    examples: int
    description: str
    origin: str
    module: str
    augment: str | None = None


_SKLEARN = "ships with scikit-learn"
_KERAS = "DLKIT_DATA, Keras's cache or download"
_FASHION = f"{_KERAS}, Debian's dataset-fashion-mnist"
_CACHE = "DLKIT_DATA or Keras's cache"
_ZIP = f"{_CACHE}, as a zip"

# A row a set, which stays readable only as one.
# fmt: off
# ruff: noqa: E501
SETS = (
    DataSetInfo("digits", "image", "multiclass", 1797, "Handwritten digits, 8x8 grey values 0 to 16, 10 classes", _SKLEARN, "arrays.sources", "shift"),
    DataSetInfo("iris", "features", "multiclass", 150, "Iris flowers, 4 measurements, 3 species", _SKLEARN, "arrays.sources"),
    DataSetInfo("breast_cancer", "features", "binary", 569, "Breast cancer Wisconsin, 30 measurements of a cell sample, malignant or benign", _SKLEARN, "arrays.sources"),
    DataSetInfo("diabetes", "features", "regression", 442, "Diabetes progression after a year, 10 measurements of a patient", _SKLEARN, "arrays.sources"),
    DataSetInfo("fashion_mnist", "image", "multiclass", 70_000, "Zalando's clothes, 28x28 grey values 0 to 255, 10 classes", _FASHION, "arrays.sources", "flip"),
    DataSetInfo("mnist", "image", "multiclass", 70_000, "Handwritten digits, 28x28 grey values 0 to 255, 10 classes", _KERAS, "arrays.sources", "shift"),
    DataSetInfo("cifar10_jpg", "image", "multiclass", 12_000, "CIFAR-10, a fifth of it as JPEG files, 32x32 in colour, 10 classes", _ZIP, "image.sources", "light"),
    DataSetInfo("flowers", "image", "multiclass", 600, "Flower photos, 120 JPEG files a species, read at 128x128 in colour, 5 species", _ZIP, "image.sources", "medium"),
    DataSetInfo("spoken_digits", "audio", "multiclass", 3000, "Free Spoken Digit Dataset, WAV files of 6 speakers heard for 0.8 s at 8 kHz as log-mel spectrograms, 10 classes", _ZIP, "audio.sources", "light"),
    DataSetInfo("blood_cells", "boxes", "detection", 364, "BCCD, photos of blood under a microscope, read at 192x256 in colour, boxes of 3 kinds of cells", _ZIP, "boxes.sources"),
    DataSetInfo("airline_passengers", "series", "regression", 132, "Airline passengers of each month, 1949 to 1960, in thousands, from the 12 months before", _CACHE, "series.sources"),
    DataSetInfo("melbourne_temperatures", "series", "regression", 3636, "Melbourne's daily minimum temperatures, 1981 to 1990, without the last days of 1984 and 1988, from the 14 days before", _CACHE, "series.sources"),
    DataSetInfo("sunspots", "series", "regression", 2688, "Sunspots of each month, 1749 to 1983, from the 132 months before", _CACHE, "series.sources"),
    DataSetInfo("etth1", "series", "regression", 14_235, "ETTh1, an electricity transformer's oil temperature over the next 24 hours, from it and 6 loads in the 96 hours before", _CACHE, "series.sources"),
    DataSetInfo("household_power", "series", "regression", 1410, "A household's energy in each of the next 7 days, from 8 measurements of the 14 days before", _CACHE, "series.sources"),
    DataSetInfo("titanic", "features", "binary", 891, "Titanic's passengers, 7 columns with gaps, who survived", _CACHE, "features.sources"),
    DataSetInfo("penguins", "features", "multiclass", 344, "Palmer penguins, 6 columns with gaps, 3 species", _CACHE, "features.sources"),
    DataSetInfo("auto_mpg", "features", "regression", 398, "Cars of 1970 to 1982, 7 columns with gaps, miles per gallon", _CACHE, "features.sources"),
    DataSetInfo("adult", "features", "binary", 48_842, "US census of 1994, 13 columns with gaps, income above 50,000 a year", _CACHE, "features.sources"),
    DataSetInfo("california_housing", "features", "regression", 20_640, "Californian districts of 1990, 9 columns with gaps, house value in 100,000 dollars", _CACHE, "features.sources"),
    DataSetInfo("fra_eng", "pairs", "translation", 142_787, "English sentences and French translations (Tatoeba), the shortest first", _ZIP, "pairs.sources"),
    DataSetInfo("multi30k", "pairs", "translation", 31_014, "Captions of photos in English, German and French, with a test split", _CACHE, "pairs.sources"),
    DataSetInfo("cora", "graph", "multiclass", 2708, "Cora: scientific papers, their words and citations, 7 fields, 140 labels to learn from", _CACHE, "graph.sources"),
    DataSetInfo("movielens", "ratings", "regression", 100_836, "MovieLens latest-small, 610 users' ratings of 9,724 films, 0.5 to 5", _ZIP, "ratings.sources"),
    DataSetInfo("credit_card_fraud", "features", "binary", 3_265, "Card payments of 2013, 29 numbers, all 492 frauds and a sample of the rest", _CACHE, "features.sources"),
    DataSetInfo("mammography", "features", "binary", 11_183, "Spots in mammograms, 6 measurements, 260 are calcifications", _CACHE, "features.sources"),
    DataSetInfo("boston_housing", "features", "regression", 506, "Boston's towns of 1970, 12 measurements, house value in 1,000 dollars", _CACHE, "features.sources"),
    DataSetInfo("sms_spam", "text", "binary", 5574, "Text messages, a seventh of them spam", _CACHE, "text.sources"),
    DataSetInfo("sentence_polarity", "text", "binary", 10_662, "Sentences of film reviews, negative or positive", _CACHE, "text.sources"),
    DataSetInfo("ag_news", "text", "multiclass", 7600, "News, title and first lines, 4 topics: the published test file, split anew", _CACHE, "text.sources"),
    DataSetInfo("imdb_small", "text", "binary", 12_000, "Film reviews of IMDB, a quarter of the published files, negative or positive", f"{_CACHE}, as a tar.gz", "text.sources"),
    DataSetInfo("tiny_shakespeare", "text", "language_model", 8_713, "Shakespeare, 1.1 million characters, in windows of 128", _CACHE, "text.sources"),
)
