// /metrics as MetalLB serves it.
import { type Server } from "node:http";
import { type Log } from "../linux/log.ts";
import { type CommonValues } from "./common-flags.ts";
import { type ApiServer } from "./in-cluster.ts";
import { answer, createPlainServer } from "./listening.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
const EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";

export interface MetricsServerOptions {
  readonly expose: () => string;
  readonly values: CommonValues;
  readonly api: ApiServer;
  readonly log: Log;
}

export function createMetricsServer({ expose }: MetricsServerOptions): Server {
  return createPlainServer(({ url = "" }, response) => {
    if (url === "/metrics") answer(response, 200, expose(), EXPOSITION);
    else answer(response, 404, "not found");
  });
}
