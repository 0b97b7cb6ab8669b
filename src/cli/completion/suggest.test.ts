import type { Command } from "commander";
import { expect, it } from "vitest";
import { buildProgram } from "../program.ts";
import { suggest, valueSources } from "./suggest.ts";

const silent = { isTTY: false, columns: 80, isClosed: false, write() {} };
const program = buildProgram({
  version: "1.0.0",
  out: silent,
  err: silent,
  run: () => async () => undefined,
});

/** What is suggested after a line; a space at its end begins another word. */
function after(line: string): string[] | string {
  const { suggestion } = suggest(program, line.split(" "));
  if (suggestion.kind === "words") return suggestion.words.map(({ word }) => word);
  return suggestion.kind === "values" ? `values of ${suggestion.of}` : suggestion.kind;
}

it("begins with the commands, each with what it does", () => {
  const { suggestion } = suggest(program, [""]);
  expect(suggestion.kind === "words" && suggestion.words).toContainEqual({
    word: "status",
    description: "one screen: the daemon, its checks, what is open, what was spent",
  });
  expect(after("")).toEqual(program.commands.map((command) => command.name()));
});

it.each<[string, string[] | string]>([
  ["findings ", ["show", "ack", "snooze"]],
  ["--json findings ", ["show", "ack", "snooze"]],
  ["start --log-level ", ["debug", "info", "warn", "error", "silent"]],
  ["memory export --format ", ["jsonl", "markdown"]],
  ["completion ", ["bash", "zsh", "fish"]],
  ["help findings ", ["show", "ack", "snooze"]],
  ["help findings ack ", []],
  ["help no-such-command ", []],
  ["status ", []],
  ["no-such-command ", []],
])("`%s` goes on with what the program knows", (line, expected) => {
  const words = after(line);
  // Commands of commands have a help of their own.
  expect(Array.isArray(words) ? words.filter((word) => word !== "help") : words).toEqual(expected);
});

it.each<[string, string]>([
  ["findings ack ", "values of findings"],
  ["approve ", "values of approvals"],
  ["undo ", "values of writes"],
  ["memory forget ", "values of notes"],
  ["beat --check ", "values of checks"],
  ["beat --check inbox/work ", "values of checks"],
  ["notify test ", "values of channels"],
  ["notify test email ", "values of channels"],
  ["--config ", "files"],
  ["status --state ", "folders"],
  ["db backup ", "files"],
  ["skills test desk --input ", "files"],
])("`%s` goes on with %s", (line, expected) => {
  expect(after(line)).toEqual(expected);
});

it("one id is enough where one is taken", () => {
  expect(after("findings ack 12 ")).toEqual([]);
  expect(after("db backup there ")).toEqual([]);
});

it("options are those of the command and those that hold everywhere, each once", () => {
  expect(after("beat --")).toEqual([
    "--check",
    "--dry-run",
    "--help",
    "--config",
    "--state",
    "--json",
  ]);
  expect(after("beat --dry-run --json --")).toEqual(["--check", "--help", "--config", "--state"]);
  expect(after("beat --check inbox/work --d")).toContain("--dry-run");
  expect(after("--")).toContain("--version");
});

it("after -- there are no options and no commands", () => {
  expect(after("findings ack -- ")).toBe("values of findings");
  expect(after("findings -- ")).toEqual([]);
});

it("what is typed of --config and --state is known, in either form, and what was chosen before", () => {
  const { given } = suggest(program, [
    "--state",
    "my/state",
    "findings",
    "--config=a.ts",
    "ack",
    "",
  ]);
  expect([...given]).toEqual([
    ["state", "my/state"],
    ["config", "a.ts"],
  ]);
  expect(suggest(program, ["notify", "test", "email", ""]).suggestion).toMatchObject({
    not: ["email"],
  });
});

it("every place that takes values of the store is one that the program has", () => {
  const places = (command: Command, path: string): string[] => [
    ...command.registeredArguments.map((argument) => `${path} ${argument.name()}`),
    ...command.options.map((option) => `${path} ${option.long ?? ""}`),
    ...command.commands.flatMap((child) => places(child, `${path} ${child.name()}`.trim())),
  ];
  const known = places(program, "");
  expect(Object.keys(valueSources).filter((place) => !known.includes(place))).toEqual([]);
});
