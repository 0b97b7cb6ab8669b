import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdapterError } from "../domain/errors.ts";
import { composeCalendar } from "./ics.ts";
import { demoMails } from "./mails.ts";
import type { DemoMail } from "./mails.ts";
import { demoMeetings } from "./meetings.ts";
import { composeMail, sentAt } from "./mime.ts";

const freshMs = 24 * 60 * 60_000;
// The host part of a Maildir name: whatever else lies in the folder is not ours to delete.
const ourHost = "harbourlight-demo";

export interface DemoWorldPlace {
  /** Made when missing. */
  readonly dir: string;
  readonly now: Date;
  /** The owner's IANA zone. */
  readonly timezone: string;
}

/**
 * Writes the small world that the default configuration watches: `mail/` (a Maildir) and
 * `calendar.ics`, with times around `now`. A world made within the last 24 hours is left as it is.
 * Interrupted at any point, the next call makes it whole.
 * @throws AdapterError `DEMO_WORLD_NOT_WRITTEN` when the folder cannot be written.
 */
export async function prepareDemoWorld({ dir, now, timezone }: DemoWorldPlace): Promise<void> {
  try {
    if (await isFresh(dir, now)) return;
    const marker = join(dir, "world.json");
    await rm(marker, { force: true });
    await writeMails(join(dir, "mail"), now);
    await writeWhole(join(dir, "calendar.ics"), composeCalendar(demoMeetings, now, timezone));
    await writeWhole(marker, `${JSON.stringify({ madeAt: now.toISOString() })}\n`);
  } catch (error) {
    throw new AdapterError("DEMO_WORLD_NOT_WRITTEN", `The demo world cannot be written to ${dir}`, {
      cause: error,
      retryable: false,
      hint: "Give demo.dir a folder that can be written, or take demo out of the configuration",
    });
  }
}

async function isFresh(dir: string, now: Date): Promise<boolean> {
  try {
    const text = await readFile(join(dir, "world.json"), "utf8");
    const marker: unknown = JSON.parse(text);
    if (typeof marker !== "object" || marker === null || !("madeAt" in marker)) return false;
    const ageMs = now.getTime() - Date.parse(String(marker.madeAt));
    // Somebody may have emptied the folder beside the marker.
    await Promise.all(
      ["calendar.ics", "mail/new", "mail/cur"].map((path) => stat(join(dir, path))),
    );
    return ageMs >= 0 && ageMs < freshMs;
  } catch {
    // Missing or damaged: either way there is no whole world, and writing it says what is wrong.
    return false;
  }
}

async function writeMails(maildir: string, now: Date): Promise<void> {
  for (const folder of ["tmp", "new", "cur"]) {
    const path = join(maildir, folder);
    await mkdir(path, { recursive: true });
    const ours = (await readdir(path)).filter((name) =>
      name.split(":")[0]?.endsWith(`.${ourHost}`),
    );
    for (const name of ours) await rm(join(path, name), { force: true });
  }
  for (const mail of demoMails) {
    const name = fileName(mail, now);
    const written = join(maildir, "tmp", name);
    await writeFile(written, composeMail(mail, now));
    const sent = sentAt(mail, now);
    await utimes(written, sent, sent);
    const place = mail.read ? join("cur", `${name}:2,S`) : join("new", name);
    await rename(written, join(maildir, place));
  }
}

const fileName = (mail: DemoMail, now: Date): string =>
  `${Math.floor(sentAt(mail, now).getTime() / 1_000)}.${mail.id}.${ourHost}`;

/** Nobody ever reads half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, text);
  await rename(beside, path);
}
