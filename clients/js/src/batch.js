/** @import { Api, UrlRequest } from "./api.js" */
/** @import { SignedUrl } from "./api_answer.js" */
import { textError } from "./arguments.js";
import { invalidArgument, PresignError } from "./errors.js";
import { withRetries } from "./retry.js";

/** The most requests in a call, and how many of them may ask for a pre-authenticated request. */
const MAX_REQUESTS = 1000;
const MAX_PARS = 20;

/**
 * A URL that reads the object, or an error, for each of many keys, in their order.
 *
 * @param {Api} api
 * @param {readonly string[]} keys
 * @param {Record<string, unknown>} options  Of each request.
 * @param {AbortSignal} [signal]
 * @returns {Promise<(SignedUrl | PresignError)[]>}
 */
export async function signReads(api, keys, options, signal) {
  if (!Array.isArray(keys)) throw invalidArgument("The keys must be an array.");
  /** @type {(SignedUrl | PresignError | null)[]} */
  const results = keys.map((key) => textError(key, "The key")); // the API would refuse the others with it
  const fit = [...results.keys()].filter((index) => !results[index]);
  const requests = fit.map((index) => ({ ...options, operation: "get_object", key: keys[index] }));
  const found = await signMany(api, requests, signal);
  fit.forEach((index, place) => (results[index] = found[place]));
  return /** @type {(SignedUrl | PresignError)[]} */ (results);
}

/**
 * A URL or a problem for each of any number of requests, in their order.
 *
 * @param {Api} api
 * @param {UrlRequest[]} requests
 * @param {AbortSignal} [signal]
 * @param {number} [atOnce]  How many go in one call.
 * @returns {Promise<(SignedUrl | PresignError)[]>}
 */
async function signMany(api, requests, signal, atOnce = MAX_REQUESTS) {
  const results = [];
  for (let start = 0; start < requests.length; start += atOnce) {
    const some = requests.slice(start, start + atOnce);
    try {
      results.push(...(await withRetries(() => api.signAll(some, signal), { signal })));
    } catch (error) {
      const fewer = fewerAtOnce(error, some.length);
      if (!fewer) throw error;
      results.push(...(await signMany(api, some, signal, fewer)));
    }
  }
  return results;
}

/**
 * How many requests a call may have, after the API refused one with `count`; 0 if their number is not the cause.
 *
 * @param {unknown} error
 * @param {number} count
 */
function fewerAtOnce(error, count) {
  if (!(error instanceof PresignError) || count < 2) return 0;
  if (error.code === "payload_too_large") return Math.ceil(count / 2);
  const isAboutAll = error.code === "invalid_request" && error.errors.some(({ pointer }) => pointer === "/requests");
  return isAboutAll && count > MAX_PARS ? MAX_PARS : 0;
}
