import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rename, writeFile } from "node:fs/promises";

/** The small world that the built-in skills look at: a service and a calendar; mail is a Maildir. */

export interface SmallService extends AsyncDisposable {
  readonly url: string;
  /** Whether it answers 200; else 503. */
  isUp: boolean;
  /** How often it was asked. */
  readonly probes: number;
}

/** @param onProbe told of every request, before it is answered */
export async function startService(onProbe: () => void = () => undefined): Promise<SmallService> {
  let probes = 0;
  const server = createServer((_request, response) => {
    probes += 1;
    onProbe();
    response.writeHead(service.isUp ? 200 : 503, { connection: "close" }).end("said");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const service: SmallService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`,
    isUp: true,
    get probes() {
      return probes;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return service;
}

export interface Meeting {
  readonly id: string;
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

/** Writes an ICS file at once, as a calendar program does. */
export async function writeCalendar(path: string, meetings: readonly Meeting[]): Promise<void> {
  const lines = meetings.flatMap(({ id, title, start, end }) => [
    "BEGIN:VEVENT",
    `UID:${id}@example.com`,
    "DTSTAMP:20260101T000000Z",
    `DTSTART:${stamp(start)}`,
    `DTEND:${stamp(end)}`,
    `SUMMARY:${title}`,
    "END:VEVENT",
  ]);
  const whole = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//tests//EN",
    ...lines,
    "END:VCALENDAR",
  ];
  await writeFile(`${path}.part`, `${whole.join("\r\n")}\r\n`);
  await rename(`${path}.part`, path);
}

const stamp = (at: number): string =>
  `${new Date(at).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
