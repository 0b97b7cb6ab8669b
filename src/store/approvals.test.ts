import { expect, it } from "vitest";
import type { NewNotification } from "./port.ts";
import { openTemporaryStore } from "./store-fixture.ts";

it("knows which approvals were told of in which digest", async () => {
  const { store } = await openTemporaryStore();
  const notice = (more: Partial<NewNotification>): NewNotification => ({
    ...{ kind: "notice", state: "held", findings: [], severity: "warning" },
    ...{ title: "", body: "", why: "", dueAt: 1 },
    ...more,
  });
  const ids: number[] = [];
  for (const index of [1, 2, 3]) {
    const { id } = await store.addApproval({
      ...{ runId: null, tool: "send", toolVersion: "1", arguments: { index } },
      ...{ argumentsHash: `${index}`, effect: "send", trust: "trusted", reason: "" },
      ...{ createdAt: 1, expiresAt: 9 },
    });
    ids.push(id);
    await store.tellNow({ notification: notice({ approvalId: id }), told: [], at: 1 });
  }
  await store.tellNow({ notification: notice({ approvalId: null }), told: [], at: 1 });
  const held = await store.heldNotifications(1);
  const parts = held.filter(({ approvalId }) => approvalId !== ids[2]).map(({ id }) => id);
  await store.foldIntoDigest(parts, notice({ kind: "digest", state: "ready" }), 2);
  const digest = (await store.undelivered()).find(({ deliveries }) => deliveries.length === 0);
  const told = await store.approvalsInDigest(digest?.notificationId ?? 0);
  expect(told).toMatchObject([
    { id: ids[0], status: "pending", arguments: { index: 1 }, effectId: null },
    { id: ids[1], argumentsHash: "2" },
  ]);
  expect(await store.approvalsInDigest(99)).toEqual([]);
});
