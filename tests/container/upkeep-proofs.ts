import assert from "node:assert/strict";
import { until } from "../daemon/daemon-process.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { patiently, startContainer, type Container } from "./container.ts";
import type { Scene } from "./prove.ts";
import { openSmallWatch } from "./small-watch.ts";

interface Task {
  readonly name: string;
  readonly last_ok_at: number | null;
  readonly last_error: string | null;
  readonly outcome: string | null;
}

/** A daemon lets its first five minutes pass before it cares for the file. */
const patience = 7 * 60;

const query = (sql: string): string => `
  const { DatabaseSync } = require("node:sqlite");
  const store = new DatabaseSync("/var/lib/watchkeeper/watchkeeper.db");
  console.log(JSON.stringify(store.prepare(${JSON.stringify(sql)}).all()));`;

const daysAgo = (days: string): string => `(unixepoch() - ${days} * 86400) * 1000`;

/**
 * Care of the file where nothing but the state can be written. It takes minutes, in which others can prove.
 * @returns what looks at the outcome, and takes the container away
 */
export async function beginUpkeepProofs({ setting, prove }: Scene): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack();
  const shop = stack.use(await startHttpReceiver());
  const watch = stack.use(
    await openSmallWatch({ setting, name: "upkeep", url: `${shop.origin}/`, timezone: "UTC" }),
  );
  let container: Container | undefined;
  await prove("a watch that was forgotten for 40 days starts", async () => {
    const first = await startContainer(watch.setting);
    await until("a beat", () => first.isHealthy());
    await first.stop();
    await first[Symbol.asyncDispose]();
    await watch.node(
      query(`insert into beats (trigger, outcome, started_at, finished_at, checks)
        select 'schedule', 'quiet', ${daysAgo("value")}, ${daysAgo("value")} + 5, '[]'
        from json_each('[1.2, 40, 41, 42]') where true returning id`),
    );
    await watch.node(
      query(`insert or replace into upkeep (name, since)
        values ('prune', ${daysAgo("8")}), ('backup', ${daysAgo("8")}) returning name`),
    );
    container = stack.use(await startContainer(watch.setting));
    await until("a beat", async () => container?.isHealthy() ?? false);
    return undefined;
  });
  const held = stack.move();

  return async () => {
    await using _ = held;
    const running = container;
    if (!running) return;
    await prove("it prunes, and makes its weekly backup in the volume", async () => {
      const ask = async <Row>(sql: string): Promise<Row[]> => {
        const { exitCode, stdout, stderr } = await running.exec("node", "--eval", query(sql));
        assert.equal(exitCode, 0, stderr);
        return JSON.parse(stdout) as Row[];
      };
      let tasks: Task[] = [];
      await patiently("both are done", patience, async () => {
        tasks = await ask<Task>("select * from upkeep");
        return tasks.length === 2 && tasks.every((task) => task.last_ok_at !== null);
      });
      assert.deepEqual(
        tasks.map(({ last_error: error }) => error),
        [null, null],
      );
      const old = `select id from beats where started_at < ${daysAgo("30")}`;
      assert.deepEqual(await ask(old), []);
      const { stdout } = await running.exec(
        ...["sh", "-c", "stat -c '%a %u %n' /var/lib/watchkeeper/backups/*"],
      );
      assert.match(stdout, /^600 1000 \S+\/weekly-\d{8}T\d{6}Z\.db\n$/);
      return tasks.map(({ name, outcome }) => `${name} ${outcome ?? ""}`).join(", ");
    });
  };
}
