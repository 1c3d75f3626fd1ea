// Asks what stdin lists with the official client, in turn, and prints what came of each as one JSON list.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The package stands in the working folder, not beside this file.
const { OpenAI } = createRequire(`${process.cwd()}/`)("openai");

function call(client, ask) {
  const names = ask.call.split(".");
  const method = names.pop();
  const owner = names.reduce((place, name) => place[name], client);
  const options = { timeout: ask.timeout_s * 1000 };
  return ask.call.endsWith(".list") ? owner[method](options) : owner[method]({ ...ask.params, ...ask.extra }, options);
}

async function outcome(client, ask) {
  const events = [];
  try {
    const answer = await call(client, ask);
    if (!ask.params.stream) return { answer };
    for await (const event of answer) {
      events.push(event);
      // Leaving the loop closes the stream.
      if (events.length === ask.leave_after) break;
    }
    return { events };
  } catch (error) {
    const { message, status, code, param, type, error: body } = error;
    return { events, error: { class: error.constructor.name, message, status_code: status, code, param, type, body } };
  }
}

const asks = JSON.parse(readFileSync(0, "utf8"));
const clients = new Map(asks.map(({ url }) => [url, new OpenAI({ baseURL: url, apiKey: "none", maxRetries: 0 })]));
const outcomes = [];
for (const ask of asks) outcomes.push(await outcome(clients.get(ask.url), ask));
process.stdout.write(JSON.stringify(outcomes));
