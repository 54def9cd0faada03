import { DecodeError } from "../errors.ts";
import { describeError, type ErrorCode } from "./error-codes.ts";

const NO_DATA: Uint8Array = new Uint8Array();

/** Bytes of a peer that end the session: `code`, `subcode` and `data` are those of the NOTIFICATION that answers them. */
export class BgpError extends DecodeError {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;

  constructor(path: string, problem: string, answer: ErrorCode, data: Uint8Array = NO_DATA) {
    super(path, problem);
    this.code = answer.code;
    this.subcode = answer.subcode;
    this.data = data;
  }

  /** The name of the answer: `OPEN Message Error/Bad Peer AS`. */
  get answer(): string {
    return describeError(this.code, this.subcode);
  }
}

/** Reads, and turns a field that is wrong into an error with this answer. */
export function answering<T>(answer: ErrorCode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DecodeError) || error instanceof BgpError) throw error;
    throw new BgpError(error.path, error.problem, answer);
  }
}
