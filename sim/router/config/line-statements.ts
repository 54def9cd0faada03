import { type Frame, Grammar, ignored } from "./grammar.ts";

const LINE = new Grammar<undefined>([ignored("login ..."), ignored("exec-timeout ..."), ignored("access-class ...")]);

/** `line vty`: who may log in. */
export const lineFrame = (): Frame => LINE.on("line vty", undefined);
