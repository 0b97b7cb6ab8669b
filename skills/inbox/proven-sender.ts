import { strictHeaders, valuesOf } from "./message-headers.ts";

/**
 * Who a message is certainly from: a fact that grants may be matched against, so every doubt is a no.
 * The proof is the receiving server's Authentication-Results (RFC 8601). A stranger can write such a
 * header too; a server that follows the RFC takes out those that bear its own name. Still only a
 * message with one such header counts, and only what that header says without any trickery.
 */

/** What is longer than this is no honest header. */
const longestValue = 4_000;
const domainName = /^(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+$/;
const addressName = /^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}$/;

/**
 * @param authservId the name of the server whose word counts
 * @returns the one address of the From header, in small letters; undefined when it is not proven
 */
export function provenSender(
  source: Uint8Array,
  authservId: string | undefined,
): string | undefined {
  if (authservId === undefined) return undefined;
  const headers = strictHeaders(source);
  if (headers === undefined) return undefined;
  const [from, ...otherFroms] = valuesOf(headers, "from");
  const [results, ...otherResults] = valuesOf(headers, "authentication-results");
  if (from === undefined || results === undefined) return undefined;
  if (from.length > longestValue || results.length > longestValue) return undefined;
  if (otherFroms.length > 0 || otherResults.length > 0) return undefined;
  const sender = singleAddress(from);
  const verdicts = readResults(results, authservId);
  if (sender === undefined || verdicts === undefined) return undefined;
  return isAligned(verdicts, sender.domain) ? sender.address : undefined;
}

/** `a@b.example` or `Name <a@b.example>`, and nothing that leaves a choice. */
function singleAddress(from: string): { address: string; domain: string } | undefined {
  const match = /^(?:(?:"[^"\\<>]*"\s*|[^"\\<>()@,:;[\]]*)<([^<>\s]+)>|([^<>\s"(),:;]+))$/.exec(
    from,
  );
  const address = (match?.[1] ?? match?.[2] ?? "").toLowerCase();
  const at = address.indexOf("@");
  const domain = address.slice(at + 1);
  if (at === -1 || !addressName.test(address.slice(0, at)) || !domainName.test(domain))
    return undefined;
  return { address, domain };
}

interface Verdict {
  readonly method: string;
  readonly result: string;
  readonly properties: ReadonlyMap<string, string>;
}

/** @returns undefined when it is another server's word, or not written as it should be */
function readResults(value: string, authservId: string): Verdict[] | undefined {
  // Signatures are quoted by some servers. Any other quoting holds a sender's own words, such as an
  // envelope address that was chosen to look like a verdict.
  const unquoted = value.replace(/="([A-Za-z0-9+/=._-]*)"/g, "=$1");
  if (/["\\]/.test(unquoted)) return undefined;
  const bare = withoutComments(unquoted);
  if (bare === undefined) return undefined;
  const [server = "", ...parts] = bare.split(";").map((part) => part.trim());
  const named = /^(\S+)(?:\s+1)?$/.exec(server)?.[1];
  if (named?.toLowerCase() !== authservId.toLowerCase()) return undefined;
  if (parts.at(-1) === "") parts.pop();
  const verdicts: Verdict[] = [];
  for (const part of parts) {
    const [claim = "", ...rest] = part.toLowerCase().split(/\s+/);
    const said = /^([a-z][a-z0-9-]*)(?:\/\d+)?=([a-z]+)$/.exec(claim);
    if (said === null) return undefined;
    const properties = new Map<string, string>();
    for (const token of rest) {
      const property = /^([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)?)=([^=\s]\S*|)$/.exec(token);
      const [, name = "", text = ""] = property ?? [];
      if (property === null || properties.has(name)) return undefined;
      properties.set(name, text);
    }
    verdicts.push({ method: said[1] ?? "", result: said[2] ?? "", properties });
  }
  return verdicts;
}

/** Comments nest. @returns undefined when they do not close */
function withoutComments(value: string): string | undefined {
  let depth = 0;
  let kept = "";
  for (const sign of value) {
    if (sign === "(") depth += 1;
    else if (sign === ")") depth -= 1;
    else if (depth === 0) kept += sign;
    if (depth < 0) return undefined;
    if (sign === ")") kept += " ";
  }
  return depth === 0 ? kept : undefined;
}

/**
 * DMARC's word decides where there is one. Without a policy of the domain, a signature or an envelope
 * of exactly that domain will do; domains that only share an ending do not, as that takes a list of
 * the endings under which anybody can have a name.
 */
function isAligned(verdicts: readonly Verdict[], domain: string): boolean {
  const of = (method: string) => verdicts.filter((verdict) => verdict.method === method);
  const [dmarc, ...others] = of("dmarc");
  if (others.length > 0) return false;
  if (dmarc !== undefined && dmarc.result !== "none") {
    return dmarc.result === "pass" && dmarc.properties.get("header.from") === domain;
  }
  const signed = of("dkim").some(
    ({ result, properties }) => result === "pass" && properties.get("header.d") === domain,
  );
  const [spf, ...otherSpf] = of("spf");
  const envelope = spf?.properties.get("smtp.mailfrom") ?? "";
  const sent =
    otherSpf.length === 0 &&
    spf?.result === "pass" &&
    envelope.slice(envelope.lastIndexOf("@") + 1) === domain;
  return signed || sent;
}
