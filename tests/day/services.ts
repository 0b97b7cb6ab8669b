import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { freePort } from "../servers/free-port.ts";

/** The six services of the company on loopback, each of which can be taken away and brought back. */

export interface DayService extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** HTTP: 503 instead of 200. */
  isBroken: boolean;
  /** Nobody listens any more. */
  vanish(): Promise<void>;
  /** The same address answers again. */
  comeBack(): Promise<void>;
}

export async function startDayService(kind: "http" | "tcp"): Promise<DayService> {
  const make = (): Server =>
    kind === "http"
      ? createHttpServer((_request, response) => {
          response.writeHead(service.isBroken ? 503 : 200, { connection: "close" }).end("ok");
        })
      : createTcpServer((socket) => {
          socket.on("error", () => undefined);
          socket.end();
        });
  const listen = async (port: number): Promise<Server> => {
    const server = make().listen(port, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  const end = async (server: Server): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  const port = await freePort();
  let server = await listen(port);
  const service: DayService = {
    address: `127.0.0.1:${port}`,
    isBroken: false,
    vanish: () => end(server),
    async comeBack() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: () => end(server),
  };
  return service;
}
