import { describe, expect, it } from "vitest";
import { isWordToken, wordTokens } from "../domain/word-token.ts";
import type { ApprovalRecord } from "../store/port.ts";
import { noExtras } from "./message.ts";
import { createExtrasFor, wordExtras } from "./word-links.ts";

const approval: ApprovalRecord = {
  id: 1_234_567,
  runId: 3,
  tool: "inbox_send",
  toolVersion: "1",
  arguments: { text: "Hello" },
  argumentsHash: "0f".repeat(32),
  effect: "send",
  trust: "trusted",
  reason: "",
  status: "pending",
  note: null,
  createdAt: 0,
  expiresAt: 1_000,
  decidedAt: null,
  effectId: null,
  facts: null,
  editedFrom: null,
};
const settings = { repliesCount: true, publicUrl: "https://watch.example.com", secret: "secret" };
const extras = (changes: Partial<ApprovalRecord> = {}, more = {}, now = 0) =>
  wordExtras({ ...approval, ...changes }, { ...settings, ...more }, now);

describe("wordExtras", () => {
  it("gives a link for each word and a token for replies, each its own", () => {
    const { links, replyToken } = extras();
    expect(links.map(({ label }) => label)).toEqual(["Approve", "Deny"]);
    const tokens = [...links.map(({ url }) => url), replyToken ?? ""].flatMap(
      (text) => text.match(wordTokens) ?? [],
    );
    const { id: approvalId, argumentsHash, expiresAt } = approval;
    const uses = ["approve", "deny", "reply"] as const;
    expect(
      tokens.map((token) =>
        uses.filter((use) =>
          isWordToken(token, "secret", { approvalId, argumentsHash, expiresAt, use }),
        ),
      ),
    ).toEqual(uses.map((use) => [use]));
  });

  it("writes links that no mail program breaks", () => {
    for (const { url } of extras().links) {
      expect(url).toMatch(/^https:\/\/watch\.example\.com\/word\/1234567\/[a-z2-7\d]{29}$/);
      expect(url.length).toBeLessThan(76);
    }
  });

  it("gives no links without a public address, and yet the token for replies", () => {
    const { links, replyToken } = extras({}, { publicUrl: undefined });
    expect(links).toEqual([]);
    expect(replyToken).toMatch(/^wk1/);
  });

  it("gives no token for replies to what the message does not show whole", () => {
    const { links, replyToken } = extras({ arguments: { text: "x".repeat(5_000) } });
    expect(links).toHaveLength(2);
    expect(replyToken).toBeNull();
  });

  it.each<[string, Parameters<typeof extras>]>([
    ["is approved", [{ status: "approved" }]],
    ["is denied", [{ status: "denied" }]],
    ["has expired", [{}, {}, 1_000]],
    ["cannot be signed", [{}, { secret: null }]],
  ])("gives nothing for what %s", (_, given) => {
    expect(extras(...given)).toEqual(noExtras);
  });
});

it("asks for no reply where nobody reads it; the links are as good as ever", () => {
  const unread = extras({}, { repliesCount: false });
  expect(unread).toEqual({ links: extras().links, replyToken: null });
});

describe("createExtrasFor", () => {
  const ids = [1, 2, 3, 4, 5];
  const extrasFor = createExtrasFor(
    {
      store: {
        getApproval: async (id) => (id === approval.id ? approval : undefined),
        approvalsInDigest: async (id) =>
          id === 70
            ? ids.map((each) => ({ ...approval, id: each, ...(each === 1 && { expiresAt: 0 }) }))
            : [],
      },
      clock: { now: () => 0 },
    },
    settings,
  );

  it("looks up the approval at the moment of delivery", async () => {
    const asking = { id: 1, kind: "notice" } as const;
    expect(await extrasFor({ ...asking, approvalId: approval.id })).toEqual(extras());
    expect(await extrasFor({ ...asking, approvalId: 9 })).toEqual(noExtras);
    expect(await extrasFor({ ...asking, approvalId: null })).toEqual(noExtras);
  });

  it("gives a digest one link for each that still waits, up to three, and no word by reply", async () => {
    const { links, replyToken } = await extrasFor({ id: 70, kind: "digest" });
    expect(links.map(({ label }) => label)).toEqual(["Approval 2", "Approval 3", "Approval 4"]);
    expect(links[0]).toMatchObject({ url: extras({ id: 2 }).links[0]?.url });
    expect(replyToken).toBeNull();
    expect(await extrasFor({ id: 71, kind: "digest" })).toEqual(noExtras);
  });
});
