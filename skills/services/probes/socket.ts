import type { Socket } from "node:net";

/** What is read of a socket once it has come so far. It is closed then, or when the signal says so. */
export async function whenOpened<Result>(
  socket: Socket,
  event: "connect" | "secureConnect",
  read: () => Result,
  signal: AbortSignal,
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const abort = (): void => {
    socket.destroy();
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  socket.once(event, () => resolve(read()));
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}
