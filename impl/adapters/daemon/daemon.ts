// The life of a process around its core: flags, servers, signals, and its end.
import { constants, hostname } from "node:os";
import { type Metrics } from "../../metrics.ts";
import { type Input, type Ports, type Process } from "../../ports.ts";
import { Runner } from "../../shell/runner.ts";
import { type ApiPortsOptions } from "../api-ports.ts";
import { HttpKubePort } from "../http.ts";
import { type Log } from "../linux/log.ts";
import { type CommonValues, ignoredVariables } from "./common-flags.ts";
import { createDebugServer, type Views } from "./debug.ts";
import { type Environment, type FlagTable, type FlagValues, readFlags, usage } from "./flags.ts";
import { createHealthServer } from "./health.ts";
import { type ApiServer, findApiServer, findNamespace } from "./in-cluster.ts";
import { jsonLog } from "./json-log.ts";
import { listen, parseListenAddress } from "./listening.ts";
import { createMetricsServer } from "./metrics-server.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { StartupError } from "./startup-error.ts";

/** A core, and what can be asked about it. */
export interface Daemon {
  readonly process: Process;
  readonly metrics: Metrics;
  readonly views: Views;
}

/** What every core is told. */
export interface Identity {
  readonly namespace: string;
  readonly podName: string;
}

export interface Program<T extends FlagTable> {
  readonly name: string;
  /** What --help says before it lists the flags. */
  readonly introduction: string;
  readonly flags: T;
  /** Where /healthz answers; undefined: at every address. */
  readonly healthHost: string | undefined;
  /** Both throw StartupError where something is missing. */
  readonly create: (values: FlagValues<T>, identity: Identity, log: Log) => Daemon;
  readonly openPorts: (options: ApiPortsOptions) => Ports;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Runs a program with this process's arguments and environment, to its end. */
export async function runProgram<T extends FlagTable>(program: Program<T>): Promise<void> {
  const { name, flags, introduction } = program;
  const reading = readFlags(flags, process.argv.slice(2), process.env);
  if (reading.kind === "help") {
    process.stdout.write(usage(introduction, flags));
  } else if (reading.kind === "refused") {
    process.stderr.write(`${name}: ${reading.because}\n\n${usage(introduction, flags)}`);
    process.exitCode = 2;
  } else {
    // The table of every program contains the flags that all have.
    const common = reading.values as unknown as CommonValues;
    let log = jsonLog(name, "info", write);
    try {
      log = jsonLog(name, common["log-level"], write);
      for (const { name: what, because } of [...reading.ignored, ...ignoredVariables(process.env)]) {
        log("warn", "setting.ignored", { setting: what, because });
      }
      await start(program, reading.values, common, log, process.env);
    } catch (error) {
      if (!(error instanceof StartupError)) return crash(log, error);
      log("error", "startup.failed", { because: error.message });
      process.exit(1);
    }
  }
}

function write(line: string): void {
  process.stdout.write(line);
}

/** One line that says all, then the end: the kubelet starts another one, which begins from what is true. */
function crash(log: Log, error: unknown): void {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  log("error", "crashed", { because: message, stack });
  process.exit(1);
}

async function start<T extends FlagTable>(
  program: Program<T>,
  values: FlagValues<T>,
  common: CommonValues,
  log: Log,
  env: Environment,
): Promise<void> {
  const api = findApiServer(common["kube-api"], env);
  const identity = { namespace: findNamespace(common.namespace), podName: common["pod-name"] || hostname() };
  const daemon = program.create(values, identity, log);
  process.on("uncaughtException", (error) => crash(log, error));
  await serve(program, common, daemon, api, log);
  const deliver = (input: Input): void => runner.deliver(input);
  const kube = new HttpKubePort(api.address, deliver, api.credentials);
  const ports = program.openPorts({ deliver, kube, log, exit: (code) => process.exit(code) });
  const runner = new Runner(daemon.process, ports);
  endOnSignals(deliver, log);
  log("info", "started", { namespace: identity.namespace, pod: identity.podName, node: process.version });
  deliver({ kind: "started" });
}

async function serve<T extends FlagTable>(
  { healthHost }: Program<T>,
  common: CommonValues,
  { metrics, views }: Daemon,
  api: ApiServer,
  log: Log,
): Promise<void> {
  const ofProcess = new ProcessMetrics(metrics);
  const expose = (): string => {
    ofProcess.measure();
    return metrics.expose();
  };
  const { port, "health-probe-port": healthPort, "debug-bind-address": debugAddress } = common;
  const waits: Promise<void>[] = [];
  if (port !== 0) {
    waits.push(listen(createMetricsServer({ expose, values: common, api, log }), { port }, "/metrics (--port)"));
  }
  if (healthPort !== 0) {
    const where = healthHost === undefined ? { port: healthPort } : { host: healthHost, port: healthPort };
    waits.push(listen(createHealthServer(), where, "/healthz (--health-probe-port)"));
  }
  if (debugAddress !== "") {
    const where = parseListenAddress(debugAddress, "--debug-bind-address");
    waits.push(listen(createDebugServer(views, expose), where, "/debug (--debug-bind-address)"));
  }
  await Promise.all(waits);
}

/** The first signal asks the process to hand over and end, the second one ends it. */
function endOnSignals(deliver: (input: Input) => void, log: Log): void {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopping) {
        log("warn", "forced", { signal });
        process.exit(128 + constants.signals[signal]);
      }
      stopping = true;
      log("info", "stopping", { signal });
      deliver({ kind: "stop" });
    });
  }
}
