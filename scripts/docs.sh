#!/usr/bin/env bash
# Builds the handbook (docs/) with mdBook into target/handbook. mdBook is installed once, into the cache.
set -euo pipefail
. "$(dirname "$0")/common.sh"
mdbook_version=0.5.4

install_mdbook() {
    # A debug build: it compiles in half the time, and one run of it takes a second.
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$cache/tools/target" \
        cargo install --debug --locked --quiet --no-default-features --features search --root "$cache/tools" --version "$mdbook_version" mdbook
    rm -rf "$cache/tools/target"
}

if ! mdbook --version 2>/dev/null | grep -qF "$mdbook_version"; then
    step "install mdBook $mdbook_version, once, about 3 minutes" install_mdbook
fi
step "the handbook" mdbook build "$top/docs"
say "target/handbook/index.html"
