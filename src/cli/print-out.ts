// What a command was asked for, on standard output.

/** A reader that has seen enough (`| head`) ends the process: that is no failure. */
export function printOut(text: string): void {
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  process.stdout.write(text);
}
