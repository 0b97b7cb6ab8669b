import type { Setup } from "./setup.ts";
import { typescriptValue } from "./typescript-value.ts";

/** The commented configuration: what was answered, and examples where nothing was. */

/** @param setup undefined when nobody was asked */
export function configText(setup: Setup | undefined): string {
  const part = (name: "services" | "inbox" | "calendar", example: string) =>
    setup?.[name] === undefined ? example : entry(name, setup[name], 4);
  return `import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  // timezone: "Europe/Berlin",            // default: the host's
  heartbeat: { every: "5m" },

  skills: {
    // Web pages, ports and certificates.
${part("services", setup === undefined ? servicesExample : commented(servicesExample))}
    // New mail. A password goes into .env under the name that secret() is given.
${part("inbox", inboxExample)}
    // Any calendar that has an iCalendar address or file, CalDAV, or Google.
${part("calendar", calendarExample).trimEnd()}
  },

  notify: {
    channels: {
      terminal: {},
      // Also by email, slack, telegram, webhook and command; \`watchkeeper notify test\` tries them.
${channelLines(setup?.channels ?? {})}    },
    digestAt: "08:30",
    // quietHours: "22:00-07:00",
  },
});
`;
}

function entry(name: string, value: unknown, indent: number): string {
  const before = `${name}: `;
  const text = typescriptValue(value, indent, before.length);
  return `${" ".repeat(indent)}${before}${text},\n`;
}

function channelLines(channels: Setup["channels"]): string {
  const entries = Object.entries(channels);
  if (entries.length === 0) return ntfyExample;
  return entries.map(([name, settings]) => entry(name, settings, 6)).join("");
}

const commented = (example: string): string => example.replaceAll(/^ {4}/gm, "    // ");

const servicesExample = `    services: {
      every: "1m",
      failureThreshold: 3, //                 down after so many failures in a row
      targets: [
        { name: "example", http: "https://example.com/", expect: { status: 200 } },
        // { name: "db", tcp: "db.example.com:5432" },
        // { name: "cert", tls: "example.com:443", warnDays: 14 },
        // { name: "disk", disk: { path: "/", minFree: "10%" } },
        // { name: "backup", push: { every: "1d", grace: "1h" } }, // a job that reports by itself
      ],
    },
`;

const inboxExample = `    // inbox: {
    //   every: "10m",
    //   accounts: [
    //     {
    //       name: "work",
    //       address: "me@example.com",
    //       imap: { host: "imap.example.com", port: 993, secure: true, user: "me", password: secret("IMAP_PASSWORD") },
    //     },
    //   ],
    // },
`;

const calendarExample = `    // calendar: {
    //   every: "15m",
    //   remindBefore: "30m",
    //   sources: [{ name: "mine", ics: "https://example.com/mine.ics" }],
    // },
`;

const ntfyExample = `      // ntfy: { server: "https://ntfy.sh", topic: "choose-what-nobody-guesses" },
`;
