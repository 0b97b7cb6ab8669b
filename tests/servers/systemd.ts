import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { missingServers } from "../ground/real-servers.ts";

/** What of systemd runs without it: its tools, and a socket like the one on which it is told. */

/** @throws Error when they are missing and WATCHKEEPER_REQUIRE_SERVERS=1 asks for real servers */
export function systemdToolsAvailable(): boolean {
  const missing = missingServers(process.env.PATH ?? "").some(
    ({ package: name }) => name === "systemd" || name === "python3",
  );
  if (missing && process.env.WATCHKEEPER_REQUIRE_SERVERS === "1") {
    throw new Error("systemd's tools are missing; apt-get install systemd python3");
  }
  return !missing;
}

export interface ServiceManagerSocket extends AsyncDisposable {
  readonly path: string;
  /** The next word that it was told; the ones before it are gone. */
  next(): Promise<string>;
}

// Node has no such sockets. The descriptor that comes with a barrier is closed, which lets the sender go on.
const listener = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds:
        os.close(fd)
    if data != b"BARRIER=1":
        print(json.dumps(data.decode()), flush=True)
`;

export async function startServiceManagerSocket(): Promise<ServiceManagerSocket> {
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-notify-"));
  const path = join(folder, "notify");
  const child = spawn("python3", ["-c", listener, path], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    path,
    async next() {
      const { value } = await lines.next();
      return JSON.parse(String(value)) as string;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, "close");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
