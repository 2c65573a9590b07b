// The checksum that Cloud Storage keeps of every object (Castagnoli), in the form of its fields: base64, big-endian.

const table = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): string {
  let crc = -1;
  // Every index is below 256, the length of the table.
  for (const byte of bytes) crc = (table[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
  const field = Buffer.alloc(4);
  field.writeInt32BE(~crc);
  return field.toString("base64");
}
