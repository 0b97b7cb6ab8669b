import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { dotEnvName, type Environment } from "./secret.ts";

/**
 * Which values must never leave the process. What the config names as a secret is one whatever it looks
 * like; what merely stands in `.env` or in the environment is one unless it is plainly harmless, for its
 * value is taken out of every text.
 */

const secretName =
  /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|WEBHOOK|DSN)(?:_(?:ID|\d+))?$/i;
/** Of variables whose name says nothing, or of those that are not meant for us. */
const shortestValue = 8;
const largestCredential = 64 * 1024;

export interface SecretSources {
  /** Values of the config's secrets, and keys of models. */
  readonly named: readonly string[];
  /** The config as the user wrote it, secrets revealed. */
  readonly config: unknown;
  readonly dotEnv: Environment;
  readonly environment: Environment;
}

export function knownSecrets({ named, config, dotEnv, environment }: SecretSources): string[] {
  const dotEnvValues = Object.entries(dotEnv).flatMap(([name, value = ""]) =>
    isSecretVariable(name, value) || !isOrdinary(value) ? value : [],
  );
  const environmentValues = Object.entries(environment).flatMap(([name, value = ""]) =>
    isSecretVariable(name, value) ? value : [],
  );
  const credentials = credentialFiles(environment.CREDENTIALS_DIRECTORY);
  const urls = [
    ...textsOf(config),
    ...Object.values(dotEnv),
    ...Object.values(environment),
  ].flatMap((text) => (text === undefined ? [] : userInfo(text)));
  const whole = [...named, ...dotEnvValues, ...environmentValues, ...credentials];
  return [...new Set([...whole, ...urls, ...named.flatMap(urlTokens)].filter(Boolean))];
}

const isSecretVariable = (name: string, value: string): boolean =>
  secretName.test(name) && value.length >= shortestValue && !isPlace(value) && !isSwitch(value);

const isSwitch = (value: string): boolean => /^(?:true|false|yes|no|on|off|\d{1,9})$/i.test(value);

/** A path or an address without a password: names where something is, and gives nothing away. */
const isPlace = (value: string): boolean =>
  /^(?:~|\.{1,2})?\/[\w.@/ -]*$/.test(value) ||
  /^[A-Za-z]:\\/.test(value) ||
  (/^[a-z][a-z0-9+.-]*:\/\/[^@?#]*$/i.test(value) && !hasToken(value));

/** What stands in a `.env` beside secrets: a host, an address, a zone, a level, a number. */
const isOrdinary = (value: string): boolean =>
  value.length < shortestValue ||
  isSwitch(value) ||
  isPlace(value) ||
  /^[\d.,:]+$/.test(value) ||
  /^[A-Za-z]+(?:[ _/.-][A-Za-z]+)*$/.test(value) ||
  /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/.test(value) ||
  /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/i.test(value);

const token = /^(?=.*\d)[\w.~%-]{16,}$/;

const hasToken = (value: string): boolean =>
  value.split(/[/?#&=]/).some((part) => token.test(part));

/** Of a secret address, what an error message may show of it: path, query, and the tokens in them. */
function urlTokens(secret: string): string[] {
  const url = parseUrl(secret);
  if (!url) return [];
  const path = `${url.pathname}${url.search}`;
  const parts = [...url.pathname.split("/"), ...url.searchParams.values()];
  return [
    ...(path.length >= shortestInAddress ? [path] : []),
    ...parts.filter((part) => part.length >= shortestInAddress && /\d/.test(part)),
  ];
}

const shortestInAddress = 12;

/** The password of an address; a user without a password is one, as in `https://TOKEN@host`. */
function userInfo(text: string): string[] {
  const found = [...text.matchAll(/[a-z][a-z0-9+.-]*:\/\/([^\s/@:?#]*)(?::([^\s/@?#]*))?@/gi)];
  return found.flatMap(([, user = "", password]) => {
    const secret = password ?? (user.length >= shortestInAddress ? user : "");
    return [secret, decodePart(secret)];
  });
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseUrl(text: string): URL | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? (URL.parse(text) ?? undefined) : undefined;
}

/** Everything that systemd hands over there is one, whether the config names it or not. */
function credentialFiles(dir: string | undefined): string[] {
  if (!dir) return [];
  try {
    return readdirSync(dir).flatMap((name) => {
      // Its values are judged one by one.
      if (name === dotEnvName) return [];
      const file = join(dir, name);
      const { size } = statSync(file);
      if (size > largestCredential) return [];
      return readFileSync(file, "utf8").replace(/\r?\n$/, "");
    });
  } catch {
    // One that the config needs and that cannot be read is said where it is needed.
    return [];
  }
}

/** All texts in a tree of plain data. */
function textsOf(node: unknown, seen = new Set<object>()): string[] {
  if (typeof node === "string") return [node];
  if (typeof node !== "object" || node === null || seen.has(node)) return [];
  seen.add(node);
  return Object.values(node).flatMap((item) => textsOf(item, seen));
}
