import { PresignError } from "./errors.js";
import { bytesOf } from "./file.js";
import { Md5 } from "./md5.js";

const MIB = 2 ** 20;

/**
 * A digest that tells apart files of one size and time: the SHA-256 of the first and the last MiB, in hexadecimal. It
 * is the MD5 where a browser has no WebCrypto, which is on pages that were loaded by plain HTTP.
 *
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export async function fingerprint(file) {
  const ends = new Blob([file.slice(0, MIB), file.slice(Math.max(0, file.size - MIB))]);
  return hex(globalThis.crypto?.subtle ? await sha256(ends) : await md5(ends));
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export async function sha256Base64(blob) {
  return base64(await sha256(blob));
}

/**
 * The MD5 as the store compares and tells it. It protects from errors of the transport, not from forgery.
 *
 * @param {Blob} blob
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function md5(blob) {
  const state = new Md5();
  for (let start = 0; start < blob.size; start += MIB) {
    state.update(new Uint8Array(await bytesOf(blob.slice(start, start + MIB))));
  }
  return state.digest();
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Blob} blob
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function sha256(blob) {
  if (!globalThis.crypto?.subtle) {
    throw new PresignError("This page can't check files, as it was not loaded by HTTPS.", { code: "no_webcrypto" });
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await bytesOf(blob)));
}
