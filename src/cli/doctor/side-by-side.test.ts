import { expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { ok, usualPatienceMs, type Part } from "./diagnosis.ts";
import { progressOn } from "./progress.ts";
import { lookSideBySide } from "./side-by-side.ts";

const silent = { tell() {}, end() {} };
const scrub = (text: string) => text.replaceAll("hunter2", "[secret]");

const fine = (name: string): Part => ({ name, look: async () => [ok(name, "fine")] });

it("gives what was found in the order of the parts, whoever was quicker", async () => {
  const slow = Promise.withResolvers<void>();
  const first: Part = {
    name: "first",
    look: async () => (await slow.promise, [ok("first", "slow")]),
  };
  const last: Part = { name: "last", look: () => (slow.resolve(), [ok("last", "quick")]) };
  const options = { clock: new FakeClock(), scrub, progress: silent };
  const found = await lookSideBySide([first, fine("middle"), last], options);
  expect(found.map(({ name }) => name)).toEqual(["first", "middle", "last"]);
});

it("a part that throws, at once or later, fails in its place and without secrets", async () => {
  const now: Part = {
    name: "now",
    look() {
      throw new Error("hunter2 is wrong");
    },
  };
  const later: Part = { name: "later", look: async () => Promise.reject(new Error("no hunter2")) };
  const options = { clock: new FakeClock(), scrub, progress: silent };
  expect(await lookSideBySide([now, later, fine("other")], options)).toEqual([
    { name: "now", level: "fail", message: "[secret] is wrong" },
    { name: "later", level: "fail", message: "no [secret]" },
    ok("other", "fine"),
  ]);
});

it("a part that hangs is given up after its own patience, and told to stop", async () => {
  const clock = new FakeClock();
  const stopped: string[] = [];
  const hanging = (name: string, patienceMs?: number): Part => ({
    name,
    ...(patienceMs !== undefined && { patienceMs }),
    look: (signal) => new Promise(() => signal.addEventListener("abort", () => stopped.push(name))),
  });
  const parts = [hanging("usual"), hanging("long", 90_000), fine("other")];
  const looking = lookSideBySide(parts, { clock, scrub, progress: silent });
  await clock.advance(usualPatienceMs);
  expect(stopped).toEqual(["usual"]);
  await clock.advance(60_000);
  expect(await looking).toMatchObject([
    { name: "usual", level: "fail", message: expect.stringContaining("within 30s") },
    { name: "long", level: "fail", message: expect.stringContaining("within 1m 30s") },
    { name: "other", level: "ok" },
  ]);
});

it("no more than eight are looked at at once", async () => {
  let now = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const parts = Array.from({ length: 30 }, (_, index): Part => ({
    name: `${index}`,
    async look() {
      most = Math.max(most, ++now);
      if (now === 8) gate.resolve();
      await gate.promise;
      now -= 1;
      return [];
    },
  }));
  await lookSideBySide(parts, { clock: new FakeClock(), scrub, progress: silent });
  expect(most).toBe(8);
});

it("who watches sees what is waited for, on one line of which nothing stays", async () => {
  let screen = "";
  const terminal = {
    ...{ isTTY: true, columns: 40, isClosed: false },
    write: (text: string) => void (screen += text),
  };
  const parts = [fine("one"), fine("a-part-with-a-very-long-name-that-goes-on-and-on")];
  const progress = progressOn(terminal, {});
  await lookSideBySide(parts, { clock: new FakeClock(), scrub, progress });
  const [before, ...lines] = screen.split("\r\u001B[K");
  expect(before).toBe("");
  expect(lines[0]).toBe("0 of 2, looking at one");
  expect(lines.every((line) => line.length < 40)).toBe(true);
  expect(lines.at(-1)).toBe("");
  screen = "";
  for (const quiet of [
    progressOn({ ...terminal, isTTY: false }, {}),
    progressOn(terminal, { TERM: "dumb" }),
  ])
    await lookSideBySide(parts, { clock: new FakeClock(), scrub, progress: quiet });
  expect(screen).toBe("");
});
