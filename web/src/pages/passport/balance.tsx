/** How many passport tokens an account has been rewarded with. */
import { type Hex, toWord } from "../../chain/quantity";
import { useAnswer, useLedger } from "../../ledger";
import { tokenName, tokens } from "../../words";

/** The call `balanceOf(address)` of an ERC-20 token. */
const BALANCE_OF = "0x70a08231";

export function Balance({ address }: { address: Hex }) {
  const { status } = useLedger();
  const token = status?.contracts.passportToken;
  const { value } = useAnswer(
    `balance ${address} ${token}`,
    async (rpc) => token && BigInt(await rpc.call<Hex>("eth_call", balanceCall(token, address), "latest")),
    { withBlocks: true },
  );
  return (
    <div>
      <p class="small soft">Reward balance</p>
      <p class="balance" data-testid="balance">
        {typeof value === "bigint" ? tokens(value) : "…"}{" "}
        <span class="reward small">{typeof value === "bigint" ? tokenName(value) : "passport tokens"}</span>
      </p>
    </div>
  );
}

function balanceCall(token: Hex, address: Hex) {
  return { to: token, input: `${BALANCE_OF}${toWord(address).slice(2)}` };
}
