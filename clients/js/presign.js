/** Give this as the reason when you abort an upload's signal to go on later: `controller.abort(PAUSE)`. */
const PAUSE = Symbol("pause");

/** @typedef {{ pointer: string, detail: string }} FieldError  A validation error or an exceeded limit, from the API. */

/** Every failure of this module. */
class PresignError extends Error {
  /**
   * @param {string} message  A sentence for the user.
   * @param {object} facts
   * @param {string} facts.code  The API's code of the problem (`limit_exceeded`, …), the store's code of its error
   *   (`NoSuchKey`, …), or `network`, `cors`, `paused`, `canceled`, `incomplete`, `no_token`, `no_webcrypto`.
   * @param {number} [facts.status]  HTTP status; 0 if there was no answer.
   * @param {FieldError[]} [facts.errors]  The members of the request that the API refused.
   * @param {number} [facts.retryAfterMs]  How long the API asks to wait.
   * @param {boolean} [facts.fromStore]  Whether the answer came from the store; if not, it came from the API.
   * @param {unknown} [facts.cause]
   */
  constructor(message, { code, status = 0, errors = [], retryAfterMs = 0, fromStore = false, cause }) {
    super(message, { cause });
    this.name = "PresignError";
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
    this.fromStore = fromStore;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function codeOf(error) {
  return error instanceof PresignError ? error.code : "";
}

/**
 * The error for an aborted signal.
 *
 * @param {AbortSignal} signal
 * @returns {PresignError}
 */
function aborted({ reason }) {
  return reason === PAUSE
    ? new PresignError("The upload is paused.", { code: "paused" })
    : new PresignError("The upload was canceled.", { code: "canceled", cause: reason });
}

/**
 * The error for problem details (RFC 9457) from the API.
 *
 * @param {any} details  Those of the API, or an empty object where it gave none.
 * @param {number} status
 * @param {number} [retryAfterMs]
 * @returns {PresignError}
 */
function problem(details, status, retryAfterMs) {
  const { code = `http_${status}`, detail, message } = details;
  // Whether a request was sent in a batch is our matter, so the pointers don't show it.
  const errors = (details.errors ?? []).map((/** @type {FieldError} */ error) => ({
    ...error,
    pointer: error.pointer.replace(/^\/requests\/\d+/, ""),
  }));
  const sentence = code === "limit_exceeded" && errors.length ? errors.map(limitSentence).join(" ") : detail ?? message;
  return new PresignError(sentence ?? `The server answered with status ${status}.`, {
    code: String(code),
    status,
    errors,
    retryAfterMs,
  });
}

/**
 * Throw again the API's refusal of a part, in the user's words.
 *
 * @param {PresignError} error
 * @returns {never}
 */
function throwForPart(error) {
  throw error.code === "limit_exceeded" ? new PresignError("The file is larger than is allowed.", error) : error;
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

const RETRY_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const REFUSALS_IN_A_ROW = 3;
/** The store's codes for a body that does not have the digest sent with it. */
const DAMAGED = new Set(["BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "UnmatchedContentMD5"]);

/**
 * Repeat `attempt` until it succeeds, with growing pauses after failures that may pass. After a refusal by the store it
 * is repeated at once, as the most likely cause is an expired URL.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {RetryOptions} options
 * @returns {Promise<T>}
 */
async function persistently(attempt, { signal, onWait = () => {} }) {
  for (let failures = 0, refusals = 0; ; ) {
    if (signal?.aborted) throw aborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      if (!(error instanceof PresignError)) throw error;
      if (isRefusal(error)) {
        if (++refusals === REFUSALS_IN_A_ROW) throw error;
        continue;
      }
      refusals = 0;
      if (!mayPass(error) || failures === RETRY_PAUSES_MS.length) throw error;
      onWait();
      await pause(Math.max(RETRY_PAUSES_MS[failures++], error.retryAfterMs), signal);
    }
  }
}

/**
 * Whether the store refuses the URL itself: it has expired, was revoked, or is not for this request.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
function isRefusal(error) {
  if (!(error instanceof PresignError && error.fromStore)) return false;
  return error.status === 401 || error.status === 403 || error.code === "NotAuthorizedOrNotFound";
}

/** @param {PresignError} error */
function mayPass({ status, code, fromStore }) {
  if (status === 0) return code === "network";
  if (fromStore && (status >= 500 || DAMAGED.has(code))) return true;
  return [408, 429, 502, 503, 504].includes(status);
}

/**
 * Wait for a time, and then until the browser is online. The wait also ends as soon as the browser comes online.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]  Ends the wait too.
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", end);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(() => globalThis.navigator?.onLine !== false && end(), milliseconds);
    globalThis.addEventListener?.("online", end);
    signal?.addEventListener("abort", end);
  });
}

/** Runs a limited number of actions at once; the others wait for their turn. */
class Slots {
  /** @type {(() => void)[]} */
  #waiting = [];
  #free;

  /** @param {number} count */
  constructor(count) {
    this.#free = count;
  }

  /**
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async run(signal, action) {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      if (signal.aborted) throw aborted(signal);
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  /** @param {AbortSignal} signal */
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(aborted(signal));
      };
      const take = () => {
        signal.removeEventListener("abort", giveUp);
        resolve(undefined);
      };
      this.#waiting.push(take);
      signal.addEventListener("abort", giveUp);
    });
  }
}

/** @type {Record<string, string>} */
const MESSAGES = {
  NoSuchKey: "There is no such file.",
  ObjectNotFound: "There is no such file.",
  PreconditionFailed: "There is already a file of this name.",
  IfNoneMatchFailed: "There is already a file of this name.",
};
/** @type {Record<string, string>} */
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/**
 * The error that an answer of the store tells, in XML (S3) or JSON (native API); null if it tells success.
 *
 * @param {StoreAnswer} answer
 * @returns {PresignError | null}
 */
function parseError({ status, text }) {
  const { code, message } = errorDetails(text);
  const succeeded = status >= 200 && status < 300;
  // S3 has sent the status 200 already when it finds out that it can't join the parts.
  const isError = code !== "" && /^\s*(<\?xml[^>]*>\s*)?<Error[\s>]/.test(text);
  if (succeeded && !isError) return null;
  const known = code || `http_${status}`;
  return new PresignError(MESSAGES[known] ?? `The storage refused the request: ${message || status}`, {
    code: known,
    status: succeeded ? 500 : status,
    fromStore: true,
  });
}

/** @param {string} text */
function errorDetails(text) {
  const json = jsonOrNull(text);
  if (json) return { code: String(json.code ?? ""), message: String(json.message ?? "") };
  return { code: element(text, "Code"), message: element(text, "Message") };
}

/**
 * The text of the first element of this name in an XML document of S3, where no element has attributes of use.
 *
 * @param {string} xml
 * @param {string} name
 * @returns {string}  Empty if there is none.
 */
function element(xml, name) {
  return elements(xml, name)[0]?.replace(/&(?:(lt|gt|quot|apos|amp)|#(\d+)|#x([0-9a-f]+));/gi, decoded) ?? "";
}

/**
 * The inside of each element of this name.
 *
 * @param {string} xml
 * @param {string} name
 * @returns {string[]}
 */
function elements(xml, name) {
  return Array.from(xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^]*?)</${name}>`, "g")), ([, inside]) => inside);
}

/**
 * @param {string} _
 * @param {string | undefined} name
 * @param {string | undefined} decimal
 * @param {string | undefined} hex
 */
function decoded(_, name, decimal, hex) {
  if (name) return ENTITIES[name.toLowerCase()];
  return String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex ?? "", 16));
}

/**
 * @param {string} text
 * @returns {any}
 */
function jsonOrNull(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @typedef {object} RetryOptions
 * @property {AbortSignal} [signal]
 * @property {() => void} [onWait]  Called when an attempt has failed and another will follow.
 *
 * @typedef {object} TransferOptions
 * @property {AbortSignal} [signal]
 * @property {(bytes: number) => void} [onProgress]  Called with the number of bytes sent so far.
 * @property {number} [stallMs]  After so long without progress the connection counts as lost.
 *
 * @typedef {{ method: string, url: string, headers: Record<string, string> }} StoreRequest
 *
 * @typedef {object} StoreAnswer
 * @property {number} status
 * @property {string} text
 * @property {(name: string) => string | null} header  Null too where the store does not let a page read the header.
 */

/** How long a connection may be without progress. */
const STALL_MS = 60_000;

const SENT_BY_THE_BROWSER = new Set(["host", "content-length"]); // scripts may not set these

/**
 * Send one request to the store.
 *
 * @param {StoreRequest} request
 * @param {Blob | string | null} body
 * @param {TransferOptions} [options]
 * @returns {Promise<StoreAnswer>}
 */
async function transfer(request, body, options = {}) {
  const headers = Object.entries(request.headers).filter(([name]) => !SENT_BY_THE_BROWSER.has(name.toLowerCase()));
  // fetch does not tell how far an upload has come; Node.js has no XMLHttpRequest.
  const send = globalThis.XMLHttpRequest ? sendByXhr : sendByFetch;
  const answer = await send(request, headers, body, options);
  const failure = parseError(answer);
  if (failure) throw failure;
  return answer;
}

/**
 * @param {StoreRequest} request
 * @param {[string, string][]} headers
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<StoreAnswer>}
 */
function sendByXhr({ method, url }, headers, body, { signal, onProgress, stallMs = STALL_MS }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    let stall = setTimeout(abort, stallMs);
    xhr.open(method, url);
    for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    if (onProgress) {
      xhr.upload.onprogress = ({ loaded }) => {
        clearTimeout(stall);
        stall = setTimeout(abort, stallMs);
        onProgress(loaded);
      };
    }
    xhr.onloadend = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", abort);
      if (xhr.status === 0) return reject(connectionFailed());
      resolve({ status: xhr.status, text: xhr.responseText, header: (name) => xhr.getResponseHeader(name) });
    };
    signal?.addEventListener("abort", abort);
    xhr.send(body);
  });
}

/**
 * @param {StoreRequest} request
 * @param {[string, string][]} headers
 * @param {Blob | string | null} body
 * @param {TransferOptions} options
 * @returns {Promise<StoreAnswer>}
 */
async function sendByFetch({ method, url }, headers, body, { signal, stallMs }) {
  // Nothing tells whether a sent body makes progress, so that only a limit set by the caller ends the wait.
  const signals = [signal, stallMs ? AbortSignal.timeout(stallMs) : undefined].filter((one) => one !== undefined);
  try {
    const response = await fetch(url, { method, headers, body, signal: AbortSignal.any(signals) });
    const text = await response.text();
    return { status: response.status, text, header: (name) => response.headers.get(name) };
  } catch (cause) {
    throw connectionFailed(cause);
  }
}

/** @param {unknown} [cause] */
function connectionFailed(cause) {
  return new PresignError("The connection to the storage failed.", { code: "network", cause });
}

/**
 * Whether a page can reach the URL but can't read the answer, as the store sends no CORS headers for the page's origin.
 *
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function isUnreadable(url) {
  if (!globalThis.XMLHttpRequest) return false;
  try {
    return (await fetch(url, { mode: "no-cors", cache: "no-store" })).type === "opaque";
  } catch {
    return false;
  }
}

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
class Api {
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
    return signedUrl(await this.ask("", this.#completed(request), signal), askedAt);
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
    const body = { requests: requests.map((request) => this.#completed(request)) };
    const { results } = await this.ask("/batch", body, signal);
    return results.map((/** @type {any} */ result) =>
      result.problem ? problem(result.problem, result.problem.status) : signedUrl(result, askedAt),
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
      if (!isUnfit(error, bound)) throw error;
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
  request(request, { body, onWait, ...options } = {}) {
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
    return persistently(attempt, { signal, onWait });
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
  async ask(path, body, signal, refresh = false) {
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
    if (response.status === 401 && this.#getToken && !refresh) return this.ask(path, body, signal, true);
    if (response.ok && answer) return answer;
    throw problem(answer ?? {}, response.status, Number(response.headers.get("Retry-After")) * 1000 || 0);
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
  #completed(request) {
    return { bucket: this.bucket, via: request.operation === "get_prefix" ? undefined : this.via, ...request };
  }
}

/**
 * @param {any} result  A result of the API.
 * @param {number} askedAt
 * @returns {SignedUrl}
 */
function signedUrl({ url, method, headers, via, bucket, id, expires_at, expires_in }, askedAt) {
  // Both moments are of our own clock, so that a wrong clock does no harm.
  return { url, method, headers, via, bucket, id, expiresAt: expires_at, staleAt: askedAt + expires_in * 900 };
}

/**
 * Whether the API refuses nothing but the members that no PAR can be bound to.
 *
 * @param {unknown} error
 * @param {object} bound
 */
function isUnfit(error, bound) {
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

const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
const SHIFT_OF_STEP = Int32Array.from({ length: 64 }, (_, step) => SHIFTS[step >> 4][step & 3]);
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
const BLOCK_BYTES = 64;

/** MD5 (RFC 1321), which WebCrypto lacks, of bytes that come piece by piece. */
class Md5 {
  #state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  #words = new Int32Array(16);
  #rest = new Uint8Array(0);
  #length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#length += bytes.length;
    const data = new Uint8Array(this.#rest.length + bytes.length);
    data.set(this.#rest);
    data.set(bytes, this.#rest.length);
    const whole = data.length - (data.length % BLOCK_BYTES);
    const view = new DataView(data.buffer);
    for (let at = 0; at < whole; at += BLOCK_BYTES) this.#block(view, at);
    this.#rest = data.slice(whole);
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  digest() {
    const bits = BigInt(this.#length) * 8n;
    const padding = new Uint8Array(1 + ((2 * BLOCK_BYTES - 9 - this.#rest.length) % BLOCK_BYTES) + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits, true);
    this.update(padding);
    const digest = new Uint8Array(16);
    const view = new DataView(digest.buffer);
    this.#state.forEach((word, index) => view.setInt32(index * 4, word, true));
    return digest;
  }

  /**
   * @param {DataView} view
   * @param {number} at
   */
  #block(view, at) {
    const words = this.#words;
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(at + index * 4, true);
    let a = this.#state[0];
    let b = this.#state[1];
    let c = this.#state[2];
    let d = this.#state[3];
    for (let step = 0; step < 64; step++) {
      let mixed = 0;
      let word = 0;
      if (step < 16) {
        mixed = (b & c) | (~b & d);
        word = step;
      } else if (step < 32) {
        mixed = (d & b) | (~d & c);
        word = (5 * step + 1) & 15;
      } else if (step < 48) {
        mixed = b ^ c ^ d;
        word = (3 * step + 5) & 15;
      } else {
        mixed = c ^ (b | ~d);
        word = (7 * step) & 15;
      }
      const sum = (a + mixed + SINES[step] + words[word]) | 0;
      const shift = SHIFT_OF_STEP[step];
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    this.#state[0] += a;
    this.#state[1] += b;
    this.#state[2] += c;
    this.#state[3] += d;
  }
}

const MIB = 2 ** 20;

/**
 * A digest that tells apart files of one size and time: the SHA-256 of the first and the last MiB, in hexadecimal. It
 * is the MD5 where a browser has no WebCrypto, which is on pages that were loaded by plain HTTP.
 *
 * @param {Blob} file
 * @returns {Promise<string>}
 */
async function fingerprint(file) {
  const ends = new Blob([file.slice(0, MIB), file.slice(Math.max(0, file.size - MIB))]);
  return hex(globalThis.crypto?.subtle ? await sha256(ends) : await md5(ends));
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
async function sha256Base64(blob) {
  return base64(await sha256(blob));
}

/**
 * The MD5 as the store compares and tells it. It protects from errors of the transport, not from forgery.
 *
 * @param {Blob} blob
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function md5(blob) {
  const state = new Md5();
  for (let start = 0; start < blob.size; start += MIB) {
    state.update(new Uint8Array(await blob.slice(start, start + MIB).arrayBuffer()));
  }
  return state.digest();
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Blob} blob
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function sha256(blob) {
  if (!globalThis.crypto?.subtle) {
    throw new PresignError("This page can't check files, as it was not loaded by HTTPS.", { code: "no_webcrypto" });
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
}

/**
 * @typedef {{ delimiter?: "/", signal?: AbortSignal }} ListOptions
 * @typedef {{ entries: ListedObject[], next: string }} Page  Of a list; `next` is empty on the last one.
 */

const FIELDS = "name,size,timeModified";
const PAR_ROOT = /^https?:\/\/[^/]+\/p\/[^/]+\/n\/[^/]+\/b\/[^/]+\/o\//;

/** Lists objects: by a pre-authenticated request for the folder where the policy gives one, by S3 elsewhere. */
class Folders {
  #api;
  /** One PAR for each user and folder, which serves until it is stale. @type {Map<string, SignedUrl>} */
  #held = new Map();

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * @param {string} prefix
   * @param {ListOptions} options
   * @returns {AsyncGenerator<ListedObject, void, undefined>}
   */
  async *list(prefix, options) {
    const byPar = await this.#givesPar(prefix, options.signal);
    for (let next = ""; ; ) {
      const page = byPar ? await this.#parPage(prefix, next, options) : await this.#s3Page(prefix, next, options);
      yield* page.entries;
      next = page.next;
      if (!next) return;
    }
  }

  /**
   * @param {string} prefix
   * @param {AbortSignal} [signal]
   */
  async #givesPar(prefix, signal) {
    if (!folderOf(prefix)) return false; // a PAR is never for a whole bucket
    try {
      await persistently(() => this.#par(folderOf(prefix), signal), { signal });
      return true;
    } catch (error) {
      if (["access_denied", "invalid_request"].includes(codeOf(error))) return false;
      throw error;
    }
  }

  /**
   * @param {string} folder
   * @param {AbortSignal} [signal]
   */
  async #par(folder, signal) {
    const name = JSON.stringify([await this.#api.user(), folder]);
    const held = this.#held.get(name);
    if (held && Date.now() < held.staleAt) return held;
    const par = await this.#api.sign({ operation: "get_prefix", prefix: folder, listing: true }, signal);
    this.#held.set(name, par);
    return par;
  }

  /**
   * @param {string} prefix
   * @param {string} start
   * @param {ListOptions} options
   * @returns {Promise<Page>}
   */
  async #parPage(prefix, start, { delimiter, signal }) {
    const folder = folderOf(prefix);
    let root = "";
    let asked = false;
    const { text } = await this.#read(async () => {
      if (asked) this.#held.clear(); // as the store has refused the URL
      asked = true;
      const par = await this.#par(folder, signal);
      root = PAR_ROOT.exec(par.url)?.[0] ?? "";
      const query = parameters({ prefix, fields: FIELDS, limit: "1000", start, delimiter });
      return { ...par, url: `${root}?${query}` };
    }, signal);
    const { objects = [], prefixes = [], nextStartWith = "" } = jsonOrNull(text) ?? {};
    const entries = objects.map((/** @type {any} */ { name, size, timeModified }) => ({
      ...listed(name, size, timeModified),
      url: root + name.split("/").map(encodeURIComponent).join("/"),
    }));
    return { entries: inOrder([...entries, ...prefixes.map(listedPrefix)]), next: nextStartWith };
  }

  /**
   * @param {string} prefix
   * @param {string} token
   * @param {ListOptions} options
   * @returns {Promise<Page>}
   */
  async #s3Page(prefix, token, { delimiter, signal }) {
    const more = { prefix: prefix || undefined, continuation_token: token || undefined };
    const request = { operation: "list_objects_v2", delimiter, ...more };
    const { text } = await this.#read(() => this.#api.sign(request, signal), signal);
    const objects = elements(text, "Contents").map((object) =>
      listed(element(object, "Key"), Number(element(object, "Size")), element(object, "LastModified")),
    );
    const prefixes = elements(text, "CommonPrefixes").map((common) => listedPrefix(element(common, "Prefix")));
    return { entries: inOrder([...objects, ...prefixes]), next: element(text, "NextContinuationToken") };
  }

  /**
   * @param {(signal?: AbortSignal) => Promise<SignedUrl>} sign
   * @param {AbortSignal} [signal]
   * @returns {Promise<StoreAnswer>}
   */
  async #read(sign, signal) {
    const stop = new AbortController();
    const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    let url = "";
    const remembering = async () => {
      const signed = await sign(both);
      url = signed.url;
      return signed;
    };
    let isHidden = false;
    const onWait = async () => {
      isHidden = url !== "" && (await isUnreadable(url));
      if (isHidden) stop.abort();
    };
    try {
      return await this.#api.request(remembering, { signal: both, onWait });
    } catch (error) {
      if (!isHidden) throw error;
      throw new PresignError("The storage does not let this page read its answers.", { code: "cors", cause: error });
    }
  }
}

/**
 * The part of a prefix that a PAR can be for.
 *
 * @param {string} prefix
 */
function folderOf(prefix) {
  return prefix.slice(0, prefix.lastIndexOf("/") + 1);
}

/** @param {Record<string, string | undefined>} values */
function parameters(values) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`).join("&");
}

/**
 * @param {string} key
 * @param {number} size
 * @param {string} modifiedAt
 * @returns {ListedObject}
 */
function listed(key, size, modifiedAt) {
  return { key, isPrefix: false, size, modifiedAt: new Date(modifiedAt) };
}

/**
 * @param {string} key
 * @returns {ListedObject}
 */
function listedPrefix(key) {
  return { key, isPrefix: true, size: 0, modifiedAt: null };
}

/** @param {ListedObject[]} entries */
function inOrder(entries) {
  return entries.sort((one, other) => (one.key < other.key ? -1 : 1));
}

const MIN_PART_BYTES$1 = 10 * 2 ** 20; // Object Storage has asked for it; its documentation now names a maximum only
const MAX_PARTS$1 = 10_000;
const COMPLETION_MS$1 = 600_000;

/**
 * The parts of an upload by one pre-authenticated request: the store gives an access URI for all of them. Oracle
 * documents it in "Pre-Authenticated Request Object URLs in Object Storage", "Putting a Large Object".
 */
class ParParts {
  #job;
  /** @type {SignedUrl | null} */
  #whole;
  #accessUrl = "";
  /** @type {number[]} */
  #sent = [];

  /**
   * @param {UploadJob} job
   * @param {SignedUrl | null} whole  The PAR for the object; null to go on with an upload that was begun by one.
   */
  constructor(job, whole) {
    this.#job = job;
    this.#whole = whole;
    this.partBytes = Math.max(MIN_PART_BYTES$1, Math.ceil(job.file.size / MAX_PARTS$1));
  }

  /** The state that is needed to go on later. The store has no list of the parts for the holder of a PAR. */
  get progressed() {
    return { accessUrl: this.#accessUrl, sent: this.#sent };
  }

  async begin() {
    if (!this.#whole) throw new TypeError("There is no PAR to begin with.");
    const request = { ...this.#whole, headers: { ...this.#whole.headers, "opc-multipart": "true" } };
    const options = { signal: this.#job.signal, onWait: () => this.#job.progress.waiting() };
    const { text } = await persistently(() => transfer(request, null, options), options);
    const { origin } = new URL(request.url);
    const url = new URL(jsonOrNull(text)?.accessUri ?? "", request.url);
    if (url.origin !== origin || !url.pathname.startsWith("/p/") || !url.pathname.endsWith("/")) {
      throw new PresignError("The storage began no upload in parts.", { code: "incomplete" });
    }
    this.#accessUrl = url.href;
  }

  /**
   * @param {UploadState} state
   * @returns {Promise<Map<number, string | null> | null>}  The parts that were sent; null if no upload was begun.
   */
  async resume({ accessUrl, sent = [] }) {
    if (!accessUrl) return null;
    this.#accessUrl = accessUrl;
    this.#sent = sent;
    return new Map(sent.map((number) => [number, null]));
  }

  async prepare() {}

  /**
   * Send a part, once.
   *
   * @param {Part} part
   * @returns {Promise<string | null>}  The part's ETag.
   */
  async send({ number, body, onProgress }) {
    /** @type {Record<string, string>} */
    const headers = this.#job.integrity ? { "Content-MD5": base64(await md5(body)) } : {};
    const request = { method: "PUT", url: this.#accessUrl + number, headers };
    const answer = await transfer(request, body, { signal: this.#job.signal, onProgress });
    this.#sent.push(number);
    return answer.header("ETag");
  }

  /**
   * @param {Map<number, string | null>} sent
   * @param {() => void} onWait
   */
  async complete(sent, onWait) {
    const request = { method: "POST", url: this.#accessUrl, headers: {} };
    const options = { signal: this.#job.signal, stallMs: COMPLETION_MS$1 };
    const answer = await persistently(() => transfer(request, null, options), { signal: options.signal, onWait });
    const joined = partCount(answer);
    if (joined !== null && joined !== sent.size) {
      throw new PresignError("The storage has lost a part.", { code: "incomplete" });
    }
  }

  /** @param {UploadState} state */
  static async abort({ accessUrl }) {
    const request = { method: "DELETE", url: accessUrl ?? "", headers: {} };
    try {
      await persistently(() => transfer(request, null), {});
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/**
 * Whether the store knows no such upload: it was completed or aborted, or its access URI has ended.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
function isGone(error) {
  return error instanceof PresignError && error.fromStore && [401, 404].includes(error.status);
}

/**
 * The number of parts that an object was joined from; null if the store does not say.
 *
 * @param {StoreAnswer} answer
 */
function partCount(answer) {
  const count = answer.header("opc-multipart-md5")?.split("-")[1];
  return count ? Number(count) : null;
}

/**
 * @typedef {object} UploadJob  One upload under way, as its parts see it.
 * @property {Api} api
 * @property {Slots} slots
 * @property {File} file
 * @property {string} key
 * @property {{ key: string, content_type: string, metadata?: Record<string, string> }} description
 * @property {boolean} integrity  Whether digests are sent.
 * @property {AbortSignal} signal
 * @property {ProgressReport} progress
 */

/**
 * How to get a URL for an upload in one request.
 *
 * @param {UploadJob} job
 * @param {{ integrity: boolean }} wanted
 * @returns {Promise<(signal?: AbortSignal) => Promise<SignedUrl>>}
 */
async function wholeUrl({ api, file, description }, { integrity }) {
  const checksum = integrity && api.via !== "par" ? { checksum_sha256: await sha256Base64(file) } : {};
  const bound = { content_length: file.size, ...checksum };
  return async (signal) => {
    const url = await api.signPut({ operation: "put_object", ...description }, bound, signal);
    if (integrity && url.via === "par") url.headers = { ...url.headers, "Content-MD5": base64(await md5(file)) };
    return url;
  };
}

/**
 * Part `number`, from 1, of a file.
 *
 * @param {Blob} file
 * @param {number} partBytes
 * @param {number} number
 * @returns {Blob}
 */
function slice(file, partBytes, number) {
  return file.slice((number - 1) * partBytes, number * partBytes);
}

/**
 * Whether the object in the store is the job's file, as the ETag (S3) or the MD5 (native API) proves.
 *
 * @param {UploadJob} job
 * @param {number} [partBytes]  Of an upload in parts.
 * @returns {Promise<boolean>}
 */
async function isStored({ api, key, file, signal }, partBytes) {
  let header;
  try {
    ({ header } = await api.request({ operation: "head_object", key }, { signal }));
  } catch (error) {
    if (["canceled", "paused"].includes(codeOf(error))) throw error;
    return false; // the user may not read it, or there is no object
  }
  if (Number(header("Content-Length")) !== file.size) return false;
  const { digest, suffix } = await digestOf(file, partBytes);
  return (
    header("ETag")?.replaceAll('"', "") === hex(digest) + suffix ||
    header("opc-multipart-md5") === base64(digest) + suffix
  );
}

/**
 * The MD5 of a file, or that of its parts' MD5s, with the number of parts that stores append.
 *
 * @param {Blob} file
 * @param {number} [partBytes]
 */
async function digestOf(file, partBytes) {
  if (!partBytes) return { digest: await md5(file), suffix: "" };
  const count = Math.ceil(file.size / partBytes);
  const digests = [];
  for (let number = 1; number <= count; number++) digests.push(await md5(slice(file, partBytes, number)));
  return { digest: await md5(new Blob(digests)), suffix: `-${count}` };
}

/** S3's limits of a multipart upload: the smallest part but the last, and the most parts. */
const MIN_PART_BYTES = 5 * 2 ** 20;
const MAX_PARTS = 10_000;

const URLS_AT_ONCE = 20;
const CHECKED_URLS_AT_ONCE = 4; // since each needs the digest of its part
const COMPLETION_MS = 600_000; // S3 may take minutes to join thousands of parts
const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** The parts of an upload by S3's multipart operations: each has a presigned URL of its own. */
class S3Parts {
  #job;
  #uploadId = "";
  /** The URLs of parts that were asked for already. @type {Map<number, Promise<SignedUrl>>} */
  #urls = new Map();

  /** @param {UploadJob} job */
  constructor(job) {
    this.#job = job;
    this.partBytes = Math.max(MIN_PART_BYTES, Math.ceil(job.file.size / MAX_PARTS));
  }

  /** The state that is needed to go on later. */
  get progressed() {
    return { uploadId: this.#uploadId };
  }

  async begin() {
    const request = { operation: "create_multipart_upload", ...this.#job.description };
    const answer = await this.#job.api.request(request, this.#retrying());
    this.#uploadId = element(answer.text, "UploadId");
  }

  /**
   * Find the parts that the store has of an earlier upload.
   *
   * @param {UploadState} state
   * @returns {Promise<Map<number, string | null> | null>}  Null if the store knows no such upload.
   */
  async resume({ uploadId }) {
    this.#uploadId = uploadId ?? "";
    try {
      return await this.#listParts();
    } catch (error) {
      if (codeOf(error) === "NoSuchUpload") return null;
      throw error;
    }
  }

  /**
   * Get the first part's URL, which is refused if the file is longer than the policy allows.
   *
   * @param {number[]} numbers
   */
  async prepare(numbers) {
    await persistently(() => this.#url(numbers[0], numbers), this.#retrying()).catch(throwForPart);
  }

  /**
   * Send a part, once.
   *
   * @param {Part} part
   * @param {number[]} following  The parts that come next, whose URLs are asked for in the same call.
   * @returns {Promise<string | null>}  The part's ETag; null if the store does not let the page read it.
   */
  async send({ number, body, onProgress }, following) {
    const url = await this.#url(number, following);
    this.#urls.delete(number);
    const answer = await transfer(url, body, { signal: this.#job.signal, onProgress });
    return answer.header("ETag");
  }

  /**
   * @param {Map<number, string | null>} sent
   * @param {() => void} onWait
   */
  async complete(sent, onWait) {
    let etags = sent;
    if ([...etags.values()].includes(null)) etags = await this.#listParts();
    if (etags.size < sent.size) throw new PresignError("The storage has lost a part.", { code: "incomplete" });
    const parts = [...etags].sort(([one], [other]) => one - other).map(partXml);
    const body = `<CompleteMultipartUpload xmlns="${S3_NAMESPACE}">${parts.join("")}</CompleteMultipartUpload>`;
    const { signal, key, api } = this.#job;
    const request = { operation: "complete_multipart_upload", key, upload_id: this.#uploadId };
    await api.request(request, { signal, onWait, body, stallMs: COMPLETION_MS });
  }

  /**
   * @param {Api} api
   * @param {UploadState} state
   */
  static async abort(api, { key, uploadId }) {
    try {
      await api.request({ operation: "abort_multipart_upload", key, upload_id: uploadId });
    } catch (error) {
      if (codeOf(error) !== "NoSuchUpload") throw error;
    }
  }

  /**
   * The URL of a part: one that was asked for before and is still valid, or a new one, asked for together with those of
   * the next parts.
   *
   * @param {number} number
   * @param {number[]} following
   * @returns {Promise<SignedUrl>}
   */
  async #url(number, following) {
    const held = await this.#urls.get(number);
    if (held && Date.now() < held.staleAt) return held;
    if (held) this.#urls.clear(); // the others are as old
    const next = following.filter((other) => other !== number && !this.#urls.has(other));
    const most = this.#job.integrity ? CHECKED_URLS_AT_ONCE : URLS_AT_ONCE;
    const numbers = [number, ...next.slice(0, most - 1)];
    const answers = this.#sign(numbers);
    numbers.forEach((other, index) => {
      const url = answers.then((all) => (all[index] instanceof PresignError ? Promise.reject(all[index]) : all[index]));
      this.#urls.set(other, url);
      url.catch(() => this.#urls.delete(other));
    });
    return /** @type {Promise<SignedUrl>} */ (this.#urls.get(number));
  }

  /** @param {number[]} numbers */
  async #sign(numbers) {
    const requests = numbers.map(async (number) => {
      const body = slice(this.#job.file, this.partBytes, number);
      return {
        operation: "upload_part",
        key: this.#job.key,
        upload_id: this.#uploadId,
        part_number: number,
        content_length: body.size,
        ...(this.#job.integrity && { checksum_sha256: await sha256Base64(body) }),
      };
    });
    return this.#job.api.signAll(await Promise.all(requests), this.#job.signal);
  }

  /** The parts that the store has, without those whose length is not ours. */
  async #listParts() {
    /** @type {Map<number, string>} */
    const found = new Map();
    const { key, api } = this.#job;
    for (/** @type {number | undefined} */ let marker; ; ) {
      const request = { operation: "list_parts", key, upload_id: this.#uploadId, part_number_marker: marker };
      const { text } = await api.request(request, this.#retrying());
      for (const part of elements(text, "Part")) {
        const number = Number(element(part, "PartNumber"));
        const { size } = slice(this.#job.file, this.partBytes, number);
        if (Number(element(part, "Size")) === size) found.set(number, element(part, "ETag"));
      }
      const next = Number(element(text, "NextPartNumberMarker"));
      if (element(text, "IsTruncated") !== "true" || !(next > (marker ?? 0))) return found;
      marker = next;
    }
  }

  #retrying() {
    return { signal: this.#job.signal, onWait: () => this.#job.progress.waiting() };
  }
}

/** @param {[number, string | null]} part */
function partXml([number, etag]) {
  const text = (etag ?? "").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<Part><PartNumber>${number}</PartNumber><ETag>${text}</ETag></Part>`;
}

/** @typedef {{ number: number, body: Blob, onProgress: (bytes: number) => void }} Part */

/** How many transfers one client has under way; browsers open six connections to one host. */
const TRANSFERS_AT_ONCE = 4;

/** The upload of one file in parts, which can be interrupted and resumed. */
class MultipartUpload {
  #job;
  #unfinished;
  #user;
  #self;
  #stop = new AbortController();
  /** @type {S3Parts | ParParts | null} */
  #parts = null;
  /** @type {number[]} */
  #toSend = [];
  /** ETags of the parts that the store has; null where a page can't read it. @type {Map<number, string | null>} */
  #sent = new Map();

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   * @param {string | null} user
   * @param {UnfinishedUpload} self  What the upload is remembered by.
   */
  constructor(job, unfinished, user, self) {
    this.#job = { ...job, signal: AbortSignal.any([job.signal, this.#stop.signal]) };
    this.#unfinished = unfinished;
    this.#user = user;
    this.#self = self;
  }

  /**
   * @param {UploadJob} job
   * @param {UnfinishedUploads} unfinished
   */
  static async of(job, unfinished) {
    const { name, size, lastModified } = job.file;
    const digest = await fingerprint(job.file);
    const self = { key: job.key, name, size, lastModified, digest };
    return new MultipartUpload(job, unfinished, await job.api.user(), self);
  }

  async run() {
    const state = this.#recall();
    if (state && (await this.#resume(state))) return;
    if (!this.#parts) await this.#begin();
    await this.#sendAll();
    await this.#complete();
  }

  /** Give the upload up, and let the store drop its parts. */
  async discard() {
    const state = this.#recall();
    if (!state) return;
    this.#forget();
    await abortUpload(this.#job.api, state);
  }

  async #begin() {
    const whole = await this.#whole();
    const parts = whole?.via === "par" ? new ParParts(this.#job, whole) : new S3Parts(this.#job);
    await parts.begin();
    this.#parts = parts;
    this.#remember();
  }

  /**
   * A URL for the whole file. A PAR serves for the parts too; of a presigned URL only the refusal is of use, as it
   * names the policy's limit.
   */
  async #whole() {
    const sign = await wholeUrl(this.#job, { integrity: false });
    try {
      return await persistently(() => sign(this.#job.signal), this.#retrying());
    } catch (error) {
      if (codeOf(error) === "access_denied") return null; // the policy may allow parts only
      throw error;
    }
  }

  /**
   * Go on with an upload that was begun before.
   *
   * @param {UploadState} state
   * @returns {Promise<boolean>}  Whether nothing is left to do.
   */
  async #resume(state) {
    this.#parts = state.accessUrl ? new ParParts(this.#job, null) : new S3Parts(this.#job);
    const sent = await this.#parts.resume(state);
    if (sent) {
      this.#sent = sent;
      for (const number of sent.keys()) this.#job.progress.sent(number, this.#slice(number).size);
      if (this.#parts instanceof S3Parts) return false;
      // Whether the store still has an upload by a PAR only shows when it is used.
      const [first] = this.#missing();
      try {
        await (first ? this.#sendPart(first) : this.#complete());
        return !first;
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
    const stored = Boolean(state.completing) && (await isStored(this.#job, this.#parts.partBytes));
    this.#forget();
    this.#parts = null;
    this.#sent.clear();
    this.#job.progress.restart();
    return stored;
  }

  async #sendAll() {
    this.#toSend = this.#missing();
    if (this.#toSend.length) await this.#parts?.prepare(this.#toSend);
    const senders = Array.from({ length: TRANSFERS_AT_ONCE }, () => this.#sendParts());
    try {
      await Promise.all(senders);
    } catch (error) {
      this.#stop.abort(PAUSE);
      await Promise.allSettled(senders);
      throw error;
    }
  }

  /** The numbers of the parts that the store lacks. The last one comes first: it is refused if the file is too long. */
  #missing() {
    const count = Math.ceil(this.#job.file.size / this.#partBytes);
    const order = [count, ...Array.from({ length: count - 1 }, (_, index) => index + 1)];
    return order.filter((number) => !this.#sent.has(number));
  }

  async #sendParts() {
    for (let number; (number = this.#toSend.shift()); ) {
      const part = number;
      await this.#job.slots.run(this.#job.signal, () => this.#sendPart(part));
    }
  }

  /** @param {number} number */
  async #sendPart(number) {
    const { signal, progress } = this.#job;
    const parts = /** @type {S3Parts | ParParts} */ (this.#parts);
    const body = this.#slice(number);
    const part = { number, body, onProgress: (/** @type {number} */ bytes) => progress.sent(number, bytes) };
    const attempt = () => parts.send(part, this.#toSend);
    this.#sent.set(number, await persistently(attempt, { signal, onWait: () => progress.waiting(number) }));
    progress.sent(number, body.size);
    if (parts instanceof ParParts) this.#remember();
  }

  async #complete() {
    this.#remember({ completing: true });
    let attempts = 0;
    const onWait = () => {
      attempts++;
      this.#job.progress.waiting();
    };
    try {
      await this.#parts?.complete(this.#sent, onWait);
    } catch (error) {
      // An earlier attempt may have succeeded, with its answer lost. Then the store has this file.
      const known = isGone(error) || codeOf(error) === "PreconditionFailed";
      if (!known || !attempts || !(await isStored(this.#job, this.#partBytes))) throw error;
    }
    this.#forget();
  }

  get #partBytes() {
    return this.#parts?.partBytes ?? this.#job.file.size;
  }

  /** @param {number} number */
  #slice(number) {
    return slice(this.#job.file, this.#partBytes, number);
  }

  #recall() {
    return this.#unfinished.find(this.#user, this.#self);
  }

  /** @param {{ completing?: boolean }} [more] */
  #remember(more) {
    this.#unfinished.remember(this.#user, { ...this.#self, ...this.#parts?.progressed, ...more });
  }

  #forget() {
    this.#unfinished.forget(this.#user, this.#self);
  }

  #retrying() {
    return { signal: this.#job.signal, onWait: () => this.#job.progress.waiting() };
  }
}

/**
 * Let the store drop the parts of an upload.
 *
 * @param {Api} api
 * @param {UploadState} state
 */
async function abortUpload(api, state) {
  await (state.accessUrl ? ParParts.abort(state) : S3Parts.abort(api, state));
}

/**
 * An upload that was begun and not ended.
 *
 * @typedef {object} UnfinishedUpload
 * @property {string} key
 * @property {string} name  Of the file.
 * @property {number} size  Of the file, in bytes.
 * @property {number} lastModified  Of the file.
 * @property {string} digest  The SHA-256 of the file's first and last MiB, in hexadecimal.
 *
 * @typedef {object} Progressed
 * @property {string} [uploadId]  Of an upload by the S3 API.
 * @property {string} [accessUrl]  Of an upload by a PAR. Its holder can send parts, and complete or abort the upload.
 * @property {number[]} [sent]  The parts that a PAR has taken; the S3 API lists them itself.
 * @property {boolean} [completing]  Whether the store was asked to complete it.
 *
 * @typedef {UnfinishedUpload & Progressed} UploadState
 */

/** Remembers unfinished uploads in the browser, each for its user only; without a user, as long as the page lives. */
class UnfinishedUploads {
  /** @type {Record<string, string>} */
  #memory = Object.create(null);
  #scope;

  /** @param {string[]} scope  Tells apart the uploads of different endpoints and buckets. */
  constructor(scope) {
    this.#scope = scope;
  }

  /**
   * @param {string | null} user
   * @returns {UploadState[]}
   */
  list(user) {
    const all = { ...this.#memory, ...this.#storage(user) };
    const names = Object.keys(all).filter((name) => name.startsWith(this.#prefix(user)));
    return names.map((name) => JSON.parse(all[name]));
  }

  /**
   * @param {string | null} user
   * @param {UnfinishedUpload} upload
   * @returns {UploadState | null}
   */
  find(user, upload) {
    const name = this.#name(user, upload);
    return JSON.parse(this.#storage(user)[name] ?? this.#memory[name] ?? "null");
  }

  /**
   * @param {string | null} user
   * @param {UploadState} state
   */
  remember(user, state) {
    const [name, text] = [this.#name(user, state), JSON.stringify(state)];
    try {
      this.#storage(user)[name] = text;
    } catch {
      this.#memory[name] = text; // as the browser's storage is full
    }
  }

  /**
   * @param {string | null} user
   * @param {UnfinishedUpload} upload
   */
  forget(user, upload) {
    const name = this.#name(user, upload);
    delete this.#storage(user)[name];
    delete this.#memory[name];
  }

  /** @param {string | null} user */
  #storage(user) {
    return (user === null ? null : browserStorage()) ?? this.#memory;
  }

  /** @param {string | null} user */
  #prefix(user) {
    return `presign ${JSON.stringify([...this.#scope, user])} `;
  }

  /**
   * @param {string | null} user
   * @param {UnfinishedUpload} upload
   */
  #name(user, { key, size, lastModified, digest }) {
    return this.#prefix(user) + JSON.stringify([size, lastModified, digest, key]);
  }
}

/** @returns {Record<string, string> | null} */
function browserStorage() {
  try {
    // Node.js has none, and a browser may forbid it.
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/**
 * @typedef {object} Progress
 * @property {number} loaded  Bytes sent.
 * @property {number} total  Bytes of the file.
 * @property {boolean} waiting  Whether the upload waits to try again, as the connection or a server failed.
 */

/** Adds up the progress of the parts of one file. */
class ProgressReport {
  #total;
  #onProgress;
  #loaded = 0;
  /** Bytes sent of each part. @type {Map<number, number>} */
  #parts = new Map();

  /**
   * @param {number} total
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(total, onProgress) {
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /**
   * @param {number} part
   * @param {number} bytes
   */
  sent(part, bytes) {
    this.#set(part, bytes);
    this.#report(false);
  }

  /** @param {number} [part]  The one that must be sent again from its beginning. */
  waiting(part) {
    if (part !== undefined) this.#set(part, 0);
    this.#report(true);
  }

  done() {
    this.#loaded = this.#total;
    this.#report(false);
  }

  /** Nothing counts as sent any more. */
  restart() {
    this.#parts.clear();
    this.#loaded = 0;
  }

  /**
   * @param {number} part
   * @param {number} bytes
   */
  #set(part, bytes) {
    this.#loaded += bytes - (this.#parts.get(part) ?? 0);
    this.#parts.set(part, bytes);
  }

  /** @param {boolean} waiting */
  #report(waiting) {
    this.#onProgress({ loaded: this.#loaded, total: this.#total, waiting });
  }
}

/**
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
 * @property {string} [contentType]  Media type of the object; by default the file's own.
 * @property {Record<string, string>} [metadata]  Names and values that are stored with the object.
 * @property {boolean} [integrity]  Send a digest with each part, so that the store refuses a part that arrives damaged.
 */

/** A file of this size or more is sent in parts. */
const MULTIPART_FROM_BYTES = 16 * 2 ** 20;

/** After these failures an upload can't go on, and its parts are of no use. */
const FINAL = ["canceled", "limit_exceeded", "PreconditionFailed", "IfNoneMatchFailed"];
const WHOLE = 0;

/**
 * Store `file` as the object `key`.
 *
 * @param {{ api: Api, slots: Slots, unfinished: UnfinishedUploads }} context
 * @param {File} file
 * @param {string} key
 * @param {UploadOptions} options
 */
async function upload({ api, slots, unfinished }, file, key, options) {
  const { onProgress = () => {}, contentType, metadata, integrity = false } = options;
  const signal = options.signal ?? new AbortController().signal;
  if (signal.aborted) throw aborted(signal);
  const description = { key, content_type: contentType ?? (file.type || "application/octet-stream"), metadata };
  const progress = new ProgressReport(file.size, onProgress);
  const job = { api, slots, file, key, description, integrity, signal, progress };
  await (file.size < MULTIPART_FROM_BYTES ? put(job) : sendInParts(job, unfinished));
  progress.done();
}

/** @param {UploadJob} job */
async function put(job) {
  const { api, slots, file, signal, progress } = job;
  let attempts = 0;
  const onWait = () => {
    attempts++;
    progress.waiting(WHOLE);
  };
  const onProgress = (/** @type {number} */ bytes) => progress.sent(WHOLE, bytes);
  const sign = await wholeUrl(job, job);
  try {
    await slots.run(signal, () => api.request(sign, { signal, body: file, onProgress, onWait }));
  } catch (error) {
    // An earlier attempt may have succeeded, with its answer lost. Then the object in the way is this file.
    if (codeOf(error) !== "PreconditionFailed" || !attempts || !(await isStored(job))) throw error;
  }
}

/**
 * @param {UploadJob} job
 * @param {UnfinishedUploads} unfinished
 */
async function sendInParts(job, unfinished) {
  const multipart = await MultipartUpload.of(job, unfinished);
  try {
    await multipart.run();
  } catch (error) {
    if (FINAL.includes(codeOf(error))) await multipart.discard().catch(() => {});
    throw error;
  }
}

/**
 * @typedef {object} Share  A URL that anybody who has it can use.
 * @property {string} url
 * @property {string} expiresAt  RFC 3339.
 * @property {string} bucket
 * @property {string} [id]  With it the URL can be revoked; only URLs of pre-authenticated requests have one.
 *
 * @typedef {object} ListedObject
 * @property {string} key  Of the object; with a delimiter, also a common prefix of several.
 * @property {boolean} isPrefix
 * @property {number} size  In bytes.
 * @property {Date | null} modifiedAt
 * @property {string} [url]  Reads the object for some minutes, where the list came by a pre-authenticated request.
 */

/**
 * Uploads and downloads files of any size through URLs that the API at `endpoint` gives.
 *
 *     const files = new PresignClient({ endpoint: "https://…/v1/presign", getToken: () => token });
 *     await files.upload(file, `inbox/${file.name}`, { onProgress: ({ loaded, total }) => show(loaded / total) });
 *     await files.download(`inbox/${file.name}`);
 *
 * A large file is sent in parts. The parts that were sent are kept when the connection or the page is lost, and the
 * same `upload` again sends the others. Every failure is a `PresignError`.
 */
class PresignClient {
  #api;
  #folders;
  #unfinished;
  #slots = new Slots(TRANSFERS_AT_ONCE);

  /** @param {PresignOptions} options */
  constructor(options) {
    this.#api = new Api(options);
    this.#folders = new Folders(this.#api);
    this.#unfinished = new UnfinishedUploads([this.#api.endpoint, this.#api.bucket ?? ""]);
  }

  /**
   * A URL that shows the object or, with a name, saves it as a file. It works like a password until it expires, so ask
   * for it when it is needed.
   *
   * @param {string} key
   * @param {{ saveAs?: string, expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<string>}
   */
  async link(key, options = {}) {
    return (await this.share(key, options)).url;
  }

  /**
   * A URL as `link` gives it, together with what `revoke` needs.
   *
   * @param {string} key
   * @param {{ saveAs?: string, expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<Share>}
   */
  async share(key, { saveAs, expiresIn, signal } = {}) {
    return this.#share({ operation: "get_object", key, download_as: saveAs, expires_in: expiresIn }, signal);
  }

  /**
   * A URL for every object whose key begins with `prefix`; append the rest of a key to it. The policy must give
   * pre-authenticated requests there.
   *
   * @param {string} prefix  Ends with a slash.
   * @param {{ expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<Share>}
   */
  async shareFolder(prefix, { expiresIn, signal } = {}) {
    return this.#share({ operation: "get_prefix", prefix, expires_in: expiresIn }, signal);
  }

  /**
   * Make a shared URL stop working.
   *
   * @param {{ bucket: string, id?: string }} share
   * @param {AbortSignal} [signal]
   */
  async revoke({ bucket, id }, signal) {
    if (id === undefined) {
      throw new PresignError("A presigned URL of S3 can't be revoked.", { code: "not_revocable" });
    }
    await persistently(() => this.#api.ask("/revoke", { bucket, id }, signal), { signal });
  }

  /**
   * Let the browser download the object.
   *
   * @param {string} key
   * @param {{ saveAs?: string }} [options]  The file's name: by default the key's last part.
   */
  async download(key, { saveAs = key.split("/").at(-1) || key } = {}) {
    const anchor = document.createElement("a");
    anchor.href = await this.link(key, { saveAs });
    anchor.click();
  }

  /**
   * The size of the object in bytes, or null if there is none.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   * @returns {Promise<number | null>}
   */
  async size(key, signal) {
    try {
      const answer = await this.#api.request({ operation: "head_object", key }, { signal });
      return Number(answer.header("Content-Length"));
    } catch (error) {
      if (error instanceof PresignError && error.fromStore && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * The objects whose keys begin with `prefix`, in the order of their keys.
   *
   * @param {string} prefix
   * @param {{ delimiter?: "/", signal?: AbortSignal }} [options]  With a delimiter, keys end at the first slash after
   *   the prefix, and each is given once.
   * @returns {AsyncGenerator<ListedObject, void, undefined>}
   */
  list(prefix, options = {}) {
    return this.#folders.list(prefix, options);
  }

  /**
   * Delete the object, which takes a presigned URL of S3: no PAR can delete.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   */
  async delete(key, signal) {
    await this.#api.request({ operation: "delete_object", key, via: "s3" }, { signal });
  }

  /**
   * Store `file` as the object `key`. The policy's refusal comes before a byte is sent.
   *
   * @param {File} file
   * @param {string} key
   * @param {UploadOptions} [options]
   */
  async upload(file, key, options = {}) {
    const context = { api: this.#api, slots: this.#slots, unfinished: this.#unfinished };
    await upload(context, file, key, options);
  }

  /**
   * The user's uploads that were begun in this browser and not ended: paused ones, and those whose page was closed.
   * `upload` with the same file and key goes on with one.
   *
   * @returns {Promise<UnfinishedUpload[]>}
   */
  async unfinished() {
    return this.#unfinished
      .list(await this.#api.user())
      .map(({ key, name, size, lastModified, digest }) => ({ key, name, size, lastModified, digest }));
  }

  /**
   * Give up an unfinished upload, and let the store drop its parts.
   *
   * @param {File | UnfinishedUpload} file
   * @param {string} key
   */
  async discard(file, key) {
    const { name, size, lastModified } = file;
    const digest = "digest" in file ? file.digest : await fingerprint(file);
    const user = await this.#api.user();
    const state = this.#unfinished.find(user, { key, name, size, lastModified, digest });
    if (!state) return;
    this.#unfinished.forget(user, state);
    await abortUpload(this.#api, state);
  }

  /**
   * @param {{ operation: string } & Record<string, unknown>} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<Share>}
   */
  async #share(request, signal) {
    const { url, expiresAt, bucket, id } = await persistently(() => this.#api.sign(request, signal), { signal });
    return { url, expiresAt, bucket, id };
  }
}

export { MAX_PARTS, MIN_PART_BYTES, MULTIPART_FROM_BYTES, PAUSE, PresignClient, PresignError };
