import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { formatDuration } from "../domain/duration.ts";
import { plainText } from "../domain/plain-text.ts";
import type { StepRecord } from "../store/port.ts";
import { quoted, wrap, wrapLines } from "./text.ts";

/** A step of a run's journal as a person reads it: what was said, called and answered. */

const indent = " ".repeat(5);
const longestText = 600;

const textBlock = z.object({ type: z.literal("text"), text: z.string() });
const thinkingBlock = z.object({ type: z.literal("thinking"), thinking: z.string() });
const callBlock = z.object({ type: z.literal("tool_use"), name: z.string(), input: z.unknown() });
/** Shown with the tool's own step. */
const resultBlock = z.object({ type: z.literal("tool_result") });
const otherBlock = z.object({ type: z.string() }).loose();
const block = z.union([textBlock, thinkingBlock, callBlock, resultBlock, otherBlock]);
const content = z.union([
  z.string().transform((text) => [{ type: "text" as const, text }]),
  z.array(block),
]);
const modelInput = z.object({ messages: z.array(z.object({ role: z.string(), content })) });
const modelOutput = z.object({ content, stopReason: z.string().optional() });
const reported = z.object({
  verdicts: z.array(
    z.object({
      findingId: z.union([z.string(), z.number()]),
      verdict: z.string(),
      message: z.string().nullish(),
    }),
  ),
  summary: z.string().nullish(),
});

type Block = z.output<typeof block>;

/** @param lineLength columns of the terminal */
export function stepLines(step: StepRecord, lineLength: number): string[] {
  const say = (text: string) => wrap(indent + text, lineLength, `${indent}  `);
  const quote = (text: string) => wrapLines(shown(text), lineLength - indent.length - 2, "");
  const labelled = (label: string, text: string): string[] =>
    // A text of several lines stands below its label.
    shown(text).includes("\n")
      ? [say(`${label}:`), quote(text).replace(/^(?=.)/gm, `${indent}  `)]
      : [say(`${label}: ${shown(text)}`)];

  const took = step.durationMs === null ? "not finished" : formatDuration(step.durationMs);
  const decision = step.decision ? `, ${step.decision}` : "";
  const who = step.kind === "model" ? "the model" : "the tool";
  const head = `  ${step.index + 1}. ${who} ${quoted(step.name)}, ${took}${decision}`;
  return [
    wrap(head, lineLength, indent),
    ...(step.reason && step.decision !== "allow" ? labelled("why", step.reason) : []),
    ...(step.kind === "model" ? modelLines() : toolLines()),
    ...(step.error ? labelled("error", step.error) : []),
  ];

  function modelLines(): string[] {
    const input = modelInput.safeParse(step.input);
    const output = modelOutput.safeParse(step.output);
    return [
      ...(input.success
        ? input.data.messages
            // What the model said itself is the output of the step before.
            .filter(({ role }) => role === "user")
            .flatMap((message) => message.content.flatMap((each) => blockLines("told", each)))
        : labelled("in", asJson(step.input))),
      ...(output.success
        ? output.data.content.flatMap((each) => blockLines("says", each))
        : step.output === null
          ? []
          : labelled("out", asJson(step.output))),
    ];
  }

  function blockLines(label: string, each: Block): string[] {
    const text = textBlock.safeParse(each).data;
    if (text) return text.text.trim() ? labelled(label, text.text) : [];
    const thought = thinkingBlock.safeParse(each).data;
    if (thought) return thought.thinking.trim() ? labelled("thinks", thought.thinking) : [];
    const call = callBlock.safeParse(each).data;
    if (call) return callLines(call);
    return resultBlock.safeParse(each).success ? [] : labelled(each.type, asJson(each));
  }

  function callLines({ name, input }: z.output<typeof callBlock>): string[] {
    const report = name === "report" ? reported.safeParse(input).data : undefined;
    if (!report) return [say(`→ ${quoted(name)} ${shown(asJson(input))}`)];
    return [
      say("→ report"),
      ...report.verdicts.map(({ findingId, verdict, message }) =>
        wrap(
          `${indent}  #${quoted(`${findingId} ${verdict}${message ? `: ${message}` : ""}`)}`,
          lineLength,
          `${indent}    `,
        ),
      ),
      ...(report.summary ? [say(`  summary: ${quoted(report.summary)}`)] : []),
    ];
  }

  function toolLines(): string[] {
    const call = say(`→ ${quoted(step.name)} ${shown(asJson(step.input))}`);
    if (step.output === null) return [call];
    const output = typeof step.output === "string" ? step.output : asJson(step.output);
    return [call, ...labelled("result", output)];
  }
}

const asJson = (value: unknown): string => JSON.stringify(value) ?? "";

/** Without anything that a terminal would obey, cut where it is long, with how much is left out. */
function shown(text: string): string {
  const plain = plainText(stripVTControlCharacters(text), text.length + 1).trimEnd();
  if (plain.length <= longestText) return plain;
  const left = (plain.length - longestText).toLocaleString("en");
  return `${plain.slice(0, longestText)}… (and ${left} characters more)`;
}
