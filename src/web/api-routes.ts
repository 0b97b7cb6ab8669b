import { z } from "zod";
import { findApproval, giveWord } from "../effects/owner-word.ts";
import { approvalView, approvalWithOutcome } from "../views/approval.ts";
import { beatView, beatWithEffects } from "../views/beat.ts";
import { findingView } from "../views/finding.ts";
import { runView, stepView } from "../views/run.ts";
import { readStatusView } from "../views/status.ts";
import { json, Refusal, type Answer } from "./answer.ts";
import { expectCsrf } from "./asker.ts";
import { readJson } from "./body.ts";
import type { Route, Visit, WebDependencies } from "./route.ts";

/** `/api/…`: the same JSON as the command line, and the owner's word. */

export function apiRoutes({ store, clock, version, timezone, wake }: WebDependencies): Route[] {
  const read = (path: RegExp, view: (visit: Visit) => Promise<unknown>): Route => ({
    method: "GET",
    path,
    access: "owner",
    speaks: "json",
    handle: async (visit) => json(await view(visit)),
  });
  const word = (path: RegExp, handle: (visit: Visit) => Promise<Answer>): Route => ({
    method: "POST",
    path,
    access: "owner",
    speaks: "json",
    async handle(visit) {
      expectCsrf(visit.asker, visit.incoming.headers["x-csrf-token"]?.toString());
      return handle(visit);
    },
  });
  return [
    read(/^\/api\/status$/, async () =>
      readStatusView(store, { version, now: clock.now(), running: true, timezone }),
    ),
    read(/^\/api\/beats$/, async ({ query }) =>
      (await store.listBeats({ limit: limitOf(query, 20) })).map(beatView),
    ),
    read(/^\/api\/beats\/([1-9]\d{0,14})$/, async ({ name }) =>
      beatWithEffects(store, found(await store.getBeat(Number(name)), "beat", name)),
    ),
    read(/^\/api\/runs$/, async ({ query }) =>
      (await store.listRuns({ limit: limitOf(query, 20) })).map(runView),
    ),
    read(/^\/api\/runs\/([1-9]\d{0,14})$/, async ({ name }) => {
      const run = found(await store.getRun(Number(name)), "run", name);
      return { ...runView(run), steps: run.steps.map(stepView) };
    }),
    read(/^\/api\/findings$/, async ({ query }) =>
      (await store.listFindings({ all: isAll(query), limit: limitOf(query, 100) })).map(
        findingView,
      ),
    ),
    read(/^\/api\/findings\/([1-9]\d{0,14})$/, async ({ name }) => {
      const [finding] = await store.getFindings([Number(name)]);
      return findingView(found(finding, "finding", name));
    }),
    read(/^\/api\/approvals$/, async ({ query }) =>
      (await store.listApprovals({ all: isAll(query), limit: limitOf(query, 100) })).map(
        approvalView,
      ),
    ),
    read(/^\/api\/approvals\/([1-9]\d{0,14})$/, async ({ name }) => {
      const { approval, effect } = await findApproval(store, Number(name));
      return approvalWithOutcome(approval, effect);
    }),
    word(/^\/api\/approvals\/([1-9]\d{0,14})\/approve$/, async ({ incoming, name }) => {
      const { argumentsHash: shownHash } = parse(approveRequest, await readJson(incoming));
      const given = { decision: "approved", note: null, at: clock.now(), shownHash } as const;
      const approved = await giveWord(store, Number(name), given);
      wake();
      return json(approvalView(approved));
    }),
    word(/^\/api\/approvals\/([1-9]\d{0,14})\/deny$/, async ({ incoming, name }) => {
      const { note = null } = parse(denyRequest, await readJson(incoming));
      const given = { decision: "denied", note, at: clock.now() } as const;
      const denied = await giveWord(store, Number(name), given);
      wake();
      return json(approvalView(denied));
    }),
  ];
}

const approveRequest = z.strictObject({
  argumentsHash: z.string({
    error: "give the argumentsHash of the approval as it was shown to you",
  }),
});
const denyRequest = z.strictObject({ note: z.string().max(1_000).optional() });

function parse<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refusal(400, parsed.error.issues.map(({ message }) => message).join("; "));
}

function limitOf(query: URLSearchParams, otherwise: number): number {
  const given = query.get("limit");
  if (given === null) return otherwise;
  const limit = Number(given);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit;
  throw new Refusal(400, "limit must be a whole number from 1 to 1000");
}

function isAll(query: URLSearchParams): boolean {
  const given = query.get("all");
  if (given === null || given === "false") return false;
  if (given === "true") return true;
  throw new Refusal(400, "all must be true or false");
}

function found<Thing>(thing: Thing | undefined, kind: string, id: string): Thing {
  if (thing === undefined) throw new Refusal(404, `there is no ${kind} ${id}`);
  return thing;
}
