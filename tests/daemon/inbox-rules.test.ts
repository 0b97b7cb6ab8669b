import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMaildir, FakeClock } from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";

const minute = 60_000;

test("mail that the owner's rule archives is moved without a model, once, and undo brings it back", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const maildir = await createMaildir(join(folder.path, "mail"));
  const files = async (name: string) =>
    (
      await Promise.all(
        ["new", "cur"].map((part) =>
          readdir(join(folder.path, "mail", name, part)).catch(() => [] as string[]),
        ),
      )
    ).flat();
  const mail = { to: "me@example.com", text: "Read me.", date: new Date(clock.now()) };
  await maildir.deliver({ ...mail, from: "Shop <news@shop.example>", subject: "Offer" });
  await maildir.deliver({ ...mail, from: "Ann <ann@example.com>", subject: "The lease" });
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1m" } },
    skills: {
      inbox: {
        every: "1m",
        rules: [
          { name: "offers", match: { from: "*@shop.example" }, severity: "info", archive: true },
        ],
        accounts: [
          { name: "home", address: "me@example.com", maildir: "./mail", firstSight: "2d" },
        ],
      },
    },
  });
  // Before time goes on: a file is moved on the real clock.
  await kept.watch.attendance.carryOutApproved();

  const effects = await kept.store.listEffects({ limit: 5 });
  expect(effects).toMatchObject([
    { tool: "inbox_archive", state: "done", check: "inbox/home", runId: null },
  ]);
  expect(await files(".")).toHaveLength(1);
  await kept.watch.undo(effects[0]?.id ?? 0);
  expect(await files(".")).toHaveLength(2);
  // It has been dealt with: what the owner brings back stays.
  await kept.pass(3 * minute);
  await kept.watch.attendance.carryOutApproved();
  expect(await files(".")).toHaveLength(2);
  expect(await kept.store.listEffects({ limit: 5 })).toHaveLength(1);
});
