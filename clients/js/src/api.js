/** @import { RetryOptions } from "./retry.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { GetToken } from "./tokens.js" */
/** @import { TransferOptions } from "./transfer.js" */
import { problemError } from "./api_answer.js";
import { Connection } from "./connection.js";
import { foreignAnswer, PresignError } from "./errors.js";
import { isRefusal, withRetries } from "./retry.js";
import { Tokens } from "./tokens.js";
import { transfer } from "./transfer.js";

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
 * @property {GetToken} [getToken]  Gives the user's token. It is called before each request, and once more with
 *   `refresh` when the token was refused.
 * @property {string} [bucket]  The API's default bucket if left out.
 * @property {Via} [via]  Ask only for access of this kind; by default the policy decides.
 * @property {boolean} [cors]  Whether to ask for URLs that answer a page of another origin, by the gateway's store route.
 * @property {string} [user]  Separates this user's unfinished uploads from those of others in the same browser; by
 *   default the claim `sub` of the token. Uploads of an unknown user are forgotten with the page.
 */

/** Asks the API for URLs, and uses them. */
export class Api {
  #connection;
  #tokens;
  #user;

  /** @param {PresignOptions} options */
  constructor(options) {
    const { endpoint, getToken, bucket, via, cors, user } = options ?? {};
    this.#tokens = new Tokens(getToken);
    this.#connection = new Connection(endpoint, this.#tokens);
    this.bucket = bucket;
    this.via = via;
    this.cors = cors;
    this.#user = user;
  }

  get endpoint() {
    return this.#connection.endpoint;
  }

  /**
   * The user whom unfinished uploads belong to; null if nobody can tell.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<string | null>}
   */
  async user(signal) {
    return this.#user ?? this.#tokens.subject(signal);
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
   * Ask for up to 1,000 URLs in one call.
   *
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<(SignedUrl | PresignError)[]>}
   */
  async signAll(requests, signal) {
    const askedAt = Date.now();
    const body = { requests: requests.map((request) => this.#withDefaults(request)) };
    const { results } = await this.post("/batch", body, signal);
    if (!Array.isArray(results) || results.length !== requests.length) throw foreignAnswer("API", 200);
    return results.map((result) => (result?.problem ? problemError(result.problem) : toSignedUrl(result, askedAt)));
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
   * @returns {Promise<any>}
   */
  post(path, body, signal) {
    return this.#connection.post(path, body, signal);
  }

  /**
   * Every request for a URL goes through here.
   *
   * @param {UrlRequest} request
   */
  #withDefaults(request) {
    const via = request.operation === "get_prefix" ? undefined : this.via;
    // A URL that a tab, an image or a frame opens needs no CORS.
    const cors = (this.cors && request.cors !== false) || undefined;
    return { bucket: this.bucket, via, ...request, cors };
  }
}

/**
 * @param {any} result  A result of the API.
 * @param {number} askedAt
 * @returns {SignedUrl}
 */
function toSignedUrl(result, askedAt) {
  const { url, method, headers, via, bucket, id, expires_at, expires_in } = result ?? {};
  if (typeof url !== "string" || typeof method !== "string" || !headers) throw foreignAnswer("API", 200);
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
