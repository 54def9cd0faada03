// Builds what ships into dist: the controller, the speaker, and the socket addon.
import { bundle } from "../impl/deploy/bundle.ts";

const started = performance.now();
for (const { name, bytes } of await bundle("dist")) console.log(`dist/${name}: ${(bytes / 1024).toFixed(0)} KiB`);
console.log(`build took ${(performance.now() - started).toFixed(0)} ms`);
