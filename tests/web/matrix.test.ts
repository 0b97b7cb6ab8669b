import { expect, test } from "vitest";
import { askedFor } from "./offered.ts";

/** Each combination of who asks, under which name, from where, in which way and for what. */

const paths = {
  "/healthz": { methods: ["GET", "HEAD"], access: "open" },
  "/api/status": { methods: ["GET", "HEAD"], access: "owner" },
  "/": { methods: ["GET", "HEAD"], access: "page" },
  "/api/approvals/1/deny": { methods: ["POST"], access: "owner" },
  "/approvals/1/approve": { methods: ["POST"], access: "owner" },
} as const;
const methods = ["GET", "HEAD", "POST", "PUT", "OPTIONS"];

test("only our own names, origins, methods and proofs get through", async () => {
  await using asked = await askedFor(["hello"]);
  const { page, done } = asked;
  const { port, token } = page;
  const { cookie, csrf } = await page.enter();
  const hosts: [string, boolean][] = [
    [`127.0.0.1:${port}`, true],
    [`localhost:${port}`, true],
    ["localhost", false],
    [`evil.example:${port}`, false],
    [`127.0.0.1:${port + 1}`, false],
  ];
  const sources: [Record<string, string>, boolean | "to look"][] = [
    [{}, true],
    [{ origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" }, true],
    [
      { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      true,
    ],
    [
      {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      },
      "to look",
    ],
    [{ "sec-fetch-site": "same-site" }, false],
    [{ origin: "null" }, false],
    [{ origin: "http://evil.example" }, false],
    [{ origin: `http://localhost:${port + 1}`, "sec-fetch-site": "same-site" }, false],
  ];
  const proofs: [Record<string, string>, "nobody" | "owner" | "browser"][] = [
    [{}, "nobody"],
    [{ authorization: `Bearer ${token}` }, "owner"],
    [{ authorization: `Bearer ${token.slice(1)}x` }, "nobody"],
    [{ authorization: "Bearer x", cookie }, "nobody"],
    [{ cookie }, "browser"],
    [{ cookie, "x-csrf-token": csrf }, "browser"],
    [{ cookie: `${cookie.slice(0, -4)}AAAA` }, "nobody"],
  ];

  let count = 0;
  const tally = new Map<number, number>();
  const wrong: unknown[] = [];
  const asks: (() => Promise<void>)[] = [];
  for (const [path, { methods: known, access }] of Object.entries(paths))
    for (const method of methods)
      for (const [host, isOurs] of hosts)
        for (const [source, comes] of sources)
          for (const [proof, who] of proofs) {
            const looks = method === "GET" || method === "HEAD";
            const right = (): number => {
              if (!isOurs || comes === false || (comes === "to look" && !looks)) return 403;
              if (!(known as readonly string[]).includes(method)) return 405;
              if (access === "open") return 200;
              if (who === "nobody") return access === "page" ? 303 : 401;
              if (looks) return 200;
              // What gets so far is turned away for its body: a form in one place, none in the other.
              if (path.startsWith("/approvals")) return 415;
              return who === "browser" && !("x-csrf-token" in proof) ? 403 : 415;
            };
            asks.push(async () => {
              const headers = {
                host,
                ...source,
                ...proof,
                ...(looks ? {} : { "content-type": "text/plain", "content-length": "1" }),
              };
              const reply = await page.ask(
                method,
                path,
                looks ? { headers } : { headers, body: "x" },
              );
              count += 1;
              tally.set(reply.status, (tally.get(reply.status) ?? 0) + 1);
              const isWhole =
                String(reply.headers["content-security-policy"]).startsWith(
                  "default-src 'none'; ",
                ) &&
                reply.headers["x-content-type-options"] === "nosniff" &&
                reply.headers["cache-control"] === "no-store" &&
                !("access-control-allow-origin" in reply.headers) &&
                (reply.status !== 405 || reply.headers.allow === known.join(", "));
              if (reply.status !== right() || !isWhole) {
                wrong.push({ method, path, host, source, who, is: reply.status, should: right() });
              }
            });
          }
  // Four at a time, in the order of the list.
  await Promise.all(
    [0, 1, 2, 3].map(async (lane) => {
      for (let index = lane; index < asks.length; index += 4) await asks[index]?.();
    }),
  );
  process.stdout.write(
    `${count} requests: ${JSON.stringify(Object.fromEntries([...tally].sort()))}\n`,
  );
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(count).toBe(5 * methods.length * hosts.length * sources.length * proofs.length);
  expect(await page.kept.store.getApproval(1)).toMatchObject({ status: "pending" });
  expect(done).toEqual([]);
});
