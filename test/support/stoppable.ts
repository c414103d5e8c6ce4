// A process that ends by run-until-stopped.ts: prints what happens to it, takes its time to stop, fails when told to.
import { endOnSignals, runUntilStopped } from "../../src/cli/run-until-stopped.ts";

const [stopMs = "0", failure] = process.argv.slice(2);
const alive = setInterval(() => undefined, 1000);
endOnSignals();
if (failure === "never-run") {
  console.log("loading");
  await new Promise(() => undefined);
}

runUntilStopped({
  stop: async () => {
    console.log("stopping");
    await new Promise((resolve) => setTimeout(resolve, Number(stopMs)));
    if (failure === "stop") throw new Error("could not stop");
    clearInterval(alive);
    console.log("stopped");
  },
  abandon: () => console.log("abandoned"),
  onUncaughtError: (error) => console.log(`uncaught ${(error as Error).message}`),
  onStopFailed: (error) => console.log(`failed ${(error as Error).message}`),
});
if (failure === "throw")
  setImmediate(() => {
    throw new Error("oops");
  });
if (failure === "reject") void Promise.reject(new Error("oops"));
console.log("running");
