import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  timezone: "UTC",
  heartbeat: { every: "1m", slack: "1s" },
  skills: { "./skills/tide": { token: secret("TIDE_TOKEN"), moon: secret("MOON_TOKEN") } },
  notify: { channels: { command: { run: ["/bin/sh", "/etc/watchkeeper/slow.sh"] } } },
  web: false,
});
