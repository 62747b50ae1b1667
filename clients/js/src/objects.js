/** @import { Api } from "./api.js" */
import { foreignAnswer, PresignError } from "./errors.js";
import { COMPLETION_MS } from "./s3_parts.js";
import { element } from "./store_answer.js";

/**
 * The size of an object in bytes, or null if there is none.
 *
 * @param {Api} api
 * @param {string} key
 * @param {AbortSignal} [signal]
 * @returns {Promise<number | null>}
 */
export async function sizeOf(api, key, signal) {
  try {
    const answer = await api.send({ operation: "head_object", key }, { signal });
    const length = answer.header("Content-Length") ?? "";
    if (!/^\d+$/.test(length)) throw foreignAnswer("storage", answer.status); // a proxy may have taken it away
    return Number(length);
  } catch (error) {
    if (error instanceof PresignError && error.fromStore && error.status === 404) return null;
    throw error;
  }
}

/**
 * Make a copy of an object inside the store.
 *
 * @param {Api} api
 * @param {string} sourceKey
 * @param {string} key
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}  The ETag of the copy, without quotes.
 */
export async function copyObject(api, sourceKey, key, signal) {
  const request = { operation: "copy_object", key, source_key: sourceKey, via: "s3" };
  const { status, text } = await api.send(request, { signal, stallMs: COMPLETION_MS });
  const etag = element(text, "ETag").replaceAll('"', "");
  if (!etag) throw foreignAnswer("storage", status);
  return etag;
}
