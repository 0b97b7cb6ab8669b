import { expect, test } from "vitest";
import { drawSvg, readLines } from "../../scripts/ansi-svg.js";

const plain = "#d7dae0";

test("colours, bold and dim of a terminal become spans, over the ends of lines too", () => {
  const lines = readLines("a \x1b[31m\x1b[1mred\x1b[22m\x1b[39m b\r\n\x1b[2mdim\nstill\x1b[22m no");
  expect(lines).toEqual([
    [
      { text: "a ", colour: plain, bold: false },
      { text: "red", colour: "#ff6b68", bold: true },
      { text: " b", colour: plain, bold: false },
    ],
    [{ text: "dim", colour: "#868c98", bold: false }],
    [
      { text: "still", colour: "#868c98", bold: false },
      { text: " no", colour: plain, bold: false },
    ],
  ]);
});

test("other escape sequences leave no trace", () => {
  expect(readLines("\x1b[2J\x1b[?25lx\x1b[0m")).toEqual([
    [{ text: "x", colour: plain, bold: false }],
  ]);
});

test("text is escaped, and every line is as long as its characters", () => {
  const svg = drawSvg({ lines: readLines("<&>\n\n12345"), columns: 10, title: "A & B" });
  expect(svg).toContain("<title>A &amp; B</title>");
  expect(svg).toContain(">&lt;&amp;&gt;</tspan>");
  expect([...svg.matchAll(/textLength="([\d.]+)"/g)].map(([, length]) => length)).toEqual([
    "25.2",
    "42.0",
  ]);
});
