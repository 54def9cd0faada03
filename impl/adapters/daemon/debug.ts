import { type Server } from "node:http";
import { answer, createPlainServer } from "./listening.ts";

/** What a process knows, by name; asked anew for every request. */
export type Views = Readonly<Record<string, () => unknown>>;

/** `/debug/` lists the views, `/debug/NAME` is one of them; `/metrics` is here too, so that one address tells all. */
export function createDebugServer(views: Views, metrics: () => string): Server {
  return createPlainServer(({ url = "" }, response) => {
    if (url === "/metrics") return answer(response, 200, metrics());
    const name = /^\/debug\/([a-z0-9-]*)$/.exec(url)?.[1];
    const view = name !== undefined && Object.hasOwn(views, name) ? views[name] : undefined;
    if (name === "") answer(response, 200, `${JSON.stringify(Object.keys(views))}\n`, "application/json");
    else if (view === undefined) answer(response, 404, "not found");
    else answer(response, 200, `${JSON.stringify(view())}\n`, "application/json");
  });
}
