import { expect, test } from "vitest";
import { grantWarnings } from "./grant-warnings.ts";

const tools = ["inbox_archive", "inbox_send", "memory_note"];
const warningsOf = (tool: string) =>
  grantWarnings(
    { policy: { grants: [{ tool, when: {}, maxPerDay: 5, evenIfUntrusted: false }] } },
    tools,
    ["status-page", "files"],
  );

test.each([...tools, "files_read", "status_page_list"])("%s may be granted", (tool) => {
  expect(warningsOf(tool)).toEqual([]);
});

test.each([
  ["inbox_archve", 'did you mean "inbox_archive"?'],
  ["inbox_*", "`watchkeeper skills` lists them"],
  ["calendar_delete", "`watchkeeper skills` lists them"],
])("%s is no tool, which is said with its mend", (tool, mend) => {
  expect(warningsOf(tool)).toEqual([
    `policy.grants[0].tool: there is no tool "${tool}", so this grant allows nothing; ${mend}`,
  ]);
});
