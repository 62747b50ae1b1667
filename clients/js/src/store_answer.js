import { foreignAnswer, PresignError } from "./errors.js";
import { codeIn, jsonOrNull, retryAfterMs, told } from "./http.js";

/**
 * @typedef {object} StoreAnswer
 * @property {number} status
 * @property {string} text
 * @property {string} url  The address that answered.
 * @property {(name: string) => string | null} header  Null too where the store does not let a page read the header.
 */

const MESSAGES = new Map([
  ["NoSuchKey", "There is no such file."],
  ["ObjectNotFound", "There is no such file."],
  ["PreconditionFailed", "There is already a file of this name."],
  ["IfNoneMatchFailed", "There is already a file of this name."],
]);
/** @type {Record<string, string>} */
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/**
 * The error that an answer of the store tells, in XML (S3) or JSON (native API); null if it tells success.
 *
 * @param {StoreAnswer} answer
 * @returns {PresignError | null}
 */
export function storeError({ status, text, header }) {
  const { code, message } = errorDetails(text, status);
  const succeeded = status >= 200 && status < 300;
  // S3 has sent the status 200 already when it finds out that it can't join the parts.
  const isError = code !== "" && /^\s*(<\?xml[^>]*>\s*)?<Error[\s>]/.test(text);
  if (succeeded && !isError) return isPage(text, header) ? foreignAnswer("storage", status) : null;
  const pauseMs = retryAfterMs(header("Retry-After"));
  if (!code && text.trim()) return foreignAnswer("storage", status, pauseMs);
  const known = code || `http_${status}`;
  return new PresignError(MESSAGES.get(known) ?? `The storage refused the request: ${message || known}`, {
    code: known,
    status: succeeded ? 500 : status,
    retryAfterMs: pauseMs,
    fromStore: true,
  });
}

/**
 * Whether an answer is a page for people, such as a proxy shows. The store gives none but what it stores, and nobody
 * reads an object here.
 *
 * @param {string} text
 * @param {StoreAnswer["header"]} header
 */
function isPage(text, header) {
  return text.trim() !== "" && /^text\/html\b/i.test(header("Content-Type") ?? "");
}

/**
 * @param {string} text
 * @param {number} status
 */
function errorDetails(text, status) {
  const { code, message } = jsonOrNull(text) ?? { code: element(text, "Code"), message: element(text, "Message") };
  // API Gateway, by whose store route the answer may have come, gives its own refusals the status as their code.
  return { code: code === status ? `http_${status}` : codeIn(code), message: told(message) };
}

/**
 * The text of the first element of this name in an XML document of S3, where no element has attributes of use.
 *
 * @param {string} xml
 * @param {string} name
 * @returns {string}  Empty if there is none.
 */
export function element(xml, name) {
  return elements(xml, name)[0]?.replace(/&(?:(lt|gt|quot|apos|amp)|#(\d+)|#x([0-9a-f]+));/gi, decoded) ?? "";
}

/**
 * The inside of each element of this name.
 *
 * @param {string} xml
 * @param {string} name
 * @returns {string[]}
 */
export function elements(xml, name) {
  const opening = new RegExp(`<${name}(?: [^<>]*)?>`);
  // In time that grows with the length only, whatever the text is.
  const befores = xml.split(`</${name}>`).slice(0, -1);
  return befores.flatMap((before) => {
    const found = opening.exec(before);
    return found ? [before.slice(found.index + found[0].length)] : [];
  });
}

/**
 * @param {string} _
 * @param {string | undefined} name
 * @param {string | undefined} decimal
 * @param {string | undefined} hex
 */
function decoded(_, name, decimal, hex) {
  if (name) return ENTITIES[name.toLowerCase()];
  const point = decimal ? Number(decimal) : parseInt(hex ?? "", 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
}
