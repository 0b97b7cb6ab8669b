import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allCommands, renderCliPage } from "./cli-help.ts";
import { createPlace, type Place } from "./place.ts";

const page = fileURLToPath(new URL("../../docs/cli.md", import.meta.url));

let place: Place;
beforeAll(async () => {
  place = await createPlace();
});
afterAll(async () => place[Symbol.asyncDispose]());

test("docs/cli.md says what the commands say; UPDATE_DOCS=1 writes it anew", async () => {
  const made = await renderCliPage();
  if (process.env.UPDATE_DOCS === "1") await writeFile(page, made);
  expect(await readFile(page, "utf8")).toBe(made);
});

describe("--help", () => {
  test.each([[], ...allCommands()].map((words) => [words.join(" ")]))(
    "of `%s` says what it does within 80 columns, and exits 0",
    async (words) => {
      const { exitCode, stdout, stderr } = await place.run(
        ...words.split(" ").filter(Boolean),
        "--help",
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const [usage, blank, description] = stdout.split("\n");
      expect(usage).toMatch(new RegExp(`^Usage: watchkeeper ?${words}`));
      expect(blank).toBe("");
      expect(description).toMatch(/\w{3,}/);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
      expect(stdout).toContain("--json");
    },
  );

  test("`help` finds a command of a command, as --help does", async () => {
    const { stdout } = await place.run("skills", "new", "--help");
    expect(await place.run("help", "skills", "new")).toEqual({ exitCode: 0, stdout, stderr: "" });
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(
      await readFile(new URL("../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect(await place.run("--version")).toEqual({
      exitCode: 0,
      stdout: `${version}\n`,
      stderr: "",
    });
  });
});
