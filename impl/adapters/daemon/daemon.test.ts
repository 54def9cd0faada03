// Whole processes: what they say, when they end, and with which code.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CONTROLLER = fileOf("../../controller/main.ts");
const SPEAKER = fileOf("../../speaker/main.ts");

/** A program whose core answers `stop` with what the flag --at-stop says: nothing, an exit, or a mistake. */
const FIXTURE = `
import { ApiPorts } from "${fileOf("../api-ports.ts")}";
import { COMMON_FLAGS } from "${fileOf("common-flags.ts")}";
import { runProgram } from "${fileOf("daemon.ts")}";
import { Metrics } from "${fileOf("../../metrics.ts")}";
await runProgram({
  name: "fixture",
  introduction: "Waits.",
  flags: { ...COMMON_FLAGS, "at-stop": { kind: "text", fallback: "", help: "" } },
  healthHost: undefined,
  create: (values) => ({
    metrics: new Metrics(),
    views: { answer: () => 42 },
    process: {
      deadline: () => undefined,
      handle: ({ kind }) => {
        if (kind !== "stop") return kind === "started" ? [{ kind: "log", level: "info", event: "core", fields: {} }] : [];
        if (values["at-stop"] === "fail") throw new Error("a broken invariant");
        return values["at-stop"] === "exit" ? [{ kind: "exit", code: 3 }] : [];
      },
    },
  }),
  openPorts: (options) => new ApiPorts(options),
});
`;

let folder = "";
const running: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-daemon-"));
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Run {
  readonly child: ChildProcess;
  /** The events of its log lines. */
  readonly events: readonly string[];
  readonly until: (event: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  // Compiled once, the sources load in a third of the time.
  const cache = { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") };
  const child = spawn(process.execPath, args, { env: { PATH: process.env["PATH"], ...cache, ...env }, stdio: "pipe" });
  running.push(child);
  const events: string[] = [];
  let look = (): void => {};
  let out = "";
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  createInterface({ input: child.stdout }).on("line", (line) => {
    out += `${line}\n`;
    if (line.startsWith("{")) events.push(JSON.parse(line).event);
    look();
  });
  let over = false;
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => {
      over = true;
      look();
      resolve({ code, out, err });
    });
  });
  const until = (event: string): Promise<void> =>
    new Promise((resolve, reject) => {
      look = () => {
        if (events.includes(event)) resolve();
        else if (over) reject(new Error(`it ended before ${event}: ${out}${err}`));
      };
      look();
    });
  return { child, events, until, ended };
}

/** The fixture, with its API server and its debug address in the test's folder. */
function fixture(...flags: readonly string[]): Run {
  const file = join(folder, "fixture.mjs");
  writeFileSync(file, FIXTURE);
  const sockets = [`--kube-api=unix:${folder}/api.sock`, `--debug-bind-address=unix:${folder}/debug.sock`];
  return run([file, "--namespace=x", "--port=0", "--health-probe-port=0", ...sockets, ...flags]);
}

const ask = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const call = get({ socketPath: join(folder, "debug.sock"), path }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve(`${response.statusCode} ${text.trim()}`));
    });
    call.on("error", reject);
  });

describe("a program", () => {
  it("refuses an unknown flag with its usage, and no stack", async () => {
    const { code, out, err } = await run([CONTROLLER, "--bogus"]).ended;
    expect([code, out, err.split("\n").slice(0, 3)]).toEqual([
      2,
      "",
      [
        "controller: flag provided but not defined: -bogus",
        "",
        "Gives addresses to Services of type LoadBalancer, from the IPAddressPools.",
      ],
    ]);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it("says in one line why it cannot start", async () => {
    const env = { METALLB_NAMESPACE: "x" };
    const { code, out, err } = await run([SPEAKER, "--kube-api=http://127.0.0.1:1"], env).ended;
    const { level, event, because } = JSON.parse(out);
    expect([code, err, level, event, because]).toEqual([
      1,
      "",
      "error",
      "startup.failed",
      "the name of this node is not known: set METALLB_NODE_NAME (fieldRef spec.nodeName) or --node-name",
    ]);
  });

  it("warns of what has no effect, once each", async () => {
    const env = { METALLB_BGP_TYPE: "frr", METALLB_BGP_DEBOUNCE_TIMEOUT: "1000" };
    const { out } = await run([SPEAKER, "-host", "192.0.2.1"], env).ended;
    const settings = out.split("\n").flatMap((line): readonly string[] => {
      const { event, setting } = line === "" ? { event: "", setting: "" } : JSON.parse(line);
      return event === "setting.ignored" ? [setting] : [];
    });
    expect(settings).toEqual(["--host", "$METALLB_BGP_DEBOUNCE_TIMEOUT", "$METALLB_BGP_TYPE"]);
  });

  it("goes on trying where the API server is away, and ends when it is asked to", async () => {
    const flags = ["--kube-api=http://127.0.0.1:1", "--namespace=x", "--port=0", "--health-probe-port=0"];
    const { child, until, ended } = run([CONTROLLER, ...flags]);
    await until("kube.watch.interrupted");
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  it("tells what it knows", async () => {
    const { until } = fixture();
    await until("core");
    expect([await ask("/debug/"), await ask("/debug/answer"), await ask("/debug/toString"), await ask("/x")]).toEqual([
      '200 ["answer"]',
      "200 42",
      "404 not found",
      "404 not found",
    ]);
    expect(await ask("/metrics")).toMatch(
      /^200 # HELP process_resident_memory_bytes [^]*\nprocess_cpu_seconds_total \d/,
    );
  });

  it("hands over at the first signal, and ends at the second", async () => {
    const { child, events, until, ended } = fixture();
    await until("core");
    child.kill("SIGTERM");
    await until("stopping");
    child.kill("SIGTERM");
    expect([(await ended).code, events]).toEqual([143, ["started", "core", "stopping", "forced"]]);
  });

  it("ends with the code of its core", async () => {
    const { child, until, ended } = fixture("--at-stop=exit");
    await until("core");
    child.kill("SIGINT");
    expect((await ended).code).toBe(3);
  });

  it("says in one line that it crashed", async () => {
    const { child, until, ended } = fixture("--at-stop=fail");
    await until("core");
    child.kill("SIGTERM");
    const { code, out, err } = await ended;
    const last = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
    expect([code, err, last.event, last.because]).toEqual([1, "", "crashed", "a broken invariant"]);
  });
});
