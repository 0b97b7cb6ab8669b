import { describe, expect, it } from "vitest";
import { resolveNames } from "./names.ts";

const checks = [
  { name: "inbox/work", skill: "inbox" },
  { name: "inbox/home", skill: "inbox" },
  { name: "services/api", skill: "services" },
];

describe("resolveNames", () => {
  it.each<[string[] | null, string[]]>([
    [null, ["inbox/work", "inbox/home", "services/api"]],
    [[], []],
    [["inbox"], ["inbox/work", "inbox/home"]],
    [["services/api"], ["services/api"]],
    [
      ["inbox/home", "inbox"],
      ["inbox/home", "inbox/work"],
    ],
  ])("takes %j for %j", (names, expected) => {
    expect(resolveNames(names, checks)).toEqual(expected);
  });

  it.each([
    ["inbx", 'Did you mean "inbox"?'],
    ["services/ap", 'Did you mean "services/api"?'],
    ["weather", "Known are inbox, inbox/work, inbox/home, services, services/api"],
    ["constructor", expect.stringContaining("Known are")],
  ])("does not know %s, and says what it knows", (name, hint) => {
    expect(() => resolveNames(["inbox", name], checks)).toThrow(
      expect.objectContaining({
        name: "ConfigError",
        code: "CHECK_UNKNOWN",
        message: `there is no check or skill "${name}"`,
        hint,
      }),
    );
  });

  it("says that there are none when there are none", () => {
    expect(() => resolveNames(["inbox"], [])).toThrow(
      expect.objectContaining({ hint: "Known are none" }),
    );
  });
});
