/** @import { FieldError } from "./errors.js" */
import { foreignAnswer, PresignError } from "./errors.js";
import { jsonOrNull, retryAfterMs } from "./http.js";

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
  const { code, detail, message } = document;
  const facts = { status, retryAfterMs };
  if (typeof code === "string") {
    const errors = fieldErrors(document.errors);
    const isLimit = code === "limit_exceeded" && errors.length > 0;
    const sentence = isLimit ? errors.map(limitSentence).join(" ") : detail ?? message;
    return new PresignError(String(sentence ?? `The API refused the request: ${code}.`), { ...facts, code, errors });
  }
  const advice = ADVICE[status];
  if (advice) return new PresignError(advice.sentence, { ...facts, code: advice.code });
  if (code !== status || !message) return foreignAnswer("API", status, retryAfterMs);
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
    pointer: String(error?.pointer ?? "").replace(/^\/requests\/\d+/, ""),
    detail: String(error?.detail ?? ""),
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
