#!/usr/bin/env bash
# The testnet of this clone: four validators and a full node as processes of this machine. `up` starts it in the background and
# plays the demo on it, `down` stops it, `status` shows it. Keys, data and logs lie in .data/testnet. LEDGER_RPC_PORT and
# LEDGER_P2P_PORT are the first ports, in place of 8545 and 30333, LEDGER_NOTARY_PORT is the notary's, in place of 8650, and
# LEDGER_MAINCHAIN_PORT the mainchain's, in place of 8655. The mainchain is anvil, which npm brings.
set -euo pipefail
. "$(dirname "$0")/common.sh"

data=$top/.data/testnet
rpc_port=${LEDGER_RPC_PORT:-8545}
p2p_port=${LEDGER_P2P_PORT:-30333}
notary_port=${LEDGER_NOTARY_PORT:-8650}
mainchain_port=${LEDGER_MAINCHAIN_PORT:-8655}
anvil=$top/tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
binary=$(target_dir)/debug/ledger-node

testnet() { "$binary" testnet "$@" --data-dir "$data"; }

# Whether some node runs a build of ledger-node that is no longer there.
is_outdated() {
    local pid
    for pid in $(testnet status --json 2>/dev/null | jq -r '.nodes[].pid // empty'); do
        case $(readlink "/proc/$pid/exe" 2>/dev/null) in
        *' (deleted)') return 0 ;;
        esac
    done
    return 1
}

# JSON-RPC of the node with that name.
rpc_of() { testnet status --json | jq -er --arg name "$1" '.nodes[] | select(.name == $name) | .rpc'; }

# The arguments of the mainchain, if npm can bring anvil.
mainchain_arguments() {
    if [ ! -x "$anvil" ] && command -v npm >/dev/null; then
        (step "npm packages: anvil, for the mainchain" npm_ci "$top/tests/js") || true
    fi
    if [ -x "$anvil" ]; then
        printf '%s\n' --mainchain --mainchain-port "$mainchain_port" --anvil "$anvil"
    else
        say "No mainchain: npm has not brought anvil (npm ci in tests/js). The network runs without one; its checkpoints go nowhere."
    fi
}

up() {
    local mainchain
    mapfile -t mainchain < <(mainchain_arguments)
    if is_outdated; then
        say "The node was built anew since the testnet started: starting it again."
        testnet down
    fi
    testnet up --validators 4 --nodes 1 --detach --rpc-port-base "$rpc_port" --p2p-port-base "$p2p_port" \
        --notary-port "$notary_port" "${mainchain[@]}"
    local entry second
    entry=$(rpc_of node-0)
    second=$(rpc_of validator-1)
    LEDGER_RPC=$entry LEDGER_SECOND_RPC=$second "$top/scripts/demo.sh"
    cat <<TXT

The testnet goes on running: four validators and a full node.
  See it    $entry/ in a browser: passport, verify, network
  Use it    export PATH="$(dirname "$binary"):\$PATH"; passport --help
            any Ethereum client: $entry, chain id 6301, gas price 0
  Watch it  ledger-node testnet status --data-dir .data/testnet
            ledger-node testnet logs node-0 --follow --data-dir .data/testnet
  Join it   ledger-node testnet admit --name 'Everest Cloud' --data-dir .data/testnet
  Stop it   make testnet-down
TXT
}

down() {
    if [ ! -e "$data/testnet.json" ]; then
        say "The testnet was never started."
        return 0
    fi
    testnet down
}

case ${1:-} in
up) up ;;
down) down ;;
status) testnet status ;;
*) fail "usage: scripts/testnet.sh up|down|status" ;;
esac
