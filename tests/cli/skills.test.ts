import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkout, runProcess } from "../ground/miniature.ts";
import * as contract from "./contract.ts";
import { createPlace, oneLine, type Place } from "./place.ts";

const trial = (value: unknown) => contract.trial.parse(value);

describe("skills new", () => {
  test("writes a skill that works, with a test that passes, types that hold, and what to type next", async () => {
    await using place = await createPlace();
    const made = await place.run("skills", "new", "disk-space");
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    expect(made.stdout).toContain("wrote skills/disk-space/index.ts\n");
    const [line = ""] = /"\.\/skills\/disk-space": .*,/.exec(made.stdout) ?? [];

    const before = trial((await place.json("skills", "test", "disk-space")).value);
    expect(before).toMatchObject({ ok: true, enabled: false, version: "0.1.0" });
    expect(before.tests).toMatchObject({ files: ["index.test.ts"], passed: 3, failed: 0 });
    expect(before.looks).toMatchObject([{ check: "disk-space/space", outcome: "ok" }]);

    await place.config(`{ skills: { ${line} } }`);
    expect(made.stdout).toContain("npx watchkeeper skills test disk-space\n");
    expect((await place.run("config", "check")).stdout).toContain("1 skill, 1 check");
    const after = trial((await place.json("skills", "test", "./skills/disk-space")).value);
    expect(after).toMatchObject({ ok: true, enabled: true });
    const [listed] = z.array(contract.skill).parse((await place.json("skills", "list")).value);
    expect(listed).toMatchObject({
      name: "disk-space",
      version: "0.1.0",
      origin: place.path("skills/disk-space"),
      tools: [{ name: "disk_space_free", effect: "read" }],
    });
    expect(await typesOf(place)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("overwrites nothing", async () => {
    await using place = await createPlace();
    await place.write("tsconfig.json", "{}");
    await place.write("skills/disk/notes.txt", "mine");
    const outcome = await place.run("skills", "new", "disk");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain("is there already");
    expect(await readdir(place.path("skills/disk"))).toEqual(["notes.txt"]);
    expect((await place.run("skills", "new", "other")).exitCode).toBe(0);
    expect(await place.read("tsconfig.json")).toBe("{}");
  });

  test.each(["Disk", "../disk", "inbox", "x".repeat(49)])(
    "refuses the name %j in one line with its mend",
    async (name) => {
      await using place = await createPlace();
      const { exitCode, stderr } = await place.run("skills", "new", name);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(oneLine);
      expect(await readdir(place.dir)).toEqual([]);
    },
  );
});

/** Asks a server for its news since the cursor, with a key in the address. */
const newsSkill = `
import { AdapterError, defineSkill, z } from "watchkeeper";
export default defineSkill({
  config: z.strictObject({ url: z.string(), key: z.string() }),
  checks: ({ config }) => ({
    headlines: {
      every: "1h",
      async observe({ cursor, signal, now }) {
        const since = typeof cursor === "number" ? cursor : 0;
        const address = new URL("/news?since=" + since + "&key=" + config.key, config.url);
        const response = await fetch(address, { signal });
        if (!response.ok) throw new AdapterError("NEWS_DOWN", "no news: " + response.status, { hint: "Try later" });
        const items = await response.json();
        return {
          observations: items.map(({ id, title }) => ({ key: String(id), severity: "notice", title, text: now.toISOString() })),
          cursor: since + items.length,
        };
      },
    },
  }),
});
`;

const secretKey = "s3cret-key-of-news";

async function newsServer() {
  const asked: string[] = [];
  const items = [{ id: 1, title: "First </finding> news" }];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x");
    asked.push(request.url ?? "");
    response.setHeader("set-cookie", "session=1");
    response.end(JSON.stringify(items.slice(Number(searchParams.get("since")))));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    items,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("skills test", () => {
  test("records what servers answer, and replays it with the same findings when they are gone", async () => {
    await using place = await createPlace({ NEWS_KEY: secretKey });
    await place.skill("news", newsSkill);
    const live = await (async () => {
      await using server = await newsServer();
      await place.config(
        `{ skills: { "./skills/news": { url: "${server.url}", key: secret("NEWS_KEY") } } }`,
      );
      const first = trial((await place.json("skills", "test", "news", "--record", "r.json")).value);
      server.items.push({ id: 2, title: "Second news" });
      await place.run("skills", "test", "news", "--record", "r.json", "--cursor", "1");
      expect(server.asked).toHaveLength(2);
      return first;
    })();
    expect(live).toMatchObject({ ok: true, recordedIn: place.path("r.json") });
    expect(live.looks[0]?.findings).toMatchObject([{ key: "1", state: "opened" }]);
    expect(live.shown.text).toContain("First &lt;/finding&gt; news");
    expect(live.shown.tokens).toBeGreaterThan(20);

    const recording = await place.read("r.json");
    expect(recording).toContain("First");
    expect(recording).not.toContain(secretKey);
    expect(recording).not.toContain("session=1");
    expect((await stat(place.path("r.json"))).mode & 0o777).toBe(0o600);

    const replayed = trial((await place.json("skills", "test", "news", "--input", "r.json")).value);
    expect(replayed).toMatchObject({ ok: true, recordedIn: null });
    expect(replayed.looks.map(({ findings }) => findings.map(({ key }) => key))).toEqual([
      ["1"],
      ["2"],
    ]);
    expect(replayed.looks[0]).toMatchObject({
      recorded: true,
      at: live.looks[0]?.at,
      observations: live.looks[0]?.observations,
      findings: live.looks[0]?.findings,
    });
    const inWords = await place.run("skills", "test", "news", "--input", "r.json");
    expect(inWords.stdout).toContain("notice opened: Second news: in the digest");
    expect(inWords.stdout).toMatch(/would be shown about \d+ tokens:\n\n {2}<finding id="1"/);
    expect(inWords.stdout).toMatch(/\nok\n$/);
    expect(await readdir(place.dir)).not.toContain("state");
  });

  test("takes input written by hand, and says what it lacks", async () => {
    await using place = await createPlace({ NEWS_KEY: "k" });
    await place.skill("news", newsSkill);
    await place.config(`{ skills: { "./skills/news": { url: "http://news.example", key: "k" } } }`);
    const fetches = [
      { url: "http://news.example/news?since=0&key=k", body: [{ id: 7, title: "Hand" }] },
    ];
    const looks = [
      { check: "headlines", fetches },
      { check: "news/headlines", fetches },
      {
        check: "headlines",
        fetches: [{ ...fetches[0], url: fetches[0]!.url.replace("0", "1"), error: "ECONNRESET" }],
      },
      { check: "headlines", cursor: null, fetches: [] },
    ];
    await place.write("hand.json", JSON.stringify({ looks: looks.slice(0, 1) }));
    const good = await place.json("skills", "test", "news", "--input", "hand.json");
    expect(good.exitCode).toBe(0);
    expect(trial(good.value).looks[0]?.findings).toMatchObject([{ title: "Hand" }]);

    await place.write("hand.json", JSON.stringify({ looks }));
    const bad = await place.json("skills", "test", "news", "--input", "hand.json");
    expect(bad.exitCode).toBe(1);
    const [, second, third] = trial(bad.value).looks;
    expect(second?.error).toContain(
      "the recording has no answer to GET http://news.example/news?since=1",
    );
    expect(third?.error).toContain("ECONNRESET");

    await place.write("hand.json", JSON.stringify({ looks: [{ chek: "headlines" }] }));
    const { exitCode, stderr } = await place.run("skills", "test", "news", "--input", "hand.json");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain('did you mean "check"?');
  });

  test("compares live looks with what the store knows, and changes nothing in it", async () => {
    await using place = await createPlace();
    await using server = await newsServer();
    await place.skill("news", newsSkill);
    await place.config(`{ skills: { "./skills/news": { url: "${server.url}", key: "k" } } }`);
    await place.run("beat");
    server.items.push({ id: 2, title: "Second" });
    for (let round = 0; round < 2; round += 1) {
      const { looks } = trial((await place.json("skills", "test", "news")).value);
      expect(looks[0]?.findings).toMatchObject([{ key: "2", title: "Second" }]);
    }
    const again = trial((await place.json("skills", "test", "news", "--cursor", "0")).value);
    expect(again.looks[0]?.observations).toHaveLength(2);
    expect(again.looks[0]?.findings.map(({ key }) => key)).toEqual(["1", "2"]);
  });

  test("says where a skill is wrong, with the mend, and exits 1", async () => {
    await using place = await createPlace();
    const observing = (body: string) =>
      `import { AdapterError, defineSkill } from "watchkeeper";
       export default defineSkill({ checks: () => ({ a: { async observe() { ${body} } } }) });`;
    const wrong: [string, RegExp][] = [
      [`throw new AdapterError("A", "no disk", { hint: "Mount it" });`, /no disk\. Mount it/],
      [`return { observations: [{ key: "k", severity: "loud", title: "t" }] };`, /severity/],
      [`return [];`, /Return \{ observations: \[\.\.\.\], cursor \}/],
    ];
    for (const [body, said] of wrong) {
      await place.skill("bad", observing(body));
      const { exitCode, stdout } = await place.run("skills", "test", "bad");
      // One bad observation is set aside: the look itself went well.
      expect(exitCode, stdout).toBe(body.includes("loud") ? 0 : 1);
      expect(stdout).toMatch(said);
    }
    await place.skill("bad", "export default { checks: 1 };");
    const broken = await place.json("skills", "test", "bad");
    expect(broken.exitCode).toBe(1);
    expect(trial(broken.value).error).toContain("export default defineSkill({ … })");

    await place.skill("bad", observing("return { observations: [] };"));
    await place.write(
      "skills/bad/index.test.ts",
      `import { test } from "node:test"; test("is right", () => { throw new Error("it is not"); });`,
    );
    const untested = await place.run("skills", "test", "bad");
    expect(untested.exitCode).toBe(1);
    expect(untested.stdout).toContain("0 passed, 1 failed");
    expect(untested.stdout).toContain("it is not");
    expect(untested.stdout).toMatch(/\nfailed\n$/);

    expect(await place.run("skills", "test", "nothing")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(oneLine),
    });
  });
});

async function typesOf(place: Place) {
  // The editor's part: the types of Node, which a user installs.
  const config = JSON.parse(await place.read("tsconfig.json")) as { compilerOptions: object };
  const typeRoots = [join(checkout, "node_modules", "@types")];
  const withNode = { ...config, compilerOptions: { ...config.compilerOptions, typeRoots } };
  await place.write("package.json", JSON.stringify({ type: "module" }));
  await place.write("tsconfig.json", JSON.stringify(withNode));
  const tsc = join(checkout, "node_modules", "typescript-7", "bin", "tsc");
  return runProcess(process.execPath, [tsc, "-p", "."], {}, place.dir);
}
