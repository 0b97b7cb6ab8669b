import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadSkills, silentSkillLog } from "../skills/load.ts";
import { buildPrompt } from "./prompt.ts";

const mostTokens = 3_000;
/** Careful: English and JSON have nearer to four characters a token. */
const charactersPerToken = 3.5;

it("has a fixed prefix of at most 3,000 tokens with the three built-in skills", async () => {
  const builtinSkillsDir = fileURLToPath(new URL("../../skills", import.meta.url));
  const { skills, broken } = await loadSkills(
    {
      skills: new Map<string, unknown>([
        // As much as they can do: a tool that cannot be used is not shown.
        [
          "services",
          {
            targets: [
              {
                name: "api",
                http: "https://api.example.com/health",
                restart: { command: ["true"] },
              },
            ],
          },
        ],
        [
          "inbox",
          {
            accounts: [
              {
                name: "work",
                address: "me@example.com",
                maildir: "./mail",
                smtp: { host: "smtp.example.com" },
              },
            ],
          },
        ],
        ["calendar", { sources: [{ name: "mine", ics: "./calendar.ics" }] }],
      ]),
      baseDir: builtinSkillsDir,
      timezone: "UTC",
      heartbeat: { everyMs: 300_000 },
    },
    {
      builtinSkillsDir,
      logFor: silentSkillLog,
      stateDir: "/nowhere",
      importModule: async (file) =>
        ((await import(/* @vite-ignore */ file)) as { default: unknown }).default,
    },
  );
  expect(broken).toEqual([]);
  expect(skills.map(({ name }) => name).toSorted()).toEqual(["calendar", "inbox", "services"]);
  const { system, tools } = buildPrompt(skills);
  const characters = JSON.stringify({ system, tools }).length;
  const tokens = Math.ceil(characters / charactersPerToken);
  process.stdout.write(
    `fixed prefix: ${characters} characters, at most ${tokens} tokens; tools: ${tools.map(({ name }) => name).join(", ")}\n`,
  );
  expect(tokens).toBeLessThanOrEqual(mostTokens);
});
