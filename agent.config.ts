import { defineConfig } from "watchkeeper";

/**
 * What `npm start` watches: a small world that needs no account. A Maildir and a calendar are written
 * to state/demo with dates around today, and a tiny web service goes down and comes back.
 *
 * `watchkeeper init` writes a configuration for your own mail, calendar and services.
 */
// `watchkeeper demo` names another one when this is taken.
const port = Number(process.env.WATCHKEEPER_DEMO_PORT ?? 7399);

export default defineConfig({
  heartbeat: { every: "1m", slack: "1s" },
  demo: { dir: "./state/demo", port },
  skills: {
    services: {
      every: "3s",
      failureThreshold: 2,
      successThreshold: 2,
      targets: [
        { name: "shop", http: `http://127.0.0.1:${port}/shop`, expect: { status: 200 } },
        {
          name: "backup",
          http: `http://127.0.0.1:${port}/backup`,
          expect: { body: "backup: ok" },
          severity: "warning",
          failureThreshold: 1,
          every: "1m",
        },
      ],
    },
    inbox: {
      every: "1m",
      accounts: [
        {
          name: "demo",
          address: "robin@harbourlight.example",
          maildir: "./state/demo/mail",
          firstSight: "2d",
        },
      ],
    },
    calendar: {
      every: "1m",
      remindBefore: "30m",
      sources: [{ name: "demo", ics: "./state/demo/calendar.ics" }],
    },
  },
  // The shop goes down all day long here; with the default of 8 it would soon fall silent.
  notify: { channels: { terminal: {} }, interruptionsPerDay: 1000 },
});
