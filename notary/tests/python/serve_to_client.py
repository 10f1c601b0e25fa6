"""Lets `tuf-client` read a repository that python-tuf, unmodified, wrote and signed.

usage: serve_to_client.py TUF_CLIENT

The repository has fields that no specification knows, hashes of two kinds, a root that rotated, a delegated role, bins by hash of
the path, and consistent snapshots. What is refused afterwards: a rolled back timestamp, and targets whose signature was altered.
"""

import datetime
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

EXPIRES = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=5)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


class Repository:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for place in ("metadata", "targets"):
            (self.folder / place).mkdir()
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ("root", "timestamp", "snapshot", "targets", "m-a", "bin")}
        self.root = Root(expires=EXPIRES, consistent_snapshot=True, unrecognized_fields={"x-note": {"b": [1, None], "a": 'é"\\'}})
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.root.add_key(self.signers[role].public_key, role)
        self.targets = Targets(expires=EXPIRES)
        self.snapshot = Snapshot(expires=EXPIRES)
        self.timestamp = Timestamp(expires=EXPIRES)

    def sign(self, signed, role, name, *others):
        metadata = Metadata(signed)
        for signer in (self.signers[role], *others):
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer(compact=False))
        (self.folder / "metadata" / name).write_bytes(data)
        return MetaFile(signed.version, len(data), {kind: hashlib.new(kind, data).hexdigest() for kind in ("sha256", "sha512")})

    def add_file(self, targets, path, content):
        file = TargetFile.from_data(path, content, ["sha512", "sha256"])
        targets.targets[path] = file
        parent, slash, name = path.rpartition("/")
        place = self.folder / "targets" / parent
        place.mkdir(parents=True, exist_ok=True)
        for digest in file.hashes.values():
            (place / f"{digest}.{name}").write_bytes(content)

    def delegate(self, role, files, **paths):
        delegated = Targets(expires=EXPIRES)
        for path, content in files.items():
            self.add_file(delegated, path, content)
        if self.targets.delegations is None:
            self.targets.delegations = Delegations({}, roles={})
        self.targets.delegations.roles[role] = DelegatedRole(role, [], 1, False, **paths)
        self.targets.add_key(self.signers[role].public_key, role)
        self.snapshot.meta[f"{role}.json"] = self.sign(delegated, role, f"{delegated.version}.{role}.json")

    def publish(self):
        name = f"{self.targets.version}.targets.json"
        self.snapshot.meta["targets.json"] = self.sign(self.targets, "targets", name)
        self.timestamp.snapshot_meta = self.sign(self.snapshot, "snapshot", f"{self.snapshot.version}.snapshot.json")
        self.sign(self.timestamp, "timestamp", "timestamp.json")


class Client:
    def __init__(self, command, url, home, root):
        self.home = pathlib.Path(home)
        self.start = [command, "--metadata-dir", str(self.home / "trusted"), "--metadata-url", f"{url}/metadata"]
        self.url = url
        assert self.run("init", str(root)) == 0

    def run(self, *arguments):
        return subprocess.run([*self.start, *arguments], check=False).returncode

    def download(self, path):
        target = ["--target-name", path, "--target-base-url", f"{self.url}/targets", "--target-dir", str(self.home / "got")]
        return self.run(*target, "download")


def check(command, folder, home, url):
    repository = Repository(folder)
    repository.sign(repository.root, "root", "1.root.json")
    repository.add_file(repository.targets, "top.txt", b"of the top")
    files = {"a/one.txt": b"of a", "a/two.txt": b"of a as well"}
    repository.delegate("m-a", files, paths=["a/*.txt"])
    prefix = hashlib.sha256(b"binned").hexdigest()[:3]
    repository.delegate("bin", {"binned": b"of the bin"}, path_hash_prefixes=[prefix])
    repository.publish()
    client = Client(command, url, home, repository.folder / "metadata" / "1.root.json")
    assert client.run("refresh") == 0
    for path in ("top.txt", "a/one.txt", "a/two.txt", "binned"):
        assert client.download(path) == 0, path
    got = sorted(file.read_bytes() for file in (client.home / "got").iterdir())
    assert got == [b"of a", b"of a as well", b"of the bin", b"of the top"], got
    assert client.download("nobody.txt") == 1

    old_root, old_timestamp = repository.signers["root"], (repository.folder / "metadata" / "timestamp.json").read_bytes()
    repository.root.version = 2
    repository.root.revoke_key(old_root.public_key.keyid, "root")
    repository.signers["root"] = CryptoSigner.generate_ed25519()
    repository.root.add_key(repository.signers["root"].public_key, "root")
    repository.sign(repository.root, "root", "2.root.json", old_root)
    for signed in (repository.targets, repository.snapshot, repository.timestamp):
        signed.version += 1
    repository.publish()
    assert client.run("refresh") == 0
    (repository.folder / "metadata" / "timestamp.json").write_bytes(old_timestamp)
    assert client.run("refresh") == 1

    for signed in (repository.targets, repository.snapshot, repository.timestamp):
        signed.version += 1
    repository.signers["targets"] = CryptoSigner.generate_ed25519()
    repository.publish()
    assert client.run("refresh") == 1


def main():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            check(sys.argv[1], folder, home, f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
    print("tuf-client read what python-tuf wrote, and refused what it should")


main()
