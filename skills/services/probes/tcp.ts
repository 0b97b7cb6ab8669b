import { connect } from "node:net";
import type { TcpTarget } from "../target.ts";
import { elapsedMs, timed } from "./probe.ts";
import type { Probe } from "./probe.ts";
import { whenOpened } from "./socket.ts";

/** A connection is opened and closed again; not a byte is sent. */
export const probeTcp: Probe<TcpTarget> = async (target, { signal, workshop }) => {
  signal.throwIfAborted();
  const started = performance.now();
  const { host, port } = target;
  const socket = connect({ host, port, lookup: workshop.hosts.lookup(signal) });
  await whenOpened(socket, "connect", () => undefined, signal);
  return timed(elapsedMs(started), target.maxMs, { verb: "connected", detail: "connected" });
};
