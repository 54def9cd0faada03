/** What people can do about an error of the kernel. */
const HINTS: Readonly<Record<string, string>> = {
  EPERM: "CAP_NET_RAW is missing",
  EACCES: "CAP_NET_BIND_SERVICE is missing",
  ENOPROTOOPT: "this kernel does not have the option",
};

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The errno's name, where there is one. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : reasonOf(error);

export const hintOf = (error: unknown): string => HINTS[codeOf(error)] ?? "";
