import type { ServiceAnswer } from "./answers.ts";
import { readServiceAddress } from "./service-address.ts";
import { settle, type Interview } from "./settle.ts";

/** Services, until nothing more is typed. */
export async function askServices(interview: Interview): Promise<ServiceAnswer[]> {
  const { asker } = interview;
  const services: ServiceAnswer[] = [];
  asker.say("A web address, host:port, or tls://host for its certificate.");
  for (;;) {
    const first = await asker.text({
      message: services.length === 0 ? "What to watch?" : "What else? Nothing ends it",
      example: "https://example.com/health",
    });
    if (first === "") return services;
    let typed: string | undefined = first;
    const answer = await settle<ServiceAnswer>(
      interview,
      async (before) => {
        const text: string =
          typed ?? (await asker.text({ message: "What to watch?", initial: before?.address }));
        typed = undefined;
        return readServiceAddress(text);
      },
      (one) => ({ services: [one] }),
    );
    if (answer) services.push(answer);
  }
}
