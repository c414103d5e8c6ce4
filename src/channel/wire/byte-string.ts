// Domains, ids and addresses of members as server.xml writes their bytes (tribes.md 5).

/** "{1,-2,3}" stands for these bytes, anything else for its characters, a byte each (ISO 8859-1). */
export function byteString(text: string): Buffer {
  if (!text.startsWith("{")) return Buffer.from(text, "latin1");
  const numbers = text.split(/[{,}]/).filter((token) => token !== "");
  return Buffer.from(numbers.map(Number));
}
