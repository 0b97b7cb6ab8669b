import { expect, test } from "vitest";
import { middayZone } from "./midday-zone.ts";

const day = Date.parse("2027-03-28T00:00:00Z");

test.each(Array.from({ length: 24 }, (_, hour) => hour))(
  "at %d o'clock UTC there is a zone where it is noon of the same day",
  (hour) => {
    const now = day + (hour * 60 + 59) * 60_000;
    const options = { timeZone: middayZone(now), dateStyle: "short", timeStyle: "short" } as const;
    expect(new Date(now).toLocaleString("en-GB", options)).toBe("28/03/2027, 12:59");
  },
);
