import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { defineSkill, z } from "watchkeeper";

const asked = (name: string) => existsSync(`/etc/watchkeeper/${name}`);
let looks = 0;

export default defineSkill({
  config: z.object({ token: z.string(), moon: z.string() }),
  checks: ({ config }) => ({
    level: {
      every: "2s",
      async observe() {
        looks += 1;
        if (looks === 1) await pause(1_500);
        // A loop that hangs: neither timers nor signals are heard any more.
        while (asked("hang"));
        // A beat that never ends, while the loop goes on: each of the threads that read files waits for ever.
        if (asked("stuck"))
          for (let thread = 0; thread < 4; thread += 1) void open("/etc/watchkeeper/fifo");
        if (asked("blind")) throw new Error("fog");
        const inherits = /^NOTIFY_SOCKET=/m.test(execFileSync("env", { encoding: "utf8" }));
        const secrets = `${config.token.length} and ${config.moon.length} characters`;
        return {
          complete: true,
          observations: [
            {
              key: "calm",
              severity: "info" as const,
              trust: "trusted" as const,
              title: `${secrets}, ${inherits ? "a socket" : "no socket"} is inherited`,
            },
            ...(asked("high")
              ? [
                  {
                    key: "high",
                    severity: "critical" as const,
                    trust: "trusted" as const,
                    title: "High tide",
                  },
                ]
              : []),
          ],
        };
      },
    },
  }),
});
