// Lives in a switch's namespace and shows the driver what comes in at the ports that stations hang on.
import { ALL_FRAMES, FrameSocket, NEIGHBOUR_FRAMES } from "../../../impl/adapters/linux/frames.ts";
import { loadNative } from "../../../impl/adapters/linux/native.ts";
import { interfaceIndex } from "./interface-index.ts";
import { type SwitchEvent, type SwitchSpec } from "./protocol.ts";
import { answerQuestions, tell } from "./stdio.ts";

const { ports, everything }: SwitchSpec = JSON.parse(process.argv[2] ?? "{}");
const native = loadNative();
const sockets = ports.map(({ device, point }) => {
  const show = (bytes: Uint8Array): void => {
    tell({ point, frame: Buffer.from(bytes).toString("base64") } satisfies SwitchEvent);
  };
  return new FrameSocket(native, { index: interfaceIndex(device) }, show, everything ? ALL_FRAMES : NEIGHBOUR_FRAMES);
});
// Ready as soon as it sees.
answerQuestions(() => sockets.length);
