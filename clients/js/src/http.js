import { invalidArgument, PresignError } from "./errors.js";

const MAX_RETRY_AFTER_MS = 31_536_000_000; // a year; longer than anybody waits

/**
 * The milliseconds that a `Retry-After` asks to wait (RFC 9110, 10.2.3); 0 if it makes no sense.
 *
 * @param {string | null} text  Seconds, or a date.
 * @returns {number}
 */
export function retryAfterMs(text) {
  const value = (text ?? "").trim();
  const wanted = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.min(Math.max(wanted || 0, 0), MAX_RETRY_AFTER_MS);
}

/**
 * A URL whose scheme protects what is sent: `https:`, or `http:` on this machine.
 *
 * @param {unknown} text
 * @param {string} name  Of the URL, in the error's sentence.
 * @returns {URL}
 */
export function safeUrl(text, name) {
  const url = typeof text === "string" && text.trim() !== "" ? parsed(text.trim()) : null;
  if (!url) throw invalidArgument(`${name} must be a URL.`);
  if (url.protocol === "https:" || (url.protocol === "http:" && isThisMachine(url.hostname))) return url;
  throw invalidArgument(`${name} must begin with https://; http:// is for this machine only.`);
}

/** A host without a scheme, which a browser would take for a path. */
const BARE_HOST = /^[^/?#:.]+(\.[^/?#:.]+)+(\/|$)/;

/** @param {string} text */
function parsed(text) {
  if (/\s/.test(text) || BARE_HOST.test(text)) return null;
  try {
    return new URL(text, globalThis.location?.href);
  } catch {
    return null; // the error that is thrown has the URL in it
  }
}

/** @param {string} host */
function isThisMachine(host) {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.[\d.]+$/.test(host);
}

/**
 * The JSON of a request. It refuses what JSON would leave out or turn into something else.
 *
 * @param {object} request
 * @returns {string}
 */
export function jsonText(request) {
  try {
    return JSON.stringify(request, asInJson);
  } catch (error) {
    if (error instanceof PresignError) throw error;
    throw invalidArgument("An argument can't be sent as JSON: it holds itself.");
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function asInJson(name, value) {
  const kind = Object.prototype.toString.call(value);
  const isKnown = /^\[object (Undefined|Null|Boolean|String|Number|Array|Object)\]$/.test(kind);
  if (isKnown && !(typeof value === "number" && !Number.isFinite(value))) return value;
  throw invalidArgument(`The value of \`${name}\` can't be sent as JSON.`);
}

/**
 * Whether an answer leads elsewhere. A browser tells of a redirect that it is one, Node.js its status.
 *
 * @param {Response} response
 */
export function isRedirect({ type, status }) {
  return type === "opaqueredirect" || (status >= 300 && status < 400);
}

const SECRETS = /\S*(?:\/\/|\/p\/|[?&]X-Amz-)\S*|\bBearer\s+\S+|\beyJ[\w-]+\.[\w.-]*/gi;
const MOST_TOLD = 1000;

/**
 * The sentence of a server, without the URLs, signatures and tokens that it may repeat.
 *
 * @param {unknown} value
 * @returns {string}  Empty if it is no text.
 */
export function told(value) {
  return ["string", "number"].includes(typeof value) ? String(value).slice(0, MOST_TOLD).replace(SECRETS, "…") : "";
}

/**
 * The code that a server names.
 *
 * @param {unknown} value
 * @returns {string}  Empty if it is no code.
 */
export function codeIn(value) {
  return typeof value === "string" && /^[\w.-]{1,100}$/.test(value) ? value : "";
}

/**
 * @param {string} text
 * @returns {any}
 */
export function jsonOrNull(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
