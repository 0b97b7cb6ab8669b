import { connect } from "node:net";
import type { HostFinder } from "../resolve-host.ts";
import type { TcpTarget } from "../target.ts";
import { elapsedMs, timed } from "./probe.ts";
import type { Probe } from "./probe.ts";

/** A connection is opened and closed again; not a byte is sent. */
export const probeTcp: Probe<TcpTarget> = async (target, { signal, workshop }) => {
  signal.throwIfAborted();
  const started = performance.now();
  await connects(target, signal, workshop.hosts);
  return timed(elapsedMs(started), target.maxMs, { verb: "connected", detail: "connected" });
};

async function connects(
  { host, port }: TcpTarget,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, lookup: hosts.lookup(signal) });
  const abort = (): void => {
    socket.destroy();
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  socket.once("connect", resolve);
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}
