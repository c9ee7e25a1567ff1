// Signs and checks as @octokit/webhooks-methods does: [{secret, body, signature}] -> [{signature, good}].
import { text } from "node:stream/consumers";

import { sign, verify } from "@octokit/webhooks-methods";

const answers = [];
for (const { secret, body, signature } of JSON.parse(await text(process.stdin))) {
  answers.push({ signature: await sign(secret, body), good: await verify(secret, body, signature) });
}
console.log(JSON.stringify(answers));
