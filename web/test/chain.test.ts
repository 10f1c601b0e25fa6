import { readFileSync } from "node:fs";
import {
  type AbiEvent,
  type AbiFunction,
  encodeAbiParameters,
  recoverTypedDataAddress,
  toEventSelector,
  toFunctionSelector,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { CALLS, callWords } from "../src/chain/calls";
import { codeAddress, parseCodeRef } from "../src/chain/code-ref";
import { authorizationFile, digest, parseAuthorization, signupHash, typedData } from "../src/chain/consent";
import { recoveryOf, slotOf } from "../src/chain/digest";
import { describeEvent, EVENTS } from "../src/chain/events";
import { type Holdings, ISSUED, type Look, newestFirst, search, TRANSFERRED } from "../src/chain/holdings";
import { type Hex, isHexOf, quantity, toQuantity, toWord } from "../src/chain/quantity";
import { guesses } from "../src/chain/search";
import { slotAt, turnOf } from "../src/chain/slots";
import { LANGUAGES, snippet } from "../src/chain/snippets";
import { cancelInput, poolInput, readEvent, readPool, requestInput, TRANSACT_ABI } from "../src/chain/transact";
import type { Log } from "../src/rpc/types";

const abiOf = (contract: string): AbiFunction[] =>
  JSON.parse(readFileSync(new URL(`../../contracts/artifacts/${contract}.json`, import.meta.url), "utf8")).abi;

const signatureOf = (event: string): Hex => {
  const found = abiOf("Transact").find(({ name, type }) => name === event && (type as string) === "event");
  return toEventSelector(found as unknown as AbiEvent);
};

describe("quantities", () => {
  it("are read exactly or not at all", () => {
    expect([quantity("0x0"), quantity("0x1f")]).toEqual([0, 31]);
    for (const text of ["", "0x", "0x01", "12", "0xg", "0x20000000000000"])
      expect(() => quantity(text), text).toThrow();
    expect([toQuantity(31), toWord(1)]).toEqual(["0x1f", `0x${"0".repeat(63)}1`]);
    expect([isHexOf(1, "0xab"), isHexOf(1, "0xabc"), isHexOf(1, "abcd")]).toEqual([true, false, false]);
  });
});

describe("a text that names a code", () => {
  const hash = `0x${"ab".repeat(32)}`;

  it("may have any form", () => {
    for (const [text, form, id] of [
      [` ${hash}\n`, "transaction", hash],
      ["AB".repeat(32), "transaction", hash],
      ["03a00ade", "passport", "03A0-0ADE"],
      ["2:9", "number", "2:9"],
      ["0x20000000000000009", "number", "0x20000000000000009"],
      [toWord((2n << 64n) | 9n), "number", toWord((2n << 64n) | 9n)],
      [codeAddress("https://node.example", "03A0-0ADE"), "passport", "03A0-0ADE"],
      ["http://127.0.0.1:8545/#/code/03A0-0ADE/", "passport", "03A0-0ADE"],
      ["HTTPS://SIGN-UP.EXAMPLE/?LANG=EN&CODE=03A0-0ADE", "passport", "03A0-0ADE"],
      ["https://cloud.example/signup?code=03A0-0ADE&plan=1", "passport", "03A0-0ADE"],
      ["https://cloud.example/signup?code=03A0-0ADE&from=/a/b?c#top", "passport", "03A0-0ADE"],
      ["https://cloud.example/codes/03A0-0ADE?plan=1", "passport", "03A0-0ADE"],
      ["https://cloud.example/?plan=1#03A0-0ADE", "passport", "03A0-0ADE"],
      ["https://cloud.example/#code=03A0-0ADE", "passport", "03A0-0ADE"],
      [`http://127.0.0.1:8545/#/transaction/${hash}`, "transaction", hash],
    ] as const) {
      expect(parseCodeRef(text), text).toEqual({ form, id });
    }
  });

  it("is refused with words where it has none", () => {
    for (const text of [
      "",
      "hello",
      "0x12",
      "zz".repeat(32),
      "https://cloud.example/",
      "https://03A0-0ADE/x",
      "https://cloud.example/03A0-0ADE#top",
      "03A0-0ADF",
    ]) {
      expect(() => parseCodeRef(text), text).toThrow(/code|transaction id/);
    }
  });
});

describe("the contract", () => {
  it("has what the pages know of it", () => {
    const plain = (entry: unknown) =>
      JSON.parse(
        JSON.stringify(entry, (key, value) => (key === "internalType" || key === "anonymous" ? undefined : value)),
      );
    for (const entry of TRANSACT_ABI) {
      const real = abiOf("Transact").find(({ type, name }) => type === entry.type && name === entry.name);
      expect(plain(entry), entry.name).toEqual(plain(real));
    }
  });

  it("has the events that are looked for", () => {
    const signature = (name: string) => {
      const event = TRANSACT_ABI.find((entry) => entry.type === "event" && entry.name === name);
      if (event === undefined) throw new Error(`no event ${name}`);
      return toEventSelector(`${name}(${event.inputs.map(({ type }) => type).join()})`);
    };
    expect([ISSUED, TRANSFERRED]).toEqual([signature("CodeIssued"), signature("CodeTransferred")]);
  });

  it("is asked and read by its ABI", () => {
    expect(requestInput(7).slice(10)).toBe(toWord(7).slice(2));
    expect(poolInput(2).slice(10)).toBe(toWord(2).slice(2));
    const types = ["uint64", "uint64", "uint32", "uint32", "uint32", "uint32"].map((type) => ({ type }));
    expect(readPool(encodeAbiParameters(types, [9n, 4n, 3, 12, 10, 7]))).toEqual({ issued: 9, live: 3, open: 10 });
  });

  it("tells of codes in logs", () => {
    const holder = `0x${"11".repeat(20)}` as Hex;
    const log = (number: number, blockNumber: number): Log => ({
      address: holder,
      topics: [ISSUED, toWord(number), toWord(holder), toWord(1)],
      data: toWord(99),
      blockNumber: toQuantity(blockNumber),
      transactionHash: toWord(0),
      logIndex: "0x0",
    });
    expect(readEvent(log(5, 1))).toMatchObject({ eventName: "CodeIssued", args: { codeId: 5n, expiresAt: 99n } });
    expect(readEvent({ ...log(5, 1), topics: [toWord(1)] })).toBeUndefined();
    expect(newestFirst([log(1, 3), log(2, 8), log(1, 5)])).toEqual([toWord(2), toWord(1)]);
  });
});

describe("a look for codes", () => {
  /** A chain with a code in every thousandth block, named after it. */
  const chain = (height: number) => {
    const state = { height, read: [] as [number, number][], known: undefined as Holdings | undefined };
    const look: Look = {
      read: async (from, to) => {
        state.read.push([from, to]);
        const first = Math.floor(to / 1000) * 1000;
        return Array.from({ length: 1 + (first - from) / 1000 }, (_, at) => toWord(first - 1000 * at)).filter(
          (id) => BigInt(id) >= from,
        );
      },
      found: (found) => {
        state.known = found;
      },
      newest: () => state.height,
      isStopped: () => false,
    };
    return { state, look };
  };
  const ids = (...blocks: number[]) => blocks.map((block) => toWord(block));

  it("goes from the newest blocks to the oldest, and goes on where it ended", async () => {
    const { state, look } = chain(24_999);
    await search(look, 2, undefined);
    expect(state.read).toEqual([
      [15_000, 24_999],
      [5_000, 14_999],
    ]);
    expect(state.known?.codeIds.slice(0, 2)).toEqual(ids(24_000, 23_000));
    state.height = 25_000;
    state.read = [];
    await search(look, 9, state.known);
    expect(state.read).toEqual([
      [25_000, 25_000],
      [0, 4_999],
    ]);
    expect(state.known).toMatchObject({ from: 0, to: 25_000 });
    expect(state.known?.codeIds).toHaveLength(26);
    expect(state.known?.codeIds[0]).toBe(toWord(25_000));
    state.read = [];
    await search(look, 9, state.known);
    expect(state.read).toEqual([]);
  });

  it("begins anew on a chain that was begun anew", async () => {
    const { state, look } = chain(500);
    await search(look, 9, { from: 0, to: 9_000, codeIds: ids(8_000) });
    expect(state.known).toEqual({ from: 0, to: 500, codeIds: ids(0) });
  });
});

describe("events", () => {
  it("are those of the contracts", () => {
    for (const [contract, events] of Object.entries(EVENTS)) {
      const own = abiOf(contract).filter(({ type }) => (type as string) === "event");
      const topics = (abi: readonly object[]) => abi.map((event) => toEventSelector(event as AbiEvent)).sort();
      expect(topics(events), contract).toEqual(topics(own));
    }
  });

  it("are said in words, whatever is in the log", () => {
    const address = "0x0000000000000000000000000000000000001002";
    const holder = `0x${"11".repeat(20)}` as const;
    const codeId = toWord((2n << 64n) | 9n);
    const [memberId, reward] = [toWord(3), toWord(15n * 10n ** 17n)];
    const topics = [signatureOf("CodeRedeemed"), codeId, memberId, toWord(holder)];
    const data: Hex = `${toWord(7)}${reward.slice(2)}` as Hex;
    expect(describeEvent({ address, topics, data })).toEqual({
      name: "CodeRedeemed",
      facts: [
        { name: "code", words: "2:9", isAccount: false },
        { name: "member", words: "3", isAccount: false },
        { name: "holder", words: holder, isAccount: true },
        { name: "signup ref", words: toWord(7), isAccount: false },
        { name: "reward", words: "1.5 passport tokens", isAccount: false },
      ],
    });
    for (const log of [
      { address: holder, topics, data },
      { address, topics: [], data },
      { address, topics: topics.slice(0, 1), data: "0x" as const },
      { address, topics: [toWord(5)], data },
    ]) {
      expect(describeEvent(log)).toBeUndefined();
    }
  });
});

describe("calls", () => {
  it("are known by the contracts' selectors", () => {
    for (const [contract, calls] of Object.entries(CALLS)) {
      const changing = abiOf(contract).filter(
        ({ type, stateMutability }) => type === "function" && !["view", "pure"].includes(stateMutability),
      );
      expect(calls, contract).toEqual(
        Object.fromEntries(changing.map((call) => [toFunctionSelector(call), call.name])),
      );
    }
  });

  it("are said in words", () => {
    const transact = "0x0000000000000000000000000000000000001002";
    expect(callWords(transact, requestInput(1))).toBe("Transact: requestCode(1)");
    expect(callWords(transact, cancelInput((1n << 64n) | 7n))).toBe("Transact: cancel(1:7)");
    expect(callWords(transact, "0x4cda9b55")).toBe("Transact: pause");
    expect(callWords(transact, "0x")).toBe("Transact: something that it does not have");
    expect(callWords(`0x${"11".repeat(20)}`, "0x")).toBe("sends a transfer");
    expect(callWords(null, "0x")).toBe("makes a contract");
  });

  it("and ids are guessed from what they look like", () => {
    const kinds = (query: string) => guesses(query).map(({ kind }) => kind);
    expect(kinds("1,234")).toEqual(["block"]);
    expect(kinds("03A0-0ADE")).toEqual(["code"]);
    expect(kinds(`0x${"Ab".repeat(20)}`)).toEqual(["account"]);
    expect(kinds("ab".repeat(32))).toEqual(["code", "transaction", "block"]);
    expect(kinds("hello")).toEqual([]);
  });
});

describe("a consent", () => {
  const account = privateKeyToAccount(`0x${"01".repeat(32)}`);
  const consent = {
    chainId: 6301,
    transact: "0x0000000000000000000000000000000000001002",
    code: { codeId: "0x10000000000000001", transaction: `0x${"ab".repeat(32)}`, passportCode: "03A0-0ADE" },
    holder: account.address,
    cloud: { memberId: 1, name: "Aurora Cloud" },
    signup: { reference: "sign-up-17", salt: toWord(7) },
    deadline: 1_800_000_000,
  } as const;

  it("is signed over what the contract checks, and travels as the command reads it", async () => {
    const signature = await account.signTypedData(typedData(consent));
    expect(await recoverTypedDataAddress({ ...typedData(consent), signature })).toBe(account.address);
    expect(digest(consent)).toHaveLength(66);
    const file = authorizationFile(consent, signature);
    expect(file).toMatchObject({
      kind: "cloud-ledger-authorization/1",
      chainId: "0x189d",
      memberId: "0x1",
      deadline: "0x6b49d200",
    });
    expect(parseAuthorization(JSON.stringify(file))).toEqual({
      signupRef: signupHash(consent.signup),
      deadline: "0x6b49d200",
      signature,
    });
  });

  it("is refused where it is none", () => {
    for (const [text, words] of [
      ["", /JSON/],
      ["{}", /lacks/],
      ['{"kind":"other/2","signupRef":"0x1","deadline":"0x1","signature":"0x"}', /other\/2/],
    ] as const) {
      expect(() => parseAuthorization(text), text).toThrow(words);
    }
  });
});

describe("slots", () => {
  it("divide time and turns", () => {
    expect([slotAt(1_999, 1_000), turnOf(7, 4), turnOf(7, 0)]).toEqual([1, 3, 0]);
  });
});

describe("a block's digest", () => {
  const slot = "0201000000000000";
  const fields = (point: string): Hex => `0x02${slot}${"44".repeat(32)}0001${"55".repeat(64)}${point}`;
  // The bytes that `chainspec` pins: recovery 3, to checkpoint 7, of block 0x0405.
  const point = `030000000000000007000000000000000504000000000000${"66".repeat(32)}`;

  it("tells the slot, in a recovery block too", () => {
    expect(slotOf("0x01e703000000000000ffff")).toBe(999);
    expect(slotOf(fields(point))).toBe(0x0102);
    for (const other of ["0x", "0x03e703000000000000", "0x01", "0x01e703"] as const)
      expect(slotOf(other), other).toBe(0);
  });

  it("tells what a recovery block goes back to, and other blocks do not", () => {
    const stateRoot = `0x${"66".repeat(32)}`;
    expect(recoveryOf(fields(point))).toEqual({ epoch: 3, checkpoint: 7, height: 0x0405, stateRoot });
    const ordinary: Hex = `0x01${fields(point).slice(4)}`;
    const huge = fields("ff".repeat(24) + "66".repeat(32));
    for (const none of ["0x", "0x02", `0x02${slot}${point}`, ordinary, huge] as const) {
      expect(recoveryOf(none), none).toBeUndefined();
    }
  });
});

describe("snippets", () => {
  it("hold the question, whatever is in it", () => {
    const question = { node: "http://127.0.0.1:8545/", code: "03A0-0ADE", cloud: `O'Hara "Cloud"` };
    for (const [language] of LANGUAGES) {
      const text = snippet(language, question);
      expect(text).toContain("ledger_verifyCode");
      expect(text).toContain(question.code);
    }
    expect(snippet("curl", question)).toContain(`O'\\''Hara`);
    expect(snippet("python", question)).toContain(String.raw`"O'Hara \"Cloud\""`);
  });
});
