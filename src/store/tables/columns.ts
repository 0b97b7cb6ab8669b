import { sql } from "drizzle-orm";
import { check, integer, text, type AnySQLiteColumn } from "drizzle-orm/sqlite-core";

/** What many tables have: a number of their own, and JSON. */

export const id = () => integer("id").primaryKey({ autoIncrement: true });
export const json = (name: string) => text(name, { mode: "json" });
export const validJson = (name: string, column: AnySQLiteColumn) =>
  check(name, sql`${column} is null or json_valid(${column})`);
