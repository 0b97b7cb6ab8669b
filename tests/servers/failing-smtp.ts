import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** Speaks SMTP line by line, and fails at the line where it is told to. */
export interface FailingSmtp extends Disposable {
  readonly port: number;
  /** Lines of the message that were read. */
  readonly message: readonly string[];
  /** Resolves when the line was read that nothing is answered to. */
  readonly reached: Promise<void>;
}

/**
 * @param at the first word of a command, `greeting`, or `.` for the end of the message
 * @param how what is answered there: `cut` ends the connection, `hang` says nothing
 */
export async function startFailingSmtp(
  at: string,
  how: "cut" | "hang" | (string & {}),
): Promise<FailingSmtp> {
  const reached = Promise.withResolvers<void>();
  const message: string[] = [];
  const open = new Set<Socket>();

  function answer(socket: Socket, word: string, usual: string): void {
    if (word !== at) {
      socket.write(`${usual}\r\n`);
      return;
    }
    if (how === "cut") socket.destroy();
    else if (how !== "hang") socket.write(`${how}\r\n`);
    reached.resolve();
  }

  const server = createServer((socket) => {
    let inMessage = false;
    let rest = "";
    open.add(socket);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
    socket.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!inMessage) {
          const word = line.split(/[ :]/)[0]?.toUpperCase() ?? "";
          inMessage = word === "DATA" && at !== "DATA";
          answer(socket, word, usual[word] ?? "250 ok");
        } else if (line === ".") {
          inMessage = false;
          answer(socket, ".", "250 taken");
        } else message.push(line);
      }
    });
    answer(socket, "greeting", "220 ready");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    message,
    reached: reached.promise,
    [Symbol.dispose]() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

const usual: Readonly<Record<string, string>> = {
  EHLO: "250-here\r\n250 AUTH PLAIN",
  AUTH: "235 welcome",
  DATA: "354 go on",
  QUIT: "221 bye",
};
