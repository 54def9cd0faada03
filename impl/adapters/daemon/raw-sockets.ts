import { loadNative, type NativeSockets } from "../linux/native.ts";
import { codeOf, reasonOf } from "../linux/system-error.ts";
import { StartupError } from "./startup-error.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;

/** The addon, after trying whether this process may use it. Throws StartupError that says what to do. */
export function openSockets(): NativeSockets {
  let native: NativeSockets;
  try {
    native = loadNative();
  } catch (error) {
    throw new StartupError(reasonOf(error));
  }
  try {
    // Protocol 0 receives nothing.
    native.close(native.socket(AF_PACKET, SOCK_RAW, 0));
    return native;
  } catch (error) {
    const advice =
      codeOf(error) === "EPERM"
        ? "the capability NET_RAW is missing: add it to securityContext.capabilities of the container"
        : reasonOf(error);
    throw new StartupError(`this process may not send and receive frames: ${advice}`);
  }
}
