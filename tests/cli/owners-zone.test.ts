import { expect, test } from "vitest";
import { createPlace } from "./place.ts";
import { furnish } from "./desk.ts";

test("times are in the owner's zone, whatever that of the host is", async () => {
  await using place = await createPlace({ TZ: "UTC" });
  await furnish(place, 'timezone: "Asia/Kolkata"');
  const before = new Date();
  expect(await place.run("beat")).toMatchObject({ exitCode: 0 });
  const kolkata = (at: Date) =>
    at.toLocaleTimeString("en-GB", {
      timeZone: "Asia/Kolkata",
      hour: "2-digit",
      minute: "2-digit",
    });
  const possible = [kolkata(before), kolkata(new Date())];
  for (const words of [["status"], ["beats"], ["beats", "show", "1"], ["findings"]]) {
    const { stdout } = await place.run(...words);
    expect(
      possible.some((time) => stdout.includes(time)),
      `${words.join(" ")}, at ${possible.join(" or ")}:\n${stdout}`,
    ).toBe(true);
  }
  const { value } = await place.json("status");
  expect(value).toMatchObject({ timezone: "Asia/Kolkata" });
});

test.each(["", "Nowhere/Bad", ":/etc/localtime"])(
  "with TZ=%j, which names no zone, it is UTC, and doctor says so",
  async (zone) => {
    await using place = await createPlace({ TZ: zone });
    await place.config("{}");
    expect(await place.run("beat")).toMatchObject({ exitCode: 0, stderr: "" });
    const status = await place.json("status");
    expect(status).toMatchObject({ exitCode: 3, value: { timezone: "UTC" } });
    const { value } = await place.json("doctor");
    expect(value).toContainEqual({
      name: "clock",
      level: "warn",
      message: expect.stringMatching(
        /^TZ=".*" is no time zone, so times are those of UTC/,
      ) as string,
    });
  },
);
