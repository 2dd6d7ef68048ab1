// probot with a handler that does nothing. Read by `node -` in the folder that holds node_modules/probot.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createNodeMiddleware, createProbot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const secret = process.env.PEER_SECRET;
const probot = createProbot({ overrides: { appId: 1, privateKey, secret, logLevel: "fatal" } });
const app = (on) => on.on("push", async () => {});
const middleware = await createNodeMiddleware(app, { probot, webhooksPath: "/" });

createServer((request, response) => {
  middleware(request, response, () => response.writeHead(404).end());
}).listen(Number(process.env.PORT), "127.0.0.1");
