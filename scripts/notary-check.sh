#!/usr/bin/env bash
# Do the notary and python-tuf, unmodified, read what the other one writes? python-tuf lies in a Python environment of its own in the
# cache.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

python=$cache/python-tuf
requirements=$top/notary/tests/python/requirements.txt

install_python() {
    command -v python3 >/dev/null || fail "python3 is missing: install python3 and python3-venv"
    python3 -m venv --clear "$python" || fail "no Python environment can be made: install python3-venv"
    "$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$python/requirements.txt"
}

cd "$top"
if ! cmp -s "$requirements" "$python/requirements.txt"; then
    step "python-tuf, once" install_python
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
step "publish a repository" cargo run --quiet --locked --example publish -- "$folder"
step "python-tuf reads it" "$python/bin/python" "$top/notary/tests/python/read_repository.py" "$folder" \
    "charter.txt=Members run validators." "aurora.txt=three nodes"
step "build the binaries" cargo build --quiet --workspace --locked --bin tuf-client --bin ledger-notary
step "found a notary and admit a member" cargo run --quiet --locked --example town -- "$folder/town"
step "python-tuf reads it" "$python/bin/python" "$top/notary/tests/python/read_repository.py" "$folder/town" \
    deny.json m.aurora.admission.json m.aurora.nodes.json
step "tuf-client reads what python-tuf writes" "$python/bin/python" "$top/notary/tests/python/serve_to_client.py" \
    "$(target_dir)/debug/tuf-client"
