#!/usr/bin/env bash
# The clouds' Python library and the example of a sign-up service: types, tests against a real node, and a few kills. With `kills N` as
# arguments, N kills alone. Python's packages lie in an environment of their own in the cache.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

python=$cache/signup-python
requirements=$top/examples/signup/tests/requirements.txt

install_python() {
    command -v python3 >/dev/null || fail "python3 is missing: install python3 and python3-venv"
    python3 -m venv --clear "$python" || fail "no Python environment can be made: install python3-venv"
    "$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$python/requirements.txt"
}

in_folder() {
    cd "$top/$1"
    shift
    "$python/bin/python" "$@"
}

# The library as those get it who install it.
install_library() {
    rm -rf "$python/library"
    "$python/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$python/library" "$folder/python"
    PYTHONPATH=$python/library "$python/bin/python" -c 'import cloud_ledger; assert cloud_ledger.__file__.startswith("'"$python"'/library")'
    [ -f "$python/library/cloud_ledger/py.typed" ]
}

cmp -s "$requirements" "$python/requirements.txt" || step "Python packages, once" install_python
step "build the node" cargo build --quiet --workspace --locked --bin ledger-node --bin passport
LEDGER_NODE=${LEDGER_NODE:-$(target_dir)/debug/ledger-node}
export LEDGER_NODE PYTHONDONTWRITEBYTECODE=1

if [ "${1:-}" = kills ]; then
    export PYTHONPATH=$top/examples/signup:$top/clients/python/src:$top/clients/python/tests
    in_folder examples/signup/tests kills.py --kills "${2:-100}" ${3:+--seed "$3"}
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$top/clients/python" "$folder/python"
step "the library installs" install_library
for part in clients/python examples/signup; do
    (step "$part: types" in_folder "$part" -m mypy)
    (step "$part: tests" in_folder "$part" -m pytest -q)
done
