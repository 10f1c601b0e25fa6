import { describe, expect, it, vi } from "vitest";
import { ISSUED, readPiece } from "../src/chain/holdings";
import { type Hex, toQuantity, toWord } from "../src/chain/quantity";
import { leftBy, recoveryIn } from "../src/chain/recoveries";
import { covering, readAnchoring } from "../src/rpc/checkpoints";
import { BATCH_CALLS_MAX, type Fetch, inWords, Rpc, RpcError, UnreachableError } from "../src/rpc/client";
import { RECOVERIES_MAX, readRecoveries } from "../src/rpc/recoveries";

type Body = { id: number; method: string; params: unknown[] }[];

/** A node that answers each call of a batch, and remembers the batches. */
function node(answer: (method: string, params: unknown[]) => object) {
  const batches: Body[] = [];
  const send: Fetch = async (_url, init) => {
    const body = JSON.parse(String(init.body)) as Body;
    batches.push(body);
    // In any order, as JSON-RPC allows.
    return Response.json(
      body.map(({ id, method, params }) => ({ jsonrpc: "2.0", id, ...answer(method, params) })).reverse(),
    );
  };
  return { rpc: new Rpc("/", send), batches };
}

describe("questions to the node", () => {
  it("of one moment travel together, and one that waits alone", async () => {
    const { rpc, batches } = node((method) => ({ result: method }));
    const answers = await Promise.all([rpc.call("a"), rpc.callAlone("slow"), rpc.call("b", 1)]);
    expect(answers).toEqual(["a", "slow", "b"]);
    expect(batches.map((batch) => batch.map(({ method }) => method))).toEqual([["slow"], ["a", "b"]]);
    await Promise.all(Array.from({ length: BATCH_CALLS_MAX + 1 }, () => rpc.call("c")));
    expect(batches.slice(2).map((batch) => batch.length)).toEqual([BATCH_CALLS_MAX, 1]);
  });

  it("fail one by one, in words", async () => {
    const { rpc } = node((method) =>
      method === "bad" ? { error: { code: 3, message: "execution reverted: none left" } } : { result: null },
    );
    const [bad, good] = await Promise.allSettled([rpc.call("bad"), rpc.call("good")]);
    expect(good).toMatchObject({ status: "fulfilled", value: null });
    expect(bad.status === "rejected" && inWords(bad.reason)).toBe("none left");
  });

  it("say that the node is not there", async () => {
    const rpc = new Rpc("/", () => Promise.reject(new TypeError("refused")));
    await expect(rpc.call("a")).rejects.toBeInstanceOf(UnreachableError);
    const page = new Rpc("/", async () => new Response("<html>", { status: 502 }));
    await expect(page.call("a")).rejects.toThrow(/502/);
  });

  it("are asked again where there was no room", async () => {
    vi.useFakeTimers();
    let refusals = 2;
    const rpc = new Rpc("/", async () =>
      refusals-- > 0
        ? Response.json({ error: { code: -32005, message: "too much" } }, { status: 429 })
        : Response.json([{ id: 0, result: 1 }]),
    );
    const answer = rpc.call("a");
    await vi.runAllTimersAsync();
    expect(await answer).toBe(1);
    refusals = 9;
    const refused = expect(rpc.call("a")).rejects.toBeInstanceOf(RpcError);
    await vi.runAllTimersAsync();
    await refused;
    vi.useRealTimers();
  });
});

describe("recoveries", () => {
  const point = (number: number) => ({ number: toQuantity(number), hash: "0x", timestamp: "0x1" });
  const span = (epoch: number, target: number, block: number) => ({
    epoch: toQuantity(epoch),
    checkpoint: toQuantity(epoch),
    target: point(target),
    first: toQuantity(target + 1),
    last: toQuantity(block - 1),
    recovery: point(block),
    redemptions: [],
  });
  const spans = [span(1, 10, 15), span(2, 12, 30)];
  const answer = (_method: string, [query]: unknown[]) => {
    const { epoch } = query as { epoch?: string };
    const found = epoch === undefined ? spans.at(-1) : spans.find((one) => one.epoch === epoch);
    return found ? { result: found } : { error: { code: -32002, message: "this chain has had no recovery" } };
  };

  it("are asked for one after the other, the newest first, without their redemptions", async () => {
    const { rpc, batches } = node(answer);
    const found = await readRecoveries(rpc);
    expect(found).toEqual([
      { epoch: 2, checkpoint: 2, target: 12, first: 13, last: 29, block: 30 },
      { epoch: 1, checkpoint: 1, target: 10, first: 11, last: 14, block: 15 },
    ]);
    const from = "0x1fffffffffffff";
    expect(batches.map(([call]) => call?.params)).toEqual([[{ from }], [{ from, epoch: "0x1" }]]);
    // Block 14 is in both spans: the first recovery left it behind. Block 15, of a recovery, was left behind by the next.
    expect([10, 11, 14, 15, 29, 30].map((block) => leftBy(found, block)?.epoch)).toEqual([
      undefined,
      1,
      1,
      2,
      2,
      undefined,
    ]);
    expect([14, 15, 30].map((block) => recoveryIn(found, block)?.epoch)).toEqual([undefined, 1, 2]);
  });

  it("are asked for up to a bound", async () => {
    const many = Array.from({ length: RECOVERIES_MAX + 4 }, (_, index) => span(index + 1, index, 2 * index + 2));
    const { rpc } = node((_method, [query]) => {
      const { epoch } = query as { epoch?: string };
      return { result: many.find((one) => one.epoch === (epoch ?? many.at(-1)?.epoch)) };
    });
    const found = await readRecoveries(rpc);
    expect(found.map(({ epoch }) => epoch)).toEqual(
      many.map((_, index) => many.length - index).slice(0, RECOVERIES_MAX),
    );
  });

  it("are none on nearly every chain, and where the node knows no such method", async () => {
    for (const code of [-32002, -32601]) {
      const { rpc } = node(() => ({ error: { code, message: "none" } }));
      expect(await readRecoveries(rpc)).toEqual([]);
    }
    const { rpc } = node(() => ({ error: { code: -32603, message: "the disk is full" } }));
    await expect(readRecoveries(rpc)).rejects.toThrow("disk");
  });

  it("take the codes that they left behind out of an account's", async () => {
    const [before, after] = [toWord((1n << 64n) | 1n), toWord((1n << 64n) | 2n)];
    const address: Hex = `0x${"11".repeat(20)}`;
    const log = (codeId: Hex, block: number) => ({
      address,
      topics: [ISSUED, codeId, toWord(address), toWord(1)],
      data: toWord(99),
      blockNumber: toQuantity(block),
      transactionHash: "0x",
      logIndex: "0x0",
    });
    const { rpc } = node((_method, [filter]) => {
      const { topics } = filter as { topics: Hex[] };
      return { result: topics[0] === ISSUED ? [log(before, 12), log(after, 16)] : [] };
    });
    const holder = { address, transact: address, recoveries: await readRecoveries(node(answer).rpc) };
    expect(await readPiece(rpc, { ...holder, recoveries: [] }, 0, 40)).toEqual([after, before]);
    expect(await readPiece(rpc, { ...holder, recoveries: holder.recoveries.slice(1) }, 0, 40)).toEqual([after]);
  });
});

describe("checkpoints", () => {
  const point = (index: number, height: number) => ({
    index: toQuantity(index),
    height: toQuantity(height),
    blockHash: "0x",
  });

  it("are none, and it is said, where the node knows no such method", async () => {
    const { rpc } = node(() => ({ error: { code: -32601, message: "Method not found" } }));
    expect(await readAnchoring(rpc, undefined)).toMatchObject({ isAnchored: false, checkpoints: [] });
  });

  it("are known from the mainchain alone, too, and what it says of them counts", async () => {
    const anchor = (index: number) => ({
      contract: "0x" as const,
      complete: true,
      newest: { index: toQuantity(index), height: toQuantity(300 * index), standing: "soft" as const },
      alarms: [],
    });
    const unknown = node(() => ({ error: { code: -32601, message: "Method not found" } }));
    const alone = await readAnchoring(unknown.rpc, { anchor: anchor(2) });
    expect(alone).toMatchObject({ isAnchored: true, checkpoints: [{ index: "0x2", height: "0x258", state: "soft" }] });
    const { rpc } = node(() => ({ result: [{ ...point(1, 300), state: "signed" }] }));
    const both = await readAnchoring(rpc, { anchor: anchor(1) });
    expect(both.checkpoints).toMatchObject([{ index: "0x1", state: "soft", blockHash: "0x" }]);
    const none = await readAnchoring(unknown.rpc, { anchor: { contract: "0x", complete: true, alarms: [] } });
    expect(none).toMatchObject({
      isAnchored: true,
      checkpoints: [],
      summary: expect.stringContaining("no checkpoint"),
    });
  });

  it("come newest first, and the first one above a block covers it", async () => {
    const { rpc, batches } = node(() => ({ result: [point(1, 300), point(2, 600)] }));
    const { checkpoints } = await readAnchoring(rpc, undefined);
    expect(checkpoints.map(({ index }) => index)).toEqual(["0x2", "0x1"]);
    expect(batches[0]?.[0]?.params).toEqual([{ from: "0x1", count: "0x10" }]);
    expect(covering(checkpoints, 300)?.index).toBe("0x1");
    expect(covering(checkpoints, 301)?.index).toBe("0x2");
    expect(covering(checkpoints, 601)).toBeUndefined();
  });
});
