/** @import { ApiAnswer } from "./api_answer.js" */
/** @import { Tokens } from "./tokens.js" */
import { apiDocument } from "./api_answer.js";
import { isReachable } from "./cors.js";
import { connectionFailed, invalidArgument, PresignError, redirected } from "./errors.js";
import { isRedirect, jsonText, safeUrl } from "./http.js";
import { following } from "./signals.js";

const ANSWER_MS = 60_000;

/** A page that failed so often to reach the API, and never did, looks for the cause. */
const FAILURES_BEFORE_DOUBT = 3;

/** Sends requests to the API, with the user's token. */
export class Connection {
  #tokens;
  #wasReached = false;
  #failures = 0;

  /**
   * @param {string} endpoint
   * @param {Tokens} tokens
   */
  constructor(endpoint, tokens) {
    const url = safeUrl(endpoint, "The option `endpoint`");
    if (/[?#]/.test(url.href) || url.username || url.password) {
      throw invalidArgument("The option `endpoint` must be a URL without a query, a fragment and a user.");
    }
    this.endpoint = url.href.replace(/\/+$/, "");
    this.#tokens = tokens;
  }

  /**
   * Send a body to the API, with another token if it refuses the first.
   *
   * @param {string} path
   * @param {object} body
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async post(path, body, signal) {
    const text = jsonText(body);
    const token = await this.#tokens.current(signal);
    let answer = await this.#fetch(path, text, token, signal);
    const next = answer.status === 401 ? await this.#tokens.after(token, signal) : null;
    if (next !== null) answer = await this.#fetch(path, text, next, signal);
    if (next !== null && answer.status === 401) this.#tokens.startOver();
    return apiDocument(answer);
  }

  /**
   * @param {string} path
   * @param {string} body
   * @param {string} token
   * @param {AbortSignal} [signal]
   * @returns {Promise<ApiAnswer>}
   */
  #fetch(path, body, token, signal) {
    return following(signal, async (controller) => {
      const timer = setTimeout(() => controller.abort(), ANSWER_MS);
      try {
        const response = await fetch(this.endpoint + path, {
          method: "POST",
          headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
          body,
          redirect: "manual",
          signal: controller.signal,
        });
        this.#wasReached = true;
        if (isRedirect(response)) throw redirected("API");
        const retryAfter = response.headers.get("Retry-After");
        return { status: response.status, text: await response.text(), retryAfter };
      } catch (cause) {
        if (cause instanceof PresignError) throw cause;
        if (await this.#hidesItsAnswers(controller.signal)) throw wrongEndpoint();
        throw connectionFailed("API", cause, this.#wasReached);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /**
   * Whether the API can be reached, but gives this page no answer. To a script, a path that the API does not have is a
   * failed connection, since the answer to the preflight request has no CORS headers. No answer in time is another
   * matter.
   *
   * @param {AbortSignal} signal  Of the request that failed.
   */
  async #hidesItsAnswers(signal) {
    if (this.#wasReached || signal.aborted) return false;
    return ++this.#failures >= FAILURES_BEFORE_DOUBT && isReachable(this.endpoint, signal);
  }
}

function wrongEndpoint() {
  const message = "The API gives this page no answer: the endpoint ends in /v1/presign, and allows the page's origin.";
  return new PresignError(message, { code: "wrong_endpoint" });
}
