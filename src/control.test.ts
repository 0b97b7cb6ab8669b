import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  existsSync,
} from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  controlPath,
  listenForControl,
  requestBeat,
  requestResume,
  requestUndo,
  requestWake,
  type BeatRequest,
  type ControlHandlers,
} from "./control.ts";
import { ConfigError, WatchkeeperError } from "./domain/errors.ts";

function stateDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-control-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function listening(handlers: Partial<ControlHandlers> = {}) {
  const dir = stateDir();
  const asked: (BeatRequest | "wake" | "resume")[] = [];
  const control = await listenForControl(dir, {
    async beat(wanted) {
      asked.push(wanted);
      return { beatId: 7 };
    },
    undo: () => Promise.reject(new Error("nothing is undone here")),
    wake: () => void asked.push("wake"),
    resume: () => void asked.push("resume"),
    ...handlers,
  });
  onTestFinished(() => control[Symbol.asyncDispose]());
  return { dir, asked, control };
}

/** A request that our own client would not make. */
function raw(dir: string, method: string, path: string, body: string | Buffer = "") {
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const outgoing = request({ socketPath: controlPath(dir), path, method }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk: string) => (text += chunk));
      incoming.on("end", () =>
        resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) as unknown }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

describe("control.sock", () => {
  it("is the owner's alone, and gone when the daemon is", async () => {
    const { dir, control } = await listening();
    expect(statSync(controlPath(dir)).mode & 0o777).toBe(0o600);
    await control[Symbol.asyncDispose]();
    expect(existsSync(controlPath(dir))).toBe(false);
  });

  it("replaces what a killed daemon left behind", async () => {
    const dir = stateDir();
    writeFileSync(controlPath(dir), "");
    const control = await listenForControl(dir, {
      beat: () => Promise.resolve({ beatId: 1 }),
      undo: () => Promise.resolve({ tool: "desk_write" }),
      wake: () => undefined,
      resume: () => undefined,
    });
    onTestFinished(() => control[Symbol.asyncDispose]());
    expect(await requestBeat(dir, null)).toEqual({ beatId: 1 });
  });

  it("leaves the socket of a daemon alone that has come in the place of its directory", async () => {
    const { dir, control } = await listening();
    renameSync(dir, `${dir}-old`);
    onTestFinished(() => rmSync(`${dir}-old`, { recursive: true, force: true }));
    mkdirSync(dir);
    const other = await listenForControl(dir, {
      beat: () => Promise.resolve({ beatId: 2 }),
      undo: () => Promise.reject(new Error("nothing is undone here")),
      wake: () => undefined,
      resume: () => undefined,
    });
    onTestFinished(() => other[Symbol.asyncDispose]());
    await control[Symbol.asyncDispose]();
    expect(await requestBeat(dir, null)).toEqual({ beatId: 2 });
  });

  it("carries a beat, of all or of the named checks, and waits for its end", async () => {
    const { dir, asked } = await listening();
    expect(await requestBeat(dir, null)).toEqual({ beatId: 7 });
    await requestBeat(dir, ["inbox", "services/größe 日本"]);
    expect(asked).toEqual([{ checks: null }, { checks: ["inbox", "services/größe 日本"] }]);
  });

  it("carries a wake, and that the stop button is lifted", async () => {
    const { dir, asked } = await listening();
    await requestWake(dir);
    await requestResume(dir);
    expect(asked).toEqual(["wake", "resume"]);
  });

  it("carries an undo, and the reason when there is none", async () => {
    const { dir } = await listening({
      undo: (effectId) =>
        effectId === 3
          ? Promise.resolve({ tool: "desk_write" })
          : Promise.reject(new WatchkeeperError("UNDO_REFUSED", `there is no effect ${effectId}`)),
    });
    expect(await requestUndo(dir, 3)).toEqual({ tool: "desk_write" });
    await expect(requestUndo(dir, 4)).rejects.toMatchObject({
      code: "UNDO_REFUSED",
      message: "there is no effect 4",
    });
    expect(await raw(dir, "POST", "/undo", '{"effectId":"3"}')).toMatchObject({ status: 400 });
  });

  it("tells the one who asks what went wrong, in words", async () => {
    const { dir } = await listening({
      beat: () =>
        Promise.reject(
          new ConfigError("CHECK_UNKNOWN", 'there is no check or skill "x"', { hint: "Try y" }),
        ),
    });
    await expect(requestBeat(dir, ["x"])).rejects.toThrow('there is no check or skill "x". Try y');
  });

  it.each<[string, string, string, string | Buffer, number, RegExp]>([
    ["another way", "GET", "/beat", "", 404, /only POST/],
    ["another path", "POST", "/stop", "", 404, /only POST/],
    ["names that are none", "POST", "/beat", '{"checks":[1]}', 400, /names or null/],
    ["no names", "POST", "/beat", "{}", 400, /names or null/],
    ["no body", "POST", "/beat", "", 400, /names or null/],
    ["what is not JSON", "POST", "/beat", "{", 500, /JSON/],
    ["what is not text", "POST", "/beat", Buffer.from([0xff, 0xfe, 0]), 500, /JSON/],
    ["too much", "POST", "/beat", `"${"x".repeat(70_000)}"`, 500, /too large/],
  ])("refuses %s and goes on", async (_, method, path, body, status, error) => {
    const { dir, asked } = await listening();
    expect(await raw(dir, method, path, body)).toEqual({
      status,
      body: { error: expect.stringMatching(error) },
    });
    expect(asked).toEqual([]);
    expect(await requestBeat(dir, null)).toEqual({ beatId: 7 });
  });

  it("lets go of who waits for a beat when the daemon stops", async () => {
    const begun = Promise.withResolvers<void>();
    const { dir, control } = await listening({
      beat() {
        begun.resolve();
        return new Promise<never>(() => undefined);
      },
    });
    const waiting = expect(requestBeat(dir, null)).rejects.toMatchObject({
      code: "DAEMON_UNREACHABLE",
    });
    await begun.promise;
    await control[Symbol.asyncDispose]();
    await waiting;
  });

  it("cannot be made below a path that is too long, nor where none can be", async () => {
    const handlers: ControlHandlers = {
      beat: () => Promise.resolve({ beatId: 1 }),
      undo: () => Promise.resolve({ tool: "desk_write" }),
      wake: () => undefined,
      resume: () => undefined,
    };
    const long = join(stateDir(), "d".repeat(100));
    mkdirSync(long);
    await expect(listenForControl(long, handlers)).rejects.toMatchObject({
      code: "CONTROL_PATH_TOO_LONG",
    });
    await expect(listenForControl(join(stateDir(), "no"), handlers)).rejects.toMatchObject({
      code: "CONTROL_FAILED",
    });
  });
});

it("a daemon that hangs does not hold up the owner's word", async () => {
  let asked = 0;
  const dir = stateDir();
  const hung = createServer(() => void (asked += 1));
  await new Promise<void>((resolve) => hung.listen(controlPath(dir), resolve));
  onTestFinished(() => void hung.close().closeAllConnections());
  await Promise.all([requestWake(dir, 1_000), requestResume(dir, 1_000)]);
  expect(asked).toBe(2);
});

describe("without a daemon", () => {
  it("a beat cannot be asked for, and a wake wakes nobody", async () => {
    const dir = stateDir();
    await expect(requestBeat(dir, null)).rejects.toMatchObject({
      code: "DAEMON_UNREACHABLE",
      hint: expect.stringMatching(/\w/),
    });
    await expect(requestWake(dir)).resolves.toBeUndefined();
  });

  it("an answer that is not ours is refused in words", async () => {
    const dir = stateDir();
    const stranger = createServer((_, outgoing) => outgoing.end("<html>hello</html>"));
    await new Promise<void>((resolve) => stranger.listen(controlPath(dir), resolve));
    onTestFinished(() => void stranger.close());
    await expect(requestBeat(dir, null)).rejects.toMatchObject({ code: "DAEMON_UNREACHABLE" });
  });
});
