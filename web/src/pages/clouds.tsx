/** The clouds of the programme, as far as the node names them: who offers something, and who runs a validator. */
import { quantity } from "../chain/quantity";
import { useAnswer } from "../ledger";
import type { PoolEntry, ValidatorsInfo } from "../rpc/types";

export interface Cloud {
  readonly memberId: number;
  readonly name: string;
}

export function useClouds(): readonly Cloud[] {
  const { value } = useAnswer("clouds", (rpc) =>
    Promise.all([rpc.call<ValidatorsInfo>("ledger_validators"), rpc.call<PoolEntry[]>("ledger_pool")]),
  );
  return value ? cloudsOf(...value) : [];
}

/** Each cloud once, by its member id. */
export function cloudsOf(validators: ValidatorsInfo, pool: readonly PoolEntry[]): Cloud[] {
  const named = [...validators.validators, ...pool.flatMap(({ offers }) => offers)];
  const byId = new Map(named.map(({ memberId, cloud }) => [quantity(memberId), cloud]));
  return [...byId].map(([memberId, name]) => ({ memberId, name })).sort((a, b) => a.memberId - b.memberId);
}

interface CloudSelectProps {
  readonly attributes: object;
  readonly clouds: readonly Cloud[];
  readonly chosen: string;
  readonly onChoose: (memberId: string) => void;
}

export function CloudSelect({ attributes, clouds, chosen, onChoose }: CloudSelectProps) {
  return (
    <select {...attributes} class="input" value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
      <option value="">Choose a cloud</option>
      {clouds.map(({ memberId, name }) => (
        <option key={memberId} value={`${memberId}`}>
          {name}
        </option>
      ))}
    </select>
  );
}
