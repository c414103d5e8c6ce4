// Kubernetes' resource.Quantity as a number.

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** "1Gi" is 1073741824. The schema has checked the form. */
export function quantityValue(quantity: string | number): number {
  const [, digits, suffix] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const factor = FACTORS[suffix ?? ""];
  if (digits === undefined || factor === undefined) throw new TypeError(`"${quantity}" is not a quantity`);
  return Number(digits) * factor;
}
