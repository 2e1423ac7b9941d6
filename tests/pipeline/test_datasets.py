import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.context import Context
from pipeline.datasets import Dataset, RemoteFile, fetch
from pipeline.errors import DataError

CONTENT = gzip.compress(b"four score and seven pictures", mtime=0)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Publisher(BaseHTTPRequestHandler):
    """A web server that publishes one file, counts who asks, and can be told to send something else."""

    requests = 0
    content = CONTENT

    def do_GET(self):
        type(self).requests += 1
        if not self.path.endswith("/pictures.gz"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def publisher():
    handler = type("Handler", (Publisher,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("PIPELINE_DATA", raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: folder / name)
    return folder / "experiment-pipeline" / "datasets"


def dataset(url, sha256=SHA256, name="pictures.gz"):
    file = RemoteFile(name, f"{url}/data/{name}", sha256)
    return Dataset("holiday", "Pictures of a holiday", (file,), licence="CC0-1.0", citation="Doe 2020")


def test_a_file_is_downloaded_once_and_kept_in_the_users_cache(publisher, cache):
    first = fetch(dataset(publisher.url))
    second = fetch(dataset(publisher.url))

    assert first == {"pictures.gz": cache / "holiday" / "pictures.gz"}
    assert second == first
    assert first["pictures.gz"].read_bytes() == CONTENT
    assert publisher.requests == 1


def test_a_download_shows_how_far_it_is(publisher):
    shown = []
    context = Context(report_progress=lambda label, done, total: shown.append((label, done, total)))

    fetch(dataset(publisher.url), context)

    assert shown == [("MiB of pictures.gz", 0, 1), ("MiB of pictures.gz", 1, 1)]


def test_a_file_in_the_data_folder_is_used_without_asking_the_network(publisher, tmp_path, monkeypatch):
    given = tmp_path / "data" / "holiday" / "pictures.gz"
    given.parent.mkdir(parents=True)
    given.write_bytes(CONTENT)
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path / "data"))

    files = fetch(dataset(publisher.url))

    assert files == {"pictures.gz": given}
    assert publisher.requests == 0
    assert [given] == list(given.parent.iterdir())


def test_a_data_set_may_say_in_which_folder_its_files_are_looked_for(tmp_path, monkeypatch):
    given = tmp_path / "elsewhere" / "pictures.gz"
    given.parent.mkdir()
    given.write_bytes(CONTENT)
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path))
    file = RemoteFile("pictures.gz", "http://127.0.0.1:1/pictures.gz", SHA256)
    elsewhere = Dataset("holiday", "Pictures", (file,), licence="", citation="", folder="elsewhere")

    assert fetch(elsewhere) == {"pictures.gz": given}


def test_a_file_that_the_data_folder_lacks_is_downloaded(publisher, tmp_path, monkeypatch, cache):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path / "data"))

    assert fetch(dataset(publisher.url)) == {"pictures.gz": cache / "holiday" / "pictures.gz"}


def test_a_damaged_file_in_the_data_folder_is_named_and_not_replaced(publisher, tmp_path, monkeypatch):
    given = tmp_path / "holiday" / "pictures.gz"
    given.parent.mkdir()
    given.write_bytes(CONTENT[:-1])
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path))

    with pytest.raises(DataError) as caught:
        fetch(dataset(publisher.url))

    expected = (
        f"{given} is not the published file of holiday: its sha256 should be {SHA256}. "
        f"Replace it by {publisher.url}/data/pictures.gz, or remove it."
    )
    assert str(caught.value) == expected
    assert publisher.requests == 0


def test_a_damaged_file_in_the_cache_is_downloaded_again(publisher, cache):
    kept = fetch(dataset(publisher.url))["pictures.gz"]
    kept.write_bytes(b"half of it")

    assert fetch(dataset(publisher.url))["pictures.gz"].read_bytes() == CONTENT
    assert publisher.requests == 2


def test_a_checksum_is_computed_again_only_for_a_changed_file(tmp_path, monkeypatch):
    given = tmp_path / "holiday" / "pictures.gz"
    given.parent.mkdir()
    given.write_bytes(CONTENT)
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path))
    reads = []
    monkeypatch.setattr(
        hashlib, "file_digest", lambda stream, name: reads.append(name) or hashlib.new(name, stream.read())
    )

    fetch(dataset("http://127.0.0.1:1"))
    fetch(dataset("http://127.0.0.1:1"))
    given.write_bytes(CONTENT + b"!")
    with pytest.raises(DataError):
        fetch(dataset("http://127.0.0.1:1"))

    assert reads == ["sha256", "sha256"]


def test_a_download_with_a_wrong_checksum_is_refused_and_not_kept(publisher, cache):
    publisher.content = b"a login page"

    with pytest.raises(DataError) as caught:
        fetch(dataset(publisher.url))

    target = cache / "holiday" / "pictures.gz"
    expected = (
        "the file pictures.gz of holiday was downloaded, but is not the file it should be. "
        f"Get {publisher.url}/data/pictures.gz by other means and save it as {target} "
        f"(or in holiday/ of a folder that PIPELINE_DATA names); its sha256 is {SHA256}."
    )
    assert str(caught.value) == expected
    assert not target.exists()


def test_a_refusing_server_is_quoted(publisher):
    with pytest.raises(DataError, match=r"could not be downloaded \(the server answered 404 Not Found\)\. Get http"):
        fetch(dataset(publisher.url, name="paintings.gz"))


def test_without_a_network_the_message_says_where_the_file_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_DATA", str(tmp_path))

    with pytest.raises(DataError) as caught:
        fetch(dataset("http://127.0.0.1:1"))

    message = str(caught.value)
    assert "could not be downloaded (" in message
    assert "Connection refused)" in message
    assert f"save it as {tmp_path / 'holiday' / 'pictures.gz'}; its sha256 is {SHA256}." in message
    assert len(message) < 400


def test_a_cache_that_cannot_be_written_is_told(cache):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file in the way")

    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(dataset("http://127.0.0.1:1"))


def test_a_data_folder_that_does_not_exist_is_an_error_rather_than_a_download(publisher, monkeypatch):
    monkeypatch.setenv("PIPELINE_DATA", "/no/such/folder")

    with pytest.raises(DataError, match="PIPELINE_DATA names '/no/such/folder', which is not a folder"):
        fetch(dataset(publisher.url))

    assert publisher.requests == 0


def test_a_data_set_without_files_needs_nothing():
    assert fetch(Dataset("bundled", "Comes with a library", (), licence="MIT", citation="Doe 2020")) == {}


def test_a_description_quotes_licence_citation_and_checksums():
    expected = (
        "# Pictures of a holiday\n\n- licence: CC0-1.0\n- citation: Doe 2020\n"
        f"- pictures.gz: https://example.org/data/pictures.gz (sha256 {SHA256})\n"
    )

    assert dataset("https://example.org").describe() == expected
