/** @import { PresignOptions } from "./api.js" */
/** @import { SignedUrl } from "./api_answer.js" */
/** @import { ListedObject } from "./listing.js" */
/** @import { UnfinishedUpload } from "./unfinished.js" */
/** @import { StoredObject, UploadOptions } from "./upload.js" */
import { Api } from "./api.js";
import { optionsOf } from "./arguments.js";
import { signReads } from "./batch.js";
import { discard } from "./discard.js";
import { Downloads } from "./downloads.js";
import { invalidArgument, PresignError } from "./errors.js";
import { Listing } from "./listing.js";
import { TRANSFERS_AT_ONCE } from "./multipart.js";
import { copyObject, sizeOf } from "./objects.js";
import { withRetries } from "./retry.js";
import { Slots } from "./slots.js";
import { UnfinishedUploads } from "./unfinished.js";
import { upload } from "./upload.js";

/**
 * @typedef {object} Share  A URL that anybody who has it can use.
 * @property {string} url
 * @property {string} expiresAt  RFC 3339.
 * @property {string} bucket
 * @property {string} [id]  With it the URL can be revoked; only URLs of pre-authenticated requests have one.
 */

/**
 * Uploads and downloads files of any size through URLs that the API at `endpoint` gives.
 *
 *     const files = new PresignClient({ endpoint: "https://…/v1/presign", getToken: () => token });
 *     await files.upload(file, `inbox/${file.name}`, { onProgress: ({ fraction }) => show(fraction) });
 *     await files.download(`inbox/${file.name}`);
 *
 * A large file is sent in parts. The parts that were sent are kept when the connection or the page is lost, and the
 * same `upload` again sends the others. Every failure is a `PresignError`.
 */
export class PresignClient {
  #api;
  #downloads;
  #listing;
  #unfinished;
  #slots = new Slots(TRANSFERS_AT_ONCE);

  /** @param {PresignOptions} options */
  constructor(options) {
    this.#api = new Api(options);
    this.#downloads = new Downloads(this.#api);
    this.#listing = new Listing(this.#api);
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
  async link(key, options) {
    return (await this.share(key, options)).url;
  }

  /**
   * A URL as `link` gives it, together with what `revoke` needs.
   *
   * @param {string} key
   * @param {{ saveAs?: string, expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<Share>}
   */
  async share(key, options) {
    const { saveAs, expiresIn, signal } = optionsOf(options);
    return this.#share(
      { operation: "get_object", key, download_as: saveAs, expires_in: expiresIn, cors: false },
      signal,
    );
  }

  /**
   * URLs of many objects, as `share` gives them, in the order of their keys. The place of a key that is refused has the
   * error.
   *
   * @param {readonly string[]} keys
   * @param {{ expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<(Share | PresignError)[]>}
   */
  async links(keys, options) {
    const { expiresIn, signal } = optionsOf(options);
    const results = await signReads(this.#api, keys, { expires_in: expiresIn, cors: false }, signal);
    return results.map((result) => (result instanceof PresignError ? result : shareOf(result)));
  }

  /**
   * A URL for every object whose key begins with `prefix`; append the rest of a key to it. The policy must give
   * pre-authenticated requests there.
   *
   * @param {string} prefix  Ends with a slash.
   * @param {{ expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
   * @returns {Promise<Share>}
   */
  async shareFolder(prefix, options) {
    const { expiresIn, signal } = optionsOf(options);
    return this.#share({ operation: "get_prefix", prefix, expires_in: expiresIn }, signal);
  }

  /**
   * Make a shared URL stop working.
   *
   * @param {{ bucket?: string, id?: string } | string} share  As `share` gave it, or its `id`. The bucket is by default
   *   the client's, or else the API's own.
   * @param {AbortSignal} [signal]
   */
  async revoke(share, signal) {
    const { id, bucket = this.#api.bucket } = typeof share === "string" ? { id: share } : share ?? {};
    if (!id) {
      const message = 'A presigned URL can\'t be taken back; one that was asked for with via: "par" can.';
      throw new PresignError(message, { code: "not_revocable" });
    }
    // The function's log tells the id.
    const isId = typeof id === "string" && !/^https?:\/\//i.test(id);
    if (!isId) throw invalidArgument("The `id` of a URL is needed, not the URL.");
    await withRetries(() => this.#api.post("/revoke", { bucket, id }, signal), { signal });
  }

  /**
   * Let the browser save the object as a file. The page stays, and several downloads follow one another.
   *
   * @param {string} key
   * @param {{ saveAs?: string, signal?: AbortSignal }} [options]  The file's name: by default the key's last part.
   */
  async download(key, options) {
    await this.#downloads.start(key, optionsOf(options));
  }

  /**
   * The size of the object in bytes, or null if there is none.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   * @returns {Promise<number | null>}
   */
  async size(key, signal) {
    return sizeOf(this.#api, key, signal);
  }

  /**
   * The objects whose keys begin with `prefix`, in the order of their keys.
   *
   * @param {string} prefix
   * @param {{ delimiter?: "/", signal?: AbortSignal }} [options]  With a delimiter, keys end at the first slash after
   *   the prefix, and each is given once.
   * @returns {AsyncGenerator<ListedObject, void, undefined>}
   */
  list(prefix, options) {
    return this.#listing.list(prefix, options);
  }

  /**
   * Delete the object, which takes a presigned URL of S3: no PAR can delete.
   *
   * @param {string} key
   * @param {AbortSignal} [signal]
   */
  async delete(key, signal) {
    await this.#api.send({ operation: "delete_object", key, via: "s3" }, { signal });
  }

  /**
   * Make a copy of an object inside the store.
   *
   * @param {string} sourceKey
   * @param {string} key  Of the copy.
   * @param {AbortSignal} [signal]
   * @returns {Promise<string>}  The ETag of the copy, without quotes.
   */
  async copy(sourceKey, key, signal) {
    return copyObject(this.#api, sourceKey, key, signal);
  }

  /**
   * Store `file` as the object `key`. The policy's refusal comes before a byte is sent.
   *
   * @param {File | Blob} file
   * @param {string} key
   * @param {UploadOptions} [options]
   * @returns {Promise<StoredObject>}
   */
  async upload(file, key, options) {
    const context = { api: this.#api, slots: this.#slots, unfinished: this.#unfinished };
    return upload(context, file, key, optionsOf(options));
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
      .map(({ key, name, size, lastModified, digest, loaded }) => ({ key, name, size, lastModified, digest, loaded }));
  }

  /**
   * Give up an unfinished upload, and let the store drop its parts.
   *
   * @param {File | Blob | UnfinishedUpload} file
   * @param {string} key
   */
  async discard(file, key) {
    await discard(this.#api, this.#unfinished, file, key);
  }

  /**
   * @param {{ operation: string } & Record<string, unknown>} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<Share>}
   */
  async #share(request, signal) {
    return shareOf(await withRetries(() => this.#api.sign(request, signal), { signal }));
  }
}

/**
 * @param {SignedUrl} signed
 * @returns {Share}
 */
function shareOf({ url, expiresAt, bucket, id }) {
  return { url, expiresAt, bucket, id };
}
