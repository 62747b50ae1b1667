import { PresignError } from "./errors.js";

/**
 * Whether a value is a `File` or a `Blob`, of this window or of another.
 *
 * @param {unknown} value
 * @returns {value is Blob}
 */
export function isBlob(value) {
  return ["[object Blob]", "[object File]"].includes(Object.prototype.toString.call(value));
}

/**
 * The bytes of a file, or of a part of it.
 *
 * @param {Blob} blob
 * @returns {Promise<ArrayBuffer>}
 */
export async function bytesOf(blob) {
  try {
    return await blob.arrayBuffer();
  } catch (cause) {
    const message = "The file can't be read: it was changed, moved or deleted, or it is a folder.";
    throw new PresignError(message, { code: "unreadable_file", cause });
  }
}

/**
 * Fail if the browser can't read the file any more. It refuses a file that was changed since it was chosen.
 *
 * @param {Blob} blob
 */
export async function checkReadable(blob) {
  // A file that was deleted has the size 0, and a slice of nothing can always be read.
  await bytesOf(blob.size > 0 ? blob.slice(0, 1) : blob);
}

/**
 * Part `number`, from 1, of a file.
 *
 * @param {Blob} file
 * @param {number} partBytes
 * @param {number} number
 * @returns {Blob}
 */
export function partOf(file, partBytes, number) {
  return file.slice((number - 1) * partBytes, number * partBytes);
}
