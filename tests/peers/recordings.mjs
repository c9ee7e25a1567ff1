// Answers that GitHub really gave, by @octokit/fixtures-server: its API on one port, codeload on another.
//
// The recorded requests are spelled as clients did then, and are wanted in exactly that spelling. So what a client of
// today says in other words (GitHub documents both) is put into those; whatever else it says is refused with a 404.
import http from "node:http";
import { createInterface } from "node:readline";

import express from "express";
import recordings from "@octokit/fixtures-server";

const TOKEN = "0000000000000000000000000000000000000001";
const THEN = {
  accept: { "application/vnd.github+json": "application/vnd.github.v3+json", "*/*": "application/vnd.github.v3+json" },
  authorization: { [`Bearer ${TOKEN}`]: `token ${TOKEN}` },
  "accept-encoding": { gzip: "gzip, compress, deflate, br" },
};

const listen = () =>
  new Promise((resolve) => {
    const server = http.createServer();
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
const url = (server) => `http://127.0.0.1:${server.address().port}`;

const [api, download] = [await listen(), await listen()];
const requests = [];
const app = express();
app.get("/requests", (request, response) => response.json(requests));
app.use((request, response, next) => {
  const atDownload = request.socket.localPort === download.address().port;
  const { authorization = "", "x-github-api-version": version = "" } = request.headers;
  requests.push({ at: atDownload ? "codeload" : "api", method: request.method, path: request.url, authorization, version });
  for (const [name, spellings] of Object.entries(THEN)) {
    const now = request.headers[name];
    request.headers[name] = spellings[now] ?? now;
  }
  // Whoever was recorded sent the token to codeload as well. Ours must not, and so it is added here.
  if (atDownload && !authorization) request.headers.authorization = `token ${TOKEN}`;
  // One server stands for all hosts, but whether two of them are one is what a client has to notice.
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) =>
    setHeader(name, name.toLowerCase() === "location"
      ? value.replace(`${url(api)}/codeload.github.com/`, `${url(download)}/codeload.github.com/`) : value);
  next();
});
app.use(recordings({ fixturesUrl: url(api), logLevel: "silent" }));
for (const server of [api, download]) server.on("request", app);

const lines = createInterface({ input: process.stdin });
lines.once("line", () => console.log(JSON.stringify({ api: url(api), download: url(download) })));
lines.once("close", () => process.exit(0));
