/** Give this as the reason when you abort an upload's signal to go on later: `controller.abort(PAUSE)`. */
export const PAUSE = Symbol("pause");

/** @typedef {{ pointer: string, detail: string }} FieldError  A validation error or an exceeded limit, from the API. */

/** Every failure of this module. No message holds a URL, a token or a signature. */
export class PresignError extends Error {
  /**
   * @param {string} message  A sentence for the user.
   * @param {object} facts
   * @param {string} facts.code  The API's code of the problem (`limit_exceeded`, …), the store's code of its error
   *   (`NoSuchKey`, …), or one of this module: `canceled`, `paused`, `timeout`, `connection_failed`, `cors`,
   *   `redirected`, `foreign_answer`, `unauthorized`, `wrong_endpoint`, `payload_too_large`, `wrong_media_type`,
   *   `http_…` with a status, `no_token`, `invalid_argument`, `unreadable_file`, `incomplete`, `not_revocable`,
   *   `no_webcrypto`, `no_page`.
   * @param {number} [facts.status]  HTTP status; 0 if there was no answer.
   * @param {FieldError[]} [facts.errors]  The members of the request that the API refused.
   * @param {number} [facts.retryAfterMs]  How long the server asks to wait.
   * @param {boolean} [facts.fromStore]  Whether the answer came from the store; if not, it came from the API.
   * @param {boolean} [facts.isUnknownHost]  Whether the host's name has no address, and never had one here. So it may be
   *   wrong. Only Node.js tells.
   * @param {unknown} [facts.cause]
   */
  constructor(message, facts) {
    const { code, status = 0, errors = [], retryAfterMs = 0, fromStore = false, isUnknownHost = false, cause } = facts;
    super(message, { cause });
    this.name = "PresignError";
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
    this.fromStore = fromStore;
    this.isUnknownHost = isUnknownHost;
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
  if (reason === PAUSE) return new PresignError("The upload is paused.", { code: "paused" });
  if (reason?.name === "TimeoutError") return new PresignError("The time limit was reached.", { code: "timeout" });
  return new PresignError("The transfer was canceled.", { code: "canceled", cause: reason });
}

/**
 * The error for an argument that can't be used. Nothing was sent.
 *
 * @param {string} message
 * @returns {PresignError}
 */
export function invalidArgument(message) {
  return new PresignError(message, { code: "invalid_argument" });
}

/**
 * The error for a connection that failed. A browser does not tell why; Node.js does, by a code.
 *
 * @param {"API" | "storage"} server
 * @param {unknown} cause
 * @param {boolean} wasReached  Whether the server has answered before.
 * @returns {PresignError}
 */
export function connectionFailed(server, cause, wasReached) {
  const reason = reasonOf(cause);
  const isUnknownHost = !wasReached && ["ENOTFOUND", "EAI_AGAIN"].includes(reason);
  const message = `The connection to the ${server} failed${reason && ` (${reason})`}.`;
  return new PresignError(message, { code: "connection_failed", isUnknownHost, cause });
}

/**
 * Why a connection failed, as far as it is known. The texts of errors are left out, since they may hold the URL.
 *
 * @param {any} cause
 * @returns {string}
 */
function reasonOf(cause) {
  if (["AbortError", "TimeoutError"].includes(cause?.name)) return "it took too long";
  const code = cause?.cause?.code;
  return /^[A-Z0-9_]+$/.test(code ?? "") ? code : "";
}

/**
 * The error for an answer that `server` can't have given.
 *
 * @param {"API" | "storage"} server
 * @param {number} status
 * @param {number} [retryAfterMs]
 * @returns {PresignError}
 */
export function foreignAnswer(server, status, retryAfterMs) {
  const message = `An answer of status ${status} is not one of the ${server}: a proxy or a firewall may have given it.`;
  return new PresignError(message, { code: "foreign_answer", status, retryAfterMs, fromStore: server === "storage" });
}

/**
 * The error for an answer that leads elsewhere. Neither a token nor a file goes to an address that nobody signed.
 *
 * @param {"API" | "storage"} server
 * @returns {PresignError}
 */
export function redirected(server) {
  const message = `The ${server} answered with a redirect, which is not followed.`;
  return new PresignError(message, { code: "redirected", fromStore: server === "storage" });
}
