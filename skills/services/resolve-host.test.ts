import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { closeNameServers, records, startNameServer } from "./probes/name-server-fixture.ts";
import { createHostFinder } from "./resolve-host.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-hosts-"));
});
afterEach(closeNameServers);
afterAll(() => rm(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const typeA = 1;
const loopback = Buffer.from([127, 0, 0, 1]);
const none = { code: 0, records: [] };

const finder = async (answer: Parameters<typeof startNameServer>[0], hosts = "") => {
  const hostsFile = join(folder, "hosts");
  await writeFile(hostsFile, hosts);
  return createHostFinder({ servers: [await startNameServer(answer)], hostsFile });
};

describe("the addresses of a host", () => {
  it("come from a name server, of both families", async () => {
    const hosts = await finder((type) =>
      records(type === typeA ? loopback : Buffer.from(`${"00".repeat(15)}01`, "hex")),
    );
    expect(await hosts.find("api.example.com", signal)).toEqual(
      expect.arrayContaining([
        { address: "127.0.0.1", family: 4 },
        { address: "::1", family: 6 },
      ]),
    );
  });

  it("come from the system's file of hosts before any server is asked", async () => {
    const asked: string[] = [];
    const hosts = await finder((_, name) => {
      asked.push(name);
      return none;
    }, "# comment\n10.0.0.7  db.example.com DB # mine\nnonsense\n");
    expect(await hosts.find("db.example.com", signal)).toEqual([
      { address: "10.0.0.7", family: 4 },
    ]);
    expect(await hosts.find("db", signal)).toEqual([{ address: "10.0.0.7", family: 4 }]);
    expect(asked).toEqual([]);
  });

  it("come from the system when no server knows the name", async () => {
    const hosts = await finder(() => ({ code: 3, records: [] }));
    const found = await hosts.find("localhost", signal);
    expect(found.map(({ address }) => address)).toContainEqual(expect.stringMatching(/^127|^::1$/));
    await expect(hosts.find("name.invalid", signal)).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });

  it("are found at once beside names whose servers hang, and those are given up with the signal", async () => {
    const hosts = await finder((type, name) => {
      if (name.startsWith("hangs")) return "silence";
      return type === typeA ? records(loopback) : none;
    });
    const stop = new AbortController();
    const hanging = Array.from({ length: 20 }, (_, index) =>
      hosts.find(`hangs-${index}.example.com`, stop.signal),
    );
    let givenUp = 0;
    for (const one of hanging) one.catch(() => (givenUp += 1));
    const ends = Promise.allSettled(hanging);
    expect(await hosts.find("well.example.com", signal)).toHaveLength(1);
    expect(givenUp).toBe(0);
    stop.abort(new Error("nobody waits"));
    for (const end of await ends) {
      expect(end).toMatchObject({ status: "rejected", reason: { message: "nobody waits" } });
    }
  });

  it("are not waited for in both families when only one is answered", async () => {
    const hosts = await finder((type) => (type === typeA ? records(loopback) : "silence"));
    expect(await hosts.find("half.example.com", signal)).toHaveLength(1);
  });

  it("are not looked for with the system when the servers fail", async () => {
    const hosts = await finder(() => ({ code: 2, records: [] }));
    await expect(hosts.find("broken.example.com", signal)).rejects.toMatchObject({
      code: "EAI_AGAIN",
    });
  });

  it("are what a connection is made to", async () => {
    const server = createServer((socket) => socket.end("well"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const hosts = await finder((type) => (type === typeA ? records(loopback) : none));
      const { port } = server.address() as AddressInfo;
      const socket = connect({ host: "api.example.com", port, lookup: hosts.lookup(signal) });
      const [said] = (await socket.take(1).toArray()) as Buffer[];
      expect(said?.toString()).toBe("well");
    } finally {
      server.close();
    }
  });
});
