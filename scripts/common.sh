#!/usr/bin/env bash
# What every script of this folder shares; sourced, never run. Sets `top` (the repository) and the build's environment.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${CLOUD_LEDGER_CACHE:-$HOME/.cache/cloud-ledger}
export PATH="$cache/tools/bin:$HOME/.cargo/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

# step "what it does" command...: says what runs, and afterwards how long it took.
step() {
    local name=$1 started=$SECONDS code
    shift
    say "== $name"
    # In a shell of its own, which the first command of a function that fails ends: after `||` the function would go on.
    set +e
    (
        set -e
        "$@"
    )
    code=$?
    set -e
    if [ "$code" -ne 0 ]; then
        say "== $name: FAILED with code $code after $((SECONDS - started)) s"
        exit "$code"
    fi
    say "== $name: $((SECONDS - started)) s"
}

# Where RocksDB's archive lies. Scripts that call cargo need it; it is built once, by scripts/rocksdb.sh.
use_rocksdb() {
    if [ -z "${ROCKSDB_LIB_DIR:-}" ]; then
        ROCKSDB_LIB_DIR=$("$top/scripts/rocksdb.sh")
        export ROCKSDB_LIB_DIR
    fi
    export ROCKSDB_STATIC=1
}

# Where cargo puts what it builds.
target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-$top/target}"; }

# npm ci in a folder, unless what is installed is already what the lockfile says.
npm_ci() {
    local folder=$1 stamp=$1/node_modules/.installed
    if [ -f "$stamp" ] && cmp -s "$folder/package-lock.json" "$stamp"; then
        return 0
    fi
    # No package's install script is needed: the tools bring their binaries in the package.
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cp "$folder/package-lock.json" "$stamp"
}
