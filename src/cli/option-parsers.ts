// Turns option texts into values; a wrong one is a usage error.
import { InvalidArgumentError } from "commander";

/** `lowest` is 0 where any free port will do. */
export function portParser(lowest: 0 | 1): (text: string) => number {
  return (text) => {
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port < lowest || port > 65_535) {
      throw new InvalidArgumentError(`A port is a number from ${lowest} to 65535.`);
    }
    return port;
  };
}

export function numberParser(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < lowest || number > highest) {
      throw new InvalidArgumentError(`Give a whole number from ${lowest} to ${highest}.`);
    }
    return number;
  };
}

export function choiceParser<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new InvalidArgumentError(`Choose one of ${choices.join(", ")}.`);
    return choice;
  };
}

/** For options that are given alone or with a value: "--leader-elect", "--leader-elect=false", or an environment variable's text. */
export function booleanParser(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("Give true or false.");
  return text === "true";
}

export interface ListenAddress {
  /** Undefined: every address, of both families. */
  readonly address: string | undefined;
  readonly port: number;
}

/** ":9090" for every address, "127.0.0.1:9090" or "[::1]:9090". */
export function addressParser(text: string): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d+)$/.exec(text) ?? [];
  if (port === undefined)
    throw new InvalidArgumentError("Give an address and a port, such as 127.0.0.1:9090 or [::1]:9090, or :9090 for every address.");
  return { address: bracketed ?? (plain || undefined), port: portParser(0)(port) };
}

/** "web,shop": names of namespaces. */
export function namesParser(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  const found = names.filter((name) => name !== "");
  const wrong = found.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no name of a namespace.`);
  return found;
}
