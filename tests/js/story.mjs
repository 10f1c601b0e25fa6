// The story of one promo code, told by an unmodified Ethereum client: node story.mjs <RPC URL> <viem|ethers|cast>
//
// A user without a balance asks for a code, proves it from a block hash alone, and lets one cloud redeem it; a second cloud is
// refused. Ends with code 1 at the first step that goes wrong.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { HDNodeWallet, hexlify, keccak256, randomBytes, toUtf8Bytes, Wallet } from "ethers";
import { headerHash, tampered, verifiedSlots } from "./proof.mjs";

const [url, clientName] = process.argv.slice(2);
const { name, open } = await import(`./clients/${clientName}.mjs`);
const client = await open(url);

const abiOf = (contract) => JSON.parse(readFileSync(new URL(`../../contracts/artifacts/${contract}.json`, import.meta.url))).abi;
const transact = { address: "0x0000000000000000000000000000000000001002", abi: abiOf("Transact") };
const token = { address: "0x0000000000000000000000000000000000001003", abi: abiOf("PassportToken") };

// The accounts of the public test mnemonic: owner and redeemer of the two clouds of the dev chain.
const mnemonic = "test test test test test test test test test test test junk";
const devKey = (index) => HDNodeWallet.fromPhrase(mnemonic, "", `m/44'/60'/0'/0/${index}`).privateKey;
const aurora = { id: 1, owner: devKey(0), redeemer: devKey(1) };
const borealis = { id: 2, owner: devKey(2), redeemer: devKey(3) };
const small = 1;

let steps = 0;
const say = (text) => console.log(`${name} ${++steps}: ${text}`);
const fresh = () => Wallet.createRandom().privateKey;
const verify = (id, cloud, authorization) => client.rpc("ledger_verifyCode", [id, { cloud: cloud.id, authorization }]);

/** The holder's EIP-712 consent to one redemption of one code by one cloud. */
async function authorize(key, codeId, cloud, chainId) {
  const message = {
    codeId,
    memberId: cloud.id,
    signupRef: keccak256(toUtf8Bytes(`sign-up 17 with salt ${hexlify(randomBytes(16))}`)),
    deadline: BigInt(Math.floor(Date.now() / 1000) + 3600),
  };
  const signature = await client.signTyped(key, {
    domain: { name: "Cloud Ledger Passport", version: "1", chainId, verifyingContract: transact.address },
    types: {
      Redemption: [
        { name: "codeId", type: "uint256" }, { name: "memberId", type: "uint32" },
        { name: "signupRef", type: "bytes32" }, { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Redemption",
    message,
  });
  return { signupRef: message.signupRef, deadline: message.deadline, signature };
}

/** Checks the code's record in state against a block's hash, trusting nothing else that the node says. */
async function prove(codeId, holder) {
  const slot = await client.read(transact, "codeSlot", [codeId]);
  const block = await client.rpc("eth_getBlockByNumber", ["latest", false]);
  assert.equal(headerHash(block), block.hash, "the block's hash is not that of its header");
  const answer = await client.rpc("eth_getProof", [transact.address, [slot], block.number]);
  const record = verifiedSlots(block.stateRoot, answer).get(slot);
  assert.equal(record & ((1n << 160n) - 1n), BigInt(holder), "the record names another holder");
  assert.equal((record >> 200n) & 0xffn, 1n, "the record is not that of a live code");
  assert.throws(() => verifiedSlots(block.stateRoot, tampered(answer)), "a tampered proof verified");
  return BigInt(block.number);
}

async function main() {
  const chainId = BigInt(await client.rpc("eth_chainId", []));
  assert.equal(BigInt(await client.rpc("eth_gasPrice", [])), 0n);
  say(`the node answers: chain ${chainId}, gas price 0`);

  for (const cloud of [aurora, borealis]) {
    const offered = await client.send(cloud.owner, transact, "setOffer", [small, 1000]);
    assert.ok(offered.ok);
  }
  say("two clouds offer 1000 small instances each");

  const userKey = fresh();
  const user = await client.address(userKey);
  assert.equal(BigInt(await client.rpc("eth_getBalance", [user, "latest"])), 0n);
  const request = await client.send(userKey, transact, "requestCode", [small]);
  assert.ok(request.ok);
  const receipt = await client.rpc("eth_getTransactionReceipt", [request.hash]);
  assert.equal(BigInt(receipt.effectiveGasPrice), 0n);
  assert.equal(receipt.logs.length, 1);
  const codeId = BigInt(receipt.logs[0].topics[1]);
  say(`${user}, who owns nothing, got the code ${request.hash} (${request.gasUsed} gas at price 0)`);

  const verdict = await verify(request.hash, aurora);
  assert.equal(verdict.verdict, "valid");
  assert.equal(verdict.requiresAuthorization, true);
  assert.equal(verdict.code.spec.name, "small");
  assert.equal(verdict.code.holder.toLowerCase(), user.toLowerCase());
  const ttl = BigInt(verdict.ttlSeconds);
  assert.ok(ttl > 29n * 86400n && ttl <= 30n * 86400n, `${ttl} s to live`);
  assert.equal((await verify(verdict.code.passportCode, aurora)).verdict, "valid");
  say(`valid for ${ttl} s, spec small; also as passport code ${verdict.code.passportCode}`);

  const height = await prove(codeId, user);
  say(`the code's record verifies against the hash of block ${height}`);

  const thief = await authorize(fresh(), codeId, aurora, chainId);
  const stolen = await client.refusal(aurora.redeemer, transact, "redeem", [codeId, thief]);
  assert.equal(stolen.name, "AuthorizationInvalid");
  assert.equal((await verify(request.hash, aurora, wire(thief))).redeemable, false);
  const forOther = await authorize(userKey, codeId, borealis, chainId);
  assert.equal((await client.refusal(aurora.redeemer, transact, "redeem", [codeId, forOther])).name, "AuthorizationInvalid");
  say("without the holder's signature for this cloud it cannot be redeemed");

  const consent = await authorize(userKey, codeId, aurora, chainId);
  assert.equal((await verify(request.hash, aurora, wire(consent))).redeemable, true);
  const redeemed = await client.send(aurora.redeemer, transact, "redeem", [codeId, consent]);
  assert.ok(redeemed.ok);
  say(`Aurora Cloud redeemed it (${redeemed.gasUsed} gas)`);

  const again = await authorize(userKey, codeId, borealis, chainId);
  const refusal = await client.refusal(borealis.redeemer, transact, "redeem", [codeId, again]);
  assert.equal(refusal.name, "CodeAlreadyRedeemed");
  assert.deepEqual(refusal.args.map(BigInt), [codeId, BigInt(aurora.id)]);
  const after = await verify(request.hash, borealis);
  assert.equal(after.verdict, "redeemed");
  assert.equal(after.code.ending.transaction, redeemed.hash);
  say(`Borealis Cloud is refused: ${refusal.name}(${refusal.args.join(", ")})`);

  const balance = await client.read(token, "balanceOf", [user]);
  const spec = await client.read(transact, "spec", [small]);
  assert.equal(balance, spec.reward);
  assert.ok(balance > 0n);
  say(`the user holds ${balance} units of the passport token`);
}

/** An authorization as `ledger_verifyCode` takes it. */
function wire({ signupRef, deadline, signature }) {
  return { signupRef, deadline: `0x${deadline.toString(16)}`, signature };
}

try {
  await main();
} finally {
  client.close();
}
