/** @import { Api } from "./api.js" */
/** @import { SignedUrl } from "./api_answer.js" */
/** @import { StoreAnswer } from "./store_answer.js" */
/** @import { UploadState } from "./unfinished.js" */
/** @import { Part, UploadJob } from "./upload_job.js" */
import { codeOf, foreignAnswer, PresignError } from "./errors.js";
import { partOf } from "./file.js";
import { hex, md5, sha256Base64 } from "./digest.js";
import { withRetries } from "./retry.js";
import { checkSignal } from "./signals.js";
import { element, elements } from "./store_answer.js";
import { transfer } from "./transfer.js";
import { condition } from "./upload_job.js";

/** S3's limits of a multipart upload: the smallest part but the last, and the most parts. */
export const MIN_PART_BYTES = 5 * 2 ** 20;
export const MAX_PARTS = 10_000;

/** S3 may take minutes to join thousands of parts, or to copy a large object. */
export const COMPLETION_MS = 600_000;

/** After these refusals of a list of parts an upload can't go on. */
const LOST_CODES = ["NoSuchUpload", "access_denied", "invalid_request"];

const URLS_AT_ONCE = 20;
const CHECKED_URLS_AT_ONCE = 4; // since each needs the digest of its part
const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** The parts of an upload by S3's multipart operations: each has a presigned URL of its own. */
export class S3Parts {
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
  get resumeState() {
    return { uploadId: this.#uploadId };
  }

  async begin() {
    const request = { operation: "create_multipart_upload", ...this.#job.description };
    const answer = await this.#job.api.send(request, { ...this.#retrying(), begins: true });
    this.#uploadId = element(answer.text, "UploadId");
    if (!this.#uploadId) throw foreignAnswer("storage", answer.status);
  }

  /**
   * Find the parts that the store has of an earlier upload. The file may have been changed since, so a part counts if
   * its ETag is the MD5 of this file's part. A store whose ETags are none gets all parts again.
   *
   * @param {UploadState} state
   * @returns {Promise<Map<number, string | null> | null>}  Null if the store knows no such upload, or if the policy lets
   *   nobody ask.
   */
  async resume({ uploadId }) {
    this.#uploadId = uploadId ?? "";
    try {
      const listed = await this.#listParts();
      for (const [number, etag] of listed) {
        checkSignal(this.#job.signal);
        const digest = hex(await md5(partOf(this.#job.file, this.partBytes, number)));
        if (etag.replaceAll('"', "") !== digest) listed.delete(number);
      }
      return listed;
    } catch (error) {
      if (LOST_CODES.includes(codeOf(error))) return null;
      throw error;
    }
  }

  /**
   * Get the first part's URL, which is refused if the file is longer than the policy allows.
   *
   * @param {number[]} numbers
   */
  async prepare(numbers) {
    await withRetries(() => this.#url(numbers[0], numbers), this.#retrying()).catch(throwPartRefusal);
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
   * @returns {Promise<StoreAnswer>}  Its ETag is that of the object.
   */
  async complete(sent, onWait) {
    let etags = sent;
    if ([...etags.values()].includes(null)) etags = await this.#listParts();
    if (etags.size < sent.size) throw new PresignError("The storage has lost a part.", { code: "incomplete" });
    const parts = [...etags].sort(([one], [other]) => one - other).map(partXml);
    const body = `<CompleteMultipartUpload xmlns="${S3_NAMESPACE}">${parts.join("")}</CompleteMultipartUpload>`;
    const { signal, key, api } = this.#job;
    const request = { operation: "complete_multipart_upload", key, upload_id: this.#uploadId, ...condition(this.#job) };
    const answer = await api.send(request, { signal, onWait, body, stallMs: COMPLETION_MS });
    const etag = element(answer.text, "ETag");
    if (!etag) throw foreignAnswer("storage", answer.status);
    return { ...answer, header: (name) => (name === "ETag" ? etag : answer.header(name)) };
  }

  /**
   * @param {Api} api
   * @param {UploadState} state
   * @param {AbortSignal} [signal]
   */
  static async abort(api, { key, uploadId }, signal) {
    try {
      await api.send({ operation: "abort_multipart_upload", key, upload_id: uploadId }, { signal });
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
      const body = partOf(this.#job.file, this.partBytes, number);
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
      const { text } = await api.send(request, this.#retrying());
      for (const part of elements(text, "Part")) {
        const number = Number(element(part, "PartNumber"));
        const { size } = partOf(this.#job.file, this.partBytes, number);
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

/**
 * Throw again the API's refusal of a part, in the user's words.
 *
 * @param {PresignError} error
 * @returns {never}
 */
function throwPartRefusal(error) {
  throw error.code === "limit_exceeded" ? new PresignError("The file is larger than is allowed.", error) : error;
}
