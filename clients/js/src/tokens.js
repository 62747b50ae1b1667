import { checkFunctions } from "./arguments.js";
import { PresignError } from "./errors.js";
import { checkSignal, unlessAborted } from "./signals.js";

/** @typedef {(need: { refresh: boolean }) => string | Promise<string>} GetToken */

/** The user's tokens, as the page gives them. However many requests find one refused, the page gives one other. */
export class Tokens {
  #getToken;
  /**
   * The last token that was refused, and the one that takes its place.
   *
   * @type {{ refused: string, next: Promise<string> } | null}
   */
  #renewal = null;

  /** @param {GetToken} [getToken] */
  constructor(getToken) {
    checkFunctions({ getToken });
    this.#getToken = getToken;
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Promise<string>}  Empty if the page gives none.
   */
  async current(signal) {
    checkSignal(signal);
    return unlessAborted(this.#ask(false), signal);
  }

  /**
   * The token to try after one was refused; null if there can be none.
   *
   * @param {string} refused
   * @param {AbortSignal} [signal]
   * @returns {Promise<string | null>}
   */
  async after(refused, signal) {
    if (!this.#getToken) return null;
    checkSignal(signal);
    if (this.#renewal?.refused !== refused) {
      const next = this.#ask(true);
      this.#renewal = { refused, next };
      next.catch(() => this.startOver());
    }
    return unlessAborted(this.#renewal.next, signal);
  }

  /**
   * The user of the current token: its claim `sub`, null if it has none.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<string | null>}
   */
  async subject(signal) {
    return this.#getToken ? subject(await this.current(signal)) : "";
  }

  /** Ask the page anew next time, since the token that it gave last was refused too. */
  startOver() {
    this.#renewal = null;
  }

  /** @param {boolean} refresh */
  async #ask(refresh) {
    let given;
    try {
      given = await this.#getToken?.({ refresh });
    } catch (cause) {
      throw new PresignError("The sign-in failed.", { code: "no_token", cause });
    }
    const token = String(given ?? "").trim();
    if (!/[^\x21-\x7e]/.test(token)) return token;
    // The browser's own error would have the token in it.
    throw new PresignError("The token has a character that no header may have.", { code: "no_token" });
  }
}

/**
 * The claim `sub` of a JWT; null if it is none.
 *
 * @param {string} token
 * @returns {string | null}
 */
function subject(token) {
  const payload = token.split(".")[1] ?? "";
  try {
    const decoded = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(decoded, (char) => char.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}
