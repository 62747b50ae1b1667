package presign

import java.io.File
import java.net.HttpURLConnection
import java.net.URI
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.extension.ConditionEvaluationResult
import org.junit.jupiter.api.extension.ExecutionCondition
import org.junit.jupiter.api.extension.ExtendWith
import org.junit.jupiter.api.extension.ExtensionContext

const val MIB = 1 shl 20

/** Where rules give presigned URLs, and where they give pre-authenticated requests. */
const val PREFIXES = "s3/, par/"

/** The tests of this class are skipped where nobody has started the servers that they need. */
@ExtendWith(SystemCondition::class)
annotation class NeedsSystem

private class SystemCondition : ExecutionCondition {
    override fun evaluateExecutionCondition(context: ExtensionContext): ConditionEvaluationResult {
        if (System.getenv("PRESIGN_ENDPOINT") != null) return ConditionEvaluationResult.enabled("")
        val reason = "${context.displayName} is skipped: there is no local system. `make check` starts one."
        println(reason)
        return ConditionEvaluationResult.disabled(reason)
    }
}

/** The system that `make check` starts for these tests. */
object Local {
    val token: String get() = variable("PRESIGN_TOKEN")
    val endpoint: String get() = variable("PRESIGN_ENDPOINT")

    fun client(via: String? = null, sleep: (Long) -> Unit = {}) =
        PresignClient(endpoint, { token }, via = via, attempts = 3, sleep = sleep)

    /** The bytes of an object, and the type that it was stored with. */
    fun read(key: String): Pair<ByteArray, String> {
        val connection = URI(client().share(key).url).toURL().openConnection() as HttpURLConnection
        return connection.inputStream.use { it.readBytes() } to connection.contentType
    }

    private fun variable(name: String): String = System.getenv(name) ?: error("There is no $name.")
}

/** The function and the store that answer as nothing should. */
object Hostile {
    private val url: String get() = System.getenv("HOSTILE_URL") ?: error("There is no HOSTILE_URL.")

    fun client(attempts: Int = 3, timeoutSeconds: Int = 60, via: String? = null, sleep: (Long) -> Unit = {}) =
        PresignClient("$url/v1/presign", { "secret-token" }, null, via, attempts, timeoutSeconds, sleep)

    fun seen(path: String): Int = URI("$url/seen/$path").toURL().readText().toInt()

    /** The failure of a call, which shows nothing secret. */
    fun failure(call: (PresignClient) -> Unit): PresignException = failure(client(), call)

    fun failure(client: PresignClient, call: (PresignClient) -> Unit): PresignException {
        val failure = assertThrows(PresignException::class.java) { call(client) }
        val shown = failure.stackTraceToString()
        for (secret in listOf("X-Amz-", "secret-token", "/object", "presign?")) assertFalse(secret in shown, shown)
        return failure
    }
}

/** A file of bytes that look random but are the same each time. */
fun made(folder: File, name: String, size: Int): File =
    File(folder, name).apply { writeBytes(Random(size).nextBytes(size)) }

fun assertCode(code: String, call: () -> Unit) =
    assertEquals(code, assertThrows(PresignException::class.java) { call() }.code)
