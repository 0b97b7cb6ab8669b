import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { provenSender } from "./proven-sender.ts";

const server = "mx.example.org";
const results = (value: string) => `Authentication-Results: ${value}`;
const message = (...headers: string[]) => Buffer.from(`${headers.join("\r\n")}\r\n\r\nHello`);
const from = "From: Ann <ann@example.com>";
const pass = results(`${server}; dmarc=pass header.from=example.com`);
const proven = (...headers: string[]) => provenSender(message(...headers), server);

describe("a sender is proven", () => {
  it.each<[string, string]>([
    ["dmarc", `${server}; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com`],
    [
      "dmarc with a version and other letters",
      `MX.Example.ORG 1; DMARC=Pass header.from=Example.COM;`,
    ],
    [
      "a signature without a policy",
      `${server}; dmarc=none header.from=example.com; dkim=pass header.d=example.com`,
    ],
    [
      "one of two signatures",
      `${server}; dkim=pass header.d=list.example; dkim=pass header.i=@example.com header.d=example.com header.b="aB+/=3"`,
    ],
    [
      "the envelope without a policy",
      `${server}; spf=pass (designates 192.0.2.1 (really)) smtp.mailfrom=bounce@example.com`,
    ],
    [
      "a big provider's words",
      `${server};\r\n       dkim=pass header.i=@example.com header.s=s1 header.b=Ab12;\r\n       spf=pass (${server}: domain of ann@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=ann@example.com;\r\n       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com`,
    ],
  ])("by %s", (_, value) => {
    expect(proven(results(value), from)).toBe("ann@example.com");
  });

  it.each([
    "From: ann@example.com",
    "From: <ann@example.com>",
    'From: "Berg, Ann (work)" <ann@example.com>',
    "From: =?utf-8?Q?J=C3=BCrgen?= <Ann@Example.com>",
    "fROM: Ann\r\n <ann@example.com>",
  ])("however its one address is written: %j", (line) => {
    expect(proven(pass, line)).toBe("ann@example.com");
  });
});

describe("no sender is proven", () => {
  it.each<[string, string[]]>([
    ["without results", [from]],
    ["without a From", [pass]],
    ["by another server", [results("mx.example.net; dmarc=pass header.from=example.com"), from]],
    [
      "by a server whose name only begins so",
      [results(`${server}.evil.example; dmarc=pass header.from=example.com`), from],
    ],
    ["by results without a server", [results("dmarc=pass header.from=example.com"), from]],
    ["when a second header says the same", [pass, pass, from]],
    [
      "when a forged header stands lower",
      [results(`${server}; dmarc=fail header.from=example.com`), from, pass],
    ],
    [
      "when another server's header stands lower",
      [pass, from, results("mx.evil.example; dmarc=pass header.from=example.com")],
    ],
    ["with two From headers", [pass, from, "From: eve@evil.example"]],
    ["with two addresses", [pass, "From: ann@example.com, eve@evil.example"]],
    ["with a group", [pass, "From: friends: ann@example.com;"]],
    [
      "with an address in the name that is not quoted",
      [pass, "From: ann@example.com <eve@evil.example>"],
    ],
    ["with a comment in the address", [pass, "From: ann(x)@example.com"]],
    ["with two brackets", [pass, "From: <ann@example.com> <eve@evil.example>"]],
    ["with a bracket in the name", [pass, 'From: "x <eve@evil.example>" <ann@example.com>']],
    ["with a quoted local part", [pass, 'From: "ann"@example.com']],
    ["with two at signs", [pass, "From: ann@evil.example@example.com"]],
    ["with letters that look alike", [pass, "From: ann@exаmple.com"]],
    ["for another domain", [results(`${server}; dmarc=pass header.from=evil.example`), from]],
    ["for a domain above", [results(`${server}; dmarc=pass header.from=com`), from]],
    ["for no domain", [results(`${server}; dmarc=pass`), from]],
    [
      "by dmarc=fail, whatever was signed",
      [
        results(`${server}; dmarc=fail header.from=example.com; dkim=pass header.d=example.com`),
        from,
      ],
    ],
    [
      "by an error of dmarc, whatever was signed",
      [
        results(
          `${server}; dmarc=temperror header.from=example.com; dkim=pass header.d=example.com`,
        ),
        from,
      ],
    ],
    [
      "by two words of dmarc",
      [
        results(
          `${server}; dmarc=fail header.from=example.com; dmarc=pass header.from=example.com`,
        ),
        from,
      ],
    ],
    ["by the signature of another", [results(`${server}; dkim=pass header.d=evil.example`), from]],
    [
      "by the signature of a part of it",
      [results(`${server}; dkim=pass header.d=users.example.com`), from],
    ],
    ["by a failed signature", [results(`${server}; dkim=fail header.d=example.com`), from]],
    ["by another's envelope", [results(`${server}; spf=pass smtp.mailfrom=x@evil.example`), from]],
    [
      "by an envelope that ends alike",
      [results(`${server}; spf=pass smtp.mailfrom=x@notexample.com`), from],
    ],
    [
      "by a verdict inside a comment",
      [
        results(
          `${server}; spf=pass (dmarc=pass header.from=example.com) smtp.mailfrom=x@evil.example`,
        ),
        from,
      ],
    ],
    [
      "by a verdict inside a quoted envelope",
      [
        results(
          `${server}; spf=pass smtp.mailfrom="a; dmarc=pass header.from=example.com"@evil.example`,
        ),
        from,
      ],
    ],
    [
      "by a verdict behind a comment that a stranger closed",
      [
        results(
          `${server}; spf=pass (domain of "a); dmarc=pass header.from=example.com (x"@evil.example) smtp.mailfrom=x@evil.example`,
        ),
        from,
      ],
    ],
    [
      "by a verdict behind a backslash",
      [results(`${server}; spf=none (a\\) ; dmarc=pass header.from=example.com (b)`), from],
    ],
    ["by an open comment", [results(`${server}; dmarc=pass header.from=example.com (`), from]],
    [
      "by a property that is said twice",
      [results(`${server}; dmarc=pass header.from=evil.example header.from=example.com`), from],
    ],
    [
      "by words that are no results",
      [results(`${server}; dmarc=pass header.from=example.com; thank you`), from],
    ],
    ["by none", [results(`${server}; none`), from]],
    ["with a line that is no header", [pass, "Hello there", from]],
    ["with a space before the colon", [pass, from, "From : eve@evil.example"]],
    ["with a carriage return of its own", [pass, `${from}\rFrom: eve@evil.example`]],
    ["with a NUL", [pass, `${from}\0`]],
    ["with a folded line at the top", [" x", pass, from]],
    ["with a From of great length", [pass, `From: "${"x".repeat(5_000)}" <ann@example.com>`]],
  ])("%s", (_, headers) => {
    expect(proven(...headers)).toBeUndefined();
  });

  it("when the owner named no server, or the headers do not end", () => {
    expect(provenSender(message(pass, from), undefined)).toBeUndefined();
    expect(provenSender(Buffer.from(`${pass}\r\n${from}\r\n`), server)).toBeUndefined();
  });

  it("in good time, whatever is written", async () => {
    const long = [
      " ".repeat(400_000),
      "(".repeat(400_000),
      '="'.repeat(200_000),
      "a=b ".repeat(100_000),
    ];
    const spent = await processorMs(() => {
      for (const text of long) {
        expect(proven(results(`${server}; ${text}`), from)).toBeUndefined();
        expect(proven(pass, `From: ${text}`)).toBeUndefined();
        expect(proven(pass, from, `${"x:y\r\n".repeat(90_000)}z: ${text}`)).toBeUndefined();
      }
    });
    expect(spent).toBeLessThan(3_000);
  });
});
