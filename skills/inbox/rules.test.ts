import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { inboxConfig } from "./config.ts";
import { mail, makeMaildir, type MailOptions, Watch } from "./inbox-fixture.ts";
import { parseMessage } from "./message.ts";
import { fitsSomewhere, fitsWhole } from "./pattern.ts";
import { judge } from "./rules.ts";
import { vipSender } from "./vip-sender.ts";

const accounts = [
  { name: "work", maildir: "mail", firstSight: "2d" },
  { name: "home", maildir: "home" },
];
const messagesOf = (rules: unknown[], vips: unknown[] = []) =>
  inboxConfig.safeParse({ accounts, rules, vips }).error?.issues.map(({ message }) => message) ??
  [];

async function judged(options: MailOptions | string, config: object, authservId?: string) {
  const { rules, vips } = inboxConfig.parse({ accounts, ...config });
  const source = Buffer.from(typeof options === "string" ? options : mail(options));
  const stored = { source, size: source.length, arrivedAt: 0, place: { file: "a" } };
  const message = await parseMessage(stored, 2_000);
  return judge(message, "work", { rules, vips }, vipSender(source, message, authservId));
}

const withAttachment = mail({
  headers: ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"],
  body: "--b\n\ntext\n--b\nContent-Type: application/pdf; name=Bill.PDF\n\nAAAA\n--b--",
});

describe("a rule", () => {
  it.for<[string, object, MailOptions | string, boolean]>([
    ["from, whole", { from: "anna@example.com" }, {}, true],
    ["from, not a part of it", { from: "anna@example" }, {}, false],
    ["from, any of a domain", { from: "*@EXAMPLE.com" }, {}, true],
    ["from, not the name", { from: "*Berg*" }, {}, false],
    ["one of several senders", { from: ["x@y.example", "anna@example.com"] }, {}, true],
    ["to", { to: "me@example.com" }, {}, true],
    ["to, in Cc", { to: "team@*" }, { headers: ["Cc: team@example.com"] }, true],
    ["subject, somewhere", { subject: "lun" }, {}, true],
    ["subject, with anything between", { subject: "re*bill" }, { subject: "Re: your bill" }, true],
    ["subject, in the wrong order", { subject: "bill*re" }, { subject: "Re: your bill" }, false],
    [
      "listId",
      { listId: "dev.example.com" },
      { headers: ["List-Id: Dev <dev.example.com>"] },
      true,
    ],
    ["listId, without brackets", { listId: "dev.*" }, { headers: ["List-Id: dev.example"] }, true],
    ["listId, of another list", { listId: "dev" }, { headers: ["List-Id: <dev.example>"] }, false],
    ["header", { header: { "X-Priority": "1" } }, { headers: ["x-priority: 1 (Highest)"] }, true],
    ["header that is not there", { header: { "X-Priority": "*" } }, {}, false],
    ["size, over", { size: ">10B" }, {}, true],
    ["size, not over", { size: ">1MB" }, {}, false],
    ["size, under", { size: "<1KB" }, {}, true],
    ["any attachment", { attachment: true }, withAttachment, true],
    ["no attachment", { attachment: false }, withAttachment, false],
    ["attachment by name", { attachment: "*.pdf" }, withAttachment, true],
    ["another attachment", { attachment: ["*.exe", "*.zip"] }, withAttachment, false],
    ["bulk", { bulk: true }, { headers: ["Precedence: bulk"] }, true],
    ["all parts together", { from: "*@example.com", subject: "dinner" }, {}, false],
  ])("matches on %s", async ([, match, message, expected]) => {
    const rules = [{ name: "r", match, severity: "critical" }];
    expect((await judged(message, { rules })).rule).toBe(expected ? "r" : undefined);
  });

  it("decides when it is the first that fits, and leaves open what it does not say", async () => {
    const rules = [
      { name: "other", match: { from: "x@y.example" }, ignore: true },
      { name: "first", match: { subject: "lunch" }, label: "Food" },
      { name: "second", match: { subject: "lunch" }, severity: "critical", archive: true },
    ];
    expect(await judged({}, { rules })).toEqual({
      severity: "notice",
      rule: "first",
      label: "Food",
    });
    expect(await judged({ headers: ["Precedence: list"] }, { rules })).toMatchObject({
      severity: "info",
    });
  });

  it("holds for the accounts that it names", async () => {
    const rules = [{ name: "r", match: { from: "*" }, accounts: ["home"], ignore: true }];
    expect((await judged({}, { rules })).rule).toBeUndefined();
  });

  it.each([
    ["that matches everything by mistake", { name: "r", match: {}, ignore: true }, /every mail/],
    ["that does nothing", { name: "r", match: { from: "a" } }, /does nothing/],
    [
      "that ignores and does more",
      { name: "r", match: { from: "a" }, ignore: true, label: "x" },
      /ignores and does more/,
    ],
    ["with a size that is none", { name: "r", match: { size: "5MB" }, ignore: true }, /not a size/],
    ["with a label of two words", { name: "r", match: { from: "a" }, label: "a b" }, /letters/],
  ])("%s is refused", (_, rule, message) => {
    expect(messagesOf([rule]).join()).toMatch(message);
  });

  it("must have a name of its own", () => {
    const rule = { name: "r", match: { from: "a" }, ignore: true };
    expect(messagesOf([rule, rule])).toEqual(['the rule name "r" is used twice']);
  });
});

describe("severity without a rule", () => {
  it.each([
    ["from person to person", [], "notice"],
    ["from a list", ["List-Id: <l.example>"], "info"],
    ["with a precedence", ["Precedence: junk"], "info"],
    ["sent by a machine", ["Auto-Submitted: auto-replied"], "info"],
    ["that says it is not", ["Auto-Submitted: no"], "notice"],
    ["that one can unsubscribe from", ["List-Unsubscribe: <mailto:x@y.example>"], "info"],
  ])("of mail %s is as it should be", async (_, headers, severity) => {
    expect((await judged({ headers }, {})).severity).toBe(severity);
  });
});

describe("a VIP", () => {
  const vips = ["boss@example.com", "*@board.example.com"];
  const from = "The Boss <Boss@example.com>";
  const results = (verdict: string, server = "mx.example.net") =>
    `Authentication-Results: ${server}; dmarc=${verdict} header.from=example.com`;

  it("is heard one step louder, in person and in bulk", async () => {
    expect(await judged({ from }, { vips })).toEqual({ severity: "warning", vip: vips[0] });
    expect(await judged({ from: "x@board.example.com" }, { vips })).toMatchObject({
      severity: "warning",
    });
    expect(await judged({ from, headers: ["List-Id: <l>"] }, { vips })).toMatchObject({
      severity: "notice",
    });
    expect(await judged({ from: "x@example.com" }, { vips })).toEqual({ severity: "notice" });
  });

  it.for<[string, string[], string | undefined, boolean]>([
    ["proven", [results("pass")], "mx.example.net", true],
    ["disproven", [results("fail")], "mx.example.net", false],
    ["proven by another server", [results("pass", "evil.example")], "mx.example.net", false],
    ["not spoken of, where it should be", [], "mx.example.net", false],
    ["proven, by a server that nobody named", [results("pass")], undefined, true],
    ["disproven, by a server that nobody named", [results("fail")], undefined, false],
    ["proven and disproven", [results("fail"), results("pass")], undefined, false],
    ["not spoken of at all", [], undefined, true],
  ])("whose address is %s counts accordingly", async ([, headers, authservId, counts]) => {
    const { vip } = await judged({ from, headers }, { vips }, authservId);
    expect(vip !== undefined).toBe(counts);
  });

  it("does not count for the name that a stranger writes before the address", async () => {
    const forged = '"boss@example.com" <x@evil.example>';
    expect((await judged({ from: forged }, { vips })).vip).toBeUndefined();
  });

  it("gives way to a rule", async () => {
    const rules = [{ name: "r", match: { from: "boss@*" }, severity: "info" }];
    expect(await judged({ from }, { vips, rules })).toMatchObject({ severity: "info", rule: "r" });
  });
});

describe("patterns", () => {
  const toRegExp = (pattern: string) =>
    pattern
      .split("*")
      .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*");
  const words = fc.string({ unit: fc.constantFrom("a", "b", "*", "A", "."), maxLength: 8 });

  it("mean what they seem to mean", () => {
    fc.assert(
      fc.property(words, words, (text, pattern) => {
        expect(fitsWhole(text, pattern)).toBe(new RegExp(`^${toRegExp(pattern)}$`, "i").test(text));
        expect(fitsSomewhere(text, pattern)).toBe(new RegExp(toRegExp(pattern), "i").test(text));
      }),
    );
  });

  it("are quick whatever they are", async () => {
    const fit = () => fitsWhole("a".repeat(100_000), "a*".repeat(200) + "b");
    expect(await processorMs(fit)).toBeLessThan(500);
  });
});

describe("the check with rules", () => {
  it("labels and archives what the rules say, once, and makes no finding of what is ignored", async () => {
    const box = await makeMaildir();
    try {
      const rules = [
        { name: "spam", match: { subject: "win" }, ignore: true },
        {
          name: "bills",
          match: { from: "bill@*" },
          label: "Money",
          archive: true,
          severity: "info",
        },
      ];
      await box.add("1.a", mail({ id: "1@x", subject: "Win now" }));
      await box.add("2.a", mail({ id: "2@x", from: "bill@example.com" }));
      await box.add("3.a", mail({ id: "3@x", subject: "win again" }));
      const watch = new Watch({ accounts, rules }, { baseDir: box.baseDir });
      const { observations, actions, notes } = await watch.look();
      expect(observations).toHaveLength(1);
      const [{ key, severity, text } = {}] = observations;
      expect(severity).toBe("info");
      expect(text).toContain("\nRule: bills\n");
      expect(actions).toEqual([
        {
          key: expect.stringMatching(/^bills:label:Money:.{12}$/),
          tool: "label",
          input: { id: key, account: "work", label: "Money" },
        },
        {
          key: expect.stringMatching(/^bills:archive:.{12}$/),
          tool: "archive",
          input: { id: key, account: "work" },
        },
      ]);
      expect(notes).toContain("2 messages ignored by rule spam");
      expect((await watch.look()).actions).toEqual([]);
    } finally {
      await box.remove();
    }
  });
});
