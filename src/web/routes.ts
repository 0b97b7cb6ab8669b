import type { Clock } from "../domain/clock.ts";
import { apiRoutes } from "./api-routes.ts";
import { text } from "./answer.ts";
import { pageRoutes } from "./page-routes.ts";
import { createPushes } from "./push.ts";
import { decideReadiness } from "./readiness.ts";
import type { Route, WebDependencies } from "./route.ts";
import { wordRoutes } from "./word-routes.ts";

/** Every route there is. */
export const allRoutes = (dependencies: WebDependencies): readonly Route[] => [
  ...machineRoutes(dependencies),
  ...apiRoutes(dependencies),
  ...pageRoutes(dependencies),
  ...wordRoutes(dependencies),
];

/** Counting takes a while where much is kept, and anybody on this machine may ask for it. */
const scrapeGapMs = 1_000;

/** What was made within the gap before is given again. */
function atMostEvery<Result>(
  gapMs: number,
  clock: Clock,
  make: () => Promise<Result>,
): () => Promise<Result> {
  let last: { readonly at: number; readonly made: Promise<Result> } | undefined;
  return async () => {
    const now = clock.now();
    if (last && now >= last.at && now - last.at < gapMs) return last.made;
    const made = make();
    last = { at: now, made };
    // A failure is not kept.
    made.catch(() => (last = undefined));
    return made;
  };
}

/** What other programs ask and say. */
function machineRoutes(dependencies: WebDependencies): Route[] {
  const { store, clock, version, startedAt, heartbeatMs } = dependencies;
  const push = createPushes(dependencies);
  const scrape = atMostEvery(scrapeGapMs, clock, async () => {
    // Its library is loaded where somebody scrapes, and nowhere else.
    const { exposeMetrics } = await import("./metrics.ts");
    return exposeMetrics(store, version);
  });
  return [
    {
      method: "GET",
      path: /^\/healthz$/,
      access: "open",
      speaks: "text",
      handle: async () => text("ok"),
    },
    {
      method: "GET",
      path: /^\/readyz$/,
      access: "open",
      speaks: "text",
      async handle() {
        const now = clock.now();
        const lastCompletedAt = await store.lastCompletedBeatAt(now);
        const readiness = decideReadiness({ now, startedAt, heartbeatMs, lastCompletedAt });
        return readiness.ready ? text("ok") : text(readiness.why, 503);
      },
    },
    {
      method: "GET",
      path: /^\/metrics$/,
      access: "numbers",
      speaks: "text",
      async handle() {
        const { type, text: body } = await scrape();
        return { status: 200, headers: { "content-type": type }, body };
      },
    },
    ...([false, true] as const).map((failed): Route => ({
      method: "POST",
      path: failed ? /^\/push\/([\w.-]{1,100})\/fail$/ : /^\/push\/([\w.-]{1,100})$/,
      access: "own-key",
      speaks: "text",
      handle: ({ incoming, name, query }) => push(incoming, name, query, failed),
    })),
  ];
}
