package presign

import java.io.File
import java.net.HttpURLConnection
import java.net.URI
import java.util.concurrent.Executors
import java.util.concurrent.Callable
import java.util.concurrent.atomic.AtomicInteger
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

@NeedsSystem
class ObjectsTest {
    @TempDir
    lateinit var folder: File

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `objects are listed`(prefix: String) {
        val all = Local.client().list("${prefix}many/").map { it.key }.toList()
        assertEquals((0..1001).map { "${prefix}many/%04d".format(it) }, all)
        val common = Local.client().list("${prefix}folders/", "/").map { it.key to it.isPrefix }.toList()
        assertEquals(listOf("${prefix}folders/a & b/" to true, "${prefix}folders/c" to false), common)
        val only = Local.client().list("${prefix}folders/c").single()
        assertEquals(5L, only.size)
        assertTrue(only.modifiedAt.startsWith("20"))
        assertEquals(emptyList<Entry>(), Local.client().list("${prefix}nothing/").toList())
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `the size of an object is told`(prefix: String) {
        assertEquals(5L, Local.client().size("${prefix}folders/c"))
        assertNull(Local.client().size("${prefix}none"))
    }

    @ParameterizedTest
    @CsvSource("s3/, NoSuchKey", "par/, ObjectNotFound")
    fun `a download that fails leaves the file as it was`(prefix: String, code: String) {
        val file = File(folder, "a").apply { writeText("before") }
        val failure = assertThrows(PresignException::class.java) { Local.client().download("${prefix}none", file) }
        assertEquals(Triple(code, 404, true), Triple(failure.code, failure.status, failure.fromStore))
        assertEquals("before", file.readText())
        assertEquals(listOf("a"), folder.list()!!.toList())
    }

    @Test
    fun `a download checks the digest that the caller knows`() {
        val digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello"
        val file = File(folder, "a")
        assertEquals(Downloaded(5, digest, true), Local.client().download("s3/folders/c", file, digest.uppercase()))
        assertEquals(Downloaded(5, digest, false), Local.client().download("s3/folders/c", file))
        assertCode("checksum_mismatch") { Local.client().download("s3/folders/c", file, digest.replace('2', '3')) }
    }

    @Test
    fun `a stopped download leaves nothing`() {
        var isStopped = false
        assertCode("stopped") {
            val file = File(folder, "a")
            Local.client().download("s3/folders/c", file, isStopped = { isStopped }) { _, _ -> isStopped = true }
        }
        assertEquals(0, folder.list()!!.size)
        assertCode("unwritable_file") { Local.client().download("s3/folders/c", File(folder, "none/a")) }
    }

    @Test
    fun `a file may have each name that the file system takes`() {
        for (name in listOf("é".repeat(127), "\ud83d\ude00".repeat(63), "a\nb", "+%41 '\"\u2028")) {
            assertEquals(5, Local.client().download("s3/folders/c", File(folder, name)).size)
            assertEquals("hello", File(folder, name).readText())
        }
        val before = folder.list()!!.toSet()
        for (file in listOf(File(""), File("/"), folder, File(folder, "lone\ud800"), File(folder, "a\u0000b"))) {
            assertCode("unwritable_file") { Local.client().download("s3/folders/c", file) }
        }
        assertEquals(before, folder.list()!!.toSet())
    }

    @Test
    fun `an object is copied and deleted`() {
        val client = Local.client()
        assertTrue(client.copy("s3/folders/c", "users/alice/copy").isNotEmpty())
        assertEquals("hello", Local.read("users/alice/copy").first.decodeToString())
        client.delete("users/alice/copy")
        client.delete("users/alice/copy")
        assertNull(client.size("users/alice/copy"))
    }

    @Test
    fun `a link is shared and taken back`() {
        val client = Local.client()
        val shared = client.share("par/folders/c", 600, "ü.txt")
        val answer = URI(shared.url).toURL().openConnection()
        assertEquals("hello", answer.inputStream.use { it.readBytes() }.decodeToString())
        assertTrue("UTF-8''%C3%BC.txt" in answer.getHeaderField("Content-Disposition"))
        assertNotNull(shared.id)
        client.revoke(shared)
        assertEquals(401, (URI(shared.url).toURL().openConnection() as HttpURLConnection).responseCode)
        assertCode("not_found") { client.revoke(shared) }
        val again = client.share("par/folders/c")
        client.revoke(again.id!!)
        assertEquals(401, (URI(again.url).toURL().openConnection() as HttpURLConnection).responseCode)
        val signed = assertThrows(PresignException::class.java) { client.revoke(client.share("s3/folders/c")) }
        val message = "A presigned URL can't be taken back; one that was asked for with via = \"par\" can."
        assertEquals("not_revocable" to message, signed.code to signed.message)
        assertCode("invalid_argument") { client.revoke(shared.url) }
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `links come in batches`(prefix: String) {
        val keys = (0..44).map { "${prefix}many/%04d".format(it) } + "elsewhere" + "${prefix}../a"
        val links = Local.client().shareAll(keys)
        assertEquals(keys, links.keys.toList())
        assertEquals("access_denied", (links["elsewhere"]!!.exceptionOrNull() as PresignException).code)
        assertEquals(45, links.values.count { it.isSuccess })
        val invalid = links["${prefix}../a"]!!.exceptionOrNull() as PresignException
        assertEquals(listOf("/key"), invalid.errors.map { it.pointer })
        assertEquals("The request is not valid: /key must not have a '.' or '..' segment.", invalid.message)
        assertEquals("hello", URI(links["${prefix}many/0044"]!!.getOrThrow().url).toURL().readText())
    }

    @Test
    fun `many refused tokens are renewed once`() {
        val refreshed = AtomicInteger()
        val token = { refresh: Boolean ->
            if (refresh) refreshed.incrementAndGet()
            if (refreshed.get() > 0) Local.token else "expired"
        }
        val client = PresignClient(Local.endpoint, token, sleep = {})
        val pool = Executors.newFixedThreadPool(20)
        val calls = List(20) { Callable { client.size("s3/folders/c") } }
        assertEquals(List(20) { 5L }, pool.invokeAll(calls).map { it.get() })
        pool.shutdown()
        assertEquals(1, refreshed.get())
    }

    @Test
    fun `a lone surrogate is no question mark`() {
        val sent = File(folder, "a").apply { writeText("hello") }
        val failure = assertThrows(PresignException::class.java) {
            Local.client().upload(sent, "s3/lone\ud800", "text/plain")
        }
        assertEquals(400, failure.status)
        assertNull(Local.client().size("s3/lone?"))
        Local.client().upload(sent, "s3/\ud83d\ude00", "text/plain")
        assertEquals("hello", Local.read("s3/\ud83d\ude00").first.decodeToString())
    }

    @Test
    fun `a refused request names its fields`() {
        val failure = assertThrows(PresignException::class.java) { Local.client().share("../a") }
        assertEquals(Triple("invalid_request", 400, false), Triple(failure.code, failure.status, failure.fromStore))
        assertEquals("/key", failure.errors.single().pointer)
    }
}
