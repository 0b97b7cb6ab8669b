import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { missingServers } from "../ground/real-servers.ts";
import { freePort } from "./free-port.ts";

/** A real Radicale on loopback with one user and one calendar. Debian: `apt-get install radicale`. */
export interface RadicaleServer extends AsyncDisposable {
  /** The calendar's address, whole as iCalendar to who reads it; user and password are in it. */
  readonly url: string;
  /** The server itself, from which its calendars are found. */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  /** The calendar's address without the login. */
  readonly calendar: string;
  /** Puts one VEVENT into the calendar, as a calendar program would. */
  putEvent(uid: string, event: string): Promise<void>;
  /** Takes an object of the calendar away, as another program would. */
  removeEvent(uid: string): Promise<void>;
  /** The object of that name as it stands on the server, undefined when there is none. */
  getEvent(uid: string): Promise<string | undefined>;
  /** Makes another calendar of the user. */
  makeCalendar(name: string): Promise<void>;
}

const user = "robin";
const password = "s3cret-Passw0rd";

/** @throws Error when it is missing and WATCHKEEPER_REQUIRE_SERVERS=1 asks for real servers */
export function radicaleAvailable(): boolean {
  const missing = missingServers(process.env.PATH ?? "").some(
    ({ program }) => program === "radicale",
  );
  if (missing && process.env.WATCHKEEPER_REQUIRE_SERVERS === "1") {
    throw new Error("radicale is missing; apt-get install radicale");
  }
  return !missing;
}

export async function startRadicale(): Promise<RadicaleServer> {
  const dir = await mkdtemp(join(tmpdir(), "radicale-"));
  await mkdir(join(dir, "collections"));
  await writeFile(join(dir, "users"), `${user}:${password}\n`);
  const port = await freePort();
  await writeFile(
    join(dir, "config"),
    `[server]
hosts = 127.0.0.1:${port}
[auth]
type = htpasswd
htpasswd_filename = ${join(dir, "users")}
htpasswd_encryption = plain
[storage]
filesystem_folder = ${join(dir, "collections")}
`,
  );
  const child = spawn("radicale", ["--config", join(dir, "config"), "--logging-level=info"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for await (const line of createInterface(child.stderr)) if (line.includes("Listening")) break;
  // Its log must not fill the pipe.
  child.stderr.resume();

  const calendar = `http://127.0.0.1:${port}/${user}/work/`;
  const request = async (method: string, url: string, body: string, type: string) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const headers = { authorization, "content-type": type };
    const response = await fetch(url, { method, headers, body });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
  };
  const makeCalendar = (url: string) =>
    request(
      "MKCALENDAR",
      url,
      `<?xml version="1.0"?><C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav"/>`,
      "application/xml",
    );
  await makeCalendar(calendar);
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return {
    url: calendar.replace("http://", `http://${user}:${password}@`),
    root: `http://127.0.0.1:${port}/`,
    user,
    password,
    calendar,
    makeCalendar: (name) => makeCalendar(`http://127.0.0.1:${port}/${user}/${name}/`),
    async getEvent(uid) {
      const response = await fetch(`${calendar}${uid}.ics`, { headers: { authorization } });
      return response.ok ? await response.text() : undefined;
    },
    async removeEvent(uid) {
      const headers = { authorization };
      const response = await fetch(`${calendar}${uid}.ics`, { method: "DELETE", headers });
      if (!response.ok) throw new Error(`DELETE ${uid}: ${response.status}`);
    },
    putEvent: (uid, event) =>
      request(
        "PUT",
        `${calendar}${uid}.ics`,
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", event, "END:VCALENDAR", ""].join(
          "\r\n",
        ),
        "text/calendar",
      ),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
