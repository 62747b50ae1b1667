/** @import { Api } from "./api.js" */
/** @import { SignedUrl } from "./api_answer.js" */
/** @import { ProgressReport } from "./progress.js" */
/** @import { Slots } from "./slots.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { UploadIdentity } from "./unfinished.js" */
import { base64, fingerprint, hex, md5, sha256Base64 } from "./digest.js";
import { abortError, codeOf } from "./errors.js";
import { checkReadable, partOf } from "./file.js";
import { checkSignal } from "./signals.js";

/**
 * @typedef {object} UploadJob  One upload under way, as its parts see it.
 * @property {Api} api
 * @property {Slots} slots
 * @property {Blob} file
 * @property {UploadIdentity} identity  Finds the upload again.
 * @property {string | null} user
 * @property {string} key
 * @property {Record<string, unknown>} description  The members of a request that say what the object is to be.
 * @property {boolean} createOnly
 * @property {boolean} integrity  Whether digests are sent.
 * @property {AbortSignal} signal
 * @property {ProgressReport} progress
 *
 * @typedef {{ number: number, body: Blob, onProgress: (bytes: number) => void }} Part  One part to send, from number 1.
 */

/**
 * Fails if the file can't be read.
 *
 * @param {Blob} file
 * @param {string} key
 * @returns {Promise<UploadIdentity>}
 */
export async function identityOf(file, key) {
  await checkReadable(file);
  const { name = "", lastModified = 0 } = /** @type {Partial<File>} */ (file);
  return { key, name, size: file.size, lastModified, digest: await fingerprint(file) };
}

/**
 * The member of a request that makes the store refuse to replace an object.
 *
 * @param {UploadJob} job
 */
export function condition({ createOnly }) {
  return createOnly ? { if_none_match: "*" } : {};
}

/**
 * How to get a URL for an upload in one request.
 *
 * @param {UploadJob} job
 * @param {{ integrity: boolean, cors?: false }} wanted
 * @returns {Promise<(signal?: AbortSignal) => Promise<SignedUrl>>}
 */
export async function putSigner(job, { integrity, cors }) {
  const { api, file, description } = job;
  const checksum = integrity && api.via !== "par" ? { checksum_sha256: await sha256Base64(file) } : {};
  const bound = { content_length: file.size, ...checksum };
  return async (signal) => {
    const request = { operation: "put_object", ...description, ...condition(job), cors };
    const url = await api.signPut(request, bound, signal);
    if (integrity && url.via === "par") url.headers = { ...url.headers, "Content-MD5": base64(await md5(file)) };
    return url;
  };
}

/**
 * The store's answer about its object, if that is the job's file, as the ETag (S3) or the MD5 (native API) proves.
 *
 * @param {UploadJob} job
 * @param {number} [partBytes]  Of an upload in parts.
 * @returns {Promise<StoreAnswer | null>}
 */
export async function storedAnswer({ api, key, file, signal }, partBytes) {
  let answer;
  try {
    answer = await api.send({ operation: "head_object", key }, { signal });
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (codeOf(error) === "connection_failed") throw error;
    return null; // the user may not read it, or there is no object
  }
  if (Number(answer.header("Content-Length")) !== file.size) return null;
  const { digest, suffix } = await digestOf(file, partBytes, signal);
  const told = [etagOf(answer), answer.header("opc-multipart-md5"), answer.header("content-md5")];
  return told.some((one) => one === hex(digest) + suffix || one === base64(digest) + suffix) ? answer : null;
}

/**
 * Whether the store refuses to replace an object.
 *
 * @param {unknown} error
 */
export function isInTheWay(error) {
  return ["PreconditionFailed", "IfNoneMatchFailed"].includes(codeOf(error));
}

/**
 * The ETag of the object, without quotes; null where the store does not let the page read it.
 *
 * @param {StoreAnswer} answer
 * @returns {string | null}
 */
export function etagOf({ header }) {
  return header("ETag")?.replaceAll('"', "") ?? null;
}

/**
 * The MD5 of a file, or that of its parts' MD5s, with the number of parts that stores append.
 *
 * @param {Blob} file
 * @param {number | undefined} partBytes
 * @param {AbortSignal} signal
 */
async function digestOf(file, partBytes, signal) {
  if (!partBytes) return { digest: await md5(file), suffix: "" };
  const count = Math.ceil(file.size / partBytes);
  const digests = [];
  for (let number = 1; number <= count; number++) {
    checkSignal(signal);
    digests.push(await md5(partOf(file, partBytes, number)));
  }
  return { digest: await md5(new Blob(digests)), suffix: `-${count}` };
}
