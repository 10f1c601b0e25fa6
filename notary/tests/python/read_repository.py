"""Reads a repository that the writer published with python-tuf, unmodified, over HTTP.

usage: read_repository.py FOLDER PATH[=CONTENT]...

FOLDER has `metadata` and `targets`. Every PATH must be found, with CONTENT where that is given; a path that nobody lists must not be, and an altered
file must be refused.
"""

import pathlib
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tuf.api.exceptions import RepositoryError
from tuf.ngclient import Updater


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


def updater(folder, url, home):
    metadata = pathlib.Path(home, "metadata")
    targets = pathlib.Path(home, "targets")
    for path in (metadata, targets):
        path.mkdir(exist_ok=True)
    root = pathlib.Path(folder, "metadata", "1.root.json").read_bytes()
    return Updater(str(metadata), f"{url}/metadata", str(targets), f"{url}/targets", bootstrap=root)


def check(folder, url, expected):
    files = {}
    with tempfile.TemporaryDirectory() as home:
        client = updater(folder, url, home)
        client.refresh()
        assert client.get_targetinfo("nobody.txt") is None
        for path, content in expected.items():
            info = client.get_targetinfo(path)
            assert info is not None, f"{path} is not found"
            found = pathlib.Path(client.download_target(info)).read_text(encoding="utf-8")
            assert content in (None, found), f"{path} is {found!r}, expected {content!r}"
            files[path] = pathlib.Path(folder, "targets", f"{info.hashes['sha256']}.{path}")
    for path, file in files.items():
        refuse_altered(folder, url, path, file)


def refuse_altered(folder, url, path, file):
    good = file.read_bytes()
    file.write_bytes(good[:-1] + b"x")
    with tempfile.TemporaryDirectory() as home:
        client = updater(folder, url, home)
        info = client.get_targetinfo(path)
        try:
            client.download_target(info)
        except RepositoryError as error:
            print(f"{path}, altered: refused ({error})")
        else:
            raise AssertionError(f"{path} was altered and accepted")
    file.write_bytes(good)


def main():
    folder = sys.argv[1]
    pairs = [argument.partition("=") for argument in sys.argv[2:]]
    expected = {path: content + "\n" if is_given else None for path, is_given, content in pairs}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        check(folder, f"http://127.0.0.1:{server.server_address[1]}", expected)
    finally:
        server.shutdown()
    print(f"python-tuf read {len(expected)} files as they were published")


main()
