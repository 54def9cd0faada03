// RFC 4271 section 6.8 (two connections at once), RFC 2385 (signed segments), RFC 4724 and RFC 8538 (graceful restart): who may
// speak with the speaker at all, and what it says when it comes and goes.
import { parseIp } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { PROPAGATION } from "../../bgp-steps.ts";
import { expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { bgpAdvertisement, deployment, pool, service, SYSTEM } from "../../objects.ts";
import {
  capability,
  fourOctetAs,
  IPV4_UNICAST,
  KEEPALIVE,
  open,
  parameters,
  ROUTE_REFRESH,
} from "../../raw-messages.ts";
import { RAW_PEER } from "../../raw-peer.ts";
import {
  connection,
  dialled,
  established,
  establishedRaw,
  GREETING,
  peerMetric,
  type RawSession,
  startRaw,
  stillUp,
  warned,
  wordsOn,
} from "../../raw-session.ts";
import { addressOf, passes } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const KEY = "correct horse";

/** Everything that was ever told to people about the peer. */
async function eventsAboutPeer(world: World): Promise<string> {
  return JSON.stringify(await world.kubernetes.events("BGPPeer", `${SYSTEM}/${RAW_PEER}`));
}

async function announced(world: World): Promise<void> {
  await world.kubernetes.apply(
    pool("main", ["198.51.100.0/24"]),
    bgpAdvertisement("main"),
    deployment("web", 1),
    service("web"),
  );
  await addressOf(world, "default/web");
}

/** RFC 4724 section 3: two bits, twelve of seconds, then AFI, SAFI and flags of each family. */
const restart = (flags: number): Uint8Array =>
  open({
    parameters: parameters(
      IPV4_UNICAST,
      ROUTE_REFRESH,
      fourOctetAs(64_501),
      capability(64, flags << 4, 120, 0, 1, 1, 0x80),
    ),
  });

/** What the speaker's OPEN on a connection says about restarting, as hexadecimal digits. */
async function restartOffered(session: RawSession, number: number): Promise<string> {
  const { messages } = await connection(session, number, "OPEN", (each) => wordsOn(each).includes("open"));
  const text = Buffer.from(messages[0]?.bytes ?? []).toString("hex");
  return /4006(?<value>[0-9a-f]{12})/.exec(text)?.groups?.["value"] ?? "";
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/dial-keys",
    title: "Segments are signed with the peer's password, and with nothing else is there a session or a word",
    cites: ["F44"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: [
      { name: "same", password: KEY, key: KEY, meets: true },
      { name: "different", password: "Correct horse", key: KEY, meets: false },
      { name: "none-at-the-peer", password: KEY, key: "", meets: false },
      { name: "none-here", password: "", key: KEY, meets: false },
      { name: "of-80-bytes", password: "x".repeat(80), key: "x".repeat(80), meets: true },
      { name: "of-another-alphabet", password: "пароль", key: "пароль", meets: true },
    ],
    async run(world, { password = "", key = "", meets }) {
      const session = await startRaw(world, {
        greet: GREETING,
        ...(key === "" ? {} : { md5Key: String(key) }),
        ...(password === "" ? {} : { peer: { password: String(password) } }),
      });
      if (meets === true) await established(session);
      else {
        await warned(session, "SessionFailed", "no connection in time");
        await passes(world, PROPAGATION);
      }
      const all = await session.raw.connections();
      expectEqual("somebody was heard", all.flatMap(wordsOn).length > 0, meets);
      expectEqual("a session", await peerMetric(session, "metallb_bgp_session_up"), meets === true ? 1 : 0);
      const told = await eventsAboutPeer(world);
      expectTrue("the password is told to nobody", password === "" || !told.includes(String(password)));
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/dial-key-changes",
    title: "A password that changes ends the session with a word, and its return brings it back",
    cites: ["F44"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const session = await establishedRaw(world, { md5Key: KEY, peer: { password: KEY } });
      const change = async (password: string): Promise<void> =>
        world.kubernetes.patch("BGPPeer", `${SYSTEM}/${RAW_PEER}`, { spec: { password } });
      await change("another");
      const first = await connection(session, 1, "it ends", ({ closed }) => closed !== undefined);
      // RFC 4486 section 3: Other Configuration Change.
      expectEqual("the last word", wordsOn(first).at(-1), "notification 6/6");
      await passes(world, PROPAGATION);
      expectEqual("connections", (await session.raw.connections()).length, 1);
      await change(KEY);
      await established(session, 2);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/dial-crossed",
    title: "A peer that dials the speaker too is refused, and the session that there is goes on",
    cites: ["F26"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane"],
    async run(world) {
      const session = await establishedRaw(world);
      const node = parseIp("192.0.2.11");
      for (let attempt = 0; attempt < 20; attempt++) {
        const answer = await world.client().request({ vip: node, port: 179 });
        expectEqual(`the answer to dial ${attempt + 1}`, answer.outcome, "refused");
      }
      await stillUp(session);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/restart-said",
    title:
      "A speaker that will be back says so in the way that the peer knows, and says when it has told everything again",
    cites: ["F29"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane", "processFaults"],
    variants: [
      // What it says at its end: nothing, so that the routes stay, unless the peer keeps them nevertheless (RFC 8538).
      { name: "peer-restarts", flags: 0, offered: true, last: "" },
      { name: "peer-keeps-after-notification", flags: 4, offered: true, last: "notification 6/2" },
      { name: "peer-knows-nothing", flags: 0, offered: false, last: "notification 6/2" },
    ],
    async run(world, { flags = 0, offered, last = "" }) {
      await announced(world);
      const greet = [offered === true ? restart(Number(flags)) : open(), KEEPALIVE];
      const session = await establishedRaw(world, { greet, peer: { enableGracefulRestart: true } });
      // R and N, 120 s, IPv4 unicast with its forwarding state kept.
      expectEqual("restart in the first OPEN", await restartOffered(session, 1), "c07800010180");
      await passes(world, seconds(5));
      await session.raw.close(false);
      await established(session, 2);
      // The process has not restarted: there is nothing that the peer should wait for.
      expectEqual("restart in the second OPEN", await restartOffered(session, 2), "407800010180");
      await session.node.stopSpeaker();
      const second = await connection(session, 2, "it ends", ({ closed }) => closed !== undefined);
      const goodbye = wordsOn(second).find((word) => word.startsWith("notification")) ?? "";
      expectEqual("the last word", goodbye.slice(0, 16), last);
      await passes(world, seconds(5));
      await session.node.startSpeaker();
      const third = await established(session, 3);
      expectEqual("restart in the third OPEN", await restartOffered(session, 3), "c07800010180");
      const told = wordsOn(third).filter((word) => word !== "keepalive");
      expectEqual("what it told", told, ["open", "update", "endOfRib"]);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/dial-reset",
    title: "A peer whose TCP answers with a reset, over and over, is dialled again within seconds and not without rest",
    cites: ["F10"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    async run(world) {
      const session = await startRaw(world);
      await dialled(session);
      const { streams } = await session.node.resources();
      let number = 1;
      for (; number < 20; number++) {
        await dialled(session, number, seconds(6));
        await session.raw.close(true);
      }
      const all = await session.raw.connections();
      expectAtMost("attempts", all.length, 20);
      const times = all.map(({ at }) => at / seconds(1));
      const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
      expectTrue(
        "rests from 0.75 to 5 s",
        gaps.every((gap) => gap >= 0.75 && gap <= 5.1),
      );
      await dialled(session, number, seconds(6));
      expectEqual("streams that the speaker holds open", (await session.node.resources())["streams"], streams);
      for (const bytes of GREETING) await session.raw.send(bytes);
      await established(session, number);
      await session.raw.end();
    },
  },
];
