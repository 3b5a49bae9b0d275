// Loaded before a command: says at its end how many microseconds of processor time its process took.
process.on("exit", () => {
  const { system, user } = process.cpuUsage()
  require("node:fs").writeSync(3, String(system + user))
})
