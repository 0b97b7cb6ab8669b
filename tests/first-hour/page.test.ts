import { expect, test } from "vitest";
import { readBlocks, shapeOf, withAnswers } from "./page.ts";

const page = `# Title

\`\`\`console
$ a one
first
second
$ b \\
    two
\`\`\`

<!-- runs on until: ready -->

\`\`\`console
$ c
\`\`\`
`;

test("commands, their answers and what is said of a block are read, and answers put back", () => {
  const blocks = readBlocks(page);
  expect(blocks.map(({ calls, runsOnUntil }) => ({ calls, runsOnUntil }))).toEqual([
    {
      calls: [
        { command: "a one", answer: "first\nsecond" },
        { command: "b \\\n    two", answer: "" },
      ],
      runsOnUntil: undefined,
    },
    { calls: [{ command: "c", answer: "" }], runsOnUntil: "ready" },
  ]);
  const seen = new Map(
    blocks.map((block) => [block, block.calls.map(({ command }) => `saw ${command[0] ?? ""}`)]),
  );
  const written = withAnswers(page, seen);
  expect(written).toContain("$ a one\nsaw a\n$ b \\\n    two\nsaw b\n```");
  expect(written).toContain("$ c\nsaw c\n```");
  expect(readBlocks(written).map(({ calls }) => calls.map(({ answer }) => answer))).toEqual([
    ["saw a", "saw b"],
    ["saw c"],
  ]);
});

test.each([
  ["beat 1: 17 findings in 184ms", "beat 3: 2 findings in 1.2 s"],
  ["last 28 Nov 03:40   ok", "last 1 Dec 11:00  ok"],
  ["2026-11-27T04:23:49Z x", "2027-01-01T00:00:00.123Z x"],
  ["a  1\n-----", "a   100\n----"],
  ["06:42  Mail from Ann: The con…", "27 Nov 23:59  Mail from Ann: …"],
])("%j and %j are alike", (one, other) => {
  expect(shapeOf(one)).toBe(shapeOf(other));
});

test.each([
  ["ok    inbox", "fail  inbox"],
  ["1 finding\n2 beats", "1 finding"],
  ["a b", "b a"],
  ["notice  Mail from Ann: The co…", "notice  Call from Ann: The co…"],
])("%j and %j are not", (one, other) => {
  expect(shapeOf(one)).not.toBe(shapeOf(other));
});
