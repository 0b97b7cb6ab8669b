import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ConfigInput } from "../../src/config/schema.ts";
import { type DovecotServer, startDovecot } from "../servers/dovecot.ts";
import { type RadicaleServer, startRadicale } from "../servers/radicale.ts";
import { type MailServer, startMailServer } from "../servers/smtp.ts";
import { mails, owner, rawMail } from "./mails.ts";
import {
  calendarText,
  eventText,
  invitation,
  movedInvitation,
  ownMeetings,
  teamMeetings,
} from "./meetings.ts";
import { type DayService, startDayService } from "./services.ts";

/** The company of the day: its servers, what happens to them, and how its owner has set up the watch. */

export const timezone = "Europe/Berlin";
const midnight = Date.parse("2026-11-10T00:00:00+01:00");
const minuteMs = 60_000;

/** The moment of a time such as `07:40`; `24:00` is the end of the day. */
export function at(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return midnight + (hours * 60 + minutes) * minuteMs;
}

export const serviceNames = ["router", "nas", "printer", "phones", "door", "shop"] as const;
type ServiceName = (typeof serviceNames)[number];
const behindRouter = ["nas", "printer", "phones", "door"] as const;

export interface DayEvent {
  readonly at: number;
  /** For the page; a mail tells itself. */
  readonly words?: string;
  happen(): Promise<void>;
}

export interface DayWorld extends AsyncDisposable {
  readonly outgoing: MailServer;
  readonly skills: Readonly<Record<string, unknown>>;
  /** The same as the owner wrote it, with names in the place of ports on loopback. */
  readonly shownSkills: Readonly<Record<string, unknown>>;
  /** In their order. */
  readonly events: readonly DayEvent[];
  /** Takes ports and the like out of what is shown to people. */
  named(text: string): string;
}

export const settings: Omit<ConfigInput, "skills"> = {
  timezone,
  heartbeat: { every: "5m", activeHours: "07:00-20:00" },
  model: { gather: "1h" },
  notify: { quietHours: "22:00-07:00", digestAt: "08:30" },
  policy: {
    grants: [
      {
        tool: "inbox_send",
        when: { to: "team@northlight.example" },
        maxPerDay: 2,
        evenIfUntrusted: true,
      },
    ],
  },
  web: false,
};

export const standingOrders = `- My calendar reminds me itself: do not interrupt me for meetings that start soon.
- When the office router is down, write one line to team@northlight.example.
- When Claire Dumont asks for something, put a short answer to her before me, so that I only have to say yes.
`;

export async function openWorld(folder: string): Promise<DayWorld> {
  await using parts = new AsyncDisposableStack();
  const mailbox = parts.adopt(await startDovecot({ tls: false }), (server) => server.stop());
  const outgoing = parts.adopt(await startMailServer(), (server) => server.stop());
  const calendar = parts.use(await startRadicale());
  const services = new Map<ServiceName, DayService>();
  for (const name of serviceNames) {
    services.set(name, parts.use(await startDayService(isWeb(name) ? "http" : "tcp")));
  }
  const service = (name: ServiceName): DayService => {
    const found = services.get(name);
    if (!found) throw new RangeError(`there is no service ${name}`);
    return found;
  };

  for (const meeting of ownMeetings) await calendar.putEvent(meeting.uid, eventText(meeting, at));
  const file = join(folder, "team.ics");
  await writeFile(`${file}.part`, calendarText(teamMeetings.map((each) => eventText(each, at))));
  await rename(`${file}.part`, file);

  const held = parts.move();
  return {
    outgoing,
    skills: skillSettings({
      imap: {
        host: "127.0.0.1",
        port: mailbox.port,
        secure: false,
        user: mailbox.user,
        password: mailbox.password,
        // News on this connection would come on the machine's clock, not on the day's.
        idle: false,
      },
      smtp: { host: "127.0.0.1", port: outgoing.port, secure: false },
      caldav: { url: calendar.calendar, user: calendar.user, password: calendar.password },
      addressOf: (name) => service(name).address,
    }),
    shownSkills: skillSettings({
      imap: { host: "imap.northlight.example", user: "robin", password: "IMAP_PASSWORD" },
      smtp: { host: "smtp.northlight.example", user: "robin", password: "SMTP_PASSWORD" },
      caldav: { url: "https://dav.northlight.example/", user: "robin", password: "DAV_PASSWORD" },
      addressOf: shownAddress,
    }),
    events: [...mailEvents(mailbox), ...otherEvents({ calendar, service })].sort(
      (one, other) => one.at - other.at,
    ),
    named: (text) =>
      serviceNames.reduce(
        (whole, name) => whole.replaceAll(service(name).address, shownAddress(name)),
        text,
      ),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const isWeb = (name: ServiceName): boolean => name === "shop" || name === "nas";
const shownAddress = (name: ServiceName): string =>
  isWeb(name) ? `${name}.example` : `${name}.example:7000`;

interface Place {
  readonly imap: unknown;
  readonly smtp: unknown;
  readonly caldav: unknown;
  readonly addressOf: (name: ServiceName) => string;
}

const skillSettings = ({ imap, smtp, caldav, addressOf }: Place) => ({
  inbox: {
    every: "10m",
    accounts: [
      {
        name: "work",
        address: owner,
        imap,
        smtp,
      },
    ],
    vips: ["claire.dumont@tidewater.example"],
    rules: [
      {
        name: "outages",
        match: { from: "status@payments.example", subject: "incident" },
        severity: "warning",
      },
      { name: "builds", match: { from: "ci@builds.example", subject: "passed" }, ignore: true },
    ],
  },
  calendar: {
    every: "15m",
    remindBefore: "2h",
    agendaAt: "06:50",
    address: owner,
    sources: [
      { name: "mine", caldav },
      { name: "team", ics: "./team.ics" },
    ],
  },
  services: {
    every: "2m",
    failureThreshold: 2,
    targets: [
      { name: "router", tcp: addressOf("router") },
      {
        name: "nas",
        http: `http://${addressOf("nas")}/`,
        severity: "warning",
        dependsOn: ["router"],
      },
      ...(["printer", "phones", "door"] as const).map((name) => ({
        name,
        tcp: addressOf(name),
        severity: "warning",
        dependsOn: ["router"],
      })),
      { name: "shop", http: `http://${addressOf("shop")}/` },
    ],
  },
});

const mailEvents = (mailbox: DovecotServer): DayEvent[] =>
  mails.map((mail, index) => ({
    at: at(mail.at),
    async happen() {
      const arrivedAt = new Date(at(mail.at));
      await mailbox.addMessage(rawMail(mail, index, arrivedAt), { arrivedAt });
    },
  }));

function otherEvents({
  calendar,
  service,
}: {
  readonly calendar: RadicaleServer;
  readonly service: (name: ServiceName) => DayService;
}): DayEvent[] {
  const put = (meeting: typeof invitation) =>
    calendar.putEvent(meeting.uid, eventText(meeting, at));
  const router = (turn: (one: DayService) => Promise<void>) => async () => {
    for (const name of ["router", ...behindRouter] as const) await turn(service(name));
  };
  return [
    {
      at: at("02:40"),
      words: "The backup storage (nas) answers 503.",
      happen: async () => void (service("nas").isBroken = true),
    },
    {
      at: at("06:30"),
      words: "Jonas invites to “Numbers of October”, 15:30.",
      happen: () => put(invitation),
    },
    {
      at: at("06:40"),
      words: "The backup storage is well again.",
      happen: async () => void (service("nas").isBroken = false),
    },
    {
      at: at("11:20"),
      words: "The shop answers 503.",
      happen: async () => void (service("shop").isBroken = true),
    },
    {
      at: at("11:48"),
      words: "The shop is well again.",
      happen: async () => void (service("shop").isBroken = false),
    },
    {
      at: at("12:55"),
      words: "Jonas moves his meeting to 14:15, onto the design review.",
      happen: () => put(movedInvitation),
    },
    {
      at: at("15:40"),
      words: "The router dies, and with it the four services behind it.",
      happen: router((one) => one.vanish()),
    },
    {
      at: at("16:05"),
      words: "The router is plugged in again.",
      happen: router((one) => one.comeBack()),
    },
  ];
}
