// From a path to the context that serves it: the longest context path that is a prefix at a segment's end (Tomcat: Mapper).

/** The values of paths such as "" and "/shop/api"; a look-up costs no more than the deepest of them has segments. */
export class Mapper<T> {
  readonly #byPath = new Map<string, T>();
  #depth = 0;

  add(path: string, value: T): void {
    this.#byPath.set(path, value);
    this.#depth = Math.max(this.#depth, path.split("/").length - 1);
  }

  get(path: string): T | undefined {
    return this.#byPath.get(path);
  }

  find(uri: string): T | undefined {
    let found = this.#byPath.get("");
    let end = 0;
    for (let depth = 0; depth < this.#depth && end < uri.length; depth++) {
      end = uri.indexOf("/", end + 1);
      if (end === -1) end = uri.length;
      found = this.#byPath.get(uri.slice(0, end)) ?? found;
    }
    return found;
  }

  values(): Iterable<T> {
    return this.#byPath.values();
  }

  get size(): number {
    return this.#byPath.size;
  }
}
