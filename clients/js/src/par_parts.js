/** @import { SignedUrl } from "./api_answer.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { UploadState } from "./unfinished.js" */
/** @import { Part, UploadJob } from "./upload_job.js" */
import { base64, hex, md5 } from "./digest.js";
import { PresignError } from "./errors.js";
import { partOf } from "./file.js";
import { jsonOrNull } from "./http.js";
import { withRetries } from "./retry.js";
import { checkSignal } from "./signals.js";
import { transfer } from "./transfer.js";

const MIN_PART_BYTES = 10 * 2 ** 20; // Object Storage has asked for it; its documentation now names a maximum only
const MAX_PARTS = 10_000;
const COMPLETION_MS = 600_000;

/**
 * The parts of an upload by one pre-authenticated request: the store gives an access URI for all of them. Oracle
 * documents it in "Pre-Authenticated Request Object URLs in Object Storage", "Putting a Large Object".
 */
export class ParParts {
  #job;
  /** @type {SignedUrl | null} */
  #objectUrl;
  #accessUrl = "";
  /** The MD5 of each part that was sent, in hexadecimal. @type {Record<number, string>} */
  #sent = {};

  /**
   * @param {UploadJob} job
   * @param {SignedUrl | null} objectUrl  The PAR for the object; null to go on with an upload that was begun by one.
   */
  constructor(job, objectUrl) {
    this.#job = job;
    this.#objectUrl = objectUrl;
    this.partBytes = Math.max(MIN_PART_BYTES, Math.ceil(job.file.size / MAX_PARTS));
  }

  /** The state that is needed to go on later. The store has no list of the parts for the holder of a PAR. */
  get resumeState() {
    return { accessUrl: this.#accessUrl, sent: this.#sent };
  }

  async begin() {
    if (!this.#objectUrl) throw new TypeError("There is no PAR to begin with.");
    const request = { ...this.#objectUrl, headers: { ...this.#objectUrl.headers, "opc-multipart": "true" } };
    const options = { signal: this.#job.signal, onWait: () => this.#job.progress.waiting() };
    const { text } = await withRetries(() => transfer(request, null, { ...options, begins: true }), options);
    this.#accessUrl = accessUrl(jsonOrNull(text)?.accessUri, request.url);
  }

  /**
   * @param {UploadState} state
   * @returns {Promise<Map<number, string | null> | null>}  The parts that were sent; null if no upload was begun.
   */
  async resume({ accessUrl, sent = {} }) {
    if (!accessUrl) return null;
    this.#accessUrl = accessUrl;
    // The file may have been changed since.
    for (const [number, digest] of Object.entries(sent)) {
      checkSignal(this.#job.signal);
      const part = partOf(this.#job.file, this.partBytes, Number(number));
      if (digest === hex(await md5(part))) this.#sent[Number(number)] = digest;
    }
    return new Map(Object.keys(this.#sent).map((number) => [Number(number), null]));
  }

  async prepare() {}

  /**
   * Send a part, once.
   *
   * @param {Part} part
   * @returns {Promise<string | null>}  The part's ETag.
   */
  async send({ number, body, onProgress }) {
    const digest = await md5(body);
    /** @type {Record<string, string>} */
    const headers = this.#job.integrity ? { "Content-MD5": base64(digest) } : {};
    const request = { method: "PUT", url: this.#accessUrl + number, headers };
    const answer = await transfer(request, body, { signal: this.#job.signal, onProgress });
    this.#sent[number] = hex(digest);
    return answer.header("ETag");
  }

  /**
   * @param {Map<number, string | null>} sent
   * @param {() => void} onWait
   * @returns {Promise<StoreAnswer>}  Its ETag is that of the object.
   */
  async complete(sent, onWait) {
    const request = { method: "POST", url: this.#accessUrl, headers: {} };
    const options = { signal: this.#job.signal, stallMs: COMPLETION_MS };
    const answer = await withRetries(() => transfer(request, null, options), { signal: options.signal, onWait });
    const joined = joinedParts(answer);
    if (joined !== null && joined !== sent.size) {
      throw new PresignError("The storage has lost a part.", { code: "incomplete" });
    }
    return answer;
  }

  /**
   * @param {UploadState} state
   * @param {AbortSignal} [signal]
   */
  static async abort({ accessUrl }, signal) {
    const request = { method: "DELETE", url: accessUrl ?? "", headers: {} };
    try {
      await withRetries(() => transfer(request, null, { signal }), { signal });
    } catch (error) {
      if (!isUploadGone(error)) throw error;
    }
  }
}

/**
 * Whether the store knows no such upload: it was completed or aborted, or its access URI has ended.
 *
 * @param {unknown} error
 * @returns {boolean}
 */
export function isUploadGone(error) {
  return error instanceof PresignError && error.fromStore && [401, 404].includes(error.status);
}

/**
 * The URL by which the parts of an upload are sent.
 *
 * @param {string} path  As the store gives it.
 * @param {string} objectUrl
 */
function accessUrl(path, objectUrl) {
  try {
    const url = new URL(path, objectUrl);
    const isOfStore = url.origin === new URL(objectUrl).origin;
    if (isOfStore && url.pathname.startsWith("/p/") && url.pathname.endsWith("/")) return url.href;
  } catch {
    // It is no URL.
  }
  throw new PresignError("The storage began no upload in parts.", { code: "incomplete" });
}

/**
 * The number of parts that an object was joined from; null if the store does not say.
 *
 * @param {StoreAnswer} answer
 */
function joinedParts(answer) {
  const count = answer.header("opc-multipart-md5")?.split("-")[1];
  return count ? Number(count) : null;
}
