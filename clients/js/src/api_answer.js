/** @import { FieldError } from "./errors.js" */
import { foreignAnswer, PresignError } from "./errors.js";
import { codeIn, jsonOrNull, retryAfterMs, told } from "./http.js";

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
 */

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"];

const WRONG_ENDPOINT = {
  code: "wrong_endpoint",
  sentence: "The API has no such path: the endpoint ends in /v1/presign.",
};
/**
 * Advice on API Gateway's own refusals, which say no more than the status's name.
 *
 * @type {Record<number, typeof WRONG_ENDPOINT>}
 */
const ADVICE = {
  401: { code: "unauthorized", sentence: "The token is missing, expired or not valid: get a new one." },
  404: WRONG_ENDPOINT,
  405: WRONG_ENDPOINT,
  413: {
    code: "payload_too_large",
    sentence: "The request is larger than the API takes: ask for fewer URLs at once.",
  },
  415: { code: "wrong_media_type", sentence: "The API got no JSON: a proxy may have changed the Content-Type." },
};

/** @typedef {{ status: number, text: string, retryAfter: string | null }} ApiAnswer */

/**
 * The JSON object that an answer of the API holds.
 *
 * @param {ApiAnswer} answer
 * @returns {any}
 */
export function apiDocument({ status, text, retryAfter }) {
  const found = jsonOrNull(text);
  const document = found && typeof found === "object" && !Array.isArray(found) ? found : {};
  if (status === 200 && document === found) return found;
  throw apiError(document, status, retryAfterMs(retryAfter));
}

/**
 * The URL that the API gives.
 *
 * @param {any} result  A result of the API.
 * @param {number} askedAt  When it was asked, by our own clock.
 * @returns {SignedUrl}
 */
export function signedUrl(result, askedAt) {
  const { url, method, headers, via, bucket, id, expires_at, expires_in } = result ?? {};
  const isUrl = typeof url === "string" && /^https?:\/\//i.test(url); // and no script
  if (!isUrl || !METHODS.includes(method) || !areHeaders(headers)) throw foreignAnswer("API", 200);
  // Both moments are of our own clock, so that a wrong clock does no harm.
  return { url, method, headers, via, bucket, id, expiresAt: expires_at, staleAt: askedAt + expires_in * 900 };
}

/** @param {any} headers */
function areHeaders(headers) {
  try {
    return Boolean(headers && new Headers(headers));
  } catch {
    return false;
  }
}

/**
 * The error for problem details (RFC 9457) from the API.
 *
 * @param {any} details
 * @returns {PresignError}
 */
export function problemError(details) {
  return apiError(details, Number(details.status) || 0, 0);
}

/**
 * @param {any} document
 * @param {number} status
 * @param {number} retryAfterMs
 */
function apiError(document, status, retryAfterMs) {
  const facts = { status, retryAfterMs };
  const code = codeIn(document.code);
  const message = told(document.message);
  if (code) {
    const errors = fieldErrors(document.errors);
    const isLimit = code === "limit_exceeded" && errors.length > 0;
    const sentence = isLimit ? errors.map(limitSentence).join(" ") : told(document.detail) || message;
    return new PresignError(sentence || `The API refused the request: ${code}.`, { ...facts, code, errors });
  }
  const advice = ADVICE[status];
  if (advice) return new PresignError(advice.sentence, { ...facts, code: advice.code });
  if (document.code !== status || !message) return foreignAnswer("API", status, retryAfterMs);
  return new PresignError(`The API answered: ${message}.`, { ...facts, code: `http_${status}` });
}

/**
 * The errors of single members. A batch is this module's own matter, so the pointers don't show it.
 *
 * @param {unknown} listed
 * @returns {FieldError[]}
 */
function fieldErrors(listed) {
  return (Array.isArray(listed) ? listed : []).map((error) => ({
    pointer: told(error?.pointer).replace(/^\/requests\/\d+/, ""),
    detail: told(error?.detail),
  }));
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
