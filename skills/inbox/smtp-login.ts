import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpServer } from "./servers.ts";
import { xoauth2 } from "./without-secrets.ts";

type Options = NonNullable<ConstructorParameters<typeof SMTPConnection>[0]>;

/**
 * Under a name of its own: of the mechanisms it knows, the client prefers PLAIN where the server offers
 * both, and its own way with tokens replaces what the server said when it wants another one.
 */
const method = "XOAUTH2-GIVEN";

/** How the client says a token. */
export const tokenLogin: NonNullable<Options["customAuth"]> = {
  async [method](conversation) {
    const { user = "", pass = "" } = conversation.auth;
    let reply = await conversation.sendCommand(`AUTH XOAUTH2 ${xoauth2(user, pass)}`);
    // A challenge holds the reason; the refusal itself comes after an empty answer.
    if (reply.status === 334) reply = await conversation.sendCommand("");
    if (reply.status !== 235) throw new Error("the token was refused");
  },
};

/** @param token undefined where a password is the login, or nothing */
export function loggedIn(
  connection: SMTPConnection,
  { user, password }: SmtpServer,
  token: string | undefined,
): Promise<void> {
  const pass = token ?? password;
  if (user === undefined || pass === undefined) return Promise.resolve();
  const login = { user, pass, ...(token !== undefined && { method }) };
  return new Promise((resolve, reject) => {
    connection.login(login, (error) => (error ? reject(error) : resolve()));
  });
}
