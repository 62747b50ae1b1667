/** Give this as the reason when you abort an upload's signal to go on later: `controller.abort(PAUSE)`. */
export const PAUSE = Symbol("pause");

/** @typedef {{ pointer: string, detail: string }} FieldError  A validation error or an exceeded limit, from the API. */

/** Every failure of this module. */
export class PresignError extends Error {
  /**
   * @param {string} message  A sentence for the user.
   * @param {object} facts
   * @param {string} facts.code  The API's code of the problem (`limit_exceeded`, …), the store's code of its error
   *   (`NoSuchKey`, …), or `network`, `cors`, `paused`, `canceled`, `incomplete`, `no_token`, `no_webcrypto`.
   * @param {number} [facts.status]  HTTP status; 0 if there was no answer.
   * @param {FieldError[]} [facts.errors]  The members of the request that the API refused.
   * @param {number} [facts.retryAfterMs]  How long the API asks to wait.
   * @param {boolean} [facts.fromStore]  Whether the answer came from the store; if not, it came from the API.
   * @param {unknown} [facts.cause]
   */
  constructor(message, { code, status = 0, errors = [], retryAfterMs = 0, fromStore = false, cause }) {
    super(message, { cause });
    this.name = "PresignError";
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
    this.fromStore = fromStore;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function codeOf(error) {
  return error instanceof PresignError ? error.code : "";
}

/**
 * The error for an aborted signal.
 *
 * @param {AbortSignal} signal
 * @returns {PresignError}
 */
export function abortError({ reason }) {
  return reason === PAUSE
    ? new PresignError("The upload is paused.", { code: "paused" })
    : new PresignError("The upload was canceled.", { code: "canceled", cause: reason });
}

/**
 * The error for problem details (RFC 9457) from the API.
 *
 * @param {any} details  Those of the API, or an empty object where it gave none.
 * @param {number} status
 * @param {number} [retryAfterMs]
 * @returns {PresignError}
 */
export function problemError(details, status, retryAfterMs) {
  const { code = `http_${status}`, detail, message } = details;
  // Whether a request was sent in a batch is our matter, so the pointers don't show it.
  const errors = (details.errors ?? []).map((/** @type {FieldError} */ error) => ({
    ...error,
    pointer: error.pointer.replace(/^\/requests\/\d+/, ""),
  }));
  const sentence = code === "limit_exceeded" && errors.length ? errors.map(limitSentence).join(" ") : detail ?? message;
  return new PresignError(sentence ?? `The server answered with status ${status}.`, {
    code: String(code),
    status,
    errors,
    retryAfterMs,
  });
}

/**
 * Throw again the API's refusal of a part, in the user's words.
 *
 * @param {PresignError} error
 * @returns {never}
 */
export function throwPartRefusal(error) {
  throw error.code === "limit_exceeded" ? new PresignError("The file is larger than is allowed.", error) : error;
}

/** @param {FieldError} error */
function limitSentence({ pointer, detail }) {
  const limit = detail.replace("is required, and ", "");
  if (pointer === "/content_length") return `The file is too large: its size ${limit.replace(/\d+/, inUnits)}.`;
  if (pointer === "/content_type") return `Files of this type are not allowed: the type ${limit}.`;
  return `${pointer.slice(1)} ${detail}.`;
}

/** @param {string} digits */
function inUnits(digits) {
  let size = Number(digits);
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${Math.floor(size * 10) / 10} ${units[0]}`;
}
