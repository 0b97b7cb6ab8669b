import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../ground/miniature.ts";
import { readPage } from "./page.ts";

test("the map of the rooms names each file and folder of src/, and no other", async () => {
  const { tables } = await readPage("architecture.md");
  const map = tables.find(({ columns }) => columns[0] === "room");
  const entries = await readdir(join(checkout, "src"), { withFileTypes: true });
  const rooms = entries
    .filter(({ name }) => !name.endsWith(".test.ts"))
    // What stands beside a file of the same name is its own.
    .filter((entry) => entry.isFile() || !entries.some(({ name }) => name === `${entry.name}.ts`))
    .map((entry) => `\`src/${entry.name}${entry.isDirectory() ? "/" : ""}\``);
  expect(map?.rows.map(([room]) => room).toSorted()).toEqual(rooms.toSorted());
});
