import { describe, expect, it } from "vitest";
import { type PeerView } from "../../../impl/speaker/bgp/peer-view.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { Timeline } from "../timeline.ts";
import { SessionWatch } from "./session-watch.ts";
import { testNode, testPeer, testSession } from "./test-view.ts";

/** Looks at a node in one second after the other; its clock began two seconds after the world's. */
function story(...peers: readonly (PeerView | undefined | "crash")[]): readonly string[] {
  const timeline = new Timeline();
  const watch = new SessionWatch(timeline);
  for (const [index, peer] of peers.entries()) {
    const now = seconds(10 + index);
    const view = testNode({ now, peers: peer === undefined || peer === "crash" ? [] : [peer] });
    watch.look("k8s-worker", peer === "crash" ? undefined : view, seconds(12 + index));
  }
  return timeline.entries.map(({ at, text }) => `${at / 1e6} ${text}`);
}

const refused = (at: number): PeerView =>
  testPeer({ lastError: { text: "connection lost: ECONNREFUSED", at: seconds(at) } });
const expired = { text: "sent Hold Timer Expired", at: seconds(11) } as const;

describe("sessions", () => {
  it("come at the time that their node knows, on the world's clock", () => {
    expect(story(testPeer(), testSession(), testSession())).toEqual([
      "6 k8s-worker: session with tor (192.0.2.1) is up: AS 64501, hold time 9 s",
    ]);
  });

  it("go with a reason, and fail with one that is said once", () => {
    const failed = testPeer({ state: "idle", lastError: expired });
    expect(story(testSession(), failed, refused(12), refused(13), testSession({ since: seconds(14) }))).toEqual([
      "6 k8s-worker: session with tor (192.0.2.1) is up: AS 64501, hold time 9 s",
      "13 k8s-worker: the session with tor (192.0.2.1) is lost: sent Hold Timer Expired",
      "14 k8s-worker: no session with tor (192.0.2.1): connection lost: ECONNREFUSED",
      "16 k8s-worker: session with tor (192.0.2.1) is up: AS 64501, hold time 9 s",
    ]);
  });

  it("that went and came between two looks are told as both", () => {
    expect(story(testSession(), testSession({ since: seconds(11), lastError: expired })).slice(1)).toEqual([
      "13 k8s-worker: the session with tor (192.0.2.1) is lost: sent Hold Timer Expired",
      "13 k8s-worker: session with tor (192.0.2.1) is up: AS 64501, hold time 9 s",
    ]);
  });

  it("that the speaker closes have no error of before", () => {
    const old = { text: "connection lost: ECONNREFUSED", at: seconds(1) };
    expect(story(testSession({ lastError: old }), testPeer({ state: "idle", lastError: old })).slice(1)).toEqual([
      "13 k8s-worker: the session with tor (192.0.2.1) is closed by the speaker",
    ]);
  });

  it("go with their peer and with their speaker", () => {
    expect(story(testSession(), undefined).slice(1)).toEqual([
      "13 k8s-worker: the session with tor (192.0.2.1) ends, as the node has no such peer now",
    ]);
    expect(story(testSession(), "crash", "crash").slice(1)).toEqual([
      "13 k8s-worker: no speaker runs any more, and no session with tor (192.0.2.1)",
    ]);
    expect(story(testPeer(), "crash")).toEqual([]);
  });
});
