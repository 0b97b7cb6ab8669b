import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScrub, scrubbed } from "./scrub.ts";

describe("createScrub", () => {
  const scrub = createScrub(["hunter2-and-more", "p@ss word/1", "abc"]);

  it.each([
    ["LOGIN me hunter2-and-more", "LOGIN me [secret]"],
    ["?password=p%40ss%20word%2F1&x=1", "?password=[secret]&x=1"],
    [`Basic ${Buffer.from("p@ss word/1").toString("base64")}`, "Basic [secret]"],
    ["too short to be a secret: abc", "too short to be a secret: abc"],
    ["nothing here", "nothing here"],
  ])("scrubs %j", (text, clean) => {
    expect(scrub(text)).toBe(clean);
  });

  it("takes the longer one of two secrets of which one contains the other", () => {
    expect(createScrub(["secret", "secret-and-key"])("a secret-and-key")).toBe("a [secret]");
  });

  it("leaves text alone when there are no secrets", () => {
    expect(createScrub([])("as it is")).toBe("as it is");
  });

  it("finds a secret of any characters that is no short word in any text", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6 }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          fc.pre(!scrubbed.includes(secret) && !/^(?:\p{L}+|\p{N}+)$/u.test(secret));
          expect(createScrub([secret])(`${before}${secret}${after}`)).not.toContain(secret);
        },
      ),
    );
  });
});
