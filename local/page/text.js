/** @param {number} share */
export function percent(share) {
  return `${Math.floor(share * 100)} %`;
}

/** @param {number} bytes */
export function inUnits(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${size < 10 && units[0] !== "bytes" ? size.toFixed(1) : Math.round(size)} ${units[0]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}

/**
 * Where a file is stored. The same file has the same key, so that its upload goes on. Another file of this name has
 * another key.
 *
 * @param {string} prefix
 * @param {File} file
 * @param {string} path  The file's name, after those of its folders.
 */
export function keyOf(prefix, { lastModified, size }, path) {
  return `${prefix}${lastModified.toString(36)}-${size.toString(36)}/${path}`;
}

/**
 * The path of the file that was stored as `key`.
 *
 * @param {string} prefix
 * @param {string} key
 */
export function pathOf(prefix, key) {
  return key.slice(prefix.length).replace(/^[0-9a-z]+-[0-9a-z]+\/(?=.)/, "");
}
