#!/usr/bin/env bash
# The dev chain of this clone: `up` starts it in the background and plays the demo on it, `down` stops it, `status` tells.
# Its data, log and process id lie in .data/dev. LEDGER_RPC_PORT picks another port than 8545.
set -euo pipefail
. "$(dirname "$0")/common.sh"

data=$top/.data/dev
log=$data/node.log
pid_file=$data/node.pid
port=${LEDGER_RPC_PORT:-8545}
binary=$(target_dir)/debug/ledger-node
export LEDGER_RPC=http://127.0.0.1:$port

# The recorded process id, if that process still runs and is the node of this clone; else nothing.
running() {
    local pid
    pid=$(cat "$pid_file" 2>/dev/null) || return 0
    if [ -r "/proc/$pid/cmdline" ] && tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF "$data/node"; then
        printf '%s\n' "$pid"
    fi
}

down() {
    local pid
    pid=$(running)
    if [ -z "$pid" ]; then
        rm -f "$pid_file"
        say "The dev chain is not running."
        return 0
    fi
    kill -TERM "$pid"
    for _ in $(seq 100); do
        if [ -z "$(running)" ]; then
            rm -f "$pid_file"
            say "The dev chain has stopped. Its data stays in .data/dev; 'make testnet' goes on with it, 'make clean-data' deletes it."
            return 0
        fi
        sleep 0.1
    done
    fail "process $pid did not stop within 10 s; see $log"
}

await_ready() {
    local pid=$1
    for _ in $(seq 300); do
        kill -0 "$pid" 2>/dev/null || {
            tail -n 15 "$log" >&2
            fail "ledger-node ended while it started; its last words stand above, all of them in $log"
        }
        if curl -sf -o /dev/null "$LEDGER_RPC/ready"; then
            return 0
        fi
        sleep 0.1
    done
    fail "ledger-node is not ready after 30 s; see $log"
}

start() {
    if curl -s -o /dev/null --max-time 2 "$LEDGER_RPC"; then
        fail "something else answers on port $port; stop it, or run 'LEDGER_RPC_PORT=9545 make testnet'"
    fi
    mkdir -p "$data"
    nohup "$binary" --chain dev --data-dir "$data/node" --rpc-port "$port" >"$log" 2>&1 </dev/null &
    local pid=$!
    printf '%s\n' "$pid" >"$pid_file"
    await_ready "$pid"
    say "The dev chain runs: process $pid, JSON-RPC on $LEDGER_RPC, log in .data/dev/node.log"
}

up() {
    local pid
    pid=$(running)
    if [ -n "$pid" ] && [ "$binary" -nt "$pid_file" ]; then
        say "The node was built anew since the dev chain started: starting it again."
        down
        pid=""
    fi
    if [ -n "$pid" ]; then
        await_ready "$pid"
        say "The dev chain runs already: process $pid"
    else
        start
    fi
    "$top/scripts/demo.sh"
    cat <<TXT

The dev chain goes on running.
  Use it    export PATH="$(dirname "$binary"):\$PATH"; passport --help
            any Ethereum client: $LEDGER_RPC, chain id 6300, gas price 0
  Watch it  tail -f .data/dev/node.log
  Stop it   make testnet-down
TXT
}

case ${1:-} in
up) up ;;
down) down ;;
status) [ -n "$(running)" ] && say "running: process $(running)" || say "not running" ;;
*) fail "usage: scripts/testnet.sh up|down|status" ;;
esac
