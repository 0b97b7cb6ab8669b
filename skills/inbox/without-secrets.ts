/** What a login consists of, to be taken out of whatever a server answers, should it repeat it. */
export interface Secrets {
  readonly user: string;
  /** Passwords and tokens. */
  readonly secrets: readonly string[];
}

/** Takes passwords and tokens, and the forms in which they are sent, out of a text. */
export function withoutSecrets(text: string, { user, secrets }: Secrets): string {
  return secrets
    .flatMap((secret) => [
      ...[secret, encodeURIComponent(secret), base64(secret)],
      base64(`\0${user}\0${secret}`),
      xoauth2(user, secret),
    ])
    .reduce((rest, form) => rest.replaceAll(form, "…"), text);
}

/** A token as a client of a mail server says it (XOAUTH2). */
export const xoauth2 = (user: string, token: string): string =>
  base64(`user=${user}\x01auth=Bearer ${token}\x01\x01`);

const base64 = (text: string): string => Buffer.from(text).toString("base64");
