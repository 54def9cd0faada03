// Lives in a node's namespace and is its pods and its service proxy: a proxy in user space, as kube-proxy once had.
// A line, or a datagram, is answered with `<pod> <node> <address of the client as the pod sees it>`.
import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Backend, type Frontend } from "./protocol.ts";
import { answerQuestions } from "./stdio.ts";

/** Where a node takes what other nodes' proxies pass on: a line with the name of the pod comes first. */
const RELAY_PORT = 10_256;

const node = process.argv[2] ?? "";
const plain = (address: string | undefined): string => (address ?? "").replace(/^::ffff:(?=\d+\.)/, "");

/** Answers every whole line. */
function serve(socket: Socket, pod: string, early = ""): void {
  const client = plain(socket.remoteAddress);
  let rest = "";
  const read = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const _ of lines) socket.write(`${pod} ${node} ${client}\n`);
  };
  socket.setEncoding("utf8").on("data", read);
  read(early);
}

function relay(socket: Socket, pod: string, via: string): void {
  const onward = connect({ host: via, port: RELAY_PORT, noDelay: true });
  onward.write(`${pod}\n`);
  socket.pipe(onward).pipe(socket);
  onward.on("error", () => socket.resetAndDestroy());
  socket.on("close", () => onward.destroy());
}

class Listener {
  readonly #frontend: Frontend;
  #backends: readonly Backend[];
  #turn = 0;
  readonly #server: Server | undefined;
  readonly #socket: DatagramSocket | undefined;

  constructor(frontend: Frontend) {
    this.#frontend = frontend;
    this.#backends = frontend.backends;
    if (frontend.protocol === "TCP") this.#server = this.#listen();
    else this.#socket = this.#bind();
  }

  set backends(backends: readonly Backend[]) {
    this.#backends = backends;
  }

  #next(): Backend | undefined {
    return this.#backends[this.#turn++ % Math.max(1, this.#backends.length)];
  }

  #listen(): Server {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {});
      const backend = this.#next();
      if (backend === undefined) socket.resetAndDestroy();
      else if (backend.via === undefined) serve(socket, backend.pod);
      else relay(socket, backend.pod, backend.via);
    });
    server.on("error", (error) => console.error(error.message));
    return server.listen(this.#frontend.port, this.#frontend.ip);
  }

  #bind(): DatagramSocket {
    const { ip, port } = this.#frontend;
    const socket = createSocket(ip.includes(":") ? "udp6" : "udp4");
    socket.on("error", (error) => console.error(error.message));
    socket.on("message", (_, from) => this.#answer(socket, from));
    return socket.bind(port, ip);
  }

  #answer(socket: DatagramSocket, from: RemoteInfo): void {
    const backend = this.#next();
    if (backend === undefined) return;
    if (backend.via === undefined) {
      socket.send(`${backend.pod} ${node} ${from.address}\n`, from.port, from.address);
      return;
    }
    const onward = createSocket(backend.via.includes(":") ? "udp6" : "udp4");
    const timer = setTimeout(() => onward.close(), 5_000);
    onward.on("error", () => {});
    onward.on("message", (bytes) => {
      clearTimeout(timer);
      onward.close();
      socket.send(bytes, from.port, from.address);
    });
    onward.send(`${backend.pod}\n`, RELAY_PORT, backend.via);
  }

  close(): void {
    this.#server?.close();
    this.#socket?.close();
  }
}

const keyOf = ({ protocol, ip, port }: Frontend): string => `${protocol} ${ip} ${port}`;
const listeners = new Map<string, Listener>();

function program(frontends: readonly Frontend[]): null {
  const wanted = new Map(frontends.map((frontend) => [keyOf(frontend), frontend]));
  for (const [key, listener] of listeners) {
    if (wanted.has(key)) continue;
    listener.close();
    listeners.delete(key);
  }
  for (const [key, frontend] of wanted) {
    const known = listeners.get(key);
    if (known === undefined) listeners.set(key, new Listener(frontend));
    else known.backends = frontend.backends;
  }
  return null;
}

createServer((socket) => {
  socket.on("error", () => {});
  let head = "";
  socket.setEncoding("utf8");
  const readHead = (text: string): void => {
    head += text;
    const end = head.indexOf("\n");
    if (end < 0) return;
    socket.off("data", readHead);
    serve(socket, head.slice(0, end), head.slice(end + 1));
  };
  socket.on("data", readHead);
}).listen(RELAY_PORT, "::");
for (const type of ["udp4", "udp6"] as const) {
  const socket = createSocket({ type, ipv6Only: type === "udp6" });
  socket.on("message", (bytes, from) => {
    socket.send(`${bytes.toString().trimEnd()} ${node} ${plain(from.address)}\n`, from.port, from.address);
  });
  socket.bind(RELAY_PORT);
}
answerQuestions(program);
