// A counter for what happens with every request.
import { Counter, type CounterConfiguration, type LabelValues } from "prom-client";

/** Counts for one set of labels. */
export interface Tally {
  count: number;
}

interface Counted<Label extends string> extends Tally {
  readonly labels: LabelValues<Label>;
  /** How much of `count` the counter has. */
  taken: number;
}

/**
 * Its tallies are plain numbers, which it takes over when it is read: `inc` of prom-client's own finds its place by a text of all labels
 * each time, which takes 300 ns also where the labels are bound.
 */
export class TalliedCounter<Label extends string> extends Counter<Label> {
  readonly #tallies = new Set<Counted<Label>>();

  constructor(configuration: Omit<CounterConfiguration<Label>, "collect">) {
    super({
      ...configuration,
      collect() {
        (this as TalliedCounter<Label>).#take();
      },
    });
  }

  /** One of several for the same labels counts as they all do together. */
  tally(labels: LabelValues<Label>): Tally {
    const tally = { labels, count: 0, taken: 0 };
    this.#tallies.add(tally);
    return tally;
  }

  /** What these labels have counted is no longer shown; their tallies count for nothing. */
  forget(labels: LabelValues<Label>): void {
    const names = Object.keys(labels) as Label[];
    for (const tally of this.#tallies) if (names.every((name) => tally.labels[name] === labels[name])) this.#tallies.delete(tally);
    this.remove(labels);
  }

  #take(): void {
    for (const tally of this.#tallies) {
      this.inc(tally.labels, tally.count - tally.taken);
      tally.taken = tally.count;
    }
  }
}
