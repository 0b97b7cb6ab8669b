import { expect, test } from "vitest";
import type { RunBrief } from "../store/port.ts";
import { recentRunsPart, stillOpenPart } from "./recent-affairs.ts";

const at = Date.parse("2026-01-05T13:00:00Z");
const zone = "Europe/Berlin";

const run = (changes: Partial<RunBrief> = {}): RunBrief => ({
  ...{ id: 41, finishedAt: at, outcome: "ok", verdicts: [], effects: [] },
  ...changes,
});

test("nothing is said where there is nothing", () => {
  expect(recentRunsPart([], zone)).toBe("");
  expect(stillOpenPart({ findings: [], approvals: [] }, zone)).toBe("");
});

test("the last runs are told by their verdicts and effects, with ids, in the owner's zone", () => {
  const effect = { tool: "inbox_archive", state: "done", undoneAt: null } as const;
  const runs = [
    run({
      verdicts: [
        { findingId: 7, verdict: "notify" },
        { findingId: 8, verdict: "ignore" },
        { findingId: 9, verdict: "notify" },
      ],
      effects: [
        { ...effect, id: 12 },
        { ...effect, id: 13 },
        { ...effect, id: 14, undoneAt: at },
        { ...effect, id: 15, tool: "inbox_send", state: "unknown" },
      ],
    }),
    run({ id: 40, outcome: "interrupted" }),
    run({ id: 39 }),
    run({ id: 38 }),
  ];
  expect(recentRunsPart(runs, zone)).toBe(
    [
      "<recent_runs>",
      "- run 41, Mon 5 Jan 2026 14:00, ok: notify 2 (findings 7, 9); ignore 1 (finding 8); inbox_archive done (effects 12, 13); inbox_archive undone (effect 14); inbox_send outcome not known (effect 15)",
      "- run 40, Mon 5 Jan 2026 14:00, interrupted",
      "- run 39, Mon 5 Jan 2026 14:00, ok",
      "</recent_runs>",
    ].join("\n"),
  );
});

test("what is open is told by its fields", () => {
  const finding = { skill: "services", severity: "critical", status: "acked" } as const;
  const open = {
    findings: [{ ...finding, id: 7, check: 'services/a"<b>', openedAt: at }],
    approvals: [{ id: 3, tool: "inbox_send", status: "pending", createdAt: at } as const],
  };
  expect(stillOpenPart(open, zone)).toBe(
    [
      "<still_open>",
      "- finding 7, services/a&quot;&lt;b&gt;, critical, acked, since Mon 5 Jan 2026 14:00",
      "- approval 3, inbox_send, pending, since Mon 5 Jan 2026 14:00",
      "</still_open>",
    ].join("\n"),
  );
});

test("however much happened, it is told in few words", () => {
  const many = Array.from({ length: 60 }, (_, index) => index + 1_000_000);
  const busy = run({
    verdicts: many.map((findingId) => ({ findingId, verdict: "notify" })),
    effects: many.map((id) => ({ id, tool: `tool_${id}`, state: "done", undoneAt: null })),
  });
  const runs = recentRunsPart([busy, busy, busy, busy], zone);
  expect(runs).toContain("1000004, 1000005 and 54 more");
  expect(runs.length).toBeLessThan(1_600);
  const open = stillOpenPart(
    {
      findings: many.map((id) => ({
        ...{ id, skill: "s", check: "services/api", severity: "warning", status: "open" },
        openedAt: at,
      })),
      approvals: many.map((id) => ({ id, tool: "inbox_send", status: "pending", createdAt: at })),
    },
    zone,
  );
  expect(open.split("\n")).toHaveLength(18);
});
