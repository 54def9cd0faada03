// RFC 7606 section 2: what becomes of an UPDATE that is wrong. A session reset is not here: it is thrown as a BgpError.
import { type ErrorCode } from "./error-codes.ts";
import { type AddressFamily } from "./families.ts";

interface Fault {
  readonly path: string;
  readonly problem: string;
  /** The answer that RFC 4271 section 6.3 would have sent. */
  readonly code: number;
  readonly subcode: number;
}

export type UpdateFault =
  /** The attribute is ignored, the routes are used. */
  | (Fault & { readonly action: "attributeDiscard" })
  /** Every route of the message counts as withdrawn. */
  | (Fault & { readonly action: "treatAsWithdraw" })
  /** RFC 4760 section 7: the routes of the family are deleted, and what follows of it in this session is ignored. */
  | (Fault & { readonly action: "disableFamily"; readonly family: AddressFamily })
  /** The attribute speaks of a family that this session does not carry; nothing was read of it. */
  | (Fault & { readonly action: "familyIgnored"; readonly family: AddressFamily });

export type AttributeFault = Exclude<UpdateFault["action"], "disableFamily" | "familyIgnored">;

export function attributeFault(action: AttributeFault, path: string, problem: string, answer: ErrorCode): UpdateFault {
  return { action, path, problem, code: answer.code, subcode: answer.subcode };
}

export function familyFault(
  action: "disableFamily" | "familyIgnored",
  family: AddressFamily,
  path: string,
  problem: string,
  answer: ErrorCode,
): UpdateFault {
  return { action, family, path, problem, code: answer.code, subcode: answer.subcode };
}
