package presign

import java.io.File
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource

@NeedsSystem
class UploadTest {
    @TempDir
    lateinit var folder: File

    @ParameterizedTest
    @CsvSource("s3/, 5", "s3/, 200000", "par/, 0", "par/, 200000")
    fun `a small file goes up and comes down`(prefix: String, size: Int) {
        val file = made(folder, "a", size)
        val copy = File(folder, "b")
        val stored = Local.client().upload(file, "${prefix}ü/a b.png", "image/png")
        assertEquals(size.toLong(), stored.size)
        val (bytes, type) = Local.read("${prefix}ü/a b.png")
        assertArrayEquals(file.readBytes(), bytes)
        assertEquals("image/png", type)
        val told = mutableListOf<Long>()
        val found = Local.client().download("${prefix}ü/a b.png", copy) { done, _ -> told += done }
        assertEquals(Downloaded(size.toLong(), stored.sha256, true), found)
        assertArrayEquals(file.readBytes(), copy.readBytes())
        assertEquals(size.toLong(), told.last())
        assertEquals(listOf("a", "b"), folder.list()!!.sorted())
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a large file goes up in parts`(prefix: String) {
        val file = made(folder, "large", 17 * MIB + 1)
        val told = mutableListOf<Long>()
        Local.client().upload(file, "${prefix}large", "video/mp4") { done, total ->
            assertEquals(17L * MIB + 1, total)
            told += done
        }
        assertEquals(17L * MIB + 1, told.last())
        val (bytes, type) = Local.read("${prefix}large")
        assertTrue(file.readBytes().contentEquals(bytes))
        assertEquals("video/mp4", type)
    }

    @Test
    fun `the progress of an empty file is told`() {
        val told = mutableListOf<Pair<Long, Long>>()
        val client = Local.client()
        client.upload(made(folder, "empty", 0), "s3/empty", "text/plain") { done, total -> told += done to total }
        assertEquals(listOf(0L to 0L), told.distinct())
        told.clear()
        client.download("s3/empty", File(folder, "b")) { done, total -> told += done to total }
        assertEquals(listOf(0L to 0L), told.distinct())
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a killed upload goes on in another process`(prefix: String) {
        val file = made(folder, "large", 40 * MIB)
        val state = File(folder, "state.json")
        val most = 22L * MIB
        ChildProcess(file, "${prefix}killed", state, most).killWhenBehind(most)
        val sent = JSONObject(state.readText())
        val kept = sent.getJSONObject("parts").length() * sent.getLong("part_bytes")
        assertTrue(kept >= 16 * MIB)

        val told = ChildProcess(file, "${prefix}killed", state).progress()
        // The bytes of the parts that were there are told at once, without an attempt to send them.
        assertEquals(sent.getLong("part_bytes"), told.first())
        assertTrue(told.all { it % sent.getLong("part_bytes") == 0L || it > kept })
        assertEquals(40L * MIB, told.last())
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}killed").first))
        assertFalse(state.exists())
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a paused upload goes on`(prefix: String) {
        val (file, state) = paused("${prefix}paused")
        val told = mutableListOf<Long>()
        Local.client().upload(file, "${prefix}paused", "video/mp4", state) { done, _ -> told += done }
        assertEquals(16L * MIB, told.first { it > 0 && it % (16 * MIB) == 0L })
        assertTrue(told.first() >= 5L * MIB)
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}paused").first))
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `an upload whose file changed begins anew`(prefix: String) {
        val (file, state) = paused("${prefix}changed")
        val modified = file.lastModified()
        file.writeBytes(file.readBytes().also { it[7 * MIB]++ })
        file.setLastModified(modified)
        val first = JSONObject(state.readText()).getString("upload_id")
        var second = ""
        Local.client().upload(file, "${prefix}changed", "video/mp4", state) { _, _ ->
            if (state.exists()) second = JSONObject(state.readText()).getString("upload_id")
        }
        assertNotEquals(first, second)
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}changed").first))
        discard("${prefix}changed", first, prefix)
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a part that is not the one that was sent is sent again`(prefix: String) {
        val (file, state) = paused("${prefix}part")
        val kept = JSONObject(state.readText())
        kept.getJSONObject("parts").getJSONObject("1").put("md5", "another")
        state.writeText(kept.toString())
        val told = mutableListOf<Long>()
        Local.client().upload(file, "${prefix}part", "video/mp4", state) { done, _ -> told += done }
        assertTrue(told.first() < 5L * MIB)
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}part").first))
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `an upload that is gone begins anew`(prefix: String) {
        val (file, state) = paused("${prefix}gone")
        val copy = File(folder, "copy.json").apply { writeText(state.readText()) }
        Local.client().discard("${prefix}gone", copy)
        Local.client().upload(file, "${prefix}gone", "video/mp4", state)
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}gone").first))
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a lost answer to the completion is no failure`(prefix: String) {
        val (file, state) = paused("${prefix}lost")
        val copy = File(folder, "copy.json")
        Local.client().upload(file, "${prefix}lost", "video/mp4", state) { _, _ -> state.copyTo(copy, true) }
        copy.writeText(JSONObject(copy.readText()).put("is_completing", true).toString())
        Local.client().upload(file, "${prefix}lost", "video/mp4", copy)
        assertTrue(file.readBytes().contentEquals(Local.read("${prefix}lost").first))
        assertFalse(copy.exists())
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a cancelled upload leaves nothing`(prefix: String) {
        val file = made(folder, "large", 20 * MIB)
        assertThrows(InterruptedException::class.java) {
            Local.client().upload(file, "${prefix}cancelled", "video/mp4") { done, _ ->
                if (done > 6 * MIB) Thread.currentThread().interrupt()
            }
        }
        assertNull(Local.client().size("${prefix}cancelled"))
        val (_, state) = paused("${prefix}cancelled")
        Local.client().discard("${prefix}cancelled", state)
        assertFalse(state.exists())
    }

    @Test
    fun `a state that is damaged or of another file is ignored`() {
        val file = made(folder, "large", 16 * MIB)
        val state = File(folder, "state.json")
        val other = """{"of": "null s3/state 1 a", "upload_id": "a", "part_bytes": 5, "parts": {}}"""
        for (text in listOf("", "{", "[]", other)) {
            state.writeText(text)
            assertEquals(16L * MIB, Local.client().upload(file, "s3/state", "video/mp4", state).size)
        }
    }

    @ParameterizedTest
    @ValueSource(strings = ["s3/", "par/"])
    fun `a state whose members were damaged is ignored`(prefix: String) {
        val (file, state) = paused("${prefix}damaged")
        val whole = JSONObject(state.readText())
        val sent = whole.getJSONObject("parts").getJSONObject("1").getString("md5")
        for ((name, value) in listOf(
            "parts" to "[]", "parts" to "null", "parts" to """{"1": {"md5": "$sent"}}""", "upload_id" to "\"\"",
            "upload_id" to "\"a\\nb\"", "via" to if (prefix == "s3/") "\"par\"" else "\"s3 \"", "part_bytes" to "1",
        )) {
            state.writeText(JSONObject("$whole").put(name, JSONArray("[$value]").get(0)).toString())
            assertEquals(33L * MIB, Local.client().upload(file, "${prefix}damaged", "video/mp4", state).size)
        }
        state.writeText("$whole")
        Local.client().discard("${prefix}damaged", state)
    }

    @Test
    fun `an upload by one kind of URL is not gone on with by the other`() {
        val (_, state) = paused("par/kind")
        val file = File(folder, "large")
        val failure = assertThrows(PresignException::class.java) {
            Local.client("s3").upload(file, "par/kind", "video/mp4", state)
        }
        assertEquals("access_denied" to 403, failure.code to failure.status)
        Local.client("s3").discard("par/kind", state)
        val (_, other) = paused("s3/kind")
        Local.client("par").discard("s3/kind", other)
        assertFalse(other.exists())
    }

    @Test
    fun `a state that can't be written leaves no parts`() {
        val file = made(folder, "large", 16 * MIB)
        for (state in listOf(File(folder, "none/state"), File(folder, "lone\ud800"), File(folder, "a".repeat(252)), folder)) {
            assertCode("unwritable_file") { Local.client().upload(file, "s3/unwritable", "video/mp4", state) }
        }
        assertEquals(listOf("large"), folder.list()!!.toList())
    }

    @Test
    fun `a file that can't be read fails at once`() {
        val asked = mutableListOf<Boolean>()
        val client = PresignClient(Local.endpoint, { asked += it; Local.token })
        assertCode("unreadable_file") { client.upload(File(folder, "none"), "s3/a", "text/plain") }
        assertCode("unreadable_file") { client.upload(folder, "s3/a", "text/plain") }
        assertEquals(emptyList<Boolean>(), asked)
    }

    @Test
    fun `a file that changes or vanishes meanwhile fails at once`() {
        val file = made(folder, "large", 20 * MIB)
        assertCode("changed") {
            Local.client().upload(file, "s3/a", "text/plain") { done, _ -> if (done == 5L * MIB) file.appendText("a") }
        }
        assertCode("unreadable_file") {
            Local.client().upload(file, "s3/a", "text/plain") { done, _ -> if (done == 5L * MIB) file.delete() }
        }
    }

    @Test
    fun `a file that is too large is refused before a byte is sent`() {
        val failure = assertThrows(PresignException::class.java) {
            Local.client().upload(made(folder, "large", 51_000_000), "s3/a", "text/plain") { _, _ -> error("sent") }
        }
        assertEquals("limit_exceeded", failure.code)
        assertEquals(listOf(FieldError("/content_length", "must be at most 50000000")), failure.errors)
    }

    /** A file of which a part was sent, and the state of its upload. */
    private fun paused(key: String): Pair<File, File> {
        val file = made(folder, "large", 33 * MIB)
        val state = File(folder, "state.json")
        var done = 0L
        assertCode("stopped") {
            val isStopped = { done > 18 * MIB }
            Local.client().upload(file, key, "video/mp4", state, isStopped) { now, _ -> done = now }
        }
        return file to state
    }

    private fun discard(key: String, uploadId: String, prefix: String) {
        val state = File(folder, "first.json")
        val values = JSONObject().put("upload_id", uploadId).put("via", prefix.dropLast(1)).put("part_bytes", 5 * MIB)
        state.writeText(values.put("parts", JSONObject()).toString())
        Local.client().discard(key, state)
    }
}
