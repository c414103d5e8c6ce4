// Whether two interceptors handle messages by the same bits (Tomcat: optionCheck of the Channel; tribes.md 10).
import type { ComponentConfig } from "../../config/index.ts";
import { InterceptorOrderError } from "../stack-errors.ts";
import { ASYNCHRONOUS } from "../wire/options.ts";

/**
 * Throws InterceptorOrderError, with the place of the lower one, where all bits of one `optionFlag` are among those of another: a
 * message that is for the second is for the first too, which may not be meant. 0 stands for each message, and conflicts with none.
 */
export function checkOptionFlags(configs: readonly ComponentConfig[]): void {
  configs.forEach((config, index) => {
    const flag = flagOf(config);
    for (const above of configs.slice(0, index)) {
      const common = flag & flagOf(above);
      if (common === 0 || (common !== flag && common !== flagOf(above))) continue;
      const { file, line, column } = config.location;
      throw new InterceptorOrderError(
        `"${config.className}" and "${above.className}" both handle messages with the option ${common}: give one another "optionFlag", or set "optionCheck" of the Channel to false`,
        `${file}:${line}:${column}`,
      );
    }
  });
}

/** Of a MessageDispatchInterceptor it is fixed. */
function flagOf({ className, attributes }: ComponentConfig): number {
  if (/MessageDispatch(15)?Interceptor$/.test(className)) return ASYNCHRONOUS;
  return typeof attributes.optionFlag === "number" ? attributes.optionFlag : 0;
}
