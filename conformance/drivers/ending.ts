import { type Ending } from "../world.ts";

/** Ends once, however often it is asked to. */
export function ending(end: () => void | Promise<void>): Ending {
  let ended = false;
  return {
    end: async () => {
      if (ended) return;
      ended = true;
      await end();
    },
  };
}
