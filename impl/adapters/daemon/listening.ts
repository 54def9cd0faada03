// HTTP servers of a daemon: health, metrics, and what it knows.
import { unlinkSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Server as TlsServer } from "node:https";
import { type ListenOptions } from "node:net";
import { type TlsOptions } from "node:tls";
import { codeOf, reasonOf } from "../linux/system-error.ts";
import { StartupError } from "./startup-error.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A request and its headers must be here within this time: nobody shall hold connections open for nothing. */
const REQUEST_MS = 10_000;

export function answer(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

export function createPlainServer(handler: Handler): Server {
  return process.getBuiltinModule("node:http").createServer({ requestTimeout: REQUEST_MS }, handler);
}

export function createTlsServer(options: TlsOptions, handler: Handler): TlsServer {
  return process.getBuiltinModule("node:https").createServer({ requestTimeout: REQUEST_MS, ...options }, handler);
}

/** Reads `127.0.0.1:6060`, `[::1]:6060`, `:6060` or `unix:/path`. Throws StartupError, naming the flag. */
export function parseListenAddress(text: string, flag: string): ListenOptions {
  if (text.startsWith("unix:")) return { path: text.slice("unix:".length) };
  const [, host = "", port = ""] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === "") throw new StartupError(`${flag} must be HOST:PORT or unix:PATH, not "${text}"`);
  return { ...(host === "" ? {} : { host: host.replace(/^\[|\]$/g, "") }), port: Number(port) };
}

/** Resolves when connections are accepted. Rejects with StartupError, which names the purpose. */
export function listen(server: Server, options: ListenOptions, purpose: string): Promise<void> {
  // Left behind by one that was killed.
  if (options.path !== undefined) removeSocket(options.path);
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const where = options.path ?? `${options.host ?? "port"} ${options.port}`;
      const taken = codeOf(error) === "EADDRINUSE" ? "; another process on this host has it" : "";
      reject(new StartupError(`${purpose} cannot be served at ${where}: ${reasonOf(error)}${taken}`));
    });
    server.listen(options, () => resolve());
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw new StartupError(`${path} cannot be replaced: ${reasonOf(error)}`);
  }
}
