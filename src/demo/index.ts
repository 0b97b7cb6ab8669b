import { startDemoServices } from "./services.ts";
import { prepareDemoWorld } from "./world.ts";

export { freeDemoPort } from "./services.ts";

export interface DemoWorldOptions {
  readonly dir: string;
  readonly port: number;
  /** Milliseconds since the epoch: mail and meetings are dated around it. */
  readonly now: number;
  readonly timezone: string;
  readonly warn: (message: string) => void;
}

/** Writes the small world and starts its services; dispose of it to end them. */
export async function startDemoWorld(options: DemoWorldOptions): Promise<AsyncDisposable> {
  const { dir, port, now, timezone, warn } = options;
  await prepareDemoWorld({ dir, now: new Date(now), timezone });
  const services = await startDemoServices({ port });
  if (!services.started) warn(`the demo's services were not started: ${services.reason}`);
  return services;
}
