#!/usr/bin/env bash
# Builds RocksDB's C++ library once and keeps it outside the clone, so that every profile and every clone links the same
# archive. Prints the folder that holds librocksdb.a; all progress goes to standard error.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n '/^rocksdb = /s/.*version = "\([^"]*\)".*/\1/p' "$top/Cargo.toml")
features=$(sed -n '/^rocksdb = /s/.*features = \(\[[^]]*\]\).*/\1/p' "$top/Cargo.toml")
sys=$(grep -A1 '^name = "librocksdb-sys"' "$top/Cargo.lock" | sed -n 's/^version = "\(.*\)"/\1/p')
cache=${CLOUD_LEDGER_CACHE:-$HOME/.cache/cloud-ledger}/rocksdb-$sys
if [ -f "$cache/librocksdb.a" ]; then
    echo "$cache"
    exit 0
fi

echo "Building RocksDB ($sys) once; about 12 minutes on two cores. It is kept in $cache" >&2
mkdir -p "$cache/build/src" "$cache/build/.cargo"
cp "$top/.cargo/config.toml" "$cache/build/.cargo/config.toml"
cat >"$cache/build/Cargo.toml" <<TOML
[package]
name = "rocksdb-archive"
version = "0.0.0"
edition = "2024"

[dependencies]
rocksdb = { version = "=$version", default-features = false, features = $features }
librocksdb-sys = "=$sys"

[workspace]
TOML
: >"$cache/build/src/lib.rs"
started=$SECONDS
(
    cd "$cache/build"
    unset ROCKSDB_LIB_DIR ROCKSDB_STATIC
    cargo build --release --quiet --target-dir target >&2
) &
build=$!
while kill -0 "$build" 2>/dev/null; do
    sleep 1
    waited=$((SECONDS - started))
    if [ $((waited % 30)) -eq 0 ] && [ "$waited" -gt 0 ]; then
        objects=$(find "$cache/build/target" -name '*.o' -path '*librocksdb-sys*' 2>/dev/null | wc -l)
        echo "  RocksDB: $objects source files compiled, ${waited} s" >&2
    fi
done
wait "$build"
archive=$(find "$cache/build/target/release/build" -name librocksdb.a -path '*librocksdb-sys*' | head -n 1)
cp "$archive" "$cache/librocksdb.a.part"
mv "$cache/librocksdb.a.part" "$cache/librocksdb.a"
rm -rf "$cache/build"
echo "RocksDB built in $((SECONDS - started)) s." >&2
echo "$cache"
