// The controller's flags, and what they mean to its core.
import { type ControllerOptions } from "../../shell/controller-process.ts";
import { COMMON_FLAGS } from "./common-flags.ts";
import { type Identity } from "./daemon.ts";
import { type FlagTable, type FlagValues } from "./flags.ts";
import { StartupError } from "./startup-error.ts";

const NO_WEBHOOK = "No webhook is served yet; what it would refuse is reported by the ConfigurationState objects.";

export const CONTROLLER_FLAGS = {
  ...COMMON_FLAGS,
  "ml-secret-name": {
    kind: "text",
    fallback: "",
    env: "METALLB_ML_SECRET_NAME",
    help: "Secret to make for the speakers' membership, where there is none; no name, no Secret.",
  },
  deployment: {
    kind: "text",
    fallback: "",
    env: "METALLB_DEPLOYMENT",
    help: "Deployment of this controller, which shall own that Secret.",
  },
  "webhook-mode": {
    kind: "text",
    fallback: "enabled",
    help: "enabled and disabled are the same, as no webhook is served yet; onlywebhook is refused.",
  },
  "disable-cert-rotation": { kind: "bool", fallback: false, help: "", ignored: NO_WEBHOOK },
  "cert-dir": { kind: "text", fallback: "", help: "", ignored: NO_WEBHOOK },
  "cert-service-name": { kind: "text", fallback: "", help: "", ignored: NO_WEBHOOK },
  "webhook-secret": { kind: "text", fallback: "", help: "", ignored: NO_WEBHOOK },
  "webhook-http2": { kind: "bool", fallback: false, help: "", ignored: NO_WEBHOOK },
} as const satisfies FlagTable;

const WEBHOOK_MODES = ["enabled", "disabled", "onlywebhook"];

/** Throws StartupError where a value makes no sense. */
export function controllerOptions(
  values: FlagValues<typeof CONTROLLER_FLAGS>,
  { namespace, podName }: Identity,
): Omit<ControllerOptions, "random"> {
  const { "webhook-mode": mode, "ml-secret-name": secretName, deployment } = values;
  if (!WEBHOOK_MODES.includes(mode)) {
    throw new StartupError(`--webhook-mode must be one of ${WEBHOOK_MODES.join(", ")}, not "${mode}"`);
  }
  if (mode === "onlywebhook") {
    throw new StartupError(
      "--webhook-mode=onlywebhook leaves nothing to do: no webhook is served yet. Remove this Deployment and its " +
        "ValidatingWebhookConfiguration",
    );
  }
  if (secretName !== "" && deployment === "") {
    throw new StartupError(
      "--ml-secret-name needs the Deployment that owns the Secret: METALLB_DEPLOYMENT or --deployment",
    );
  }
  const members = secretName === "" ? {} : { members: { secretName, deployment } };
  return { podName, namespace, lbClass: values["lb-class"], ...members };
}
