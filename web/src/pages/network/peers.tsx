/** Who is connected to the node that serves this page. */
import { quantity } from "../../chain/quantity";
import { useAnswer, useNow } from "../../ledger";
import type { PeerInfo } from "../../rpc/types";
import { Badge, Waiting, Wide } from "../../ui/parts";
import { count, duration, milliseconds, shortened } from "../../words";

/** How often peers are asked for. */
const EVERY_MS = 5_000;

export function Peers() {
  const peers = useAnswer("peers", (rpc) => rpc.call<PeerInfo[]>("ledger_peers"), {
    withBlocks: true,
    everyMs: EVERY_MS,
  });
  return (
    <section class="card" aria-labelledby="peers" data-testid="peers">
      <h2 id="peers">Peers of this node</h2>
      {peers.value === undefined && <Waiting what="peers" error={peers.error} />}
      {peers.value?.length === 0 && <p class="soft">No peer is connected.</p>}
      {peers.value && peers.value.length > 0 && <Table peers={peers.value} />}
    </section>
  );
}

function Table({ peers }: { peers: readonly PeerInfo[] }) {
  const now = useNow(5_000);
  return (
    <Wide label="Peers">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">Connected</th>
            <th scope="col" class="number">
              Block
            </th>
            <th scope="col" class="number">
              Round trip
            </th>
            <th scope="col" class="number">
              Clock
            </th>
            <th scope="col" class="number">
              Score
            </th>
          </tr>
        </thead>
        <tbody>
          {peers.map((peer) => (
            <tr key={peer.peerId}>
              <td>
                {peer.validator ? (
                  <Badge tone="accent">{peer.validator.cloud ?? "validator"}</Badge>
                ) : (
                  <span class="mono" title={peer.peerId}>
                    {shortened(peer.peerId, 5)}
                  </span>
                )}
              </td>
              <td class="nowrap">{duration(now - quantity(peer.connectedSince))}</td>
              <td class="number">{peer.head ? count(quantity(peer.head.number)) : "–"}</td>
              <td class="number nowrap">{peer.roundTripUs ? milliseconds(quantity(peer.roundTripUs) / 1000) : "–"}</td>
              <td class="number nowrap">{offset(peer.clockOffsetMs)}</td>
              <td class="number">{peer.score}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function offset(ms: number | undefined): string {
  if (ms === undefined) return "–";
  return ms === 0 ? "even" : `${ms > 0 ? "+" : "−"}${milliseconds(Math.abs(ms))}`;
}
