// A client of the presign function for Android and the JVM, in one file. It needs only the platform and org.json, which
// Android has. All functions block: call them from a background thread, a coroutine or a Worker.
//
// Its sections, each under such a line as "---- Files ----":
//
//   Errors and results   what functions throw and give
//   The client           PresignClient: its functions first, then uploads, lists, and requests
//   Callers              their tokens, and their progress
//   Files                the file to upload, the state of an upload, the file of a download
//   HTTP                 a request and its answer, deadlines, and the addresses that are safe
//   Answers              errors in JSON, what headers tell, and XML

package presign

import java.io.ByteArrayOutputStream
import java.io.EOFException
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile
import java.io.StringReader
import java.net.HttpURLConnection
import java.net.SocketTimeoutException
import java.net.URI
import java.net.URISyntaxException
import java.net.URLEncoder
import java.net.UnknownHostException
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.StandardCopyOption
import java.security.MessageDigest
import java.time.Duration
import java.time.Instant
import java.time.ZonedDateTime
import java.time.format.DateTimeFormatter
import java.time.format.DateTimeParseException
import java.util.Base64
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ExecutionException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import java.util.concurrent.locks.ReentrantLock
import javax.xml.parsers.SAXParserFactory
import kotlin.math.max
import kotlin.math.min
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject
import org.xml.sax.Attributes
import org.xml.sax.InputSource
import org.xml.sax.SAXException
import org.xml.sax.helpers.DefaultHandler

// ---- Errors and results ----

/** An error in one field of a request: its JSON pointer, and what is wrong with it. */
data class FieldError(val pointer: String, val detail: String)

/**
 * The operation failed. No message holds a URL, a signature or a token.
 *
 * @property code of the problem that the function told (`access_denied`, …), of the error that Object Storage told
 *   (`NoSuchKey`, …), `http_502` and the like where an answer has no code, or one of this client: `unauthorized`,
 *   `wrong_endpoint`, `payload_too_large`, `wrong_media_type`, `connection_failed`, `foreign_answer`, `redirected`,
 *   `no_token`, `invalid_argument`, `unreadable_file`, `unwritable_file`, `changed`, `checksum_mismatch`,
 *   `not_revocable`, `stopped`.
 * @property status of the answer, 0 if there was none.
 * @property errors the fields that are wrong, or the limits that were exceeded.
 * @property fromStore whether Object Storage answered so, not the function.
 * @property retryAfterSeconds how long the server asks to wait, 0 if it does not say.
 */
class PresignException(
    message: String,
    val code: String,
    val status: Int = 0,
    val errors: List<FieldError> = emptyList(),
    val fromStore: Boolean = false,
    val retryAfterSeconds: Long = 0,
    cause: Throwable? = null,
) : IOException(message, cause) {
    /** Whether the same request may succeed later. */
    val passes: Boolean
        get() = code == "connection_failed" || status in PASSING || (fromStore && (status >= 500 || code in DAMAGED))

    /** Whether the host's name has no address, and never had one here. So it may be wrong. */
    internal var isUnknownHost = false

    /** Whether a rule allows the request by a pre-authenticated request only, which can bind less. */
    internal val wantsPar: Boolean
        get() = !fromStore && status == 400 && errors.isNotEmpty() && errors.all { it.pointer in UNBOUND }

    /** Whether Object Storage refuses the URL itself: it has expired, or was revoked. */
    internal val refusesUrl: Boolean
        get() {
            if (!fromStore || code == "foreign_answer") return false
            return status == 401 || status == 403 || code == "NotAuthorizedOrNotFound"
        }

    private companion object {
        val PASSING = setOf(408, 429, 502, 503, 504)
        val UNBOUND = setOf("/operation", "/content_length", "/content_md5")

        /** The store's codes for a body that does not have the digest that was sent with it. */
        val DAMAGED = setOf("BadDigest", "UnmatchedContentMD5")
    }
}

/**
 * A URL and how to use it: send [method] to [url] with exactly these [headers].
 *
 * @property expiresAt RFC 3339.
 * @property via `s3`, or `par` for a pre-authenticated request.
 * @property id of a pre-authenticated request, which [PresignClient.revoke] takes back; null for another URL.
 * @property answer everything that the function said.
 */
class PresignedUrl internal constructor(val answer: JSONObject) {
    val url: String = answer.getString("url")
    val method: String = answer.getString("method")
    val headers: Map<String, String> = answer.getJSONObject("headers").let { found ->
        found.keys().asSequence().associateWith { found.getString(it) }
    }
    val expiresAt: String = answer.getString("expires_at")
    val bucket: String = answer.getString("bucket")
    val via: String = answer.text("via") ?: "s3"
    val id: String? = answer.text("id")

    init {
        val isSendable = method in METHODS && headers.all { (name, value) -> name.matches(TOKEN) && value.matches(VALUE) }
        if (!isSecure(url) || !isSendable) throw foreign(API)
    }

    private companion object {
        val METHODS = setOf("GET", "HEAD", "PUT", "POST", "DELETE")
        val TOKEN = Regex("[!-~]+")
        val VALUE = Regex("[^\\p{Cntrl}]*")
    }
}

/**
 * An object in a list, or what several keys have in common.
 *
 * @property key of the object, or the common prefix.
 * @property size in bytes.
 * @property modifiedAt RFC 3339.
 */
data class Entry(val key: String, val isPrefix: Boolean, val size: Long, val modifiedAt: String)

/**
 * An object that was stored.
 *
 * @property size in bytes.
 * @property sha256 digest of the bytes, hexadecimal.
 */
data class Uploaded(val size: Long, val etag: String, val sha256: String)

/**
 * An object that was read.
 *
 * @property size in bytes.
 * @property sha256 digest of the bytes, hexadecimal.
 * @property verified whether it was compared with a digest that the caller or the upload told.
 */
data class Downloaded(val size: Long, val sha256: String, val verified: Boolean)

/** Is told how many bytes have gone, and how many there are. The first number falls when bytes are sent again. */
typealias Progress = (done: Long, total: Long) -> Unit

// ---- The client ----

/**
 * Works with the objects of one bucket.
 *
 * Every function throws a [PresignException] if it fails. To cancel a call, interrupt its thread: the function throws an
 * [InterruptedException] at once. `runInterruptible` of kotlinx.coroutines does so when a coroutine is cancelled.
 *
 * @param endpoint URL of the API, such as `https://…/presigner/v1/presign`. Plain HTTP is for this machine only.
 *   White space around it and slashes at its end do no harm.
 * @param token gives the caller's token. It is called before each request, and once with true when its token was
 *   refused: then it should get a new one.
 * @param bucket the function's own default if null.
 * @param via `par` asks for pre-authenticated requests, `s3` for presigned URLs; by default the policy decides.
 * @param attempts how often a request is sent at most.
 * @param timeoutSeconds how long a connection may make no progress.
 * @param sleep waits so many milliseconds before another attempt.
 */
class PresignClient(
    endpoint: String,
    token: (refresh: Boolean) -> String,
    private val bucket: String? = null,
    private val via: String? = null,
    private val attempts: Int = 8,
    timeoutSeconds: Int = 60,
    private val sleep: (Long) -> Unit = Thread::sleep,
) {
    private val endpoint = address(endpoint)
    private val tokens = Tokens(token)
    private val http = Http(timeoutSeconds * 1000)

    init {
        if (timeoutSeconds !in 1..MAX_TIMEOUT_SECONDS) {
            throw invalidArgument("The time-out must be 1 to $MAX_TIMEOUT_SECONDS seconds.")
        }
    }

    /** A URL for an operation on an object. `options` are those of the operation, and `expires_in`. */
    fun url(operation: String, key: String, options: Map<String, Any> = emptyMap()): PresignedUrl =
        persistently { presign(operation, options + ("key" to key)) }

    /**
     * A URL that lets everybody who has it read an object.
     *
     * @param expiresInSeconds by default as long as the policy says.
     * @param saveAs the file name under which a browser saves it; by default the browser shows it.
     */
    fun share(key: String, expiresInSeconds: Long? = null, saveAs: String? = null): PresignedUrl =
        url("get_object", key, shareOptions(expiresInSeconds, saveAs))

    /** URLs as [share] gives them, or why there is none, by their keys: one request for every 20 of them. */
    fun shareAll(
        keys: Collection<String>,
        expiresInSeconds: Long? = null,
        saveAs: String? = null,
    ): Map<String, Result<PresignedUrl>> {
        val options = shareOptions(expiresInSeconds, saveAs)
        return keys.distinct().chunked(LINKS_IN_A_BATCH).flatMap { batch ->
            val requests = JSONArray(batch.map { request("get_object", options + ("key" to it), via) })
            val document = JSONObject().put("requests", requests)
            val results = persistently { understood { ask("/batch", document).getJSONArray("results") } }
            batch.mapIndexed { index, key -> key to understood { result(results.getJSONObject(index), "/requests/$index") } }
        }.toMap()
    }

    /** Make a URL stop working, which only a pre-authenticated request can: its [PresignedUrl.id] is not null. */
    fun revoke(url: PresignedUrl) {
        val message = "A presigned URL can't be taken back; one that was asked for with via = \"par\" can."
        revoke(url.id ?: throw PresignException(message, "not_revocable"), url.bucket)
    }

    /**
     * Make a URL stop working, of which only the id was kept.
     *
     * @param bucket of the URL; by default the client's, or else the function's own.
     */
    fun revoke(id: String, bucket: String? = this.bucket) {
        // The function's log tells the id.
        if (id.startsWith("https://", true) || id.startsWith("http://", true)) {
            throw invalidArgument("The id of a URL is needed, not the URL.")
        }
        persistently { ask("/revoke", JSONObject().put("bucket", bucket).put("id", id)) }
    }

    /**
     * Store a file. A large one is sent in parts. Object Storage compares the digest of each part.
     *
     * @param state remembers the parts that were sent, so that a later call with the same file and key goes on from
     *   there, in another process too. It may hold a URL: keep it where only the app can read it. Without a state, the
     *   parts are dropped when the upload fails, which takes 10 seconds at most.
     * @param isStopped is asked again and again; true ends the call with the code `stopped`.
     */
    fun upload(
        file: File,
        key: String,
        contentType: String,
        state: File? = null,
        isStopped: () -> Boolean = { false },
        progress: Progress = { _, _ -> },
    ): Uploaded {
        val transfer = Transfer(isStopped, progress)
        val source = Source(file, transfer)
        val kept = UploadState(state, "$bucket $key ${source.size} ${source.sha256}")
        val etag = try {
            store(source, key, contentType, kept, transfer, via ?: kept.via)
        } catch (refusal: PresignException) {
            if (via != null || !refusal.wantsPar) throw refusal
            store(source, key, contentType, kept, transfer, "par")
        }
        kept.forget()
        return Uploaded(source.size, etag, source.sha256.toHex())
    }

    /** Drop an upload that was begun with this state, and the parts that were sent. */
    fun discard(key: String, state: File) {
        val kept = UploadState(state, null)
        if (kept.uploadId != null) abort(parts(key, kept.via), kept)
        kept.forget()
    }

    /**
     * Read an object into a file, which is replaced once the object is there as a whole.
     *
     * @param sha256 digest that the bytes must have, hexadecimal; by default the one that [upload] stored with them.
     * @param isStopped is asked again and again; true ends the call with the code `stopped`.
     */
    fun download(
        key: String,
        file: File,
        sha256: String? = null,
        isStopped: () -> Boolean = { false },
        progress: Progress = { _, _ -> },
    ): Downloaded {
        val transfer = Transfer(isStopped, progress)
        val download = Download(file)
        try {
            persistently(transfer) {
                if (!download.isWhole) {
                    val url = presign("get_object", mapOf("key" to key), via, transfer)
                    val request = Request(url.method, url.url, url.headers + download.range())
                    http.exchange(request, true, transfer) { download.receive(it, transfer) }
                }
            }
            return download.finish(sha256)
        } catch (failure: PresignException) {
            if (failure.status != 412) throw failure
            throw PresignException("The object was replaced while it was downloaded.", "changed", 412, fromStore = true)
        } finally {
            download.close()
        }
    }

    /**
     * The objects whose keys begin with `prefix`, in the order of their keys. Each page of them is a request, which is
     * sent when it is needed.
     *
     * @param delimiter keys that are equal up to the first one behind the prefix become one entry.
     */
    fun list(prefix: String, delimiter: String? = null): Sequence<Entry> = sequence {
        var pages: Pages = if (via == "par") ParPages(prefix, delimiter) else S3Pages(prefix, delimiter)
        while (true) {
            val entries = try {
                pages.next()
            } catch (refusal: PresignException) {
                if (via != null || refusal.fromStore || '/' !in prefix || pages is ParPages) throw refusal
                if (!refusal.wantsPar && refusal.code != "access_denied") throw refusal
                pages = ParPages(prefix, delimiter)
                pages.next()
            }
            yieldAll(entries)
            if (pages.isLast) return@sequence
        }
    }

    /** Make a copy of an object inside Object Storage: the ETag of the copy. */
    fun copy(sourceKey: String, key: String, sourceBucket: String? = null): String {
        val source = if (sourceBucket == null) emptyMap() else mapOf("source_bucket" to sourceBucket)
        val options = source + mapOf("key" to key, "source_key" to sourceKey)
        val answer = persistently { use(presign("copy_object", options), waitMs = COMPLETION_MS) }
        return Xml.of(answer.body)?.texts?.get("ETag") ?: throw foreign(STORE)
    }

    /** The bytes of an object, null if there is none. */
    fun size(key: String): Long? = try {
        val length = persistently { use(presign("head_object", mapOf("key" to key))) }.length
        if (length < 0) throw foreign(STORE) else length
    } catch (missing: PresignException) {
        if (missing.status != 404 || !missing.fromStore) throw missing
        null
    }

    /** Delete an object. There need not be one. */
    fun delete(key: String) {
        persistently { use(presign("delete_object", mapOf("key" to key))) }
    }

    // -- Uploads

    private fun store(
        source: Source, key: String, contentType: String, state: UploadState, transfer: Transfer, via: String?,
    ): String {
        val description = mapOf("content_type" to contentType, "metadata" to mapOf("sha256" to source.sha256))
        if (source.size < PARTS_FROM_BYTES) return storeWhole(source, description + ("key" to key), transfer, via)
        val parts = parts(key, via, description, transfer)
        if (state.via != parts.via) state.ignore()
        val wasKnown = state.uploadId != null
        try {
            return storeParts(source, parts, state, transfer)
        } catch (failure: Exception) {
            if (failure is PresignException && wasKnown && parts.isGone(failure)) {
                if (state.isCompleting) find(key, source, transfer)?.let { return it }
                state.forget()
                return storeParts(source, parts, state, transfer)
            }
            if (!state.isKept) abort(parts(key, via, transfer = Transfer(timer(ABORT_MS))), state)
            throw failure
        }
    }

    private fun storeWhole(source: Source, description: Map<String, Any>, transfer: Transfer, via: String?): String {
        val part = source.part(0, source.size)
        val bound = if (via == "par") emptyMap() else mapOf("content_length" to part.size, "content_md5" to part.md5)
        return persistently(transfer) {
            source.checkUnchanged()
            val url = presign("put_object", description + bound, via, transfer)
            transfer.tell(0, source.size)
            val body = part.body { transfer.tell(it, source.size) }
            use(url, body, part.digest(), transfer = transfer).etag ?: throw foreign(STORE)
        }
    }

    private fun storeParts(source: Source, parts: Parts, state: UploadState, transfer: Transfer): String {
        if (state.uploadId == null) {
            val (uploadId, partBytes) = persistently(transfer) { parts.begin(source.size) }
            state.begin(parts.via, uploadId, partBytes)
        }
        val digest = MessageDigest.getInstance("SHA-256")
        val count = max(1, (source.size + state.partBytes - 1) / state.partBytes)
        for (number in 1..count) {
            val start = (number - 1) * state.partBytes
            val part = source.part(start, min(state.partBytes, source.size - start), digest)
            if (state.md5(number) == part.md5) {
                transfer.tell(start + part.size, source.size)
                continue
            }
            val etag = persistently(transfer) {
                source.checkUnchanged()
                parts.send(state.uploadId!!, number, part) { transfer.tell(start + it, source.size) }
            }
            state.add(number, part.md5, etag)
        }
        source.checkUnchanged()
        // The parts must have the bytes whose digest was stored, or nobody could download the object.
        if (digest.digest().toBase64() != source.sha256) throw fileChanged()
        val wasCompleting = state.isCompleting
        state.complete()
        var isFirst = !wasCompleting
        return persistently(transfer) {
            try {
                parts.complete(state.uploadId!!, state.etags(count))
            } catch (gone: PresignException) {
                // The answer to an earlier attempt may have been lost; then that one has joined the parts.
                if (isFirst || !parts.isGone(gone)) throw gone
                find(parts.key, source, transfer) ?: throw gone
            } finally {
                isFirst = false
            }
        }
    }

    /** The ETag of the object if it is this file. */
    private fun find(key: String, source: Source, transfer: Transfer): String? = try {
        persistently(transfer) { use(presign("head_object", mapOf("key" to key), via, transfer), transfer = transfer) }
            .takeIf { it.sha256 == source.sha256 }?.etag
    } catch (missing: PresignException) {
        if (missing.status != 404) throw missing
        null
    }

    private fun abort(parts: Parts, state: UploadState) {
        val uploadId = state.uploadId ?: return
        try {
            persistently(parts.transfer) { parts.abort(uploadId) }
        } catch (failure: PresignException) {
            // Without a state nobody can try again: a lifecycle rule of the bucket drops the parts.
            if (state.isKept && !parts.isGone(failure)) throw failure
        }
    }

    private fun parts(
        key: String, via: String?, description: Map<String, Any> = emptyMap(), transfer: Transfer = Transfer(),
    ): Parts = if (via == "par") ParParts(key, description, transfer) else S3Parts(key, description, transfer)

    /** One upload in parts. */
    private abstract class Parts(val via: String, val key: String, val transfer: Transfer) {
        /** Begin it: its id, and the bytes that each part but the last has. */
        abstract fun begin(size: Long): Pair<String, Long>

        /** Send a part: its ETag. */
        abstract fun send(uploadId: String, number: Long, part: Part, progress: (Long) -> Unit): String

        /** Join the parts: the ETag of the object. */
        abstract fun complete(uploadId: String, etags: List<String>): String

        /** Drop it and its parts. */
        abstract fun abort(uploadId: String)

        /** Whether there is no such upload (any more), or not all of its parts. */
        abstract fun isGone(failure: PresignException): Boolean
    }

    /** An upload of the S3 API, with a URL for each step. */
    private inner class S3Parts(key: String, private val description: Map<String, Any>, transfer: Transfer) :
        Parts("s3", key, transfer) {
        override fun begin(size: Long): Pair<String, Long> {
            val url = sign("create_multipart_upload", description)
            val partBytes = partBytes(size, url.answer, MIN_S3_PART_BYTES)
            val id = Xml.of(use(url, transfer = transfer).body)?.texts?.get("UploadId") ?: throw foreign(STORE)
            return id to partBytes
        }

        override fun send(uploadId: String, number: Long, part: Part, progress: (Long) -> Unit): String {
            val bound = mapOf("part_number" to number, "content_length" to part.size, "content_md5" to part.md5)
            // Each attempt has a URL of its own, so that it does not matter how long the one before took.
            val url = sign("upload_part", bound + ("upload_id" to uploadId))
            return use(url, part.body(progress), transfer = transfer).etag ?: throw foreign(STORE)
        }

        override fun complete(uploadId: String, etags: List<String>): String {
            val listed = etags.mapIndexed { index, etag ->
                "<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.escaped()}</ETag></Part>"
            }
            val document = "<CompleteMultipartUpload>${listed.joinToString("")}</CompleteMultipartUpload>"
            val url = sign("complete_multipart_upload", mapOf("upload_id" to uploadId))
            val answer = use(url, Body.of(document.toByteArray()), waitMs = COMPLETION_MS, transfer = transfer)
            return Xml.of(answer.body)?.texts?.get("ETag") ?: throw foreign(STORE)
        }

        override fun abort(uploadId: String) {
            use(sign("abort_multipart_upload", mapOf("upload_id" to uploadId)), transfer = transfer)
        }

        override fun isGone(failure: PresignException) = failure.code == "NoSuchUpload" || failure.code == "InvalidPart"

        private fun sign(operation: String, options: Map<String, Any>) =
            presign(operation, options + ("key" to key), this@PresignClient.via.takeIf { it == via }, transfer)
    }

    /**
     * An upload of the native API by one pre-authenticated request, as Oracle documents in "Pre-Authenticated Request
     * Object URLs in Object Storage", "Putting a Large Object". Its id is a URL that lets anybody add parts.
     */
    private inner class ParParts(key: String, private val description: Map<String, Any>, transfer: Transfer) :
        Parts("par", key, transfer) {
        override fun begin(size: Long): Pair<String, Long> {
            val url = presign("put_object", description + ("key" to key), via, transfer)
            val partBytes = partBytes(size, url.answer, PAR_PART_BYTES)
            val begun = use(url, Body.EMPTY, mapOf("opc-multipart" to "true"), transfer = transfer)
            val path = begun.json()?.text("accessUri") ?: ""
            if (!path.startsWith("/p/") || !path.endsWith("/")) throw foreign(STORE)
            return originOf(url.url) + path to partBytes
        }

        override fun send(uploadId: String, number: Long, part: Part, progress: (Long) -> Unit): String =
            use(Request("PUT", "$uploadId$number", part.digest(), part.body(progress)), transfer).etag
                ?: throw foreign(STORE)

        override fun complete(uploadId: String, etags: List<String>): String =
            use(Request("POST", uploadId, body = Body.EMPTY, waitMs = COMPLETION_MS), transfer).etag
                ?: throw foreign(STORE)

        override fun abort(uploadId: String) {
            use(Request("DELETE", uploadId), transfer)
        }

        override fun isGone(failure: PresignException) = failure.fromStore && failure.status in listOf(401, 404)
    }

    /** The size of each part but the last. */
    private fun partBytes(size: Long, answer: JSONObject, default: Long): Long {
        val most = answer.optLong("max_content_length", size)
        if (size > most) {
            val error = FieldError("/content_length", "must be at most $most")
            throw PresignException("The file is larger than is allowed.", "limit_exceeded", 403, listOf(error))
        }
        val maxParts = answer.optLong("max_parts", MAX_PARTS)
        val least = answer.optLong("part_size", default)
        if (maxParts < 1 || least < 1) throw foreign(API)
        return max(least, (size - 1) / maxParts + 1)
    }

    // -- Lists

    private abstract inner class Pages(val prefix: String, val delimiter: String?) {
        var isLast = false

        abstract fun next(): List<Entry>
    }

    private inner class S3Pages(prefix: String, delimiter: String?) : Pages(prefix, delimiter) {
        private var token: String? = null

        override fun next(): List<Entry> {
            val all = mapOf("prefix" to prefix, "delimiter" to delimiter, "continuation_token" to token)
            val options = all.filterValues { it != null }.mapValues { it.value!! }
            val answer = persistently { use(presign("list_objects_v2", options)) }
            val page = Xml.of(answer.body)?.takeIf { it.root == "ListBucketResult" } ?: throw foreign(STORE)
            val following = page.texts["NextContinuationToken"]
            isLast = page.texts["IsTruncated"] != "true"
            if (!isLast && (following == null || following == token)) throw foreign(STORE)
            token = following
            return page.records.mapNotNull { (kind, found) ->
                when (kind) {
                    "Contents" -> Entry(
                        found["Key"] ?: throw foreign(STORE), false, found["Size"]?.toLongOrNull() ?: 0, found["LastModified"] ?: "",
                    )
                    "CommonPrefixes" -> Entry(found["Prefix"] ?: throw foreign(STORE), true, 0, "")
                    else -> null
                }
            }.sortedBy { it.key }
        }
    }

    /** Pages of a folder that a pre-authenticated request lets its holder list. */
    private inner class ParPages(prefix: String, delimiter: String?) : Pages(prefix, delimiter) {
        private var folder: PresignedUrl? = null
        private var start: String? = null

        override fun next(): List<Entry> {
            val page = persistently { read() }
            val following = page.text("nextStartWith")
            isLast = following.isNullOrEmpty()
            if (!isLast && following == start) throw foreign(STORE)
            start = following
            return understood(STORE) { entries(page) }
        }

        private fun entries(page: JSONObject): List<Entry> {
            val objects = page.optJSONArray("objects") ?: throw foreign(STORE)
            val entries = (0 until objects.length()).map { objects.getJSONObject(it) }.map {
                Entry(it.getString("name"), false, it.optLong("size"), it.text("timeModified") ?: "")
            }
            val common = page.optJSONArray("prefixes") ?: JSONArray()
            val prefixes = (0 until common.length()).map { Entry(common.getString(it), true, 0, "") }
            return (entries + prefixes).sortedBy { it.key }
        }

        private fun read(): JSONObject {
            val options = mapOf("prefix" to prefix.substringBeforeLast('/') + "/", "listing" to true)
            val url = folder ?: presign("get_prefix", options, null).also { folder = it }
            val root = PAR_ROOT.find(url.url)?.value ?: throw foreign(API)
            val all = mapOf("prefix" to prefix, "delimiter" to delimiter, "start" to start, "fields" to LIST_FIELDS)
            val query = all.filterValues { it != null }.map { "${it.key}=${URLEncoder.encode(it.value, "UTF-8")}" }
            try {
                return use(Request("GET", "$root?${query.joinToString("&")}"), Transfer()).json() ?: throw foreign(STORE)
            } catch (refusal: PresignException) {
                if (refusal.refusesUrl) folder = null
                throw refusal
            }
        }
    }

    // -- Requests

    private fun shareOptions(expiresInSeconds: Long?, saveAs: String?): Map<String, Any> {
        val all = mapOf("expires_in" to expiresInSeconds, "download_as" to saveAs)
        return all.filterValues { it != null }.mapValues { it.value!! }
    }

    private fun request(operation: String, options: Map<String, Any>, via: String?): JSONObject {
        val request = try {
            JSONObject(options).apply { toString(0) }.put("operation", operation)
        } catch (_: JSONException) {
            throw invalidArgument("The options must be values that JSON can hold.")
        }
        if (bucket != null) request.put("bucket", bucket)
        if (via != null) request.put("via", via)
        return request
    }

    private fun presign(
        operation: String, options: Map<String, Any>, via: String? = this.via, transfer: Transfer = Transfer(),
    ): PresignedUrl = understood { result(ask("", request(operation, options, via), transfer)) }.getOrThrow()

    /** The URL that was asked for, or why there is none. `at` is where its request was in a batch. */
    private fun result(answer: JSONObject, at: String = ""): Result<PresignedUrl> {
        val problem = answer.optJSONObject("problem") ?: return Result.success(PresignedUrl(answer))
        return Result.failure(problem(problem, problem.optInt("status"), 0, at))
    }

    private fun ask(path: String, document: JSONObject, transfer: Transfer = Transfer()): JSONObject {
        val token = tokens.current()
        val answer = send(path, document, token, transfer)
        if (answer.status != 401) return answer.orProblem()
        val renewed = tokens.renewed(token)
        return (if (renewed == token) answer else send(path, document, renewed, transfer)).orProblem()
    }

    private fun send(path: String, document: JSONObject, token: String, transfer: Transfer): Answer {
        val headers = mapOf("Authorization" to "Bearer $token", "Content-Type" to "application/json")
        val request = Request("POST", endpoint + path, headers, Body.of(encoded(document)))
        return http.exchange(request, false, transfer, Answer::of)
    }

    private fun use(
        url: PresignedUrl, body: Body? = null, more: Map<String, String> = emptyMap(), waitMs: Int = 0,
        transfer: Transfer = Transfer(),
    ): Answer = use(Request(url.method, url.url, url.headers + more, body, waitMs), transfer)

    /** Send a request to Object Storage. */
    private fun use(request: Request, transfer: Transfer): Answer = http.exchange(request, true, transfer) { exchange ->
        Answer.of(exchange).also {
            if (it.isPage) throw foreign(STORE)
            // S3 may have sent the status 200 before it finds that it can't join the parts.
            if (Xml.of(it.body)?.root == "Error") throw storeError(it.body, 500, it.retryAfterSeconds)
        }
    }

    /** Try again, with growing pauses, what may succeed later. After a refused URL at once: it had expired. */
    private fun <T> persistently(transfer: Transfer = Transfer(), attempt: () -> T): T {
        var failures = 0
        var refusals = 0
        while (true) {
            transfer.check()
            try {
                return attempt()
            } catch (failure: PresignException) {
                if (failure.refusesUrl && refusals++ < REFUSALS_IN_A_ROW) continue
                val asked = failure.retryAfterSeconds
                val most = if (failure.isUnknownHost) min(attempts, UNKNOWN_HOST_ATTEMPTS) else attempts
                if (!failure.passes || ++failures >= most || asked > MOST_PATIENCE_SECONDS) throw failure
                val pause = min(FIRST_PAUSE_MS shl min(failures - 1, 10), MAX_PAUSE_MS) * (0.5 + Math.random() / 2)
                transfer.pause(max(pause.toLong(), asked * 1000), sleep)
            }
        }
    }

    private companion object {
        const val PARTS_FROM_BYTES = 16L shl 20
        const val MIN_S3_PART_BYTES = 5L shl 20
        const val PAR_PART_BYTES = 16L shl 20
        const val MAX_PARTS = 10_000L
        const val LINKS_IN_A_BATCH = 20 // as many pre-authenticated requests as one call may ask for
        const val COMPLETION_MS = 600_000
        const val MAX_TIMEOUT_SECONDS = 86_400
        const val ABORT_MS = 10_000L // nobody waits longer for the end of an upload that failed
        const val FIRST_PAUSE_MS = 500L
        const val MAX_PAUSE_MS = 30_000L
        const val MOST_PATIENCE_SECONDS = 120 // a server that asks for more is not waited for
        const val REFUSALS_IN_A_ROW = 2
        const val UNKNOWN_HOST_ATTEMPTS = 5 // enough for a device that is offline for some seconds
        const val LIST_FIELDS = "name,size,timeModified"
        val PAR_ROOT = Regex("^https?://[^/]+/p/[^/]+/n/[^/]+/b/[^/]+/o/")
    }
}

// ---- Callers ----

/** The caller's tokens. When many requests are refused at the same time, one new token is asked for. */
private class Tokens(private val give: (Boolean) -> String) {
    private val lock = ReentrantLock()

    fun current(): String = alone { checked(false) }

    /** Another token than the refused one, or the same if there is no other. */
    fun renewed(refused: String): String = alone { checked(false).takeIf { it != refused } ?: checked(true) }

    /** One call at a time asks; the others can be interrupted while they wait. */
    private fun alone(ask: () -> String): String {
        lock.lockInterruptibly()
        try {
            return ask()
        } finally {
            lock.unlock()
        }
    }

    private fun checked(refresh: Boolean): String {
        val token = try {
            give(refresh)
        } catch (failure: IOException) {
            throw PresignException("The sign-in failed.", "no_token", cause = failure)
        }
        // HttpURLConnection would put the token into the text of its exception.
        if (token.isEmpty() || token.any { it <= ' ' || it > '~' }) {
            throw PresignException("The token is empty, or has characters that no token has.", "no_token")
        }
        return token
    }
}

/** Tells the caller of a transfer how far it is, and is told when to end it. */
private class Transfer(val isStopped: () -> Boolean = { false }, val tell: Progress = { _, _ -> }) {
    fun check() {
        if (Thread.interrupted()) throw InterruptedException()
        if (isStopped()) throw PresignException("The transfer was stopped.", "stopped")
    }

    fun pause(milliseconds: Long, sleep: (Long) -> Unit) {
        for (left in milliseconds downTo 1 step PAUSE_STEP_MS) {
            check()
            sleep(min(left, PAUSE_STEP_MS))
        }
    }

    fun tell(done: Long, total: Long) {
        check()
        tell.invoke(done, total)
    }

    private companion object {
        const val PAUSE_STEP_MS = 250L
    }
}

// ---- Files ----

/** The file to upload. */
private class Source(private val file: File, private val transfer: Transfer) {
    val size = file.length()
    private val modified = file.lastModified()

    /** Digest of the file in Base64, as the metadata of the object hold it. */
    val sha256: String = MessageDigest.getInstance("SHA-256").also { digest ->
        read(0, size) { bytes, count -> digest.update(bytes, 0, count) }
    }.digest().toBase64()

    /** Some bytes of the file, which `whole` is told. */
    fun part(start: Long, size: Long, whole: MessageDigest? = null): Part {
        val md5 = MessageDigest.getInstance("MD5")
        read(start, size) { bytes, count ->
            md5.update(bytes, 0, count)
            whole?.update(bytes, 0, count)
        }
        return Part(this, start, size, md5.digest().toBase64())
    }

    fun checkUnchanged() {
        if (!file.canRead()) throw unreadable()
        if (file.length() != size || file.lastModified() != modified) throw fileChanged()
    }

    fun read(start: Long, size: Long, write: (ByteArray, Int) -> Unit) {
        if (!file.isFile) throw unreadable()
        val input = try { RandomAccessFile(file, "r") } catch (_: IOException) { throw unreadable() }
        input.use {
            val chunk = ByteArray(CHUNK_BYTES)
            var left = size
            while (left > 0) {
                transfer.check()
                val count = try {
                    if (left == size) input.seek(start)
                    input.read(chunk, 0, min(chunk.size.toLong(), left).toInt())
                } catch (_: IOException) {
                    throw unreadable()
                }
                if (count < 0) throw fileChanged()
                write(chunk, count)
                left -= count
            }
        }
    }

    private fun unreadable() = PresignException("The file can't be read.", "unreadable_file")
}

private class Part(private val source: Source, private val start: Long, val size: Long, val md5: String) {
    fun digest() = mapOf("Content-MD5" to md5)

    /** The bytes for a request. `progress` is told how many have gone. */
    fun body(progress: (Long) -> Unit) = Body(size) { write ->
        var done = 0L
        if (size == 0L) progress(0)
        source.read(start, size) { bytes, count ->
            write(bytes, 0, count)
            done += count
            progress(done)
        }
    }
}

/** The state of an upload in parts. It is kept in a file, if there is one. */
private class UploadState(private val file: File?, private val identity: String?) {
    /** Whether a later call can go on with it. */
    var isKept = file != null
        private set
    private var values = load()

    val via: String? get() = values.text("via")
    val uploadId: String? get() = values.text("upload_id")
    val partBytes: Long get() = values.getLong("part_bytes")
    val isCompleting: Boolean get() = values.optBoolean("is_completing")

    fun md5(number: Long): String? = values.getJSONObject("parts").optJSONObject("$number")?.text("md5")

    fun etags(count: Long): List<String> =
        (1..count).map { values.getJSONObject("parts").getJSONObject("$it").getString("etag") }

    fun begin(via: String, uploadId: String, partBytes: Long) {
        values = JSONObject().put("of", identity).put("via", via).put("upload_id", uploadId)
        isKept = false
        save(values.put("part_bytes", partBytes).put("parts", JSONObject()))
        isKept = file != null
    }

    fun add(number: Long, md5: String, etag: String) {
        values.getJSONObject("parts").put("$number", JSONObject().put("md5", md5).put("etag", etag))
        save(values)
    }

    fun complete() = save(values.put("is_completing", true))

    /** Go on with nothing. The file stays until another upload begins. */
    fun ignore() {
        values = JSONObject()
    }

    fun forget() {
        ignore()
        file?.delete()
    }

    private fun load(): JSONObject {
        val text = try {
            file?.toPath() // some names are none where the file system has another alphabet
            file?.takeIf { it.exists() }?.readText()
        } catch (failure: InvalidPathException) {
            throw notWritten(failure)
        } catch (failure: IOException) {
            throw notWritten(failure)
        }
        val found = try { JSONObject(text ?: "{}") } catch (_: JSONException) { JSONObject() }
        val isSame = identity == null || found.text("of") == identity
        return if (isSame && isWhole(found)) found else JSONObject()
    }

    private fun isWhole(found: JSONObject): Boolean {
        val id = found.text("upload_id") ?: return false
        val parts = found.optJSONObject("parts") ?: return false
        val isOfItsKind = if (found.text("via") == "par") isSecure(id) else found.text("via") == "s3" && id.matches(ID)
        return isOfItsKind && found.optLong("part_bytes") in PART_BYTES && parts.keys().asSequence().all { number ->
            parts.optJSONObject(number)?.run { text("md5") != null && text("etag") != null } == true
        }
    }

    private fun save(values: JSONObject) {
        if (file == null) return
        try {
            val new = File("${file.path}.new")
            new.writeText(values.toString())
            replace(file, new)
        } catch (failure: IOException) {
            throw notWritten(failure)
        }
    }

    private companion object {
        val ID = Regex("[!-~]+")
        val PART_BYTES = (5L shl 20)..(50L shl 30)
    }
}

/** A file that an object is read into. */
private class Download(private val file: File) {
    private val temporary: File
    private val output: RandomAccessFile
    private val digest = MessageDigest.getInstance("SHA-256")
    private var etag: String? = null
    private var expected: String? = null
    private var done = 0L
    private var total = -1L

    init {
        try {
            file.toPath() // some names are none where the file system has another alphabet
            temporary = File.createTempFile(".presign-", ".part", file.absoluteFile.parentFile)
            output = RandomAccessFile(temporary, "rw")
        } catch (failure: InvalidPathException) {
            throw notWritten(failure)
        } catch (failure: IOException) {
            throw notWritten(failure)
        }
    }

    val isWhole: Boolean get() = done == total

    /** The headers that ask for what is missing. */
    fun range(): Map<String, String> {
        val known = etag
        return if (done == 0L || known == null) emptyMap() else mapOf("Range" to "bytes=$done-", "If-Match" to known)
    }

    fun receive(exchange: Exchange, transfer: Transfer) {
        val connection = exchange.connection
        val length = connection.contentLengthLong
        val told = connection.getHeaderField("ETag")
        if (told == null || length < 0) throw foreign(STORE)
        if (connection.responseCode == 206) {
            val range = connection.getHeaderField("Content-Range") ?: ""
            val isNext = told == etag && range.startsWith("bytes $done-") && done + length == total
            if (!isNext) throw foreign(STORE)
        } else {
            // A store that ignores the range sends everything again.
            digest.reset()
            done = 0
            total = length
            etag = told
            expected = toldDigest(connection)
            cut()
        }
        output.seek(done)
        val chunk = ByteArray(CHUNK_BYTES)
        transfer.tell(done, total)
        while (done < total) {
            val count = exchange.read(chunk, min(chunk.size.toLong(), total - done).toInt())
            if (count < 0) throw exchange.failed(EOFException())
            try { output.write(chunk, 0, count) } catch (failure: IOException) { throw notWritten(failure) }
            digest.update(chunk, 0, count)
            done += count
            transfer.tell(done, total)
        }
    }

    /** Drop what has arrived: it may have been more than is to come. */
    private fun cut() {
        try { output.setLength(0) } catch (failure: IOException) { throw notWritten(failure) }
    }

    fun finish(sha256: String?): Downloaded {
        val found = digest.digest().toBase64().toHex()
        val wanted = sha256?.lowercase() ?: expected?.toHex()
        if (wanted != null && wanted != found) {
            throw PresignException("The bytes that arrived are not those that were uploaded.", "checksum_mismatch")
        }
        try {
            output.close()
            replace(file, temporary)
        } catch (failure: IOException) {
            throw notWritten(failure)
        }
        return Downloaded(total, found, wanted != null)
    }

    fun close() {
        output.close()
        temporary.delete()
    }
}

private fun replace(file: File, new: File) {
    Files.move(new.toPath(), file.toPath(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE)
}

private fun fileChanged() = PresignException("The file was changed while it was uploaded.", "changed")

private fun notWritten(cause: Exception) =
    PresignException("The file can't be written.", "unwritable_file", cause = cause)

// ---- HTTP ----

private const val CHUNK_BYTES = 1 shl 16

/** The body of a request. It is written by each attempt anew. */
private class Body(val size: Long, val writeTo: (write: (bytes: ByteArray, start: Int, count: Int) -> Unit) -> Unit) {
    companion object {
        val EMPTY = of(ByteArray(0))

        fun of(bytes: ByteArray) = Body(bytes.size.toLong()) { write ->
            for (start in bytes.indices step CHUNK_BYTES) write(bytes, start, min(CHUNK_BYTES, bytes.size - start))
        }
    }
}

/** `waitMs` is for answers that may take longer than a connection may be idle. */
private class Request(
    val method: String,
    val url: String,
    val headers: Map<String, String> = emptyMap(),
    val body: Body? = null,
    val waitMs: Int = 0,
)

private class Answer(
    val status: Int,
    val body: ByteArray,
    val etag: String?,
    val length: Long,
    val sha256: String?,
    val retryAfterSeconds: Long,
    private val mediaType: String?,
) {
    /** Whether it is a page for people, such as a proxy shows. */
    val isPage: Boolean get() = body.isNotEmpty() && mediaType?.startsWith("text/html") == true

    /** The JSON object that the body is. */
    fun json(): JSONObject? = try { JSONObject(body.toString(Charsets.UTF_8)) } catch (_: JSONException) { null }

    /** The function's answer, or the problem that it tells. */
    fun orProblem(): JSONObject {
        val found = json()
        if (status != 200) throw problem(found ?: JSONObject(), status, retryAfterSeconds)
        return found ?: throw foreign(API)
    }

    companion object {
        fun of(exchange: Exchange): Answer = exchange.connection.run {
            Answer(
                exchange.status, exchange.body(), getHeaderField("ETag"), contentLengthLong, toldDigest(this),
                retryAfter(this), contentType,
            )
        }
    }
}

private class Http(private val timeoutMs: Int) {
    /** The hosts that were connected to. The name of another one may be wrong. */
    private val reached: MutableSet<String> = ConcurrentHashMap.newKeySet()

    /** Send a request, and read the answer. With `toStore` a status that does not tell success is an error. */
    fun <T> exchange(request: Request, toStore: Boolean, transfer: Transfer, read: (Exchange) -> T): T {
        if (!isSecure(request.url)) throw foreign(API)
        val connection = URI(request.url).toURL().openConnection() as HttpURLConnection
        prepare(connection, request)
        val exchange = Exchange(connection, transfer, reached)
        var isDone = false
        try {
            val body = request.body ?: Body.EMPTY.takeIf { request.method == "PUT" || request.method == "POST" }
            if (body != null) exchange.send(body, timeoutMs)
            exchange.begin()
            if (exchange.status in 300..399) throw redirected(toStore)
            if (toStore && exchange.status !in 200..299) {
                throw storeError(exchange.body(), exchange.status, retryAfter(connection))
            }
            return read(exchange).also { isDone = true }
        } finally {
            if (!isDone) exchange.cancel() // else the connection serves again
        }
    }

    private fun prepare(connection: HttpURLConnection, request: Request) {
        connection.requestMethod = request.method
        connection.connectTimeout = min(CONNECT_MS, timeoutMs)
        connection.readTimeout = timeoutMs + waitMs(request)
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        connection.setRequestProperty("Accept-Encoding", "identity")
        for ((name, value) in request.headers) {
            if (name.lowercase() !in SENT_BY_ITSELF) connection.setRequestProperty(name, value)
        }
    }

    /** How long an answer may take: a proxy may take the bytes at once, and pass them on slowly. */
    private fun waitMs(request: Request): Int {
        val slowly = (request.body?.size ?: 0) * 1000 / SLOWEST_BYTES_PER_SECOND
        return max(request.waitMs.toLong(), min(slowly, MAX_WAIT_MS)).toInt()
    }

    private companion object {
        const val CONNECT_MS = 10_000
        const val SLOWEST_BYTES_PER_SECOND = 16_384L
        const val MAX_WAIT_MS = 3_600_000L
        val SENT_BY_ITSELF = setOf("content-length", "host")
    }
}

/**
 * A request and its answer.
 *
 * Nothing interrupts a thread that waits for a socket, and HttpURLConnection has no time-out for bytes that it sends. So
 * other threads do that, and the caller's waits for them: it ends at once when the transfer does.
 */
private class Exchange(
    val connection: HttpURLConnection, private val transfer: Transfer, private val reached: MutableSet<String>,
) {
    var status = 0
        private set

    private val deadline by lazy { Deadline(connection.readTimeout) }
    private val input: InputStream? by lazy { connection.run { if (status < 400) inputStream else errorStream } }

    fun send(body: Body, timeoutMs: Int) {
        connection.doOutput = true
        connection.setFixedLengthStreamingMode(body.size)
        val output = wait(timeoutMs) { connection.outputStream }
        body.writeTo { bytes, start, count -> wait(timeoutMs) { output.write(bytes, start, count) } }
        wait(timeoutMs) { output.close() }
    }

    /** Wait for the status and the headers of the answer. */
    fun begin() {
        status = wait(connection.readTimeout) { connection.responseCode }
        reached += connection.url.host
    }

    /** Read some bytes of the answer: how many they are, -1 at its end. */
    fun read(chunk: ByteArray, most: Int): Int {
        val count = wait(connection.readTimeout) { input?.read(chunk, 0, most) ?: -1 }
        if (deadline.isOver(count)) throw failed(SocketTimeoutException())
        return count
    }

    /** The body of an answer that is read as a whole. */
    fun body(): ByteArray {
        val found = ByteArrayOutputStream()
        val chunk = ByteArray(CHUNK_BYTES)
        while (true) {
            val count = read(chunk, chunk.size)
            if (count < 0) break
            found.write(chunk, 0, count)
            if (found.size() > MAX_ANSWER_BYTES) throw foreign("the server")
        }
        val isCut = connection.requestMethod != "HEAD" && input != null && found.size() < connection.contentLengthLong
        if (isCut) throw failed(EOFException())
        return found.toByteArray()
    }

    /** End it. That is another thread's work too, since it may have to wait for one that reads. */
    fun cancel() {
        THREADS.execute { connection.disconnect() }
    }

    /** It tells the class of the cause alone, whose text may hold the URL. */
    fun failed(cause: Exception): PresignException {
        val host = connection.url.host
        val message = "The connection to $host failed (${cause.javaClass.simpleName})."
        return PresignException(message, "connection_failed").apply {
            isUnknownHost = cause is UnknownHostException && host !in reached
        }
    }

    private fun <T> wait(timeoutMs: Int, step: () -> T): T {
        val running = THREADS.submit(Callable(step))
        val isOver = timer(timeoutMs.toLong())
        while (true) {
            try {
                return running.get(PERIOD_MS, TimeUnit.MILLISECONDS)
            } catch (_: TimeoutException) {
                transfer.check()
                if (isOver()) throw failed(SocketTimeoutException())
            } catch (failure: ExecutionException) {
                throw failed(failure.cause as? Exception ?: throw failure)
            }
        }
    }

    private companion object {
        const val PERIOD_MS = 250L
        const val MAX_ANSWER_BYTES = 16 shl 20
        val THREADS: ExecutorService =
            Executors.newCachedThreadPool { Thread(it, "presign-client").apply { isDaemon = true } }
    }
}

/** Tells whether so many milliseconds have passed. */
private fun timer(milliseconds: Long): () -> Boolean {
    val begun = System.nanoTime()
    return { System.nanoTime() - begun > milliseconds * 1_000_000 }
}

/** Ends an answer that comes in drops, which no time-out of a single read notices. */
private class Deadline(private val timeoutMs: Int) {
    private var isPassed = timer(timeoutMs.toLong())
    private var bytes = 0L

    /** Whether there were too few bytes for too long. */
    fun isOver(count: Int): Boolean {
        bytes += count
        if (bytes < LEAST_BYTES) return isPassed()
        isPassed = timer(timeoutMs.toLong())
        bytes = 0
        return false
    }

    private companion object {
        const val LEAST_BYTES = 16_384L
    }
}

/** Whether a URL protects what is sent: by HTTPS, or since it does not leave this machine. */
private fun isSecure(url: String): Boolean {
    val found = try { URI(url) } catch (_: URISyntaxException) { null }
    val host = found?.host ?: return false
    val isLocal = host.equals("localhost", true) || host == "[::1]" || host.matches(LOOPBACK)
    val isProtected = found.scheme.equals("https", true) || (found.scheme.equals("http", true) && isLocal)
    return isProtected && found.port <= MAX_PORT
}

/** The URL of the API, without what a person may write around it. */
private fun address(endpoint: String): String {
    val text = endpoint.trim().trimEnd('/')
    val problem = when {
        !isSecure(text) -> "must be a URL that begins with https://; http:// is for this machine only"
        URI(text).run { rawQuery != null || rawFragment != null || rawUserInfo != null } ->
            "must be a URL without a query, a fragment and a user"
        text.any { it > '~' } -> "has characters that no URL has"
        else -> return text
    }
    throw invalidArgument("The endpoint $problem.")
}

private const val MAX_PORT = 65_535

private val LOOPBACK = Regex("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}")

private fun originOf(url: String) = URI(url).let { "${it.scheme}://${it.rawAuthority}" }

// ---- Answers ----

/** Runs what reads the JSON of a server. */
private fun <T> understood(server: String = API, read: () -> T): T = try {
    read()
} catch (_: JSONException) { // its text may hold the answer
    throw foreign(server)
}

/** A document in UTF-8, which has no lone surrogates: they are told to the function as escapes, which it refuses. */
private fun encoded(document: JSONObject): ByteArray =
    document.toString().replace(SURROGATE) { "\\u%04x".format(it.value[0].code) }.toByteArray()

private val SURROGATE = Regex("[\\ud800-\\udfff]")

/** Neither a token nor a file goes to an address that nobody signed. */
private fun redirected(fromStore: Boolean): PresignException {
    val message = "There was a redirect by ${if (fromStore) STORE else API}, which is not followed."
    return PresignException(message, "redirected", fromStore = fromStore)
}

/** An answer that the server can't have given. */
private fun foreign(server: String, status: Int = 200, retryAfterSeconds: Long = 0) = PresignException(
    "The answer, of status $status, is not one of $server: a proxy or a firewall may have given it.", "foreign_answer",
    status, fromStore = server == STORE, retryAfterSeconds = retryAfterSeconds,
)

private fun invalidArgument(message: String) = PresignException(message, "invalid_argument")

private const val API = "the API"
private const val STORE = "Object Storage"

/** The error that problem details tell. They don't show `at`, the place in a batch. */
private fun problem(answer: JSONObject, status: Int, retryAfterSeconds: Long, at: String = ""): PresignException {
    val code = (answer.opt("code") as? String)?.takeIf { it.matches(CODE) }
    if (code == null) return gatewayError(answer, status, retryAfterSeconds)
    val errors = answer.optJSONArray("errors") ?: JSONArray()
    val fields = (0 until errors.length()).mapNotNull { errors.optJSONObject(it) }
        .map { FieldError((it.text("pointer") ?: "").removePrefix(at), it.text("detail") ?: "") }
    val message = (answer.text("detail") ?: answer.text("message"))?.replace("$at/", "/")?.let(::harmless)
    return PresignException(
        message ?: "The API refused the request: $code.", code, status, fields, false, retryAfterSeconds,
    )
}

/** An error of API Gateway, which has a number as its code, or of something before it. */
private fun gatewayError(answer: JSONObject, status: Int, retryAfterSeconds: Long): PresignException {
    val (code, message) = OWN_ERRORS[status] ?: Pair("http_$status", answer.text("message")?.let(::harmless))
    if (message == null || (code.startsWith("http_") && answer.optInt("code") != status)) {
        return foreign(API, status, retryAfterSeconds)
    }
    return PresignException(message, code, status, retryAfterSeconds = retryAfterSeconds)
}

private const val WRONG_ENDPOINT = "The API has no such path: the endpoint ends in /v1/presign."

/** Codes and sentences for answers that the function did not give. All clients of this project have the same. */
private val OWN_ERRORS = mapOf<Int, Pair<String, String?>>(
    401 to Pair("unauthorized", "The token is missing, expired or not valid: get a new one."),
    404 to Pair("wrong_endpoint", WRONG_ENDPOINT),
    405 to Pair("wrong_endpoint", WRONG_ENDPOINT),
    413 to Pair("payload_too_large", "The request is larger than the API takes: ask for fewer URLs at once."),
    415 to Pair("wrong_media_type", "The API got no JSON: a proxy may have changed the Content-Type."),
)

private fun storeError(body: ByteArray, status: Int, retryAfterSeconds: Long): PresignException {
    val json = try { JSONObject(body.toString(Charsets.UTF_8)) } catch (_: JSONException) { null }
    val xml = if (json == null) Xml.of(body)?.takeIf { it.root == "Error" } else null
    val code = (json?.text("code") ?: xml?.texts?.get("Code"))?.takeIf { it.matches(CODE) }
    if (code == null && body.isNotEmpty()) return foreign(STORE, status, retryAfterSeconds)
    val message = (json?.text("message") ?: xml?.texts?.get("Message"))?.let(::harmless)
    return PresignException(
        message ?: "Object Storage answered with status $status.", code ?: "http_$status", status,
        fromStore = true, retryAfterSeconds = retryAfterSeconds,
    )
}

private val CODE = Regex("[A-Za-z0-9_.]{1,64}")

/** A server's sentence, unless it holds a URL or is none. */
private fun harmless(text: String): String? =
    text.takeIf { it.isNotBlank() && it.length <= 1000 && it.none(Char::isISOControl) && SECRETS.none(it::contains) }

private val SECRETS = listOf("://", "X-Amz-", "/p/", "Bearer")

/** The seconds that an answer asks to wait, as a number or as a date. */
private fun retryAfter(connection: HttpURLConnection): Long {
    val told = connection.getHeaderField("Retry-After")?.trim() ?: return 0
    if (told.isNotEmpty() && told.all { it in '0'..'9' }) return told.toLongOrNull() ?: Long.MAX_VALUE
    return try {
        val moment = ZonedDateTime.parse(told, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()
        max(0, Duration.between(Instant.now(), moment).seconds)
    } catch (_: DateTimeParseException) {
        0
    }
}

/** The digest in Base64 that the metadata of an object hold. */
private fun toldDigest(connection: HttpURLConnection): String? =
    listOf("x-amz-meta-sha256", "opc-meta-sha256").firstNotNullOfOrNull { connection.getHeaderField(it) }
        ?.takeIf { it.matches(SHA256) }

private val SHA256 = Regex("[A-Za-z0-9+/]{43}=")

private fun ByteArray.toBase64() = Base64.getEncoder().encodeToString(this)

private fun String.toHex() = Base64.getDecoder().decode(this).joinToString("") { "%02x".format(it) }

private fun String.escaped() = replace("&", "&amp;").replace("<", "&lt;")

/** A member that is text. */
private fun JSONObject.text(name: String): String? = opt(name) as? String

/**
 * An XML document of Object Storage: its root has elements with text, and records of such elements.
 *
 * It is read from beginning to end, so that no document can fill the memory.
 */
private class Xml private constructor() : DefaultHandler() {
    var root = ""
    val texts = mutableMapOf<String, String>()
    val records = mutableListOf<Pair<String, Map<String, String>>>()

    private var depth = 0
    private var text = StringBuilder()
    private var record = mutableMapOf<String, String>()

    override fun startElement(uri: String, localName: String, qName: String, attributes: Attributes) {
        depth++
        if (depth == 1) root = name(localName, qName)
        if (depth == 2) record = mutableMapOf()
        text.setLength(0)
    }

    override fun characters(found: CharArray, start: Int, length: Int) {
        text.append(found, start, length)
    }

    override fun endElement(uri: String, localName: String, qName: String) {
        val name = name(localName, qName)
        if (depth == 3) record[name] = text.toString()
        if (depth == 2 && record.isEmpty()) texts[name] = text.toString()
        if (depth == 2 && record.isNotEmpty()) records += name to record
        depth--
        text.setLength(0)
    }

    private fun name(localName: String, qName: String) = localName.ifEmpty { qName.substringAfter(':') }

    companion object {
        /** The document, null if these bytes are none, or declare entities, which Object Storage never does. */
        fun of(body: ByteArray): Xml? {
            val document = body.toString(Charsets.UTF_8).trim()
            if (!document.startsWith("<") || "<!DOCTYPE" in document) return null
            return try {
                val parser = SAXParserFactory.newInstance().newSAXParser()
                Xml().also { parser.parse(InputSource(StringReader(document)), it) }
            } catch (_: SAXException) {
                null
            }
        }
    }
}
