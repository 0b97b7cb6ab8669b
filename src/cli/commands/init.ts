import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { WatchkeeperError } from "../../domain/errors.ts";
import { prepareStateDir } from "../../store/database.ts";
import { exit, type CommandContext } from "../context.ts";
import { nextCall } from "../next-call.ts";

/** Writes a commented configuration to start from. Files that exist are left alone. */
export function init(context: CommandContext): Promise<number> {
  const { configFile, stateDir, out, json } = context;
  const dir = dirname(configFile);
  prepareStateDir(stateDir);
  const files = [
    { path: configFile, text: configText, mode: 0o644 },
    { path: join(dir, ".env"), text: environmentText, mode: 0o600 },
    { path: join(stateDir, "HEARTBEAT.md"), text: standingOrdersText, mode: 0o600 },
  ];
  const done = files.map(({ path, text, mode }) => ({ path, written: writeNew(path, text, mode) }));
  if (json) out.write(`${JSON.stringify(done, null, 2)}\n`);
  else {
    for (const { path, written } of done) {
      const shown = relative(process.cwd(), path) || path;
      out.write(written ? `wrote ${shown}\n` : `left ${shown} as it is\n`);
    }
    const call = (words: string) => nextCall(context, words);
    out.write(
      "\nNext:\n  1. Name your mail, calendar and services in the configuration, and put secrets into .env\n" +
        `  2. ${call("config check")}\n  3. ${call("doctor")}\n  4. ${call("start")}\n`,
    );
  }
  return Promise.resolve(exit.done);
}

function writeNew(path: string, text: string, mode: number): boolean {
  if (existsSync(path)) return false;
  try {
    writeFileSync(path, text, { mode, flag: "wx" });
    return true;
  } catch (cause) {
    throw new WatchkeeperError("INIT_FAILED", `cannot write ${path}`, {
      cause,
      hint: "Call `watchkeeper init` in a folder that you may write",
    });
  }
}

const configText = `import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  // timezone: "Europe/Berlin",            // default: the host's
  heartbeat: { every: "5m" },

  skills: {
    // Web pages, ports and certificates.
    services: {
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

    // New mail. A password goes into .env under the name that secret() is given.
    // inbox: {
    //   every: "10m",
    //   accounts: [
    //     {
    //       name: "work",
    //       address: "me@example.com",
    //       imap: { host: "imap.example.com", port: 993, secure: true, user: "me", password: secret("IMAP_PASSWORD") },
    //     },
    //   ],
    // },

    // Any calendar that has an iCalendar address or file.
    // calendar: {
    //   every: "15m",
    //   remindBefore: "30m",
    //   sources: [{ name: "mine", ics: "https://example.com/mine.ics" }],
    // },
  },

  notify: {
    channels: {
      terminal: {},
      // Also by email, slack, telegram, webhook and command; \`watchkeeper notify test\` tries them.
      // ntfy: { server: "https://ntfy.sh", topic: "choose-what-nobody-guesses" },
    },
    digestAt: "08:30",
    // quietHours: "22:00-07:00",
  },
});
`;

const environmentText = `# Secrets of watchkeeper. Keep this file to yourself (mode 600) and out of git.

# Without a key the rules decide, and no model is asked.
# ANTHROPIC_API_KEY=

# IMAP_PASSWORD=
`;

const standingOrdersText = `# Standing orders

What you write here is read at the start of each run of the agent. For example:

- Mail from my family is always worth telling me at once.
- Newsletters never are.

<!-- An item that begins with an interval is due by the clock, once it stands outside of a comment:
- every 2h: look whether somebody waits for an answer of mine
-->
`;
