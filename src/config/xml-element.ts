// An XML document as the tree that is read from a file or rendered into one.
import type { Location } from "./server-config.ts";

export interface XmlAttribute {
  readonly name: string;
  readonly value: string;
  readonly location: Location;
}

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, XmlAttribute>;
  readonly children: readonly XmlElement[];
  /** Character data directly inside, without white space around it; "" for none. */
  readonly text: string;
  readonly location: Location;
}
