/** @import { RetryOptions } from "./retry.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { TransferOptions } from "./transfer.js" */
import { PresignError, problemError } from "./errors.js";
import { isRefusal, withRetries } from "./retry.js";
import { jsonOrNull } from "./store_answer.js";
import { STALL_MS, transfer } from "./transfer.js";

/**
 * @typedef {"s3" | "par"} Via  How access is given: by a presigned URL of S3, or a pre-authenticated request (PAR).
 *
 * @typedef {object} SignedUrl
 * @property {string} url
 * @property {string} method
 * @property {Record<string, string>} headers
 * @property {Via} via
 * @property {string} bucket
 * @property {string} [id]  Of a PAR.
 * @property {string} expiresAt  RFC 3339.
 * @property {number} staleAt  When to ask for another one, in milliseconds of our own clock.
 *
 * @typedef {{ operation: string } & Record<string, unknown>} UrlRequest
 *
 * @typedef {object} PresignOptions
 * @property {string} endpoint  URL of the API, such as `https://…/v1/presign`.
 * @property {(need: { refresh: boolean }) => string | Promise<string>} [getToken]  Gives the user's token. It is called
 *   before each request, and once more with `refresh` when the token was refused.
 * @property {string} [bucket]  The API's default bucket if left out.
 * @property {Via} [via]  Ask only for access of this kind; by default the policy decides.
 * @property {string} [user]  Separates this user's unfinished uploads from those of others in the same browser; by
 *   default the claim `sub` of the token. Uploads of an unknown user are forgotten with the page.
 */

/** Asks the API for URLs, and uses them. */
export class Api {
  #getToken;
  #user;

  /** @param {PresignOptions} options */
  constructor({ endpoint, getToken, bucket, via, user }) {
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.bucket = bucket;
    this.via = via;
    this.#getToken = getToken;
    this.#user = user;
  }

  /**
   * The user whom unfinished uploads belong to; null if nobody can tell.
   *
   * @returns {Promise<string | null>}
   */
  async user() {
    if (this.#user !== undefined) return this.#user;
    if (!this.#getToken) return "";
    return subject(await this.#token(false));
  }

  /**
   * Ask for a URL.
   *
   * @param {UrlRequest} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<SignedUrl>}
   */
  async sign(request, signal) {
    const askedAt = Date.now();
    return toSignedUrl(await this.post("", this.#withDefaults(request), signal), askedAt);
  }

  /**
   * Ask for several URLs in one call.
   *
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<(SignedUrl | PresignError)[]>}
   */
  async signAll(requests, signal) {
    const askedAt = Date.now();
    const body = { requests: requests.map((request) => this.#withDefaults(request)) };
    const { results } = await this.post("/batch", body, signal);
    return results.map((/** @type {any} */ result) =>
      result.problem ? problemError(result.problem, result.problem.status) : toSignedUrl(result, askedAt),
    );
  }

  /**
   * Ask for a URL for an upload in one request. A presigned URL is bound to the file's size and digest; a PAR can't be.
   *
   * @param {UrlRequest} request
   * @param {{ content_length: number, checksum_sha256?: string }} bound
   * @param {AbortSignal} [signal]
   * @returns {Promise<SignedUrl>}
   */
  async signPut(request, bound, signal) {
    if (this.via === "par") return this.sign(request, signal);
    try {
      return await this.sign({ ...request, ...bound }, signal);
    } catch (error) {
      if (!refusesOnly(error, bound)) throw error;
      return this.sign(request, signal);
    }
  }

  /**
   * Ask for a URL and use it, and repeat while the failure may pass. The URL serves again until it is stale or refused.
   *
   * @param {UrlRequest | ((signal?: AbortSignal) => Promise<SignedUrl>)} request  For the API, or how to get a URL.
   * @param {TransferOptions & RetryOptions & { body?: Blob | string }} [options]
   * @returns {Promise<StoreAnswer>}
   */
  send(request, { body, onWait, ...options } = {}) {
    const { signal } = options;
    /** @type {SignedUrl | undefined} */
    let held;
    const attempt = async () => {
      if (!held || Date.now() >= held.staleAt) {
        held = await (typeof request === "function" ? request(signal) : this.sign(request, signal));
      }
      try {
        return await transfer(held, body ?? null, options);
      } catch (error) {
        if (isRefusal(error)) held = undefined;
        throw error;
      }
    };
    return withRetries(attempt, { signal, onWait });
  }

  /**
   * Send a body to the API.
   *
   * @param {string} path
   * @param {object} body
   * @param {AbortSignal} [signal]
   * @param {boolean} [refresh]  Whether to get a new token first.
   * @returns {Promise<any>}
   */
  async post(path, body, signal, refresh = false) {
    const time = AbortSignal.timeout(STALL_MS);
    const token = await this.#token(refresh);
    let response, answer;
    try {
      response = await fetch(this.endpoint + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, time]) : time,
      });
      answer = jsonOrNull(await response.text());
    } catch (cause) {
      throw new PresignError("The connection to the server failed.", { code: "network", cause });
    }
    if (response.status === 401 && this.#getToken && !refresh) return this.post(path, body, signal, true);
    if (response.ok && answer) return answer;
    throw problemError(answer ?? {}, response.status, Number(response.headers.get("Retry-After")) * 1000 || 0);
  }

  /** @param {boolean} refresh */
  async #token(refresh) {
    try {
      return await this.#getToken?.({ refresh });
    } catch (cause) {
      throw new PresignError("The sign-in failed.", { code: "no_token", cause });
    }
  }

  /** @param {UrlRequest} request */
  #withDefaults(request) {
    return { bucket: this.bucket, via: request.operation === "get_prefix" ? undefined : this.via, ...request };
  }
}

/**
 * @param {any} result  A result of the API.
 * @param {number} askedAt
 * @returns {SignedUrl}
 */
function toSignedUrl({ url, method, headers, via, bucket, id, expires_at, expires_in }, askedAt) {
  // Both moments are of our own clock, so that a wrong clock does no harm.
  return { url, method, headers, via, bucket, id, expiresAt: expires_at, staleAt: askedAt + expires_in * 900 };
}

/**
 * Whether the API refuses nothing but the members that no PAR can be bound to.
 *
 * @param {unknown} error
 * @param {object} bound
 */
function refusesOnly(error, bound) {
  if (!(error instanceof PresignError && error.code === "invalid_request" && error.errors.length)) return false;
  return error.errors.every(({ pointer }) => pointer.slice(1) in bound);
}

/**
 * The claim `sub` of a JWT; null if it is none.
 *
 * @param {string | undefined} token
 * @returns {string | null}
 */
function subject(token) {
  const payload = (token ?? "").split(".")[1] ?? "";
  try {
    const decoded = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(decoded, (char) => char.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}
