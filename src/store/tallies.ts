import type Database from "better-sqlite3";

/** What was counted of rows that are gone: without it the counters of `/metrics` would go back. */

export interface Tallies {
  /** Within a transaction: {@link Tallies.save} writes them. */
  add(name: string, labels: readonly string[], amount?: number): void;
  save(): void;
  /** Forgets what was not saved, as when its transaction was rolled back. */
  clear(): void;
}

export function createTallies(client: Database.Database): Tallies {
  const upsert = client.prepare<[string, string, number]>(`
    insert into tallies (name, labels, amount) values (?, ?, ?)
    on conflict (name, labels) do update set amount = amount + excluded.amount`);
  const added = new Map<string, Map<string, number>>();
  return {
    add(name, labels, amount = 1) {
      const of = added.get(name) ?? new Map<string, number>();
      added.set(name, of);
      const key = JSON.stringify(labels);
      of.set(key, (of.get(key) ?? 0) + amount);
    },
    save() {
      for (const [name, of] of added) {
        for (const [labels, amount] of of) upsert.run(name, labels, amount);
      }
    },
    clear: () => added.clear(),
  };
}

export interface Tally {
  readonly name: string;
  readonly labels: readonly string[];
  readonly amount: number;
}

export function readTallies(client: Database.Database): Tally[] {
  const rows = client
    .prepare<[], { name: string; labels: string; amount: number }>("select * from tallies")
    .all();
  return rows.map(({ labels, ...row }) => ({ ...row, labels: JSON.parse(labels) as string[] }));
}
