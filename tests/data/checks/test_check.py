"""`Data.check`: each fault planted into real data is found, and clean data stays clean."""

import dataclasses
import shutil
import wave

import numpy as np
import pytest
from sklearn import datasets

import dlkit as dk
from dlkit.data.checks import near_duplicates, raw_inputs


def found(data):
    """Return what was looked at -> the finding; none is there twice."""
    findings = data.check(show=False)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings) > 3
    for finding in findings:
        assert (finding.level in ("warning", "error")) <= bool(finding.advice)
    return by_name


def levels(data):
    return {finding.level for finding in data.check(show=False)}


@pytest.fixture(scope="module")
def cancer():
    return datasets.load_breast_cancer(return_X_y=True)


def of_cancer(x, y, **options):
    return dk.data.from_arrays(x, y, class_names=("malignant", "benign"), **options)


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_clean_data_stays_clean(name):
    assert levels(dk.data.load(name)) == {"ok"}


def test_clean_photos_stay_clean(shared_data):
    data = dk.data.load("flowers", image_size=(32, 32))
    by_name = found(data)
    assert {finding.level for finding in by_name.values()} == {"ok"}
    assert "(height x width) in 300 files" in by_name["picture sizes"].detail


def test_the_table_is_printed_for_a_beginner(cancer, capsys):
    x, y = cancer
    x = np.hstack([x, np.ones((len(x), 1))])
    findings = of_cancer(x, y).check()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "Check of arrays"
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if "constant columns" in line)
    assert row.split()[0] == "warning"
    assert "feature 30" in row and "leave them out" in row
    assert any(f.level == "warning" and "feature 30" in f.detail for f in findings)


def test_rows_that_leak_into_the_test_split_are_counted(cancer):
    x, y = cancer[0].copy(), cancer[1]
    split = of_cancer(x, y).origin.split
    x[split.test[:3]] = x[split.train[:3]]  # the same
    x[split.test[5:9]] = x[split.train[5:9]] * (1 + 1e-5)  # nearly
    x[split.train[20]] = x[split.train[21]]
    by_name = found(of_cancer(x, y))
    assert by_name["same in two splits"].level == "warning"
    assert "3 of 114 (2.6%) test examples" in by_name["same in two splits"].detail
    assert by_name["same in training"].detail.startswith("1 of 409")
    near = by_name["alike in test and train"]
    assert near.level == "warning" and near.detail.startswith("4 of 114")
    assert f"{split.test[5]} and {split.train[5]}" in near.detail
    assert by_name["alike in val and train"].level == "ok"


def drawn(numbers, categories, tail=False):
    """Return 2,000 rows of random numbers beside categories of 5 values, one-hot."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, numbers))
    hot = [np.eye(5)[random.integers(0, 5, 2000)] for _ in range(categories)]
    return np.hstack([np.exp(2 * x) if tail else x, *hot]), random.integers(0, 2, 2000)


@pytest.mark.parametrize(
    ("numbers", "categories", "tail"),
    [(1, 0, False), (1, 2, False), (1, 20, False), (2, 1, False), (3, 0, True), (4, 0, False)],
)
def test_what_is_near_by_chance_is_no_near_duplicate(numbers, categories, tail):
    by_name = found(dk.data.from_arrays(*drawn(numbers, categories, tail)))
    assert by_name["alike in test and train"].level == "ok"
    assert by_name["alike in val and train"].level == "ok"


@pytest.mark.parametrize(("numbers", "categories"), [(2, 1), (2, 20), (3, 0), (10, 3)])
def test_near_duplicates_are_found_beside_categories(numbers, categories):
    x, y = drawn(numbers, categories)
    split = dk.data.from_arrays(x, y).origin.split
    x[split.test[:15]] = x[split.train[:15]]
    x[split.test[:15], :numbers] *= 1 + 1e-5
    near = found(dk.data.from_arrays(x, y))["alike in test and train"]
    assert near.level == "warning" and near.detail.startswith("15 of 400")


def test_the_chance_that_rows_are_near_is_that_of_drawing_them():
    """A uniform number lies in an interval by its length; both of two do so by Fisher's method."""
    random = np.random.default_rng(1)
    train, held = random.uniform(size=(2000, 2)), random.uniform(0.2, 0.8, size=(200, 2))
    nearest = np.abs(train - held[:, np.newaxis]).max(axis=2).argmin(axis=1)
    told = near_duplicates.by_chance(train, held, nearest)
    products = (2 * np.abs(train[nearest] - held)).prod(axis=1)
    expected = 2000 * products * (1 - np.log(products))
    assert 0.6 < np.median(told / expected) < 1.5  # the shares are estimates


def test_one_input_with_two_labels_is_told(cancer):
    x, y = cancer[0].copy(), cancer[1]
    other = np.flatnonzero(y != y[0])[0]
    x[other] = x[0]
    finding = found(of_cancer(x, y))["same input, other target"]
    assert finding.detail == f"inputs with different targets: 1, as that of rows 0, {other}"


def test_rare_and_absent_classes_are_told(cancer, shared_data):
    x, y = cancer
    rare = np.concatenate([np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:20]])
    finding = found(of_cancer(x[rare], y[rare]))["class balance"]
    assert finding.level == "warning"
    assert "'malignant'" in finding.detail and "data.balanced()" in finding.advice
    names = ("malignant", "benign", "unknown")
    absent = dk.data.from_arrays(x, y, class_names=names, task="multiclass", val_fraction=0)
    findings = absent.check(show=False)
    lacking = [f for f in findings if f.what == "class counts"]
    assert [f.level for f in lacking] == ["error", "warning"]
    assert lacking[0].detail == "no train example of unknown"
    assert found(dk.data.load("credit_card_fraud"))["class balance"].level == "note"


def test_the_range_and_the_counts_of_labels_are_told(cancer):
    iris = found(dk.data.load("iris"))["labels"]
    assert iris.detail == "0 to 2; in training: setosa 36, versicolor 36, virginica 36"
    digits = found(dk.data.load("digits"))["labels"]
    assert digits.detail.startswith("0 to 9; in training: 0 ") and digits.detail.endswith("5 more")


def test_labels_count_each_for_itself():
    x = np.random.default_rng(0).normal(size=(300, 4))
    y = np.stack([x[:, 0] > 0, x[:, 1] > 2.2], axis=1).astype(int)
    data = dk.data.from_arrays(x, y, class_names=("often", "seldom"), val_fraction=0)
    assert "'seldom'" in found(data)["label balance"].detail


def test_constant_and_missing_columns_of_a_table_are_told(shared_data):
    table = dk.data.table_files.read_csv(shared_data / "tabular/penguins.csv")
    table["planet"] = np.array(["Earth"] * 344)
    table["depth"] = np.array(["", "2.5"] * 172)
    table["depth"][:150] = ""
    with pytest.warns(UserWarning, match="'ring' is dropped"):
        table["ring"] = np.array([f"ring {i}" for i in range(344)])
        by_name = found(dk.data.from_dataframe(table, "species", max_categories=50))
    constant = by_name["constant columns"]
    assert constant.level == "warning"
    assert "planet" in constant.detail and "depth" in constant.detail  # 2.5 is its one value
    missing = by_name["missing values"]
    assert missing.level == "warning" and missing.detail.startswith("depth: 7")
    assert "ring" in by_name["dropped columns"].detail
    assert found(dk.data.load("penguins"))["missing values"].level == "note"


def test_what_is_not_scaled_is_told(cancer):
    plain = of_cancer(*cancer)
    unscaled = dataclasses.replace(plain, train=plain.train.map(lambda x, y: (x * 50.0, y)))
    finding = found(unscaled)["scale of inputs"]
    assert finding.level == "warning"
    assert "deviation 5" in finding.detail
    flat = dataclasses.replace(plain, train=plain.train.map(lambda x, y: (x * 0.001, y)))
    told = found(flat)["scale of inputs"].detail
    assert told.startswith("features 0, features 1, features 2 and 27 more: deviation 0.00")
    x = cancer[0].copy()
    x[plain.origin.split.train[7], 4] = 1e4
    finding = found(of_cancer(x, cancer[1]))["scale of inputs"]
    assert finding.level == "note" and finding.detail.endswith("features 4: 20")


def test_many_categories_are_no_matter_of_scale():
    """Nothing is told of 500 one-hot columns, and the numbers beside them are told by name."""
    random = np.random.default_rng(0)
    table = {"kind": random.integers(0, 500, 3000).astype(str), "y": random.integers(0, 2, 3000)}
    table |= {"age": random.normal(size=3000), "wage": random.normal(size=3000)}
    kinds = {"kind": "category"}
    data = dk.data.from_dataframe(table, "y", kinds=kinds, max_categories=1000)
    assert len(data.feature_names) > 400
    assert found(data)["scale of inputs"].level == "ok"
    flat = dataclasses.replace(data, train=data.train.map(lambda x, y: (_scaled(x, data), y)))
    finding = found(flat)["scale of inputs"]
    assert finding.level == "warning"
    assert finding.detail.startswith("age, wage: deviation 0.01")
    alone = dk.data.from_dataframe({"kind": table["kind"], "y": table["y"]}, "y", kinds=kinds)
    assert found(alone)["scale of inputs"].level == "ok"


def _scaled(x, data):
    numbers = np.array([name in ("age", "wage") for name in data.feature_names])
    return x * np.where(numbers, 0.01, 1).astype("float32")


def test_what_is_not_a_number_is_told(cancer):
    plain = of_cancer(*cancer)
    nan = float("nan")
    broken = dataclasses.replace(plain, val=plain.val.map(lambda x, y: (x * nan, y)))
    finding = found(broken)["not a number"]
    assert (finding.level, finding.detail) == (
        "error",
        "46 of the first val inputs hold NaN or infinity",
    )
    labels = dataclasses.replace(plain, test=plain.test.map(lambda x, y: (x, y + 1)))
    finding = found(labels)["targets"]
    assert finding.level == "error"
    assert finding.detail == "label 2 in test, and the classes are 0 to 1"


def test_targets_of_a_regression_are_told():
    diabetes = dk.data.load("diabetes")
    finding = found(diabetes)["targets"]
    assert finding.level == "note"
    assert finding.detail.startswith("25 to 346, mean 148.7")
    broken = dataclasses.replace(
        diabetes, train=diabetes.train.map(lambda x, y: (x, y * float("inf")))
    )
    assert found(broken)["targets"].detail == "NaN or infinity in the train targets"
    same = dk.data.from_arrays(np.random.default_rng(0).normal(size=(90, 3)), np.full(90, 2.5))
    assert found(same)["targets"].level == "error"


def test_a_record_made_by_hand_is_checked_by_its_batches(cancer):
    data = dataclasses.replace(of_cancer(*cancer), origin=None, test=None)
    by_name = found(data)
    assert by_name["examples"].level == "note" and "no test" in by_name["examples"].detail
    assert by_name["class balance"].detail.endswith("153 of 409 (37%) in training")


# ------------------------------------------------------------------ files


@pytest.fixture(scope="module")
def photos(tmp_path_factory, shared_data):
    """Two classes of 20 flower photos, and what is planted among them."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    source = dk.data.published.unpacked("images/flower_photos_192.zip")
    for path in sorted({path.parent for path in source.rglob("*.jpg")})[:2]:
        (folder / path.name).mkdir()
        for photo in sorted(path.glob("*.jpg"))[:20]:
            shutil.copy(photo, folder / path.name)
    plain = dk.data.from_image_folder(folder, image_size=(48, 48), batch_size=8)
    split, paths = plain.origin.split, plain.origin.paths
    # In testing: a photo of training saved again, and smaller.
    again = Image.open(paths[split.train[0]])
    again.resize([side * 3 // 4 for side in again.size]).save(paths[split.test[0]], quality=60)
    Image.new("RGB", (90, 60), (200, 30, 30)).save(paths[split.train[4]])
    Image.open(paths[split.train[5]]).resize((400, 40)).save(paths[split.train[5]])
    return folder, split


def test_a_photo_that_was_saved_again_is_found_in_the_other_split(photos):
    folder, split = photos
    data = dk.data.from_image_folder(folder, image_size=(48, 48), batch_size=8)
    by_name = found(data)
    near = by_name["alike in test and train"]
    assert near.detail.startswith("1 of 8")
    assert f"{split.test[0]} and {split.train[0]}" in near.detail
    assert by_name["same in two splits"].level == "ok"
    blank = by_name["blank pictures"]
    assert blank.level == "warning" and blank.detail.endswith(f"rows {split.train[4]}")
    assert "40x" in by_name["picture sizes"].detail


def test_pictures_that_are_blown_up_are_told(photos):
    data = dk.data.from_image_folder(photos[0], image_size=(256, 256), batch_size=8)
    finding = found(data)["picture sizes"]
    assert finding.level == "warning"
    assert "are smaller than the 256x256 they are resized to" in finding.detail


def test_grey_files_among_colours_are_counted(photos, tmp_path):
    from PIL import Image

    shutil.copytree(photos[0], tmp_path / "mixed")
    for path in sorted(tmp_path.glob("mixed/daisy/*"))[:10]:
        with Image.open(path) as photo:
            photo.convert("L").save(path)
    data = dk.data.from_image_folder(tmp_path / "mixed", image_size=(48, 48), batch_size=8)
    grey = 0
    for path in data.origin.paths[data.origin.split.train]:
        with Image.open(path) as photo:
            grey += photo.mode == "L"
    finding = found(data)["picture colours"]
    assert finding.level == "note" and grey > 0
    assert finding.detail.startswith(f"{grey} of 28") and "one class" in finding.advice


def test_files_of_16_bits_among_others_are_counted(tmp_path):
    from PIL import Image

    folder = tmp_path / "grey"
    for row in range(20):
        levels = np.arange(4096).astype(np.uint16 if row % 4 == 0 else np.uint8) + row
        path = folder / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels.reshape(64, 64)).save(path)
    data = dk.data.from_image_folder(folder, image_size=(8, 8), channels=1, batch_size=4)
    finding = found(data)["picture depths"]
    assert finding.level == "note"
    assert "files have 16 bits a pixel, the others 8" in finding.detail


def test_lengths_of_texts_and_sounds(tmp_path):
    """The checks of these kinds, on views that hold them."""
    texts = np.array(["a b c", "", "d " * 200, "e f"] * 5, object)
    view = raw_view(texts)
    by_name = {finding.what: finding for finding in raw_inputs._texts(view)}
    assert by_name["lengths of texts"].detail == "0 to 200 words, half of them up to 2.5"
    assert by_name["lengths of texts"].level == "note"
    assert by_name["empty texts"].detail == "5 of 20 (25%)"
    for index, seconds in enumerate((0.5, 1.0, 2.0)):
        with wave.open(str(tmp_path / f"{index}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(int(16_000 * seconds)))
    view = raw_view(None, np.array([str(path) for path in sorted(tmp_path.iterdir())]))
    (finding,) = raw_inputs._recordings(view)
    assert finding.detail == "0.5 to 2 s, half of them up to 1"


def raw_view(raw, paths=None):
    import types

    rows = np.arange(len(paths if raw is None else raw))
    origin = types.SimpleNamespace(paths=paths)
    data = types.SimpleNamespace(origin=origin)
    return types.SimpleNamespace(data=data, raw={"train": raw}, rows=lambda split: rows)


def test_texts_that_differ_in_a_word_are_alike_and_others_are_not(shared_data):
    lines = (shared_data / "text/rt-polaritydata/rt-polarity.pos").read_text().splitlines()
    long = [line for line in lines if len(line.split()) > 20][:400]
    changed = [f"{line.upper()} Indeed!" for line in long[:5]]
    train, held = (
        near_duplicates._minhashes(np.array(part, object), None)
        for part in (long[:300], changed + long[300:])
    )
    nearest = near_duplicates.matches(train, held, "text")
    assert nearest[:5].tolist() == [0, 1, 2, 3, 4]
    assert (nearest[5:] == -1).all()
