const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TYPE = new RegExp(`^\\s*(${TOKEN}/${TOKEN})\\s*(?:;|$)`);
const PARAMETER = new RegExp(`^\\s*(${TOKEN})=("(?:[^"\\\\]|\\\\.)*"|[^;"]*)\\s*(?:;|$)`);
const PLAIN = new RegExp(`^${TOKEN}$`);
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * The media type (RFC 9110, 8.3.1) that a page or a browser means. A value that needs quotes gets them, such as that of
 * `video/webm;codecs=vp8,opus` from a `MediaRecorder`. Parameters that nobody can read are left out, and without a type
 * it is `application/octet-stream`.
 *
 * @param {string} text
 * @returns {string}
 */
export function mediaType(text) {
  const type = PRINTABLE.test(text) ? TYPE.exec(text) : null;
  if (!type) return "application/octet-stream";
  let result = type[1];
  for (let rest = text.slice(type[0].length); rest.trim(); ) {
    const parameter = PARAMETER.exec(rest);
    if (!parameter) return type[1];
    const [whole, name, given] = parameter;
    const value = given.trim();
    const isReady = value.startsWith('"') || PLAIN.test(value);
    result += `;${name}=${isReady ? value : `"${value.replace(/\\/g, "\\\\")}"`}`;
    rest = rest.slice(whole.length);
  }
  return result;
}
