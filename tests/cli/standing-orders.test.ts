import { expect, test } from "vitest";
import { createPlace } from "./place.ts";

/** The timed items of HEARTBEAT.md, as one meets them on the command line. */

const name = "standing-orders/look-at-the-shelf";

test("an order can be tried, asked for and seen; one that is not understood is named by doctor", async () => {
  await using place = await createPlace();
  await place.config("{ timezone: 'UTC' }");
  await place.write("state/HEARTBEAT.md", "- every 2h: look at the shelf\n");
  const dry = await place.json("beat", "--dry-run", "--check", name);
  expect(dry).toMatchObject({
    exitCode: 0,
    value: {
      checks: [{ name, outcome: "ok" }],
      findings: [{ check: name, state: "opened", severity: "notice", title: "look at the shelf" }],
    },
  });
  const beat = await place.json("beat", "--check", name);
  expect(beat).toMatchObject({ exitCode: 0, value: { checks: [{ name, outcome: "ok" }] } });
  const status = await place.json("status");
  expect(status.value).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({ name, skill: "standing-orders", status: "ok" }),
    ]),
  });
  const unknown = await place.run("beat", "--check", "standing-orders/look-at-the-shed");
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`"${name}"`) });
  expect((await place.run("doctor")).stdout).toContain("HEARTBEAT.md: 1 timed order");

  await place.write("state/HEARTBEAT.md", "- every 2x: look at the shelf\n");
  expect((await place.run("doctor")).stdout.replace(/\s+/g, " ")).toContain(
    'warn HEARTBEAT.md: line 1: "every 2x: look at the shelf" does not begin with an interval',
  );
  const again = await place.run("beat");
  expect(again.exitCode).toBe(0);
  expect(await place.json("findings")).toMatchObject({
    value: [{ check: "watchkeeper/standing-orders", trust: "trusted" }],
  });
});
