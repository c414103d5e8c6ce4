// Valves in a row: resolved by class name once, chained once, walked by every request (Tomcat: StandardPipeline).
import type { ComponentConfig } from "../config/index.ts";
import { UnknownValveError } from "./errors.ts";
import type { Request } from "./request.ts";
import type { Valve } from "./valve.ts";

/** Where a valve stands. */
export interface ValvePlace {
  readonly container: "Engine" | "Host" | "Context";
  /** The container's name: the engine's, the host's, "localhost#/shop". */
  readonly name: string;
  readonly jvmRoute: string | undefined;
}

/** Makes one valve; may throw for attributes that make no sense together. */
export type ValveFactory = (config: ComponentConfig, place: ValvePlace) => Valve;

export type RequestStep = (request: Request) => void;

export function createValves(
  configs: readonly ComponentConfig[],
  factories: ReadonlyMap<string, ValveFactory>,
  place: ValvePlace,
): readonly Valve[] {
  return configs.map((config) => {
    const factory = factories.get(config.className);
    if (!factory) throw new UnknownValveError(config.className, config.location, factories.keys());
    return factory(config, place);
  });
}

/** One function that takes a request through the valves and then to `last`. It does not throw: a valve that does fails the request. */
export function chainValves(valves: readonly Valve[], last: RequestStep): RequestStep {
  return valves.reduceRight<RequestStep>(
    (next, valve) => (request) => {
      try {
        valve.invoke(request, next);
      } catch (error) {
        request.fail(error);
      }
    },
    last,
  );
}
