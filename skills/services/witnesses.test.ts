import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { look } from "watchkeeper/testing";
import { freePort } from "../../tests/servers/free-port.ts";
import { servicesConfig } from "./config.ts";
import skill from "./index.ts";
import { createWorkshop } from "./probes/index.ts";
import { createWitnesses, longestExcuseMs } from "./witnesses.ts";

/** A server that is up or down as the test wants, and counts who asks. */
interface Stage {
  isUp: boolean;
  asked: number;
  readonly url: string;
  readonly address: string;
  readonly server: Server;
}

const stages: Stage[] = [];

async function stage(isUp: boolean): Promise<Stage> {
  const server = createServer((_, response) => {
    made.asked += 1;
    response.writeHead(made.isUp ? 200 : 503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Stage = { isUp, asked: 0, url: `http://${address}/`, address, server };
  stages.push(made);
  return made;
}

afterEach(() => {
  for (const { server } of stages.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const noon = new Date(Date.UTC(2026, 10, 20, 12));
const input = (now = noon) => ({ signal: new AbortController().signal, now, pushes: new Map() });
const after = (seconds: number) => new Date(noon.getTime() + seconds * 1_000);

describe("a target that depends on another", () => {
  const family = (url: string) =>
    servicesConfig.parse({
      targets: [
        { name: "router", http: url },
        ...Array.from({ length: 50 }, (_, index) => ({
          name: `child-${index}`,
          tcp: "127.0.0.1:9",
          dependsOn: ["router"],
        })),
      ],
    });

  it("is excused while its parent is dead, which is asked once for all its children", async () => {
    const router = await stage(false);
    const config = family(router.url);
    const witnesses = createWitnesses(config, createWorkshop("/"));
    const excuses = await Promise.all(
      config.targets.slice(1).map((child) => witnesses.excuse(child, input())),
    );
    expect(new Set(excuses)).toEqual(new Set(["it depends on router, which is down"]));
    expect(router.asked).toBe(1);
  });

  it("is not excused by a parent that answers, nor by one that did a moment ago", async () => {
    const router = await stage(true);
    const config = family(router.url);
    const [, child] = config.targets;
    const witnesses = createWitnesses(config, createWorkshop("/"));
    expect(child && (await witnesses.excuse(child, input()))).toBeUndefined();
    router.isUp = false;
    expect(child && (await witnesses.excuse(child, input(after(5))))).toMatch(/router/);
    router.isUp = true;
    // One that just failed is failing still, for a while.
    expect(child && (await witnesses.excuse(child, input(after(10))))).toMatch(/router/);
    expect(child && (await witnesses.excuse(child, input(after(60))))).toBeUndefined();
  });

  it("is one message: the parent is told, its children are not, and count afresh when it is back", async () => {
    const router = await stage(false);
    const web = await stage(false);
    const config = {
      failureThreshold: 2,
      successThreshold: 1,
      targets: [
        { name: "router", http: router.url },
        { name: "web", http: web.url, dependsOn: ["router"] },
      ],
    };
    const cursors: Record<string, unknown> = {};
    const minute = async (number: number): Promise<(string | undefined)[]> => {
      const now = after(60 * number);
      const said: (string | undefined)[] = [];
      // The child looks first: it must not be blamed before its parent is known to be down.
      for (const name of ["web", "router"]) {
        const seen = await look(skill, name, { config, cursor: cursors[name], now });
        cursors[name] = seen.cursor;
        said.push(seen.observations[0]?.title);
      }
      return said;
    };
    const dead = "router is down: HTTP 503 instead of 2xx";
    expect(await minute(0)).toEqual([undefined, undefined]);
    expect(await minute(1)).toEqual([undefined, dead]);
    expect(await minute(2)).toEqual([undefined, dead]);
    router.isUp = true;
    expect(await minute(3)).toEqual([undefined, undefined]);
    expect(await minute(4)).toEqual(["web is down: HTTP 503 instead of 2xx", undefined]);
  });

  it("is excused by a job that has not reported, and by none that never did", async () => {
    const config = servicesConfig.parse({
      targets: [
        { name: "sync", push: { every: "1h", grace: "5m" } },
        { name: "copy", tcp: "127.0.0.1:9", dependsOn: ["sync"] },
      ],
    });
    const [, copy] = config.targets;
    const { excuse } = createWitnesses(config, createWorkshop("/"));
    const pushes = new Map([["sync", { at: after(-7_200), ok: true, text: "" }]]);
    expect(copy && (await excuse(copy, { ...input(), pushes }))).toMatch(/depends on sync/);
    expect(copy && (await excuse(copy, input()))).toBeUndefined();
  });
});

describe("a lost connection", () => {
  const config = (reference: unknown) =>
    servicesConfig.parse({
      reference,
      timeout: "0.3s",
      targets: [
        // What is outside, by its name or its address.
        { name: "outside", tcp: "8.8.8.8:9" },
        { name: "named", http: "https://name.invalid/" },
        { name: "loopback", tcp: "[::1]:9" },
        { name: "private", tcp: "192.168.1.1:9" },
        { name: "disk", disk: { path: "/" } },
        { name: "record", dns: { name: "example.com" } },
        { name: "own-server", dns: { name: "example.com", server: "192.168.1.1:53" } },
        { name: "other-server", dns: { name: "example.com", server: "[2001:db8::1]:53" } },
      ],
    });

  const excuses = async (reference: unknown) => {
    const parsed = config(reference);
    const { excuse } = createWitnesses(parsed, createWorkshop("/"));
    return Promise.all(parsed.targets.map((target) => excuse(target, input())));
  };

  it("excuses what is outside, and nothing that is inside", async () => {
    const lost = "no connection: the reference does not answer either";
    expect(await excuses({ tcp: `127.0.0.1:${await freePort()}` })).toEqual([
      lost,
      lost,
      undefined,
      undefined,
      undefined,
      lost,
      undefined,
      lost,
    ]);
  });

  it("excuses nothing while the reference answers, whatever it says", async () => {
    const reference = await stage(false);
    expect(await excuses({ http: reference.url })).toEqual(Array(8).fill(undefined));
    expect(reference.asked).toBeGreaterThan(0);
  });

  it("excuses nothing unless the owner named a reference", async () => {
    expect(await excuses(undefined)).toEqual(Array(8).fill(undefined));
  });

  it("is said once, by a check of its own, and is over when the reference answers", async () => {
    const reference = await stage(true);
    const settings = {
      failureThreshold: 2,
      successThreshold: 1,
      reference: { tcp: reference.address },
      targets: [],
    };
    const at = (minute: number, cursor: unknown) =>
      look(skill, "reference", { config: settings, cursor, now: after(60 * minute) });
    const well = await at(0, null);
    expect(well).toMatchObject({ observations: [], gone: ["offline"] });
    reference.server.closeAllConnections();
    await new Promise((resolve) => reference.server.close(resolve));
    const doubt = await at(1, well.cursor);
    expect(doubt).toMatchObject({ observations: [], gone: [] });
    const lost = await at(2, doubt.cursor);
    expect(lost.observations).toMatchObject([
      {
        key: "offline",
        severity: "warning",
        title: `No connection: the reference ${reference.address} does not answer: connection refused`,
        since: after(60),
      },
    ]);
  });
});

it("has time enough to look for an excuse", () => {
  const { targets, ...rest } = servicesConfig.parse({
    reference: { tcp: "a.example:443" },
    timeout: "4s",
    targets: [
      { name: "router", tcp: "a.example:1", timeout: "20s" },
      { name: "web", tcp: "b.example:1", dependsOn: ["router"] },
    ],
  });
  const [router, web] = targets;
  expect(router && longestExcuseMs(router, { targets, ...rest })).toBe(7_000);
  expect(web && longestExcuseMs(web, { targets, ...rest })).toBe(27_000);
});
