"""The table of published files is that of the shared folder, and its addresses are whole."""

import re

from dlkit.data.catalogue.published_files import FILES, MNISTS


def test_sizes_and_checksums_are_those_of_the_shared_data(shared_data):
    lines = (shared_data / "SHA256SUMS").read_text().splitlines()
    listed = {path: digest for digest, path in (line.split() for line in lines)}
    assert {path: file.sha256 for path, file in FILES.items()} == listed
    for path, file in FILES.items():
        assert (shared_data / path).stat().st_size == file.size, path


def test_an_address_names_the_file():
    renamed = {"boston_housing.csv": "housing.csv", "boston_housing.names": "housing.names"}
    files = {**FILES, **MNISTS["mnist"], **MNISTS["fashion_mnist"]}
    for path, file in files.items():
        if file.url is not None:
            name = path.rpartition("/")[2]
            assert file.url.startswith("https://")
            assert file.url.endswith("/" + renamed.get(name, name)), path


def test_addresses_in_repositories_name_a_commit_or_a_branch():
    for file in FILES.values():
        if file.url is not None and "githubusercontent" in file.url:
            assert re.match(r"https://[^/]+/[^/]+/[^/]+/([0-9a-f]{40}|master)/", file.url)
