// The `assay` command. Each subcommand has a file of its own; this one reads the command line.
import { Command, CommanderError } from "commander";
import { UnknownTopology } from "../topology/find.ts";
import { TopologyError } from "../topology/problem.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { FaultError, faultHelp } from "./fault.ts";
import { UsageError } from "./output.ts";

const program = new Command("assay")
  .description("A load balancer for bare-metal Kubernetes that can be tested before it is trusted.")
  .showSuggestionAfterError()
  .showHelpAfterError("(--help shows what there is)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  assay simulate --demo                          three nodes, one Service, one node dies
  assay simulate --demo -t bgp-ecmp              the same behind a router that speaks BGP
  assay simulate -f my-cluster/ --fault "10s crash owner" --pcap run.pcapng
  assay show bgp -f my-cluster/ --at 60s         sessions, negotiated values, last errors, routes told
  assay check my-cluster/                        every problem of a configuration, with file and line
  assay simulate --help                          the faults that there are
  assay topology                                 the networks that come with Assay
  assay run failover                             every scenario with "failover" in its name
  assay run 'failover/power-loss[ipv4]' --pcap run.pcapng

Exit codes: 0 all is well, 1 something failed or is wrong, 2 it could not be tried.`,
  );

/** What a person can mend, said without a stack trace. */
const EXPECTED = [UsageError, TopologyError, UnknownTopology, FaultError, ConfigError];
let code = 0;
const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

program
  .command("simulate")
  .description(
    "Runs your manifests on a simulated network with the real controller and speakers, and tells what happens.",
  )
  .option("-f, --file <path>", "manifests: a file, a folder, or - for standard input; may be given often", collect)
  .option(
    "-t, --topology <name|folder>",
    "a topology that comes with Assay, or a folder with a topology.clab.yml (default: one with the routers that BGPPeers name, else lan-3, or dual-stack where the manifests ask for IPv6)",
  )
  .option("--fault <text>", 'what goes wrong, such as "10s crash owner"; may be given often', collect)
  .option("--for <duration>", "how long to simulate (default: 60s)")
  .option("--seed <text>", "same seed, same run", "1")
  .option("--pcap <file>", "write every frame as a pcapng")
  .option("--json <file>", "write the timeline and the verdicts as JSON; - for standard output")
  .option("--demo", "the sample configuration of the topology with one crash")
  .addHelpText("after", `\n${faultHelp()}`)
  .action(async (flags) => {
    const { simulateCommand } = await import("./simulate.ts");
    code = await simulateCommand({ file: [], fault: [], ...flags });
  });

program
  .command("show")
  .description(
    "Shows what the speakers of a simulated cluster know: their BGP and BFD sessions, addresses and members.",
  )
  .argument("<bgp|bfd|l2|members>", "what to show")
  .option("-f, --file <path>", "manifests: a file, a folder, or - for standard input; may be given often", collect)
  .option("-t, --topology <name|folder>", "as for simulate")
  .option("--at <time>", "when, from the start of the simulation (default: 30s)")
  .option("--node <name>", "one node, with everything that there is to say")
  .option("--fault <text>", "what goes wrong before, as for simulate; may be given often", collect)
  .option("--seed <text>", "same seed, same run", "1")
  .option("--json <file>", "write all of it as JSON; - for standard output")
  .option("--demo", "the sample configuration")
  .addHelpText(
    "after",
    `
Examples:
  assay show bgp -f my-cluster/ --at 60s         every session of every node, as "show bgp summary" tells it
  assay show bgp -f my-cluster/ --node node-1    all about the sessions of the first node, as "show bgp neighbors"
  assay show bfd --demo -t bgp-ecmp              the BFD sessions of the sample
  assay show l2 -f my-cluster/ --at 20s --fault "10s crash owner"
                                                 who answers for which address after a crash
  assay show members --demo --node k8s-worker    whom the speaker of a node believes to be alive`,
  )
  .action(async (what: string, flags) => {
    const { showCommand } = await import("./show.ts");
    code = await showCommand(what, { file: [], fault: [], ...flags });
  });

program
  .command("run")
  .description("Runs the conformance scenarios.")
  .argument("[pattern]", "a piece of the name; * stands for anything, | stands between alternatives")
  .option("--driver <name>", "where to run: sim, netns", "sim")
  .option("--router <name>", "what routers run on netns: frr, bird", "frr")
  .option("--seed <text>", "same seed, same run", "1")
  .option("--twice", "run each twice and compare the traces")
  .option("--quiet", "print only what failed, and the sum")
  .option("--pcap <file>", "write every frame of one scenario as a pcapng")
  .option("--trace <file>", "write every line of the trace of one scenario")
  .option("--json <file>", "write the results as JSON; - for standard output")
  .addHelpText(
    "after",
    `
Examples:
  assay run                                      every scenario, on all cores
  assay run 'layer2/*[ipv6]' --twice             some of them, twice, with the same trace
  assay run 'failover/power-loss[ipv4]' --pcap run.pcapng --trace run.txt
A scenario that fails prints the line that runs it again. --driver netns needs root on Linux.`,
  )
  .action(async (pattern: string | undefined, flags) => {
    const { runCommand } = await import("./run.ts");
    code = await runCommand(pattern, flags);
  });

program
  .command("list")
  .description("Lists the conformance scenarios by group.")
  .argument("[pattern]", "a piece of the name; * stands for anything, | stands between alternatives")
  .option("--coverage", "which of the behaviours that MetalLB tests they cover, and which not")
  .option("--json", "as JSON")
  .action(async (pattern: string | undefined, flags) => {
    const { listCommand } = await import("./list.ts");
    code = await listCommand(pattern, flags);
  });

program
  .command("check")
  .description("Says everything that is wrong with a configuration, without a cluster.")
  .argument("<path...>", "files, folders, or - for standard input")
  .option("--json", "as JSON: { problems, checked, ignored }")
  .option("-n, --namespace <name>", "where the load balancer runs (default: the namespace that the objects name)")
  .addHelpText(
    "after",
    `
Every metallb.io object is checked against its schema, all of them against each other, and Services of type LoadBalancer
for what they ask. Lists as kubectl prints them will do. Objects of other kinds are counted and left alone.
Configuration of MetalLB up to 0.12 (ConfigMaps), bgpextras and FRRConfigurations are recognised: what does not carry
over is named. Warnings alone leave the exit code at 0.`,
  )
  .action(async (paths: readonly string[], flags: { readonly json?: boolean; readonly namespace?: string }) => {
    const { checkCommand } = await import("./check.ts");
    const options = [
      ...(flags.json === true ? ["--json"] : []),
      ...(flags.namespace === undefined ? [] : ["--namespace", flags.namespace]),
    ];
    code = await checkCommand([...options, ...paths], process);
  });

program
  .command("topology")
  .description("Says what a topology means: nodes, addresses, cables, switches. Without a name: which there are.")
  .argument("[name|folder]", "a topology that comes with Assay, or a folder with a topology.clab.yml")
  .option("--json", "as JSON")
  .option("--bridges", "the commands that make its bridges, which containerlab expects to exist")
  .action(async (name: string | undefined, flags) => {
    const { topologyCommand } = await import("./topology.ts");
    code = topologyCommand(name, flags);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? 0 : 2;
  else if (EXPECTED.some((kind) => error instanceof kind)) {
    console.error(error instanceof Error ? error.message : error);
    code = 2;
  } else throw error;
}
process.exitCode = code;
