/**
 * Options of `setpriv` before a command: whatever ends this process, a time-out of the test runner too, ends that one with it. Commands of
 * ours get a channel to their parent in its place.
 */
export function endsWithUs(signal: NodeJS.Signals = "SIGKILL"): readonly string[] {
  return ["--pdeathsig", signal];
}
