import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { createScrub, scrubbed, scrubbedToken } from "./scrub.ts";
import { wordToken } from "./word-token.ts";

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

describe("one-time tokens", () => {
  const tokens = Array.from({ length: 50 }, (_, index) =>
    wordToken("secret", {
      ...{
        approvalId: index,
        argumentsHash: "0f".repeat(32),
        expiresAt: 1,
        use: "approve" as const,
      },
    }),
  );
  const [token = ""] = tokens;
  const codes = (text: string, mark: string) =>
    text.replace(/[^]/g, (sign) => `${mark}${sign.charCodeAt(0).toString(16)}`);

  it.each([
    ["alone", token, scrubbedToken],
    [
      "in a link",
      `https://a.example/word/7/${token}?x`,
      `https://a.example/word/7/${scrubbedToken}?x`,
    ],
    ["in capitals", token.toUpperCase(), scrubbedToken],
    ["quoted in a reply", `> > <${token}@a.example>`, `> > <${scrubbedToken}@a.example>`],
    [
      "in a link in a link",
      encodeURIComponent(`/word/7/${token}`),
      `%2Fword%2F7%2F${scrubbedToken}`,
    ],
    ["wholly percent-encoded", codes(token, "%"), scrubbedToken],
    ["in quoted-printable", codes(token, "=").toUpperCase(), scrubbedToken],
    ["over a soft line break", `${token.slice(0, 9)}=\r\n${token.slice(9)}`, scrubbedToken],
    ["as JSON", JSON.stringify({ a: `\n${token}` }), `{"a":"\\n${scrubbedToken}"}`],
    ["twice", `${token} ${token}`, `${scrubbedToken} ${scrubbedToken}`],
  ])("are taken out %s, also when no secret is known", (_, text, clean) => {
    expect([createScrub([])(text), createScrub(["hunter2-and-more"])(text)]).toEqual([
      clean,
      clean,
    ]);
  });

  it("of any call", () => {
    for (const each of tokens) expect(createScrub([])(each)).toBe(scrubbedToken);
  });

  it("go before a secret that stands in one, so that no half of one stays", () => {
    expect(createScrub([token.slice(5, 15)])(token)).toBe(scrubbedToken);
  });

  it.each(["wk1", token.slice(0, -1), `wk2${token.slice(3)}`, "wk1 and 26 signs that are words"])(
    "%j is none",
    (text) => {
      expect(createScrub([])(text)).toBe(text);
    },
  );

  it("cost long texts without one next to nothing", async () => {
    const scrub = createScrub([]);
    const spent = await processorMs(() => {
      for (const part of [
        "wk1",
        "w=\r\nk",
        `${token.slice(0, -1)}!`,
        "%77%6b%31%61",
        "words and ",
      ]) {
        const text = part.repeat(1_000_000 / part.length);
        expect(scrub(text)).toBe(text);
      }
    });
    // Some 30 ms here; what grows faster than the text would take minutes.
    expect(spent).toBeLessThan(3_000);
  });
});
