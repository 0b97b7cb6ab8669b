import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callTools, FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

test("long instructions and the files beside them are read when the model asks, and only then", async () => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, "skills", "forms");
  await mkdir(join(dir, "references"), { recursive: true });
  await writeFile(
    join(dir, "SKILL.md"),
    `---\nname: forms\ndescription: How forms are judged.\n---\n${"A form is never urgent. ".repeat(300)}`,
  );
  await writeFile(join(dir, "references", "tax.md"), "A tax form is due in May.");
  await using model = await startScriptedModel([
    callTools([
      { name: "skill_read", input: { skill: "forms" } },
      { name: "skill_read", input: { skill: "forms", file: "references/tax.md" } },
    ]),
    reportAll("digest"),
  ]);
  await using kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    model,
    skills: { "./skills/forms": {} },
    play: {
      checks: {
        form: { observe: async () => ({ observations: [seen("form", { severity: "notice" })] }) },
      },
    },
  });
  await kept.settle();
  expect(model.requests).toHaveLength(2);
  expect(model.requests[0]?.rawBody).not.toContain("never urgent");
  expect(model.requests[0]?.rawBody).toContain("How forms are judged.");
  const [run] = await kept.journal();
  expect(run).toMatchObject({ outcome: "ok" });
  const outputs = run?.steps.filter(({ kind }) => kind === "tool") ?? [];
  expect(outputs.map(({ decision }) => decision)).toEqual(["allow", "allow"]);
  expect(outputs[0]?.output).toContain("never urgent");
  expect(outputs[1]?.output).toContain("due in May");
  // The owner's own instructions leave the run as trusted as it was.
  expect(run?.readUntrusted).toBe(false);
});
