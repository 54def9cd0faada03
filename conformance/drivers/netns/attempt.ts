// How a client tries a Service, on this kernel's sockets; the outcomes are those of the simulated client.
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { type AgentTarget, type MethodName } from "./protocol.ts";
import { type ProbeFailure, type ProbeOutcome } from "../../../sim/host/probe.ts";

/** Starts one attempt; `settle` may be called more than once. What is returned takes back what is under way. */
export type Method = (settle: (outcome: ProbeOutcome) => void) => () => void;

const QUESTION = "who\n";

const FAILURES: Readonly<Record<string, ProbeFailure>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EACCES: "unreachable",
  EADDRNOTAVAIL: "unreachable",
};

const failureOf = (error: NodeJS.ErrnoException): ProbeOutcome => ({
  kind: "failed",
  because: FAILURES[error.code ?? ""] ?? "unreachable",
});

/** Calls `line` for each line that arrives. */
function readLines(socket: Socket, line: (text: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const found of lines) line(found);
  });
}

const byConnection =
  ({ ip, port }: AgentTarget): Method =>
  (settle) => {
    const socket = connect({ host: ip, port, noDelay: true });
    let answered = false;
    socket.on("connect", () => socket.write(QUESTION));
    readLines(socket, (answer) => {
      answered = true;
      settle({ kind: "ok", answer });
    });
    socket.on("error", (error) => settle(failureOf(error)));
    socket.on("close", () => settle({ kind: "failed", because: "closed" }));
    return () => (answered ? socket.end() : socket.destroy());
  };

const byDatagram =
  ({ ip, port }: AgentTarget): Method =>
  (settle) => {
    const socket = createSocket(ip.includes(":") ? "udp6" : "udp4");
    let open = true;
    // Connected, so that ICMP errors come back as errors.
    socket.connect(port, ip, () => {
      if (open) socket.send(QUESTION);
    });
    socket.on("message", (bytes) => settle({ kind: "ok", answer: bytes.toString().trimEnd() }));
    socket.on("error", (error) => settle(failureOf(error)));
    return () => {
      if (open) socket.close();
      open = false;
    };
  };

function byStream({ ip, port }: AgentTarget): Method {
  let socket: Socket | undefined;
  // Answers come in the order of the questions, also those to questions that nobody waits for any more.
  let waiting: ((outcome: ProbeOutcome) => void)[] = [];
  const open = (): Socket => {
    const opened = connect({ host: ip, port, noDelay: true });
    let because: ProbeOutcome = { kind: "failed", because: "closed" };
    readLines(opened, (answer) => waiting.shift()?.({ kind: "ok", answer }));
    opened.on("error", (error) => (because = failureOf(error)));
    opened.on("close", () => {
      socket = undefined;
      const lost = waiting;
      waiting = [];
      for (const settle of lost) settle(because);
    });
    return opened;
  };
  return (settle) => {
    socket ??= open();
    waiting.push(settle);
    socket.write(QUESTION);
    return () => undefined;
  };
}

export function methodTo(name: MethodName, target: AgentTarget): Method {
  return { tcp: byConnection, udp: byDatagram, stream: byStream }[name](target);
}

/** One attempt. Resolves in any case, after `timeoutMs` at the latest. */
export function attempt(method: Method, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    let settled = false;
    const underWay: { takeBack?: () => void } = {};
    const settle = (outcome: ProbeOutcome): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      underWay.takeBack?.();
      resolve(outcome);
    };
    const timer = setTimeout(() => settle({ kind: "failed", because: "timeout" }), timeoutMs);
    underWay.takeBack = method(settle);
    // It may have failed before there was anything to take back.
    if (settled) underWay.takeBack();
  });
}
