import { plainText } from "../domain/plain-text.ts";

/** What a tool answered as text for the agent; what cannot be shown as text is named. */

const longest = 20_000;

interface ResultText {
  readonly text: string;
  /** The server says that the call failed. */
  readonly failed: boolean;
}

/** @param result unchecked, as it came */
export function resultText(result: unknown): ResultText {
  const { content, structuredContent, isError } = asRecord(result);
  const parts = (Array.isArray(content) ? content : []).slice(0, 200).map(partText);
  // Most servers say the same in both; the text is what was meant for a reader.
  if (parts.length === 0 && structuredContent !== undefined) {
    parts.push(JSON.stringify(structuredContent).slice(0, longest));
  }
  const text = plainText(parts.join("\n"), longest);
  return { text: text || "(the tool answered nothing)", failed: isError === true };
}

function partText(value: unknown): string {
  const part = asRecord(value);
  switch (part.type) {
    case "text":
      return textOf(part.text);
    case "image":
    case "audio":
      return `(${part.type}, ${textOf(part.mimeType, 100)}, ${kilobytes(part.data)}: not shown)`;
    case "resource": {
      const { text, blob, uri, mimeType } = asRecord(part.resource);
      return typeof text === "string"
        ? textOf(text)
        : `(file ${textOf(uri, 300)}, ${textOf(mimeType, 100)}, ${kilobytes(blob)}: not shown)`;
    }
    case "resource_link":
      return `(link to ${textOf(part.uri, 300)} ${textOf(part.name, 200)}: not read)`;
    default:
      return "(something that is neither text, image, audio nor file: not shown)";
  }
}

const textOf = (value: unknown, length = longest): string =>
  typeof value === "string" ? value.slice(0, length * 2) : "";

const kilobytes = (base64: unknown): string =>
  `${Math.ceil(((typeof base64 === "string" ? base64.length : 0) * 3) / 4 / 1_024)} KB`;

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
