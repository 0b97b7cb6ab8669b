import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  timezone: "Asia/Kathmandu",
  heartbeat: { every: "1m", slack: "1s" },
  skills: {
    "./skills/tide": { token: secret("TIDE_TOKEN"), moon: secret("MOON_TOKEN") },
    // What asks the system, ping being a program that elsewhere has rights of its own.
    services: {
      every: "5s",
      failureThreshold: 1,
      targets: [
        { name: "ping", icmp: "127.0.0.1" },
        { name: "disk", disk: { path: "/", minFree: "1MB" } },
        { name: "program", command: ["node", "--version"] },
      ],
    },
  },
  notify: { channels: { command: { run: ["/bin/sh", "/etc/watchkeeper/slow.sh"] } } },
  web: false,
});
