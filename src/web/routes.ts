import { apiRoutes } from "./api-routes.ts";
import { text } from "./answer.ts";
import { exposeMetrics } from "./metrics.ts";
import { pageRoutes } from "./page-routes.ts";
import { createPushes } from "./push.ts";
import { decideReadiness } from "./readiness.ts";
import type { Route, WebDependencies } from "./route.ts";

/** Every route there is. */
export const allRoutes = (dependencies: WebDependencies): readonly Route[] => [
  ...machineRoutes(dependencies),
  ...apiRoutes(dependencies),
  ...pageRoutes(dependencies),
];

/** What other programs ask and say. */
function machineRoutes(dependencies: WebDependencies): Route[] {
  const { store, clock, version, startedAt, heartbeatMs } = dependencies;
  const push = createPushes(dependencies);
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
        const lastCompletedAt = await store.lastCompletedBeatAt();
        const now = clock.now();
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
        const { type, text: body } = await exposeMetrics(store, version);
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
