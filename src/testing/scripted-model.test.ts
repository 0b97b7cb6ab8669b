import Anthropic from "@anthropic-ai/sdk";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedModel } from "./scripted-model.ts";
import { callTools, fault, heldUntil, report, reportAll, text } from "./scripted-reply.ts";

const clientOf = (server: ScriptedModel, apiKey = "key") =>
  new Anthropic({ baseURL: server.baseUrl, apiKey, maxRetries: 0, logLevel: "off" });

const ask = (content: string | Anthropic.ContentBlockParam[], more: object = {}) => ({
  model: "claude-haiku-5-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content }],
  ...more,
});

describe("a scripted model", () => {
  it("says the same with and without streaming, as the official client reads it", async () => {
    const said = callTools([{ name: "services_probe", input: { target: "api", deep: [1] } }], {
      text: "I look.",
      thinking: "Hm.",
      usage: { inputTokens: 5, outputTokens: 6, cacheReadTokens: 7, cacheWriteTokens: 8 },
    });
    await using server = await startScriptedModel(() => said);
    const client = clientOf(server);
    const whole = await client.messages.create(ask("go"));
    const streamed = await client.messages.stream(ask("go")).finalMessage();
    const contentOf = (message: Anthropic.Message): unknown =>
      message.content.map((block) => ({ ...block, id: "any" }));
    expect(contentOf(streamed)).toEqual(contentOf(whole));
    expect(streamed.stop_reason).toBe("tool_use");
    expect(streamed.usage).toMatchObject({
      input_tokens: 5,
      output_tokens: 6,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 8,
    });
    expect(whole.usage).toEqual(streamed.usage);
  });

  it("follows its script in order and says when it has come to the end", async () => {
    await using server = await startScriptedModel([text("one"), () => text("two")]);
    const client = clientOf(server);
    const words = async (): Promise<unknown> =>
      (await client.messages.create(ask("go"))).content[0];
    expect(await words()).toMatchObject({ text: "one" });
    expect(await words()).toMatchObject({ text: "two" });
    await expect(words()).rejects.toThrow("the script holds no reply for request 3");
  });

  it("says so when a script gives what is no reply, and does not fall silent", async () => {
    await using server = await startScriptedModel(
      // A function that forgets to call what reportAll() gives: JavaScript lets it pass.
      (() => reportAll("notify")) as unknown as () => ReturnType<typeof text>,
    );
    await expect(clientOf(server).messages.create(ask("go"))).rejects.toThrow(
      /400 .*the script gave a function where a reply was wanted.*for request 1/,
    );
  });

  it("records each request to the byte", async () => {
    await using server = await startScriptedModel(() => text("ok"));
    const rawBody = `{ "messages":[{"role":"user","content":"ü\\u0041"}],"max_tokens":1,\n"model":"m"}`;
    await fetch(`${server.baseUrl}/v1/messages`, {
      method: "POST",
      body: rawBody,
      headers: { "x-mark": "7" },
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ rawBody, headers: { "x-mark": "7" } });
    expect(server.requests[0]?.body.messages).toEqual([{ role: "user", content: "üA" }]);
  });

  it("gives the same verdict to every finding that it is shown", async () => {
    await using server = await startScriptedModel([reportAll("digest", { message: "later" })]);
    const shown =
      '<finding id="12" skill="inbox">&lt;finding id="99"&gt;</finding>\n<finding id="a-7" skill="calendar">x</finding>';
    const { content } = await clientOf(server).messages.create(
      ask([
        { type: "text", text: "It is noon." },
        { type: "text", text: shown },
      ]),
    );
    expect(content).toMatchObject([
      {
        type: "tool_use",
        name: "report",
        input: {
          verdicts: [
            { findingId: "12", verdict: "digest", message: "later" },
            { findingId: "a-7", verdict: "digest", message: "later" },
          ],
        },
      },
    ]);
  });

  it("finds the findings behind the results of tools", async () => {
    await using server = await startScriptedModel([reportAll("notify")]);
    const { content } = await clientOf(server).messages.create(
      ask("", {
        messages: [
          { role: "user", content: '<finding id="3">x</finding>' },
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "look", input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "seen" }] },
        ],
      }),
    );
    expect(content).toMatchObject([{ input: { verdicts: [{ findingId: "3" }] } }]);
  });

  it("hands out requests one by one, those that have come and those that will", async () => {
    await using server = await startScriptedModel(() => text("ok"));
    const client = clientOf(server);
    await client.messages.create(ask("first"));
    const second = client.messages.create(ask("second"));
    expect((await server.nextRequest()).body.messages[0]?.content).toBe("first");
    expect((await server.nextRequest()).body.messages[0]?.content).toBe("second");
    const coming = server.nextRequest();
    await Promise.all([second, client.messages.create(ask("third"))]);
    expect((await coming).body.messages[0]?.content).toBe("third");
    const never = server.nextRequest();
    await Promise.all([expect(never).rejects.toThrow("closed"), server.close()]);
  });

  it("counts conversations, whatever is marked for the cache, and a retry as the same", async () => {
    await using server = await startScriptedModel(() => report({ verdicts: [], summary: "" }));
    const client = clientOf(server);
    const first = {
      role: "user" as const,
      content: [
        { type: "text" as const, text: "A", cache_control: { type: "ephemeral" as const } },
      ],
    };
    const unmarked = { role: "user", content: [{ type: "text", text: "A" }] };
    const grown = [
      unmarked,
      { role: "assistant", content: "Hm." },
      { role: "user", content: "Go on." },
    ];
    await client.messages.create(ask("", { messages: [first] }));
    await client.messages.create(ask("B"));
    await client.messages.create(ask("", { messages: [first] }));
    await client.messages.create(ask("", { messages: grown }));
    expect(server.conversations().map((group) => group.length)).toEqual([3, 1]);
  });

  it("holds a reply until it may go", async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await startScriptedModel([heldUntil(gate.promise, text("late"))]);
    let answered = false;
    const asked = clientOf(server)
      .messages.create(ask("go"))
      .then(() => (answered = true));
    await server.nextRequest();
    expect(answered).toBe(false);
    gate.resolve();
    await asked;
  });

  it("closes at once though a request hangs", async () => {
    const server = await startScriptedModel([fault.hang()]);
    const asked = clientOf(server).messages.create(ask("go"));
    await server.nextRequest();
    const refused = expect(asked).rejects.toThrow("Connection error");
    await server.close();
    await server.close();
    await refused;
  });

  it("says so when the script itself fails", async () => {
    await using server = await startScriptedModel(() => {
      throw new Error("no such mood");
    });
    await expect(clientOf(server).messages.create(ask("go"))).rejects.toThrow(
      "the script failed: no such mood",
    );
  });

  it("knows one key when it is given one", async () => {
    await using server = await startScriptedModel(() => text("ok"), { apiKey: "right" });
    await expect(clientOf(server, "wrong").messages.create(ask("go"))).rejects.toThrow("401");
    await expect(clientOf(server, "right").messages.create(ask("go"))).resolves.toBeDefined();
  });

  const use = { type: "tool_use", id: "t1", name: "look", input: {} };
  const user = (content: unknown) => ({ role: "user", content });
  const assistant = (content: unknown) => ({ role: "assistant", content });
  const result = { type: "tool_result", tool_use_id: "t1", content: "x" };
  const marked = { type: "text", text: "x", cache_control: { type: "ephemeral" } };
  it.each([
    ["no room for a reply", { max_tokens: 0 }, /max_tokens/],
    ["an empty conversation", { messages: [] }, /messages/],
    ["a conversation begun by the model", { messages: [assistant("x"), user("y")] }, /first/],
    ["a conversation that the model ends", { messages: [user("x"), assistant("y")] }, /end/],
    ["empty text", { messages: [user([{ type: "text", text: "" }])] }, /non-empty/],
    [
      "a call without a result",
      { messages: [user("x"), assistant([use]), user("y")] },
      /without tool_result/,
    ],
    [
      "a result without a call",
      { messages: [user("x"), assistant("y"), user([result])] },
      /unexpected tool_use_id/,
    ],
    [
      "a result given twice",
      { messages: [user("x"), assistant([use]), user([result, result])] },
      /unexpected tool_use_id/,
    ],
    [
      "a result after words",
      { messages: [user("x"), assistant([use]), user([{ type: "text", text: "y" }, result])] },
      /must come first/,
    ],
    [
      "two calls with one id",
      { messages: [user("x"), assistant([use, use]), user([result, result])] },
      /unique/,
    ],
    [
      "two tools with one name",
      { tools: ["a", "a"].map((name) => ({ name, input_schema: { type: "object" } })) },
      /unique/,
    ],
    ["a tool with a dot", { tools: [{ name: "a.b", input_schema: { type: "object" } }] }, /tools/],
    ["a forced tool", { tool_choice: { type: "any" } }, /forced/],
    ["a temperature", { temperature: 0 }, /temperature/],
    [
      "five marks for the cache",
      { system: Array.from({ length: 5 }, () => marked) },
      /maximum of 4/,
    ],
  ])("refuses %s as the API does", async (_name, more, message) => {
    await using server = await startScriptedModel(() => text("ok"));
    await expect(clientOf(server).messages.create(ask("go", more))).rejects.toThrow(message);
  });

  it("runs in a process of its own", async () => {
    const module = new URL("./scripted-model.ts", import.meta.url).href;
    const replies = new URL("./scripted-reply.ts", import.meta.url).href;
    const program = `
      const { startScriptedModel } = await import(${JSON.stringify(module)});
      const { text } = await import(${JSON.stringify(replies)});
      const server = await startScriptedModel(() => text("from afar"));
      console.log(server.baseUrl);
      process.stdin.on("end", () => server.close()).resume();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const [baseURL] = (await once(createInterface(child.stdout), "line")) as [string];
    const client = new Anthropic({ baseURL, apiKey: "key" });
    expect((await client.messages.create(ask("go"))).content[0]).toMatchObject({
      text: "from afar",
    });
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
  });
});
