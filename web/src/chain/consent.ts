/**
 * How does a holder allow one cloud to redeem one code? By an EIP-712 signature, in a file of the form that `passport authorize`
 * writes (`cli/src/authorization.rs`). The chain sees only the salted hash of the sign-up's reference.
 */
import { concatHex, hashTypedData, keccak256, stringToHex } from "viem";
import { type Hex, toQuantity, toWord } from "./quantity";

/** Says what the file is, and in which version. */
const KIND = "cloud-ledger-authorization/1";

/** Longest sign-up reference, in bytes; also the command's bound. */
export const REFERENCE_BYTES_MAX = 1024;

/** What ties a redemption to a sign-up. */
export interface Signup {
  readonly reference: string;
  readonly salt: Hex;
}

/** What a holder is about to sign. */
export interface Consent {
  readonly chainId: number;
  readonly transact: Hex;
  readonly code: { readonly codeId: string; readonly transaction: string; readonly passportCode: string };
  readonly holder: string;
  readonly cloud: { readonly memberId: number; readonly name: string };
  readonly signup: Signup;
  /** Until when it holds, in seconds since the Unix epoch. */
  readonly deadline: number;
}

/** `keccak256(salt ++ reference)`. */
export function signupHash(signup: Signup): Hex {
  return keccak256(concatHex([signup.salt, stringToHex(signup.reference)]));
}

/** The typed data to sign, as `eth_signTypedData_v4` and viem take it. */
export function typedData(consent: Consent) {
  return {
    domain: {
      name: "Cloud Ledger Passport",
      version: "1",
      chainId: consent.chainId,
      verifyingContract: consent.transact,
    },
    types: {
      Redemption: [
        { name: "codeId", type: "uint256" },
        { name: "memberId", type: "uint32" },
        { name: "signupRef", type: "bytes32" },
        { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Redemption",
    message: {
      codeId: BigInt(consent.code.codeId),
      memberId: consent.cloud.memberId,
      signupRef: signupHash(consent.signup),
      deadline: BigInt(consent.deadline),
    },
  } as const;
}

export type RedemptionData = ReturnType<typeof typedData>;

/** The digest that the signature is over. */
export function digest(consent: Consent): Hex {
  return hashTypedData(typedData(consent));
}

/** What the cloud gets, for its sign-up page or `passport redeem`. */
export function authorizationFile(consent: Consent, signature: Hex) {
  return {
    kind: KIND,
    chainId: toQuantity(consent.chainId),
    transaction: consent.code.transaction,
    passportCode: consent.code.passportCode,
    codeId: consent.code.codeId,
    memberId: toQuantity(consent.cloud.memberId),
    cloud: consent.cloud.name,
    holder: consent.holder,
    signupRef: signupHash(consent.signup),
    deadline: toQuantity(consent.deadline),
    signature,
    signup: consent.signup,
  };
}

/** An authorization as `ledger_verifyCode` takes it. */
export interface Authorization {
  readonly signupRef: Hex;
  readonly deadline: string;
  readonly signature: Hex;
}

/** Reads an authorization that a holder handed in. Throws with words if it is none. */
export function parseAuthorization(text: string): Authorization {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new TypeError("an authorization is the JSON text that the holder's page or `passport authorize` made");
  }
  const { kind, signupRef, deadline, signature } = read as Record<string, unknown>;
  if (kind !== undefined && kind !== KIND)
    throw new TypeError(`it is of kind ${String(kind)}, and ${KIND} is understood`);
  const isText = [signupRef, deadline, signature].every((field) => typeof field === "string");
  if (!isText) throw new TypeError("the authorization lacks signupRef, deadline or signature");
  return { signupRef: toWord(signupRef as Hex), deadline: deadline as string, signature: signature as Hex };
}
