// Verifies each delivery of the JSON on standard input with @octokit/webhooks, and prints its guid.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, secret] = process.argv.slice(2);
const require = createRequire(join(folder, "index.js"));
const { Webhooks } = await import(pathToFileURL(require.resolve("@octokit/webhooks")));
const webhooks = new Webhooks({ secret });
webhooks.onAny(({ id }) => console.log(id));
for (const delivery of JSON.parse(readFileSync(0))) {
  await webhooks.verifyAndReceive(delivery);
}
