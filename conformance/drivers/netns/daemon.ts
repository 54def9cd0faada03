// A controller or a speaker as a process in a namespace: the shipped core on the shipped adapters, steered through a pipe.
import { HttpKubePort } from "../../../impl/adapters/http.ts";
import { loadNative } from "../../../impl/adapters/linux/native.ts";
import { LinuxPorts } from "../../../impl/adapters/linux/ports.ts";
import { type Metrics } from "../../../impl/metrics.ts";
import { type Input, type Process } from "../../../impl/ports.ts";
import { createController } from "../../../impl/shell/controller-process.ts";
import { Runner } from "../../../impl/shell/runner.ts";
import { createSpeaker } from "../../../impl/shell/speaker-process.ts";
import { unreachable } from "../../../impl/wire/brand.ts";
import { random } from "../../../sim/random.ts";
import { type DaemonQuestion, type DaemonSpec } from "./protocol.ts";
import { answerQuestions, tell } from "./stdio.ts";

interface Daemon {
  readonly process: Process;
  readonly metrics: Metrics;
  members(): readonly string[];
}

function createDaemon(spec: DaemonSpec): Daemon {
  const draws = random(spec.seed, spec.kind);
  if (spec.kind === "controller") {
    const controller = createController({ ...spec.options, random: draws });
    return { process: controller, metrics: controller.metrics, members: () => [] };
  }
  const speaker = createSpeaker({ ...spec.options, random: draws });
  return { process: speaker, metrics: speaker.metrics, members: () => speaker.members() };
}

const spec: DaemonSpec = JSON.parse(process.argv[2] ?? "{}");
const daemon = createDaemon(spec);
let runner: Runner | undefined;
const deliver = (input: Input): void => runner?.deliver(input);

function start(): void {
  const ports = new LinuxPorts({
    native: loadNative(),
    deliver,
    kube: new HttpKubePort({ socketPath: spec.socketPath }, deliver),
    log: (level, event, fields) => tell({ level, event, fields }),
    // What was said before is on its way: pipes are written in order, and this runs after.
    exit: (code) => process.stdout.write("", () => process.exit(code)),
  });
  runner = new Runner(daemon.process, ports);
  deliver({ kind: "started" });
}

function answer(question: DaemonQuestion): unknown {
  switch (question) {
    case "start":
      return start();
    case "metrics":
      return daemon.metrics.expose();
    case "members":
      return daemon.members();
    default:
      return unreachable(question);
  }
}

process.on("SIGTERM", () => deliver({ kind: "stop" }));
answerQuestions(answer);
