import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startGoogle, type GoogleServer } from "../servers/google.ts";
import { createPlace, type Place, type Running } from "./place.ts";

let place: Place;
let google: GoogleServer;
beforeEach(async () => {
  google = await startGoogle();
  place = await createPlace({ CLIENT_SECRET: google.clientSecret });
  await configure();
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await google[Symbol.asyncDispose]();
});

const configure = async (more = "") => {
  const { url, authUrl, tokenUrl, clientId } = google;
  await place.config(`{ skills: { calendar: { sources: [{ name: "google", google: {
    calendarId: "primary", clientId: ${JSON.stringify(clientId)}, clientSecret: secret("CLIENT_SECRET"),
    rootUrl: "${url}", authUrl: "${authUrl}", tokenUrl: "${tokenUrl}" ${more} } }] } } }`);
};

/** The address that the command prints, as the owner copies it. */
const addressOf = async (running: Running): Promise<URL> =>
  new URL(await running.seen(/^http:\S+code_challenge=\S+$/m));

const tokenFile = () => join(place.stateDir, "skills", "calendar", "google.token.json");

/** Opens an address as a browser does, redirects and all. */
const open = async (url: URL | string): Promise<string> => (await fetch(url)).text();

describe("watchkeeper auth google", () => {
  test("saves the login after the owner's yes, for this user only, and the calendar is watched", async () => {
    const running = place.start("auth", "google");
    const address = await addressOf(running);
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      access_type: "offline",
      code_challenge_method: "S256",
      scope: "https://www.googleapis.com/auth/calendar.events",
      state: expect.stringMatching(/^[\w-]{32}$/) as string,
      redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/oauth2callback$/) as string,
    });
    // Another page in the browser guesses: it is turned away, and the true answer still counts.
    const redirect = address.searchParams.get("redirect_uri") ?? "";
    const forged = await fetch(`${redirect}?code=theirs&state=guess`);
    expect(forged.status).toBe(400);
    expect((await fetch(new URL("/", redirect))).status).toBe(404);
    expect(await open(address)).toContain("You can close this window");
    await running.seen(/is saved/);
    expect((await running.ended).exitCode).toBe(0);

    const saved = await readFile(tokenFile(), "utf8");
    expect(JSON.parse(saved)).toEqual({
      clientId: google.clientId,
      refreshToken: expect.stringMatching(/^1\/\//) as string,
    });
    expect((await stat(tokenFile())).mode & 0o777).toBe(0o600);
    expect((await stat(join(place.stateDir, "skills", "calendar"))).mode & 0o077).toBe(0);

    const soon = (minutes: number) => ({
      dateTime: new Date(Date.now() + minutes * 60_000).toISOString(),
    });
    google.put({ id: "standup", summary: "Standup", start: soon(10), end: soon(20) });
    const beat = await place.run("beat");
    expect(beat.stdout + beat.stderr).toContain("Starting soon: Standup");

    google.revoke();
    const later = await place.run("beat");
    expect(`${later.stdout}${later.stderr}`.replace(/\s+/g, " ")).toContain(
      "no longer accepts the login (invalid_grant). Run: watchkeeper auth google",
    );
  });

  test("ends with what Google or the owner said instead of a yes", async () => {
    const running = place.start("auth", "google");
    const address = await addressOf(running);
    const back = new URL(address.searchParams.get("redirect_uri") ?? "");
    back.searchParams.set("state", address.searchParams.get("state") ?? "");
    back.searchParams.set("error", "access_denied");
    await open(back);
    await running.seen(/Google gives no login: access_denied/);
    const { exitCode, stdout, stderr } = await running.ended;
    expect(exitCode).toBe(1);
    expect(stdout + stderr).not.toContain("fault of ours");
  });

  test.each([
    ["a code that is refused", { status: 400, body: '{"error":"invalid_grant"}' }],
    ["a page in place of tokens", { status: 200, body: "<html>Sign in</html>" }],
    ["an answer without end", { status: 200, body: "x".repeat(200_000) }],
    ["a redirect", { status: 307, body: "", headers: { location: "http://127.0.0.1:9/" } }],
  ])("says so at %s, shows no secret and saves nothing", async (_, answer) => {
    const headers = {
      "content-type": "application/json",
      ...("headers" in answer ? answer.headers : {}),
    };
    google.answer = (__, path) => (path === "/token" ? { ...answer, headers } : undefined);
    const running = place.start("auth", "google");
    await open(await addressOf(running));
    await running.seen(/Google gives no login/);
    const { exitCode, stdout, stderr } = await running.ended;
    expect(exitCode).toBe(1);
    expect(stdout + stderr).not.toMatch(/s3cret|4\/|fault of ours/);
    await expect(stat(tokenFile())).rejects.toThrow("ENOENT");
  });

  test("is wrong use without a calendar at Google, or with a name that none has", async () => {
    const wrong = await place.run("auth", "google", "--source", "other");
    expect(wrong).toMatchObject({ exitCode: 2 });
    expect(wrong.stderr).toContain('no calendar at Google is named "other". There is: google');
    await place.config(`{ skills: {} }`);
    const none = await place.run("auth", "google");
    expect(none).toMatchObject({ exitCode: 2 });
    expect(none.stderr).toContain("no calendar of the configuration is at Google");
  });

  test("prints nothing but JSON on standard output when asked to", async () => {
    const running = place.start("auth", "google", "--json", "--source", "google");
    await open(await addressOf(running));
    await running.seen(/"file"/);
    const { stdout, exitCode } = await running.ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      source: "google",
      file: join(place.stateDir, "skills", "calendar", "google-google.token.json"),
    });
  });
});
