/** The user's page: who asks, what there is, the code, and all codes of before. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Hex } from "../../chain/quantity";
import { useLedger } from "../../ledger";
import { Title } from "../../ui/parts";
import { CodeView } from "../code-view";
import { MyCodes } from "./my-codes";
import { Specs } from "./specs";
import { WalletPanel } from "./wallet-panel";

export function PassportPage() {
  const { wallet } = useLedger();
  const [requested, setRequested] = useState<Hex>();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (requested) place.current?.scrollIntoView({ block: "start" });
  }, [requested]);
  return (
    <>
      <Title name="One code for every cloud">
        Ask the ledger once. Any cloud of the programme takes the code at sign-up, gives you the resource and confirms
        the use; then you are rewarded.
      </Title>
      {/* Who asks comes first for those who listen or have a narrow screen, and stands at the side of a wide one. */}
      <div class="desk">
        <div class="who">
          <WalletPanel />
        </div>
        <div class="stack work">
          {requested && (
            <div ref={place} class="code-place">
              <CodeView id={requested} />
            </div>
          )}
          <Specs onRequested={setRequested} />
        </div>
        {wallet && (
          <div class="mine">
            <MyCodes title="My codes" holder={wallet.address} none="You have no code yet." />
          </div>
        )}
      </div>
    </>
  );
}
