import { expect, it } from "vitest";
import { createHostFinder } from "../resolve-host.ts";
import { leadsInside } from "./http-request.ts";

const { signal } = new AbortController();
const hosts = createHostFinder();

it.each([
  ["https://8.8.8.8/", "http://127.0.0.1/", true],
  ["https://8.8.8.8/", "http://169.254.169.254/latest", true],
  ["https://8.8.8.8/", "http://[::1]:8080/", true],
  ["https://8.8.8.8/", "http://[::ffff:10.0.0.1]/", true],
  ["https://8.8.8.8/", "http://0x7f.1/", true],
  ["https://8.8.8.8/", "http://localhost/", true],
  ["https://name.invalid/", "http://192.168.1.1/", true],
  ["https://8.8.8.8/", "https://9.9.9.9/", false],
  ["http://192.168.1.1/", "http://127.0.0.1/", false],
  ["http://localhost/", "https://8.8.8.8/", false],
])("a redirect from %s to %s leads inside: %o", async (from, to, inside) => {
  expect(await leadsInside(new URL(from), new URL(to), signal, hosts)).toBe(inside);
});
