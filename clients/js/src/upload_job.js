/** @import { Api, SignedUrl } from "./api.js" */
/** @import { ProgressReport } from "./progress.js" */
/** @import { Slots } from "./slots.js" */
import { base64, hex, md5, sha256Base64 } from "./digest.js";
import { codeOf } from "./errors.js";

/**
 * @typedef {object} UploadJob  One upload under way, as its parts see it.
 * @property {Api} api
 * @property {Slots} slots
 * @property {File} file
 * @property {string} key
 * @property {{ key: string, content_type: string, metadata?: Record<string, string> }} description
 * @property {boolean} integrity  Whether digests are sent.
 * @property {AbortSignal} signal
 * @property {ProgressReport} progress
 *
 * @typedef {{ number: number, body: Blob, onProgress: (bytes: number) => void }} Part  One part to send, from number 1.
 */

/**
 * How to get a URL for an upload in one request.
 *
 * @param {UploadJob} job
 * @param {{ integrity: boolean }} wanted
 * @returns {Promise<(signal?: AbortSignal) => Promise<SignedUrl>>}
 */
export async function putSigner({ api, file, description }, { integrity }) {
  const checksum = integrity && api.via !== "par" ? { checksum_sha256: await sha256Base64(file) } : {};
  const bound = { content_length: file.size, ...checksum };
  return async (signal) => {
    const url = await api.signPut({ operation: "put_object", ...description }, bound, signal);
    if (integrity && url.via === "par") url.headers = { ...url.headers, "Content-MD5": base64(await md5(file)) };
    return url;
  };
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

/**
 * Whether the object in the store is the job's file, as the ETag (S3) or the MD5 (native API) proves.
 *
 * @param {UploadJob} job
 * @param {number} [partBytes]  Of an upload in parts.
 * @returns {Promise<boolean>}
 */
export async function isStored({ api, key, file, signal }, partBytes) {
  let header;
  try {
    ({ header } = await api.send({ operation: "head_object", key }, { signal }));
  } catch (error) {
    if (["canceled", "paused"].includes(codeOf(error))) throw error;
    return false; // the user may not read it, or there is no object
  }
  if (Number(header("Content-Length")) !== file.size) return false;
  const { digest, suffix } = await digestOf(file, partBytes);
  return (
    header("ETag")?.replaceAll('"', "") === hex(digest) + suffix ||
    header("opc-multipart-md5") === base64(digest) + suffix
  );
}

/**
 * The MD5 of a file, or that of its parts' MD5s, with the number of parts that stores append.
 *
 * @param {Blob} file
 * @param {number} [partBytes]
 */
async function digestOf(file, partBytes) {
  if (!partBytes) return { digest: await md5(file), suffix: "" };
  const count = Math.ceil(file.size / partBytes);
  const digests = [];
  for (let number = 1; number <= count; number++) digests.push(await md5(partOf(file, partBytes, number)));
  return { digest: await md5(new Blob(digests)), suffix: `-${count}` };
}
