// @adobe/git-server for the repositories below a folder, at <folder>/<owner>/<name>/.git.
import { createInterface } from "node:readline";

import server from "@adobe/git-server/lib/server.js";

const lines = createInterface({ input: process.stdin });
lines.once("line", async (line) => {
  const { root, logs } = JSON.parse(line);
  const { httpPort } = await server.start({
    repoRoot: root,
    listen: { http: { host: "127.0.0.1", port: 0 } },
    subdomainMapping: { enable: false, baseDomains: [] },
    logs: { level: "error", logsDir: logs, reqLogFormat: "short" },
  });
  console.log(JSON.stringify({ port: httpPort }));
});
lines.once("close", () => process.exit(0));
