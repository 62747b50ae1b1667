/** Give this as the reason when you abort an upload's signal to go on later: `controller.abort(PAUSE)`. */
declare const PAUSE: unique symbol;
export type FieldError = {
    pointer: string;
    detail: string;
};
/** @typedef {{ pointer: string, detail: string }} FieldError  A validation error or an exceeded limit, from the API. */
/** Every failure of this module. */
declare class PresignError extends Error {
    code: string;
    status: number;
    errors: FieldError[];
    retryAfterMs: number;
    fromStore: boolean;
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
    constructor(message: string, { code, status, errors, retryAfterMs, fromStore, cause }: {
        code: string;
        status?: number;
        errors?: FieldError[];
        retryAfterMs?: number;
        fromStore?: boolean;
        cause?: unknown;
    });
}
/** Runs a limited number of actions at once; the others wait for their turn. */
declare class Slots {
    #private;
    /** @param {number} count */
    constructor(count: number);
    /**
     * @template T
     * @param {AbortSignal} signal
     * @param {() => Promise<T>} action
     * @returns {Promise<T>}
     */
    run<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T>;
}
export type RetryOptions = {
    signal?: AbortSignal;
    /**
     * Called when an attempt has failed and another will follow.
     */
    onWait?: () => void;
};
export type TransferOptions = {
    signal?: AbortSignal;
    /**
     * Called with the number of bytes sent so far.
     */
    onProgress?: (bytes: number) => void;
    /**
     * After so long without progress the connection counts as lost.
     */
    stallMs?: number;
};
export type StoreRequest = {
    method: string;
    url: string;
    headers: Record<string, string>;
};
export type StoreAnswer = {
    status: number;
    text: string;
    /**
     * Null too where the store does not let a page read the header.
     */
    header: (name: string) => string | null;
};
export type Via = "s3" | "par";
export type SignedUrl = {
    url: string;
    method: string;
    headers: Record<string, string>;
    via: Via;
    bucket: string;
    /**
     * Of a PAR.
     */
    id?: string;
    /**
     * RFC 3339.
     */
    expiresAt: string;
    /**
     * When to ask for another one, in milliseconds of our own clock.
     */
    staleAt: number;
};
export type UrlRequest = {
    operation: string;
} & Record<string, unknown>;
export type PresignOptions = {
    /**
     * URL of the API, such as `https://…/v1/presign`.
     */
    endpoint: string;
    /**
     * Gives the user's token. It is called
     * before each request, and once more with `refresh` when the token was refused.
     */
    getToken?: (need: {
        refresh: boolean;
    }) => string | Promise<string>;
    /**
     * The API's default bucket if left out.
     */
    bucket?: string;
    /**
     * Ask only for access of this kind; by default the policy decides.
     */
    via?: Via;
    /**
     * Separates this user's unfinished uploads from those of others in the same browser; by
     * default the claim `sub` of the token. Uploads of an unknown user are forgotten with the page.
     */
    user?: string;
};
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
declare class Api {
    #private;
    endpoint: string;
    bucket: string | undefined;
    via: Via | undefined;
    /** @param {PresignOptions} options */
    constructor({ endpoint, getToken, bucket, via, user }: PresignOptions);
    /**
     * The user whom unfinished uploads belong to; null if nobody can tell.
     *
     * @returns {Promise<string | null>}
     */
    user(): Promise<string | null>;
    /**
     * Ask for a URL.
     *
     * @param {UrlRequest} request
     * @param {AbortSignal} [signal]
     * @returns {Promise<SignedUrl>}
     */
    sign(request: UrlRequest, signal?: AbortSignal): Promise<SignedUrl>;
    /**
     * Ask for several URLs in one call.
     *
     * @param {UrlRequest[]} requests
     * @param {AbortSignal} [signal]
     * @returns {Promise<(SignedUrl | PresignError)[]>}
     */
    signAll(requests: UrlRequest[], signal?: AbortSignal): Promise<(SignedUrl | PresignError)[]>;
    /**
     * Ask for a URL for an upload in one request. A presigned URL is bound to the file's size and digest; a PAR can't be.
     *
     * @param {UrlRequest} request
     * @param {{ content_length: number, checksum_sha256?: string }} bound
     * @param {AbortSignal} [signal]
     * @returns {Promise<SignedUrl>}
     */
    signPut(request: UrlRequest, bound: {
        content_length: number;
        checksum_sha256?: string;
    }, signal?: AbortSignal): Promise<SignedUrl>;
    /**
     * Ask for a URL and use it, and repeat while the failure may pass. The URL serves again until it is stale or refused.
     *
     * @param {UrlRequest | ((signal?: AbortSignal) => Promise<SignedUrl>)} request  For the API, or how to get a URL.
     * @param {TransferOptions & RetryOptions & { body?: Blob | string }} [options]
     * @returns {Promise<StoreAnswer>}
     */
    request(request: UrlRequest | ((signal?: AbortSignal) => Promise<SignedUrl>), { body, onWait, ...options }?: TransferOptions & RetryOptions & {
        body?: Blob | string;
    }): Promise<StoreAnswer>;
    /**
     * Send a body to the API.
     *
     * @param {string} path
     * @param {object} body
     * @param {AbortSignal} [signal]
     * @param {boolean} [refresh]  Whether to get a new token first.
     * @returns {Promise<any>}
     */
    ask(path: string, body: object, signal?: AbortSignal, refresh?: boolean): Promise<any>;
}
export type ListOptions = {
    delimiter?: "/";
    signal?: AbortSignal;
};
export type Page = {
    entries: ListedObject[];
    next: string;
};
export type UploadJob = {
    api: Api;
    slots: Slots;
    file: File;
    key: string;
    description: {
        key: string;
        content_type: string;
        metadata?: Record<string, string>;
    };
    /**
     * Whether digests are sent.
     */
    integrity: boolean;
    signal: AbortSignal;
    progress: ProgressReport;
};
/** S3's limits of a multipart upload: the smallest part but the last, and the most parts. */
declare const MIN_PART_BYTES: number;
declare const MAX_PARTS = 10000;
export type Part = {
    number: number;
    body: Blob;
    onProgress: (bytes: number) => void;
};
export type UnfinishedUpload = {
    key: string;
    /**
     * Of the file.
     */
    name: string;
    /**
     * Of the file, in bytes.
     */
    size: number;
    /**
     * Of the file.
     */
    lastModified: number;
    /**
     * The SHA-256 of the file's first and last MiB, in hexadecimal.
     */
    digest: string;
};
export type Progressed = {
    /**
     * Of an upload by the S3 API.
     */
    uploadId?: string;
    /**
     * Of an upload by a PAR. Its holder can send parts, and complete or abort the upload.
     */
    accessUrl?: string;
    /**
     * The parts that a PAR has taken; the S3 API lists them itself.
     */
    sent?: number[];
    /**
     * Whether the store was asked to complete it.
     */
    completing?: boolean;
};
export type UploadState = UnfinishedUpload & Progressed;
export type Progress = {
    /**
     * Bytes sent.
     */
    loaded: number;
    /**
     * Bytes of the file.
     */
    total: number;
    /**
     * Whether the upload waits to try again, as the connection or a server failed.
     */
    waiting: boolean;
};
/**
 * @typedef {object} Progress
 * @property {number} loaded  Bytes sent.
 * @property {number} total  Bytes of the file.
 * @property {boolean} waiting  Whether the upload waits to try again, as the connection or a server failed.
 */
/** Adds up the progress of the parts of one file. */
declare class ProgressReport {
    #private;
    /**
     * @param {number} total
     * @param {(progress: Progress) => void} onProgress
     */
    constructor(total: number, onProgress: (progress: Progress) => void);
    /**
     * @param {number} part
     * @param {number} bytes
     */
    sent(part: number, bytes: number): void;
    /** @param {number} [part]  The one that must be sent again from its beginning. */
    waiting(part?: number): void;
    done(): void;
    /** Nothing counts as sent any more. */
    restart(): void;
}
export type UploadOptions = {
    onProgress?: (progress: Progress) => void;
    /**
     * Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
     */
    signal?: AbortSignal;
    /**
     * Media type of the object; by default the file's own.
     */
    contentType?: string;
    /**
     * Names and values that are stored with the object.
     */
    metadata?: Record<string, string>;
    /**
     * Send a digest with each part, so that the store refuses a part that arrives damaged.
     */
    integrity?: boolean;
};
/**
 * @typedef {object} UploadOptions
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]  Cancels the upload; with `PAUSE` as its reason, the sent parts are kept.
 * @property {string} [contentType]  Media type of the object; by default the file's own.
 * @property {Record<string, string>} [metadata]  Names and values that are stored with the object.
 * @property {boolean} [integrity]  Send a digest with each part, so that the store refuses a part that arrives damaged.
 */
/** A file of this size or more is sent in parts. */
declare const MULTIPART_FROM_BYTES: number;
export type Share = {
    url: string;
    /**
     * RFC 3339.
     */
    expiresAt: string;
    bucket: string;
    /**
     * With it the URL can be revoked; only URLs of pre-authenticated requests have one.
     */
    id?: string;
};
export type ListedObject = {
    /**
     * Of the object; with a delimiter, also a common prefix of several.
     */
    key: string;
    isPrefix: boolean;
    /**
     * In bytes.
     */
    size: number;
    modifiedAt: Date | null;
    /**
     * Reads the object for some minutes, where the list came by a pre-authenticated request.
     */
    url?: string;
};
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
declare class PresignClient {
    #private;
    /** @param {PresignOptions} options */
    constructor(options: PresignOptions);
    /**
     * A URL that shows the object or, with a name, saves it as a file. It works like a password until it expires, so ask
     * for it when it is needed.
     *
     * @param {string} key
     * @param {{ saveAs?: string, expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
     * @returns {Promise<string>}
     */
    link(key: string, options?: {
        saveAs?: string;
        expiresIn?: number;
        signal?: AbortSignal;
    }): Promise<string>;
    /**
     * A URL as `link` gives it, together with what `revoke` needs.
     *
     * @param {string} key
     * @param {{ saveAs?: string, expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
     * @returns {Promise<Share>}
     */
    share(key: string, { saveAs, expiresIn, signal }?: {
        saveAs?: string;
        expiresIn?: number;
        signal?: AbortSignal;
    }): Promise<Share>;
    /**
     * A URL for every object whose key begins with `prefix`; append the rest of a key to it. The policy must give
     * pre-authenticated requests there.
     *
     * @param {string} prefix  Ends with a slash.
     * @param {{ expiresIn?: number, signal?: AbortSignal }} [options]  `expiresIn` in seconds.
     * @returns {Promise<Share>}
     */
    shareFolder(prefix: string, { expiresIn, signal }?: {
        expiresIn?: number;
        signal?: AbortSignal;
    }): Promise<Share>;
    /**
     * Make a shared URL stop working.
     *
     * @param {{ bucket: string, id?: string }} share
     * @param {AbortSignal} [signal]
     */
    revoke({ bucket, id }: {
        bucket: string;
        id?: string;
    }, signal?: AbortSignal): Promise<void>;
    /**
     * Let the browser download the object.
     *
     * @param {string} key
     * @param {{ saveAs?: string }} [options]  The file's name: by default the key's last part.
     */
    download(key: string, { saveAs }?: {
        saveAs?: string;
    }): Promise<void>;
    /**
     * The size of the object in bytes, or null if there is none.
     *
     * @param {string} key
     * @param {AbortSignal} [signal]
     * @returns {Promise<number | null>}
     */
    size(key: string, signal?: AbortSignal): Promise<number | null>;
    /**
     * The objects whose keys begin with `prefix`, in the order of their keys.
     *
     * @param {string} prefix
     * @param {{ delimiter?: "/", signal?: AbortSignal }} [options]  With a delimiter, keys end at the first slash after
     *   the prefix, and each is given once.
     * @returns {AsyncGenerator<ListedObject, void, undefined>}
     */
    list(prefix: string, options?: {
        delimiter?: "/";
        signal?: AbortSignal;
    }): AsyncGenerator<ListedObject, void, undefined>;
    /**
     * Delete the object, which takes a presigned URL of S3: no PAR can delete.
     *
     * @param {string} key
     * @param {AbortSignal} [signal]
     */
    delete(key: string, signal?: AbortSignal): Promise<void>;
    /**
     * Store `file` as the object `key`. The policy's refusal comes before a byte is sent.
     *
     * @param {File} file
     * @param {string} key
     * @param {UploadOptions} [options]
     */
    upload(file: File, key: string, options?: UploadOptions): Promise<void>;
    /**
     * The user's uploads that were begun in this browser and not ended: paused ones, and those whose page was closed.
     * `upload` with the same file and key goes on with one.
     *
     * @returns {Promise<UnfinishedUpload[]>}
     */
    unfinished(): Promise<UnfinishedUpload[]>;
    /**
     * Give up an unfinished upload, and let the store drop its parts.
     *
     * @param {File | UnfinishedUpload} file
     * @param {string} key
     */
    discard(file: File | UnfinishedUpload, key: string): Promise<void>;
}
export { MAX_PARTS, MIN_PART_BYTES, MULTIPART_FROM_BYTES, PAUSE, PresignClient, PresignError };
