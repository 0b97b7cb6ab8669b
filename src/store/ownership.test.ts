import {
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { giveAllToOwner } from "./ownership.ts";

const [uid, gid] = [65_534, 65_533];

// Nobody else may give files away.
describe.runIf(process.getuid?.() === 0)("what root has made in somebody's state directory", () => {
  let dir: string;
  let state: string;
  const inState = (name: string) => join(state, name);
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "watchkeeper-ownership-"));
    state = join(dir, "state");
    mkdirSync(state);
    chownSync(state, uid, gid);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is theirs, however deep, and what is a third one's stays so", () => {
    mkdirSync(inState("skills/calendar"), { recursive: true });
    writeFileSync(inState("skills/calendar/mirror.json"), "{}");
    writeFileSync(inState("word-secret"), "");
    writeFileSync(inState("theirs"), "");
    chownSync(inState("theirs"), 1_234, 1_234);
    giveAllToOwner(state);
    for (const name of ["skills", "skills/calendar", "skills/calendar/mirror.json", "word-secret"])
      expect([name, statSync(inState(name))]).toMatchObject([name, { uid, gid }]);
    expect(statSync(inState("theirs"))).toMatchObject({ uid: 1_234, gid: 1_234 });
  });

  it("gives away nothing outside by a link of any kind", () => {
    mkdirSync(join(dir, "etc"));
    const shadow = join(dir, "etc", "shadow");
    writeFileSync(shadow, "");
    symlinkSync(join(dir, "etc"), inState("folder"));
    symlinkSync(shadow, inState("file"));
    linkSync(shadow, inState("second-name"));
    giveAllToOwner(state);
    for (const path of [shadow, join(dir, "etc")]) expect(statSync(path).uid).toBe(0);
    expect(lstatSync(inState("file")).uid).toBe(uid);
  });

  it("is left as it is where the directory is root's own, or none", () => {
    chownSync(state, 0, 0);
    writeFileSync(inState("a"), "");
    giveAllToOwner(state);
    expect(statSync(inState("a")).uid).toBe(0);
    giveAllToOwner(join(dir, "nowhere"));
  });

  it("is given through a link to the directory, as systemd makes one", () => {
    symlinkSync(state, join(dir, "link"));
    writeFileSync(inState("a"), "");
    giveAllToOwner(join(dir, "link"));
    expect(statSync(inState("a")).uid).toBe(uid);
  });
});
