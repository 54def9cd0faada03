import { type Server } from "node:http";
import { answer, createPlainServer } from "./listening.ts";

/** Both say that the process answers, as MetalLB's do. */
export function createHealthServer(): Server {
  return createPlainServer(({ url = "" }, response) => {
    const known = /^\/(healthz|readyz)\/?(\?|$)/.test(url);
    answer(response, known ? 200 : 404, known ? "ok" : "not found");
  });
}
