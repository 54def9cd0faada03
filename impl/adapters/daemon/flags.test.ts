import { describe, expect, it } from "vitest";
import { CONTROLLER_FLAGS } from "./controller-flags.ts";
import { type FlagTable, readFlags, usage } from "./flags.ts";
import { SPEAKER_FLAGS } from "./speaker-flags.ts";

const TABLE = {
  name: { kind: "text", fallback: "nobody", env: "NAME", help: "Who." },
  loud: { kind: "bool", fallback: false, help: "How." },
  port: { kind: "int", fallback: 80, env: "PORT", help: "Where." },
  every: { kind: "duration", fallback: 0 as never, help: "When." },
  host: { kind: "text", fallback: "", env: "HOST", help: "", ignored: "It has no effect." },
} as const satisfies FlagTable;

/** One line for what becomes of a command line. */
function read(line: string, env: Readonly<Record<string, string>> = {}): string {
  const reading = readFlags(TABLE, line === "" ? [] : line.split(" "), env);
  if (reading.kind === "help") return "help";
  if (reading.kind === "refused") return `refused: ${reading.because}`;
  const { name, loud, port, every } = reading.values;
  const ignored = reading.ignored.map((item) => `, ${item.name}: ${item.because}`).join("");
  return `${name} ${loud} ${port} ${every}${ignored}`;
}

describe("flags in Go's syntax", () => {
  it.each([
    ["", "nobody false 80 0"],
    ["-name x", "x false 80 0"],
    ["--name x", "x false 80 0"],
    ["-name=x", "x false 80 0"],
    ["--name=a=b", "a=b false 80 0"],
    ["--name=", " false 80 0"],
    ["--name x --name y", "y false 80 0"],
    ["--name --loud", "--loud false 80 0"],
    ["-loud", "nobody true 80 0"],
    ["-loud=F -loud=T", "nobody true 80 0"],
    ["--loud=0", "nobody false 80 0"],
    ["--port 0", "nobody false 0 0"],
    ["--every 1m500ms", "nobody false 80 60500000"],
    ["--loud --", "nobody true 80 0"],
    ["--host x", "nobody false 80 0, --host: It has no effect."],
    ["-h", "help"],
    ["-help", "help"],
    ["--loud --help", "help"],
    ["--bogus", "refused: flag provided but not defined: -bogus"],
    ["--bogus=1", "refused: flag provided but not defined: -bogus"],
    ["--toString", "refused: flag provided but not defined: -toString"],
    ["---loud", 'refused: "---loud" is not a flag, and there are no other arguments'],
    ["--=x", 'refused: "--=x" is not a flag, and there are no other arguments'],
    ["loud", 'refused: "loud" is not a flag, and there are no other arguments'],
    ["-", 'refused: "-" is not a flag, and there are no other arguments'],
    ["--loud true", 'refused: "true" is not a flag, and there are no other arguments'],
    ["-- x", 'refused: "x" are no flags, and there are no other arguments'],
    ["--name", "refused: flag needs an argument: -name"],
    ["--loud=yes", 'refused: --loud must be true or false, not "yes"'],
    ["--port=8o", 'refused: --port must be a whole number, not "8o"'],
    ["--every 5", 'refused: --every must be a duration such as 500ms or 30s, not "5"'],
  ])("%s", (line, outcome) => {
    expect(read(line)).toBe(outcome);
  });

  it.each([
    ["", { NAME: "env", PORT: "81" }, "env false 81 0"],
    ["--name=x", { NAME: "env" }, "x false 80 0"],
    ["--name=", { NAME: "env" }, " false 80 0"],
    ["", { NAME: "", PORT: "" }, "nobody false 80 0"],
    ["", { PORT: "http" }, 'refused: $PORT must be a whole number, not "http"'],
    ["", { HOST: "x" }, "nobody false 80 0, $HOST: It has no effect."],
  ])("%s with %o in the environment", (line, env, outcome) => {
    expect(read(line, env)).toBe(outcome);
  });

  it("are explained, those without effect last", () => {
    expect(usage("Greets.", TABLE)).toBe(`Greets.

Flags:
  --name text
        Who. (default $NAME, else nobody)
  --loud
        How.
  --port int
        Where. (default $PORT, else 80)
  --every duration
        When.

Accepted for MetalLB's manifests, without effect:
  --host text
        It has no effect. (default $HOST)
`);
  });
});

/** MetalLB v0.16.1: the names of the flags of its two programs, with the environment variables that give defaults. */
const BOTH = `namespace=METALLB_NAMESPACE pod-name=METALLB_POD_NAME lb-class log-level port health-probe-port
  pprof-bind-address tls-min-version tls-cipher-suites tls-curve-preferences metrics-cert-dir`;
const METALLB = {
  controller: `${BOTH} ml-secret-name=METALLB_ML_SECRET_NAME deployment=METALLB_DEPLOYMENT disable-cert-rotation cert-dir
    cert-service-name webhook-mode webhook-secret webhook-http2`,
  speaker: `${BOTH} bgp-debounce-timeout=METALLB_BGP_DEBOUNCE_TIMEOUT host=METALLB_HOST ml-bindaddr=METALLB_ML_BIND_ADDR
    ml-bindport=METALLB_ML_BIND_PORT ml-labels=METALLB_ML_LABELS ml-secret-key-path=METALLB_ML_SECRET_KEY_PATH ml-wan-config
    node-name=METALLB_NODE_NAME ignore-exclude-lb frrk8s-namespace=FRRK8S_NAMESPACE frrk8s-secret-passthrough`,
};
const OWN = ["debug-bind-address", "kube-api", "metrics-insecure"];
const OWN_OF_SPEAKER = ["bgp-require-ttl", "exclude-l2-config", "l2-probe-first", "l2-refresh", "memberlist-config"];

const spelt = (table: FlagTable): readonly string[] =>
  Object.entries(table).map(([name, { env }]) => (env === undefined ? name : `${name}=${env}`));

describe("the programs", () => {
  it.each([
    ["controller", CONTROLLER_FLAGS, METALLB.controller, OWN],
    ["speaker", SPEAKER_FLAGS, METALLB.speaker, [...OWN, ...OWN_OF_SPEAKER]],
  ] as const)("take the flags of MetalLB's %s and their own", (_, table, metallb, own) => {
    expect([...spelt(table)].sort()).toEqual([...metallb.split(/\s+/), ...own].sort());
  });

  it("have MetalLB's defaults", () => {
    const shown = (table: FlagTable): string => {
      const reading = readFlags(table, [], {});
      return reading.kind === "values" ? JSON.stringify(reading.values) : reading.kind;
    };
    expect([shown(CONTROLLER_FLAGS), shown(SPEAKER_FLAGS)].map((text) => JSON.parse(text))).toMatchObject([
      { port: 9120, "health-probe-port": 17472, "log-level": "info", "webhook-mode": "enabled", "lb-class": "" },
      {
        port: 9120,
        "health-probe-port": 17472,
        "log-level": "info",
        "ml-bindport": 7946,
        "lb-class": "",
        "ml-wan-config": false,
        "ignore-exclude-lb": false,
        "tls-min-version": "VersionTLS13",
      },
    ]);
  });
});
