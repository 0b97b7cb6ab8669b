import { chmod, mkdir, readdir, rename, rm, symlink, unlink, utimes } from "node:fs/promises";
import { existsSync, linkSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { mail, makeMaildir, Watch } from "./inbox-fixture.ts";
import { hashName, keptKnown, mostKnown, packKnown, unpackKnown } from "./maildir-cursor.ts";

const hour = 3_600_000;
const day = 24 * hour;
const ago = (ms: number) => new Date(Date.now() - ms);

let box: Awaited<ReturnType<typeof makeMaildir>>;
beforeEach(async () => {
  box = await makeMaildir();
});
afterEach(() => box.remove());

const watchBox = (firstSight = "2d") =>
  new Watch(
    { accounts: [{ name: "work", maildir: "./mail", firstSight }] },
    { baseDir: box.baseDir },
  );
const titles = (observations: { title: string }[]) =>
  observations.map(({ title }) => title.replace(/^.*: /, ""));

describe("a Maildir account", () => {
  it("takes new/ and cur/ of the last two days at first, says what it left alone, then only news", async () => {
    await box.add("1.a", mail({ subject: "new" }), { arrivedAt: ago(hour) });
    await box.add("2.b:2,S", mail({ subject: "cur", id: "2@x" }), {
      folder: "cur",
      arrivedAt: ago(2 * hour),
    });
    await box.add("3.c", mail({ subject: "old", id: "3@x" }), { arrivedAt: ago(3 * day) });
    const watch = watchBox();

    const first = await watch.look();
    expect(titles(first.opened)).toEqual(["cur", "new"]);
    expect(first.notes).toEqual(["first look: 1 message older than firstSight left alone"]);
    expect((await watch.look()).observations).toEqual([]);

    await box.add("4.d", mail({ subject: "next", id: "4@x" }));
    expect(titles((await watch.look()).opened)).toEqual(["next"]);
    expect((await watch.look()).observations).toEqual([]);
  });

  it("takes nothing that is there already with firstSight now, and says how much", async () => {
    await box.add("1.a", mail());
    await box.add("2.b", mail({ id: "2@x" }));
    const watch = watchBox("now");
    const first = await watch.look();
    expect(first.observations).toEqual([]);
    expect(first.notes).toEqual([
      'first look: 2 messages already there left alone (firstSight "now")',
    ]);
    await box.add("3.c", mail({ id: "3@x", subject: "late" }));
    expect(titles((await watch.look()).opened)).toEqual(["late"]);
  });

  it("knows a message that a mail program moved, flagged, or rewrote the name of", async () => {
    await box.add("1.a", mail());
    await box.add("2.old", mail({ id: "2@x" }), { arrivedAt: ago(5 * day) });
    const watch = watchBox();
    expect((await watch.look()).opened).toHaveLength(1);
    await rename(join(box.maildir, "new/1.a"), join(box.maildir, "cur/1.a:2,S"));
    await rename(join(box.maildir, "new/2.old"), join(box.maildir, "cur/2.old:2,FS"));
    expect((await watch.look()).observations).toEqual([]);
  });

  it("takes an old message that is moved in later: it is new here", async () => {
    const watch = watchBox("now");
    await watch.look();
    await box.add("1.a", mail({ subject: "moved in" }), {
      folder: "cur",
      arrivedAt: ago(90 * day),
    });
    const { opened } = await watch.look();
    expect(titles(opened)).toEqual(["moved in"]);
    expect(opened[0]?.closesAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it("hands out a flood in bounded parts, oldest first, each message once", async () => {
    for (let index = 0; index < 450; index += 1) {
      await box.add(`${index}.x`, mail({ id: `${index}@x`, subject: `n${index}` }), {
        arrivedAt: ago(hour - index * 1_000),
      });
    }
    const watch = watchBox();
    const sizes: number[] = [];
    const seen: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const { opened, notes } = await watch.look();
      sizes.push(opened.length);
      seen.push(...titles(opened));
      if (round === 0) expect(notes).toEqual(["250 messages more to come with the next look"]);
    }
    expect(sizes).toEqual([200, 200, 50, 0]);
    expect(seen).toEqual(Array.from({ length: 450 }, (_, index) => `n${index}`));
  });

  it("finds out about a message that comes in the same instant as a look", async () => {
    const watch = watchBox();
    const seen: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      await box.add(`${index}.x`, mail({ id: `${index}@x` }));
      seen.push(...(await watch.look()).opened.map(({ key }) => key));
    }
    expect(seen).toHaveLength(30);
  });

  it("says of other content under a known Message-ID that it is another message", async () => {
    await box.add("1.a", mail());
    const watch = watchBox();
    const [first] = (await watch.look()).opened;
    await box.add("2.b", mail({ body: "Wire the money." }));
    await box.add("3.c", mail());
    const second = await watch.look();
    expect(second.opened).toHaveLength(1);
    expect(second.opened[0]?.key).not.toBe(first?.key);
    expect(second.opened[0]?.text).toContain("Wire the money.");
  });

  it.each(["new", "cur"])(
    "does without the directory %s, which version control may have dropped",
    async (folder) => {
      await rm(join(box.maildir, folder), { recursive: true });
      await box.add("1.a", mail(), { folder: folder === "new" ? "cur" : "new" });
      expect((await watchBox().look()).opened).toHaveLength(1);
    },
  );

  it("says in one line that there is no Maildir", async () => {
    await rm(box.maildir, { recursive: true });
    await expect(watchBox().look()).rejects.toMatchObject({
      name: "AdapterError",
      code: "MAILDIR_MISSING",
      message: expect.stringContaining(box.maildir),
      hint: expect.stringContaining("maildir"),
    });
  });

  it("sets aside what is no message and goes on", async () => {
    await symlink("/etc/hostname", join(box.maildir, "new/1.link"));
    await mkdir(join(box.maildir, "new/2.folder"));
    execFileSync("mkfifo", [join(box.maildir, "new/3.pipe")]);
    await box.add(
      "4.broken",
      `Content-Type: multipart/mixed; boundary=b\n\n${"--b\nContent-Type: multipart/mixed; boundary=b\n\n".repeat(99)}`,
    );
    await box.add("5.fine", mail({ subject: "fine" }));
    await box.add(".hidden", mail({ id: "h@x" }));
    await box.add(
      "6.huge",
      Buffer.concat([
        Buffer.from(mail({ id: "6@x", subject: "huge" })),
        Buffer.alloc(9_000_000, "x\n"),
      ]),
    );
    const watch = watchBox();
    const { opened, notes } = await watch.look();
    const unreadable = opened.filter(({ title }) => title.includes("could not be read"));
    expect(unreadable).toHaveLength(4);
    expect(notes).toHaveLength(4);
    for (const observation of unreadable)
      expect(observation).toMatchObject({ severity: "notice", trust: "untrusted" });
    expect(titles(opened)).toEqual(expect.arrayContaining(["fine", "huge"]));
    expect(opened).toHaveLength(6);
    expect(opened.find(({ title }) => title.endsWith("huge"))?.text).toContain(
      "only the beginning was read",
    );
    expect((await watch.look()).observations).toEqual([]);
  });

  it("stops when told to", async () => {
    await box.add("1.a", mail());
    await expect(
      watchBox().look(new Date(), AbortSignal.abort(new Error("stopping"))),
    ).rejects.toThrow("stopping");
  });

  it("forgets messages that were deleted, so that the cursor does not grow", async () => {
    const watch = watchBox();
    for (let round = 0; round < 5; round += 1) {
      for (let index = 0; index < 50; index += 1) {
        await box.add(`${round}-${index}.x`, mail({ id: `${round}-${index}@x` }));
      }
      expect((await watch.look()).opened).toHaveLength(50);
      for (const name of await readdir(join(box.maildir, "new")))
        await unlink(join(box.maildir, "new", name));
    }
    const { folders, told } = JSON.parse(watch.cursor ?? "") as {
      folders: Record<string, unknown>;
      told: string[];
    };
    expect(JSON.stringify(folders["INBOX"]).length).toBeLessThan(50 * 8 + 200);
    expect(told.length).toBeLessThanOrEqual(2_000);
  });

  it("looks at 50,000 messages without opening any, and cheaply when nothing changed", async () => {
    const old = ago(10 * day);
    const one = await box.add("0.x:2,S", "x", { folder: "cur" });
    // Links are quicker to make than files, and all the same here.
    for (let index = 1; index < 50_000; index += 1)
      linkSync(one, join(box.maildir, `cur/${index}.x:2,S`));
    const watch = watchBox("now");
    const first = await watch.look();
    expect(first.notes[0]).toContain("50000 messages");
    expect(watch.cursor?.length).toBeLessThan(200_000);
    await box.add("news.x", mail({ subject: "news" }));
    const readsBefore = readCalls();
    const newsMs = await processorMs(async () => {
      expect(titles((await watch.look()).opened)).toEqual(["news"]);
    });
    expect(readCalls() - readsBefore).toBeLessThan(1_000);
    for (const folder of ["new", "cur"]) await utimes(join(box.maildir, folder), old, old);
    await watch.look();
    const quietMs = await processorMs(async () => {
      expect((await watch.look()).observations).toEqual([]);
    });
    process.stdout.write(
      `Maildir of 50,000: a look with one new ${newsMs.toFixed(0)} ms of processor time, a quiet one ${quietMs.toFixed(1)} ms\n`,
    );
    expect(quietMs).toBeLessThan(50);
    expect(newsMs).toBeLessThan(3_000);
  });

  it("never throws, whatever the messages are made of, and shows each of them", async () => {
    const seed = Buffer.from(
      mail({
        headers: ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "List-Id: x"],
        body: '--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>=C3=A4\n--b\nContent-Type: image/png; name="=?utf-8?Q?a?="\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--',
      }),
    );
    const mutation = fc.record({
      at: fc.nat({ max: seed.length }),
      cut: fc.nat({ max: 60 }),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc
          .constantFrom(...'\r\n|\n\n|--b|=?|;|"|<|(|charset=|base64'.split("|"))
          .map((text) => new Uint8Array(Buffer.from(text))),
      ),
    });
    const watch = watchBox();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(mutation, { maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        async (messages) => {
          for (const mutations of messages) {
            let raw = seed;
            for (const { at, cut, put } of mutations)
              raw = Buffer.concat([raw.subarray(0, at), put, raw.subarray(at + cut)]);
            count += 1;
            await box.add(`${count}.x`, Buffer.concat([raw, Buffer.from(`\n\n${count}`)]));
          }
          const { observations } = await watch.look();
          const shown = observations.flatMap(({ data }) => {
            const { messages: together } = data as { messages?: unknown[] };
            return together ?? [data];
          });
          expect(shown).toHaveLength(messages.length);
          for (const { key, title, text = "", data } of observations) {
            expect(key.length).toBeLessThanOrEqual(500);
            expect(title.length).toBeLessThanOrEqual(200);
            expect(title).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
            expect(text.length).toBeLessThan(10_000);
            expect(JSON.stringify(data).length).toBeLessThan(64_000);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** How often this process has read from any file; 0 where the system does not tell. */
function readCalls(): number {
  if (!existsSync("/proc/self/io")) return 0;
  return Number(/syscr: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? 0);
}

describe("the memory of a Maildir cursor", () => {
  it("remembers the newest names, and the rest by arrival time", () => {
    const entries = Array.from({ length: mostKnown + 1 }, (_, index) => ({
      hash: hashName(`${index}`),
      arrivedAt: index,
    }));
    expect(packKnown(entries.slice(1), 0)).toMatchObject({ horizon: 0 });
    const { known, horizon } = packKnown(entries, 0);
    expect(known).toHaveLength(keptKnown * 8);
    expect(horizon).toBe(mostKnown - keptKnown);
    const remembered = unpackKnown(known);
    for (const { hash, arrivedAt } of entries)
      expect(remembered.has(hash)).toBe(arrivedAt > horizon);
  });
});

describe.skipIf(process.getuid?.() !== 0)("a Maildir that the daemon may not read", () => {
  it("is said, as a fault of the set-up and not of each message", async () => {
    await box.add("1.a", mail());
    await chmod(box.baseDir, 0o755);
    await chmod(join(box.maildir, "new/1.a"), 0);
    process.seteuid?.(65_534);
    try {
      await expect(watchBox().look()).rejects.toMatchObject({ code: "MAILDIR_UNREADABLE" });
    } finally {
      process.seteuid?.(0);
    }
  });
});
