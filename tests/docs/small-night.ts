import { utimes } from "node:fs/promises";
import { join } from "node:path";
import {
  callTools,
  createMaildir,
  FakeClock,
  findingIds,
  report,
  startScriptedModel,
} from "watchkeeper/testing";
import { keepWatch } from "../daemon/harness.ts";
import { startService } from "../daemon/world.ts";

const minute = 60_000;

/**
 * A night with something of everything, in the folder's state directory: a shop that goes down and
 * comes back, a calendar that is not there, a mail that can be read and one that cannot, runs, a
 * digest, and hours in which the machine slept.
 * @returns the path of the database, which a daemon still has open until it is disposed of, and its morning.
 */
export async function spendSmallNight(
  folder: string,
): Promise<AsyncDisposable & { readonly database: string; readonly now: Date }> {
  await using parts = new AsyncDisposableStack();
  // An hour before midnight on this machine's clocks, by which SQLite's local time goes.
  const clock = new FakeClock(new Date(2026, 0, 5, 23));
  const shop = parts.use(await startService());
  const model = parts.use(
    await startScriptedModel((request, index) =>
      index === 0
        ? callTools([{ name: "services_probe", input: { target: "shop" } }])
        : report({
            verdicts: findingIds(request).map((findingId) => ({
              findingId,
              verdict: "digest",
              message: "Worth a look.",
            })),
            summary: "A small night.",
          }),
    ),
  );
  const maildir = await createMaildir(join(folder, "mail"));
  const date = new Date(clock.now() - minute);
  const mail = { from: "Ann <ann@example.com>", to: "me@example.com", text: "Are you there?" };
  await maildir.deliver({ ...mail, subject: "Lunch", date });
  await utimes(await maildir.deliver(tooDeep), date, date);
  const kept = parts.use(
    await keepWatch({
      folder,
      clock,
      model,
      config: {
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        notify: { digestAt: "23:30" },
      },
      skills: {
        services: {
          failureThreshold: 1,
          successThreshold: 1,
          targets: [{ name: "shop", http: shop.url }],
        },
        inbox: {
          every: "5m",
          accounts: [{ name: "local", maildir: maildir.path, firstSight: "2d" }],
        },
        calendar: { every: "5m", sources: [{ name: "mine", ics: "missing.ics" }] },
      },
    }),
  );
  await kept.settle();
  shop.isUp = false;
  await kept.pass(10 * minute);
  shop.isUp = true;
  await kept.pass(30 * minute);
  clock.set(clock.now() + 3 * 60 * minute);
  await maildir.deliver({ ...mail, subject: "Tea", date: new Date(clock.now() - minute) });
  await kept.pass(10 * minute);
  const held = parts.move();
  return {
    database: join(folder, "state", "watchkeeper.db"),
    now: new Date(clock.now()),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Deeper nested than the parser goes. */
const tooDeep = Array.from(
  { length: 60 },
  (_, depth) => `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n`,
).join("");
