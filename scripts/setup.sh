#!/usr/bin/env bash
# Installs what a build and the tests need on Debian and is missing. Safe to run again: then it only looks.
set -euo pipefail
. "$(dirname "$0")/common.sh"

missing=()
for package in build-essential ca-certificates chromium clang curl git jq libclang-dev make pkg-config postgresql python3-venv; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done

install_packages() {
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "needs the Debian packages ${missing[*]}: install them as root, then run make again"
        root=(sudo)
    fi
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if command -v dpkg-query >/dev/null; then
    [ ${#missing[@]} -eq 0 ] || step "Debian packages: ${missing[*]}" install_packages
else
    say "This is no Debian: make sure that a C++ compiler, libclang, pkg-config, curl and jq are there."
fi

command -v cargo >/dev/null || fail "cargo is missing: install rustup with its stable toolchain"
command -v npm >/dev/null || fail "npm is missing: install Node.js 20 or newer"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$top/Cargo.toml")
have=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $have is too old, $wanted or newer is needed: run 'rustup update stable'"

use_rocksdb
