import { type Instant } from "../../impl/ports.ts";
import { earliest, type Micros, plus, seconds } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { createKubeServer, type KubeServerOptions } from "./create-server.ts";
import { type Answer, type KubeServer, type ServerRequest } from "./server.ts";
import { type Storage, type StorageEvent } from "./storage.ts";
import { type Exchange, type Sink } from "./watch.ts";

export interface ControlPlaneOptions extends KubeServerOptions {
  /** What the server's wall clock shows when the run begins, since the Unix epoch. */
  readonly startsAt?: Micros;
}

/** 2026-01-01T00:00:00Z. */
const NEW_YEAR = seconds(1_767_225_600);

/** Something of the control plane that acts on what is stored. */
export interface Controller {
  /** Sees every change; acts later. */
  observe(event: StorageEvent): void;
  /** When it next has something to do. */
  deadline(): Micros | undefined;
  tick(now: Instant): void;
}

/** The API server and the controllers beside it, on the simulator's clock. */
export class ControlPlane {
  readonly server: KubeServer;
  readonly storage: Storage;
  readonly #world: SimWorld;
  readonly #startsAt: Micros;
  readonly #controllers: Controller[] = [];
  #alarm: { readonly at: Micros; readonly scheduled: Scheduled } | undefined;

  constructor(world: SimWorld, options: ControlPlaneOptions) {
    const { server, storage } = createKubeServer(options);
    this.server = server;
    this.storage = storage;
    this.#world = world;
    this.#startsAt = options.startsAt ?? NEW_YEAR;
  }

  add(controller: Controller): void {
    this.#controllers.push(controller);
    this.server.onChange((event) => controller.observe(event));
    this.arm();
  }

  now(): Instant {
    const monotonic = this.#world.scheduler.now;
    return { monotonic, wall: plus(this.#startsAt, monotonic) };
  }

  handle(request: ServerRequest, sink: Sink): Exchange {
    const exchange = this.server.handle(request, this.now(), sink);
    this.arm();
    return exchange;
  }

  /** A request from nowhere in particular, answered at once. */
  call(method: string, path: string, body?: unknown, contentType = "application/json"): Answer {
    const answer = this.server.call(method, path, this.now(), body, { "content-type": contentType });
    this.arm();
    return answer;
  }

  /** Call it when a controller's deadline may have changed for another reason than a request. */
  arm(): void {
    const due = earliest(this.server.deadline(), ...this.#controllers.map((controller) => controller.deadline()));
    if (due === this.#alarm?.at) return;
    this.#alarm?.scheduled.cancel();
    this.#alarm =
      due === undefined ? undefined : { at: due, scheduled: this.#world.scheduler.at(due, () => this.#tick()) };
  }

  #tick(): void {
    this.#alarm = undefined;
    const now = this.now();
    this.server.tick(now);
    for (const controller of this.#controllers) {
      const due = controller.deadline();
      if (due !== undefined && due <= now.monotonic) controller.tick(now);
    }
    this.arm();
  }
}
