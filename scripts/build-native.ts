// Builds the socket addon with the machine's C compiler and the headers that come with the packaged Node. No network, no
// node-gyp. The result needs no C library of its own (-nostdlib), so one file serves glibc and musl.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { $ } from "zx";

const arch = process.arch;
const candidates = [
  join("node_modules", `node-linux-${arch}`, "include", "node"),
  join(dirname(process.execPath), "..", "include", "node"),
  "/usr/include/node",
];
const headers = candidates.find((folder) => existsSync(join(folder, "node_api.h")));
if (headers === undefined) {
  console.error(`no Node headers found in ${candidates.join(", ")}: run "npm ci"`);
  process.exit(2);
}
$.quiet = true;
$.nothrow = true;
const compilers = [process.env["CC"], "gcc", "cc", "clang"].filter((name) => name !== undefined);
const found = await Promise.all(
  compilers.map(async (name) => ((await $`command -v ${name}`).exitCode === 0 ? name : "")),
);
const compiler = found.find((name) => name !== "");
if (compiler === undefined) {
  console.error("no C compiler found (gcc, cc or clang): install gcc, or set CC");
  process.exit(2);
}
const output = `impl/native/sockets-linux-${arch}.node`;
const result =
  await $`${compiler} -O2 -Wall -Wextra -Werror -shared -fPIC -std=gnu11 -DNAPI_VERSION=8 -I ${headers} impl/native/sockets.c -o ${output} -s -nostdlib`;
if (result.exitCode !== 0) {
  console.error(result.stderr);
  process.exit(1);
}
console.log(`built ${output} with ${compiler}`);
