// Rules that a run may switch off in the model itself, to show that the checker sees it. See `rule-breakers.ts` for those in the product.
export interface RuleSwitches {
  /** Rule 5: only who is the first starts empty. */
  readonly firstOne?: boolean;
  /** Rule 6: a joiner is ready when all of the state is in. */
  readonly wholeState?: boolean;
  /** Rule 8: the last bytes of an answer wait for the acknowledgements. */
  readonly acknowledgedAnswers?: boolean;
  /** Rule 9: messages are written before the last bytes of an answer leave. */
  readonly writtenAnswers?: boolean;
  /** Rule 16: a session gets the route of the worker that serves it. */
  readonly rebinding?: boolean;
  /** Rule 17: a request whose route has no usable worker goes where every balancer sends it. */
  readonly oneTarget?: boolean;
  /** Rule 18: a worker that is told to stop waits until nobody comes any more. */
  readonly drain?: boolean;
  /** Rule 19: what may have been carried out is not repeated unless that is harmless. */
  readonly carefulRepeats?: boolean;
}
