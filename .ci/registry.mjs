// A registry on loopback for `packages.mjs`, in the folder that is named. It has the packages of our scope, and nothing else.
import { join } from "node:path"
import { runServer } from "verdaccio"

const storage = process.argv[2]
const server = await runServer({
  storage,
  self_path: storage,
  auth: { htpasswd: { file: join(storage, "htpasswd") } },
  packages: { "@effect-flowwise/*": { access: "$all", publish: "$all" } },
  web: { enable: false },
  log: { type: "stdout", format: "json", level: "fatal" }
})
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`))
