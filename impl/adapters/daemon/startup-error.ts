/** Why a process cannot start. The message says what to do about it. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}
