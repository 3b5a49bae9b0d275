// One peer of the durable benchmark, in a process of its own; see durable.ts. It is copied into a folder where the peers are
// installed. Each does what its guide shows: erases customers that were asked for, 128 at a time.
import { setTimeout } from "node:timers/promises"
import pg from "pg"

const [peer, count] = process.argv.slice(2)
const connectionString = process.env.DATABASE_URL
const pool = new pg.Pool({ connectionString, max: 20 })

/** A vendor that takes no time. */
const deleteCustomer = async (customerId) => ({ customerId, deletedAt: new Date().toISOString() })

const each = async (ids, once) => {
  const rest = ids.values()
  await Promise.all(
    Array.from({ length: 128 }, async () => {
      for (const id of rest) await once(id)
    })
  )
}

const until = async (query, expected) => {
  for (;;) {
    const { rows } = await pool.query(query)
    if (Number(rows[0].count) === expected) return
    await setTimeout(20)
  }
}

const peers = {
  /** Two statements of one's own: the intent before the request, and the outcome behind it. */
  async table() {
    await pool.query("CREATE TABLE erasures (id text PRIMARY KEY, customer_id text, asked timestamptz, outcome jsonb)")
    return (ids) =>
      each(ids, async (id) => {
        await pool.query("INSERT INTO erasures VALUES ($1, $1, now()) ON CONFLICT DO NOTHING", [id])
        await pool.query("UPDATE erasures SET outcome = $2 WHERE id = $1", [id, await deleteCustomer(id)])
      })
  },
  async dbos() {
    const { DBOS } = await import("@dbos-inc/dbos-sdk")
    const erase = DBOS.registerWorkflow((id) => DBOS.runStep(() => deleteCustomer(id), { name: "delete" }), {
      name: "erase"
    })
    DBOS.setConfig({ name: "bench", systemDatabaseUrl: connectionString, logLevel: "error", runAdminServer: false })
    await DBOS.launch()
    return (ids) =>
      each(ids, async (id) => {
        const handle = await DBOS.startWorkflow(erase, { workflowID: id })(id)
        await handle.getResult()
      })
  },
  async "pg-boss"() {
    const { default: PgBoss } = await import("pg-boss")
    const boss = new PgBoss(connectionString)
    await boss.start()
    await boss.createQueue("erase")
    const work = async (jobs) => Promise.all(jobs.map(({ data }) => deleteCustomer(data.id)))
    await boss.work("erase", { batchSize: 128, pollingIntervalSeconds: 0.5 }, work)
    let sent = 0
    return async (ids) => {
      await each(ids, (id) => boss.send("erase", { id }, { singletonKey: id }))
      sent += ids.length
      await until("SELECT count(*) FROM pgboss.job WHERE name = 'erase' AND state = 'completed'", sent)
    }
  },
  async "graphile-worker"() {
    const { Logger, makeWorkerUtils, run } = await import("graphile-worker")
    const logger = new Logger(() => () => {})
    const utils = await makeWorkerUtils({ connectionString, logger })
    await utils.migrate()
    const taskList = { erase: ({ id }) => deleteCustomer(id).then(() => undefined) }
    await run({ connectionString, logger, concurrency: 128, maxPoolSize: 20, noHandleSignals: true, taskList })
    return async (ids) => {
      await each(ids, (id) => utils.addJob("erase", { id }, { jobKey: id }))
      await until("SELECT count(*) FROM graphile_worker.jobs", 0)
    }
  }
}

/** So many transactions has the server committed. A connection that is idle tells it after ten seconds. */
const committed = async () => {
  await setTimeout(11_000)
  const { rows } = await pool.query("SELECT sum(xact_commit) AS count FROM pg_stat_database")
  return Number(rows[0].count)
}

const eraseAll = await peers[peer]()
await eraseAll(Array.from({ length: 100 }, (_, index) => `warm_${index}`))
const before = await committed()
const began = performance.now()
await eraseAll(Array.from({ length: Number(count) }, (_, index) => `cust_${index}`))
const milliseconds = performance.now() - began
console.log(JSON.stringify({ milliseconds, transactions: (await committed()) - before }))
process.exit(0)
