import os

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.records import File
from plugins.data import named
from plugins.data.registry import DATASETS, MNIST
from plugins.data.stages import Images, pipeline_datasets

needs_data = pytest.mark.skipif(
    "PIPELINE_DATA" not in os.environ, reason="set PIPELINE_DATA to a folder with the files"
)


def load(**configuration):
    """The split of a stage with this configuration, and the files that it logged."""
    records = []
    parts = Images(**configuration).run(Context("images", seed=None, record=records.append))
    return parts, {record.name: record.content for record in records if isinstance(record, File)}


def paint(path, size=(6, 5), mode="RGB", colour=(200, 30, 90)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def test_digits_come_in_three_stratified_parts():
    parts, _ = load(dataset="digits")

    assert [1258, 180, 359] == [len(part) for part in (parts.train, parts.validation, parts.test)]
    assert (1, 8, 8) == parts.train.shape
    assert np.uint8 == parts.train.pixels.dtype
    assert tuple("0123456789") == parts.test.classes
    for part in (parts.train, parts.validation, parts.test):
        shares = np.bincount(part.labels) / len(part)
        assert np.abs(shares - 0.1).max() < 0.01


def test_digits_keep_their_seventeen_grey_levels():
    parts, _ = load(dataset="digits")

    assert 17 == len(np.unique(parts.train.pixels))
    assert (0, 255) == (parts.train.pixels.min(), parts.train.pixels.max())


def test_the_split_is_the_same_for_every_seed_of_the_run_and_changes_with_its_own():
    assert not Images.seeded
    first, again, other = (load(dataset="digits", split_seed=seed)[0].test.pixels for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_contact_sheet_and_the_source_are_logged():
    _, files = load(dataset="digits")

    assert {"pictures.png", "source.md"} == set(files)
    assert files["pictures.png"].startswith(b"\x89PNG")
    assert b"licence: CC BY 4.0" in files["source.md"]


def test_a_limit_keeps_the_shares_of_the_classes():
    parts, _ = load(dataset="digits", limit=200, validation=0.25, test=0.25)

    assert [100, 50, 50] == [len(part) for part in (parts.train, parts.validation, parts.test)]
    assert set(np.bincount(parts.train.labels)) <= {9, 10, 11}


def test_pictures_of_a_data_set_can_be_resized():
    parts, _ = load(dataset="digits", limit=30, size=(16, 12))

    assert (1, 16, 12) == parts.test.shape


def test_the_menu_and_the_registry_name_the_same_data_sets():
    names = Images.model_fields["dataset"].annotation.__args__[0].__args__

    assert names == tuple(dataset.name for dataset in DATASETS)
    assert list(DATASETS) == pipeline_datasets()


@needs_data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_official_test_set_is_kept(name):
    parts, files = load(dataset=name)

    assert [54000, 6000, 10000] == [len(part) for part in (parts.train, parts.validation, parts.test)]
    assert (1, 28, 28) == parts.train.shape
    assert b"sha256" in files["source.md"]


@needs_data
def test_mnist_has_the_published_counts_of_its_test_set():
    parts, _ = load(dataset="mnist")

    expected = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert expected == np.bincount(parts.test.labels).tolist()


@needs_data
def test_a_limit_holds_for_an_official_test_set_too():
    parts, _ = load(dataset="mnist", limit=500)

    assert [450, 50, 500] == [len(part) for part in (parts.train, parts.validation, parts.test)]


def test_without_a_network_mnist_says_where_its_files_belong(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)

    with pytest.raises(DataError) as caught:
        load(dataset="mnist")

    assert MNIST.files[0].url in str(caught.value)
    assert str(tmp_path / "mnist" / MNIST.files[0].name) in str(caught.value)


def test_an_idx_file_is_read_in_its_shape(tmp_path):
    import gzip

    path = tmp_path / "tiny.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])))

    assert [[1, 2, 3], [4, 5, 6]] == named.read_idx(path).tolist()


def test_sub_folders_are_classes(tmp_path):
    for i in range(6):
        paint(tmp_path / "cats" / f"{i}.png")
        paint(tmp_path / "dogs" / "indoors" / f"{i}.jpg")

    parts, _ = load(folder=tmp_path, validation=0.25, test=0.25)

    assert ("cats", "dogs") == parts.train.classes
    assert [3, 3] == np.bincount(parts.train.labels).tolist()
    assert (3, 5, 6) == parts.train.shape
    assert [200, 30, 90] == parts.train.pixels[0, :, 0, 0].tolist()


def test_a_flat_folder_is_unlabelled_and_other_files_are_passed_over(tmp_path):
    for i in range(5):
        paint(tmp_path / f"{i}.png", mode="L", colour=i)
    (tmp_path / "README.txt").write_text("pictures")
    (tmp_path / ".hidden.png").write_text("no picture")
    (tmp_path / "empty").mkdir()

    parts, files = load(folder=tmp_path, validation=0.2, test=0.2)

    assert parts.train.labels is None
    assert (1, 5, 6) == parts.train.shape
    together = np.concatenate([parts.train.pixels, parts.validation.pixels, parts.test.pixels])
    assert [0, 1, 2, 3, 4] == sorted(together[:, 0, 0, 0].tolist())
    assert {"pictures.png"} == set(files)


def test_one_colour_picture_makes_all_of_them_colour_unless_grayscale_is_asked_for(tmp_path):
    paint(tmp_path / "colour.png")
    for i in range(4):
        paint(tmp_path / f"{i}.png", mode="L", colour=7)

    in_colour, _ = load(folder=tmp_path, validation=0.2, test=0.2)
    in_grey, _ = load(folder=tmp_path, validation=0.2, test=0.2, grayscale=True)

    assert 3 == in_colour.train.shape[0]
    assert 1 == in_grey.train.shape[0]


def test_sixteen_bits_are_scaled_and_transparency_is_white(tmp_path):
    deep = Image.fromarray(np.full((5, 6), 0x8000, np.uint16))
    for i in range(3):
        deep.save(tmp_path / f"deep{i}.png")
    for i in range(3):
        paint(tmp_path / f"transparent{i}.png", mode="LA", colour=(0, 0))

    parts, _ = load(folder=tmp_path, validation=0.2, test=0.2)

    together = np.concatenate([parts.train.pixels, parts.validation.pixels, parts.test.pixels])
    assert [128, 128, 128, 255, 255, 255] == sorted(together[:, 0, 0, 0].tolist())


def test_pictures_of_several_sizes_can_be_brought_to_one(tmp_path):
    for i in range(5):
        paint(tmp_path / f"{i}.png", size=(5 + i, 9))

    parts, _ = load(folder=tmp_path, size=4, validation=0.2, test=0.2)

    assert (3, 4, 4) == parts.train.shape


def test_a_limit_reads_no_more_pictures_than_it_needs(tmp_path):
    for i in range(9):
        paint(tmp_path / f"{i}.png")
    seen = []

    context = Context(report_progress=lambda label, done, total: seen.append(total))
    Images(folder=tmp_path, limit=4, validation=0.25, test=0.25).run(context)

    assert {4} == set(seen)


def broken_png(folder):
    paint(folder / "0.png")
    paint(folder / "1.png")
    paint(folder / "2.png")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:40])


def differing_sizes(folder):
    paint(folder / "a.png", size=(4, 4))
    paint(folder / "b.png", size=(5, 4))


def pictures_beside_classes(folder):
    paint(folder / "a.png")
    paint(folder / "cats" / "b.png")


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda folder: folder.rmdir(), "the folder {folder} does not exist."),
        (lambda folder: None, "the folder {folder} holds no pictures: no file in it ends in .bmp, .gif"),
        (lambda folder: paint(folder / "a.png"), "1 picture cannot be split by the shares 0.1, 0.2"),
        (broken_png, "the picture {folder}/1.png cannot be read ("),
        (differing_sizes, "the pictures in {folder} differ in size: a.png has 4x4 pixels, b.png has 5x4. Set 'size'"),
        (pictures_beside_classes, "the folder {folder} holds pictures such as a.png beside class folders such as cats"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(arrange, message, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    arrange(folder)

    with pytest.raises(DataError) as caught:
        load(folder=folder)

    assert message.format(folder=folder) in str(caught.value)


def test_a_file_is_no_folder(tmp_path):
    paint(tmp_path / "a.png")

    with pytest.raises(DataError, match="is a file, not a folder of pictures"):
        load(folder=tmp_path / "a.png")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({}, "must name either a dataset or a folder"),
        ({"dataset": "digits", "folder": "."}, "must name either a dataset or a folder"),
        ({"dataset": "mnist", "test": 0.1}, "must leave out 'test', because mnist has an official test set"),
        ({"dataset": "digits", "validation": 0.5, "test": 0.5}, "must leave something to train on"),
        ({"dataset": "digits", "validation": 0.85}, "must leave something to train on"),
        ({"dataset": "digits", "validation": 0.0}, "greater than 0"),
        ({"dataset": "mnits"}, "'digits', 'mnist', 'fashion-mnist' or 'omniglot'"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_before_anything_runs(configuration, message):
    with pytest.raises(ValidationError, match=message):
        Images(**configuration)


def test_binarised_pictures_are_black_and_white_as_often_as_they_are_grey():
    grey, _ = load(dataset="digits")
    parts, _ = load(dataset="digits", binarise=True)
    again, _ = load(dataset="digits", binarise=True)

    assert {0, 255} == set(np.unique(parts.train.pixels))
    assert np.array_equal(parts.test.pixels, again.test.pixels)
    assert np.array_equal(grey.train.labels, parts.train.labels)
    shares, expected = parts.train.scaled().mean(0), grey.train.scaled().mean(0)
    assert np.abs(shares - expected).max() < 5 * 0.5 / len(parts.train) ** 0.5


def test_characters_of_omniglot_are_ink_on_black_with_their_alphabet(tmp_path):
    from zipfile import ZipFile

    from plugins.data import omniglot

    archives = {}
    for archive, alphabet in (("background.zip", "Latin"), ("evaluation.zip", "Greek")):
        archives[archive] = tmp_path / archive
        with ZipFile(archives[archive], "w") as file:
            for character, drawer in (("character01", 1), ("character01", 2), ("character02", 1)):
                picture = Image.new("1", (105, 105), 1)
                picture.paste(0, (0, 0, 52, 105))
                picture.save(tmp_path / "one.png")
                file.write(tmp_path / "one.png", f"images/{alphabet}/{character}/{drawer:04}.png")

    images = omniglot.read(archives, None)

    assert (6, 1, 28, 28) == images.pixels.shape
    assert ("Greek/character01", "Greek/character02", "Latin/character01", "Latin/character02") == images.classes
    assert [2, 2, 3, 0, 0, 1] == images.labels.tolist()
    assert (255, 0) == (images.pixels[0, 0, 5, 3], images.pixels[0, 0, 5, 20])


@needs_data
@pytest.mark.slow
def test_omniglot_has_the_published_number_of_pictures():
    parts, _ = load(dataset="omniglot")

    assert 32_460 == sum(len(part) for part in (parts.train, parts.validation, parts.test))
    assert 1_623 == len(parts.train.classes)
    assert (1, 28, 28) == parts.test.shape
