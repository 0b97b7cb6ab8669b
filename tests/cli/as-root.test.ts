import { chown, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPlace } from "./place.ts";

/** Root beside a stopped service of somebody else: what is made in the state directory is that one's. */

const [uid, gid] = [65_534, 65_533];

const keeper = `
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineSkill } from "watchkeeper";
export default defineSkill({
  checks: ({ stateDir }) => ({
    shelf: {
      every: "1h",
      async observe() {
        mkdirSync(join(stateDir, "deep"), { recursive: true });
        writeFileSync(join(stateDir, "deep", "kept.json"), "{}");
        return { observations: [{ key: "a", severity: "warning", title: "A book fell" }] };
      },
    },
  }),
});
`;

test.skipIf(process.getuid?.() !== 0)(
  "a beat, a look of doctor and a token by root leave nothing that is root's",
  async () => {
    await using place = await createPlace();
    await place.skill("keeper", keeper);
    await place.config(`{ skills: { "./skills/keeper": {} } }`);
    await mkdir(place.stateDir, { mode: 0o700 });
    await chown(place.stateDir, uid, gid);
    for (const words of [["doctor"], ["beat"], ["web", "token"]]) {
      expect(await place.run(...words)).toMatchObject({ exitCode: 0 });
      const made = await readdir(place.stateDir, { recursive: true });
      for (const name of made) {
        expect([name, await lstat(join(place.stateDir, name))]).toMatchObject([name, { uid, gid }]);
      }
    }
    expect(await readdir(place.stateDir, { recursive: true })).toEqual(
      expect.arrayContaining([
        ...["watchkeeper.db", "watchkeeper.lock", "logs/watchkeeper.log", "word-secret"],
        ...["web-token", "skills/keeper/deep/kept.json"],
        expect.stringMatching(/^memory\/\d{4}-\d\d-\d\d\.md$/),
      ]),
    );
  },
);
