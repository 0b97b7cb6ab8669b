import { and, asc, eq, inArray, isNotNull, notInArray, or } from "drizzle-orm";
import { writing, type Db } from "./database.ts";
import type { Store, StoreReader, ToolPin } from "./port.ts";
import { toolPins, toolServers } from "./schema.ts";

/** MCP servers, and what their tools said of themselves when they were accepted. */

type ToolReads = Pick<StoreReader, "listToolServers" | "listToolPins">;
type ToolWrites = Pick<Store, "recordToolServer" | "keepToolServers" | "pinTools" | "acceptTools">;

export function toolReads(db: Db): ToolReads {
  return {
    async listToolServers() {
      return db.select().from(toolServers).orderBy(asc(toolServers.name)).all();
    },
    async listToolPins() {
      return db.select().from(toolPins).orderBy(asc(toolPins.name)).all();
    },
  };
}

const nothingOffered = { offeredHash: null, offered: null, offeredAt: null };

export function toolWrites(db: Db): ToolWrites {
  return {
    async recordToolServer(server) {
      db.insert(toolServers)
        .values(server)
        .onConflictDoUpdate({ target: toolServers.name, set: server })
        .run();
    },

    async keepToolServers(names) {
      db.delete(toolServers)
        .where(notInArray(toolServers.name, [...names]))
        .run();
    },

    async pinTools(tools, at) {
      return db.transaction(() => {
        for (const { name, server, hash, definition } of tools) {
          const known = db.select().from(toolPins).where(eq(toolPins.name, name)).get();
          if (!known) {
            const seen = { seenAt: at, acceptedAt: at };
            db.insert(toolPins)
              .values({ name, server, hash, definition, ...seen })
              .run();
            continue;
          }
          const offered =
            known.hash === hash
              ? nothingOffered
              : { offeredHash: hash, offered: definition, offeredAt: at };
          if (known.offeredHash === offered.offeredHash) continue;
          db.update(toolPins).set(offered).where(eq(toolPins.name, name)).run();
        }
        const names = tools.map(({ name }) => name);
        return db.select().from(toolPins).where(inArray(toolPins.name, names)).all();
      }, writing);
    },

    async acceptTools(name, at) {
      return db.transaction(() => {
        const chosen = db
          .select()
          .from(toolPins)
          .where(
            and(
              or(eq(toolPins.name, name), eq(toolPins.server, name)),
              isNotNull(toolPins.offeredHash),
            ),
          )
          .orderBy(asc(toolPins.name))
          .all();
        return chosen.flatMap(({ name: tool, offeredHash, offered }): ToolPin[] => {
          if (offeredHash === null) return [];
          return db
            .update(toolPins)
            .set({ hash: offeredHash, definition: offered, acceptedAt: at, ...nothingOffered })
            .where(eq(toolPins.name, tool))
            .returning()
            .all();
        });
      }, writing);
    },
  };
}
