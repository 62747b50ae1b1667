/** @import { SignedUrl, Via } from "./api_answer.js" */
/** @import { RetryOptions } from "./retry.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { GetToken } from "./tokens.js" */
/** @import { TransferOptions } from "./transfer.js" */
import { problemError, signedUrl } from "./api_answer.js";
import { checkTexts, optionsOf } from "./arguments.js";
import { Connection } from "./connection.js";
import { foreignAnswer, PresignError } from "./errors.js";
import { isRefusal, withRetries } from "./retry.js";
import { Tokens } from "./tokens.js";
import { transfer } from "./transfer.js";

/**
 * @typedef {{ operation: string } & Record<string, unknown>} UrlRequest
 *
 * @typedef {object} PresignOptions
 * @property {string} endpoint  URL of the API, such as `https://…/v1/presign`.
 * @property {GetToken} [getToken]  Gives the user's token. It is called before each request, and once more with
 *   `refresh` when the token was refused.
 * @property {string} [bucket]  The API's default bucket if left out.
 * @property {Via} [via]  Ask only for access of this kind; by default the policy decides.
 * @property {boolean} [cors]  Whether to ask for URLs that answer a page of another origin: by the gateway's store route,
 *   or by PARs. So it is by default in a page; a script that is in no page needs none of it.
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
    const { endpoint, getToken, bucket, via, cors, user } = optionsOf(options);
    checkTexts({ bucket, via, user });
    this.#tokens = new Tokens(getToken);
    this.#connection = new Connection(endpoint, this.#tokens);
    this.bucket = bucket;
    this.via = via;
    this.cors = cors ?? globalThis.location !== undefined;
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
    return this.#signFirst(this.#wantsCors(request) ? [request, withoutCors(request)] : [request], signal);
  }

  /**
   * Ask for up to 1,000 URLs in one call.
   *
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<(SignedUrl | PresignError)[]>}
   */
  async signAll(requests, signal) {
    const results = await this.#signEach(requests, signal);
    const unfit = [...results.keys()].filter((index) => this.#wantsCors(requests[index]) && isUnfit(results[index]));
    if (unfit.length) {
      const found = await this.#signEach(unfit.map((index) => withoutCors(requests[index])), signal);
      unfit.forEach((index, place) => (results[index] = found[place]));
    }
    return results;
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
    const whole = { ...request, ...bound };
    return this.#signFirst([whole, request, ...(this.#wantsCors(request) ? [withoutCors(whole)] : [])], signal);
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
   * Ask for a URL by the first of several requests that some rule can grant.
   *
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<SignedUrl>}
   */
  async #signFirst([request, ...others], signal) {
    const askedAt = Date.now();
    try {
      return signedUrl(await this.post("", this.#withDefaults(request), signal), askedAt);
    } catch (error) {
      if (!others.length || !isUnfit(error)) throw error;
      return this.#signFirst(others, signal);
    }
  }

  /**
   * @param {UrlRequest[]} requests
   * @param {AbortSignal} [signal]
   * @returns {Promise<(SignedUrl | PresignError)[]>}
   */
  async #signEach(requests, signal) {
    const askedAt = Date.now();
    const body = { requests: requests.map((request) => this.#withDefaults(request)) };
    const { results } = await this.post("/batch", body, signal);
    if (!Array.isArray(results) || results.length !== requests.length) throw foreignAnswer("API", 200);
    return results.map((result) => (result?.problem ? problemError(result.problem) : signedUrl(result, askedAt)));
  }

  /**
   * Every request for a URL goes through here.
   *
   * @param {UrlRequest} request
   */
  #withDefaults(request) {
    const via = request.operation === "get_prefix" ? undefined : this.via;
    return { bucket: this.bucket, via, ...request, cors: this.#wantsCors(request) || undefined };
  }

  /**
   * Whether a page is to read the answer. A URL that a tab, an image or a frame opens needs no CORS.
   *
   * @param {UrlRequest} request
   */
  #wantsCors(request) {
    return this.cors && request.cors !== false;
  }
}

/**
 * The request for a store that sends CORS headers by itself, and for an API that does not know the member.
 *
 * @param {UrlRequest} request
 * @returns {UrlRequest}
 */
function withoutCors(request) {
  return { ...request, cors: false };
}

/**
 * Whether the API refuses nothing but what some rule can't give: no PAR is bound to a size or a digest, and without a
 * store route no presigned URL answers a page.
 *
 * @param {unknown} error
 */
function isUnfit(error) {
  if (!(error instanceof PresignError && error.code === "invalid_request" && error.errors.length)) return false;
  return error.errors.every(({ pointer }) => ["/content_length", "/checksum_sha256", "/cors"].includes(pointer));
}
