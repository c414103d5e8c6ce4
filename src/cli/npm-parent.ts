// A command that npm has started ends with npm.

const LOOK_MS = 500;

/**
 * Calls `onGone` once when the parent has ended, for a command that `npm start`, `npm run` or `npx` has started. They run it in a
 * shell, which keeps SIGTERM to itself: whoever stops npm would leave the command running, with a new parent. Without npm a
 * command may outlive its parent, as under nohup.
 */
export function watchNpmParent(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  timer.unref();
}
