import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import * as errors from "../../src/domain/errors.ts";
import { checkout } from "../ground/miniature.ts";

/** Every place in src/ and skills/ that makes one of our errors, read from the source. */

export interface RaisedError {
  readonly code: string;
  /** The class of src/domain/errors.ts. */
  readonly kind: string;
  /** The message with `…` for what is filled in; undefined when it is made elsewhere. */
  readonly message: string | undefined;
}

const kinds = Object.keys(errors).filter((name) => name.endsWith("Error"));
/** What the filled-in part of a code can be. */
const filledIn: Record<string, readonly string[]> = {
  "kind.toUpperCase()": ["CHECK", "TOOL"],
};

/** @throws Error for a code that cannot be read from the source: then no page can be held against it. */
export async function raisedErrors(): Promise<RaisedError[]> {
  const sources: ts.SourceFile[] = [];
  for (const folder of ["src", "skills"]) {
    for (const entry of await readdir(join(checkout, folder), { recursive: true })) {
      if (!entry.endsWith(".ts") || entry.endsWith(".test.ts")) continue;
      const file = join(folder, entry);
      const text = await readFile(join(checkout, file), "utf8");
      sources.push(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
    }
  }
  const kindOf = classesOfErrors(sources);
  const raised: RaisedError[] = [];
  const visit = (node: ts.Node): void => {
    const kind = ts.isNewExpression(node) ? kindOf.get(node.expression.getText()) : undefined;
    if (kind !== undefined) raised.push(...read(node as ts.NewExpression, kind));
    ts.forEachChild(node, visit);
  };
  sources.forEach(visit);
  return raised;
}

/** The classes of errors.ts and what extends them elsewhere, each with the one it comes from. */
function classesOfErrors(sources: readonly ts.SourceFile[]): Map<string, string> {
  const kindOf = new Map(kinds.map((kind) => [kind, kind]));
  const declarations = sources.flatMap((source) =>
    [...source.text.matchAll(/class (\w+) extends (\w+)/g)].map(([, name = "", parent = ""]) => ({
      name,
      parent,
    })),
  );
  for (const { name, parent } of declarations) {
    const kind = kindOf.get(parent);
    if (kind !== undefined && !kindOf.has(name)) kindOf.set(name, kind);
  }
  return kindOf;
}

function read(made: ts.NewExpression, kind: string): RaisedError[] {
  const [code, message] = made.arguments ?? [];
  const codes = code && readCode(code);
  if (codes) return codes.map((each) => ({ code: each, kind, message: readMessage(message) }));
  const { fileName } = made.getSourceFile();
  throw new Error(`${fileName}: the code of ${made.getText().slice(0, 80)} is not literal`);
}

function readCode(node: ts.Expression): string[] | undefined {
  if (ts.isStringLiteral(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return undefined;
  const [span] = node.templateSpans;
  const values = span && filledIn[span.expression.getText()];
  return values?.map((value) => `${node.head.text}${value}${span?.literal.text ?? ""}`);
}

function readMessage(node: ts.Expression | undefined): string | undefined {
  if (!node) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isConditionalExpression(node)) return readMessage(node.whenFalse);
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…");
}
