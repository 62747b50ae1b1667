import android.content.Context
import androidx.work.Data
import androidx.work.WorkerParameters
import java.io.File
import java.net.URI
import java.util.UUID
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import presign.Local
import presign.MIB
import presign.NeedsSystem
import presign.made

@NeedsSystem
class PageTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `the photos of the page`() {
        val photos = Photos(App.PRESIGN_ENDPOINT, App.signIn)
        val photo = made(folder, "photo.jpg", 1000)
        photos.store(photo)
        photos.read(File(folder, "copy.jpg"))
        assertTrue(photo.readBytes().contentEquals(File(folder, "copy.jpg").readBytes()))
        assertTrue("users/alice/photo.jpg" in photos.names())
        assertTrue(photo.readBytes().contentEquals(URI(photos.link()).toURL().readBytes()))
    }

    @Test
    fun `the worker of the page`() {
        val film = made(folder, "film.mp4", 33 * MIB)
        val key = "users/alice/film.mp4"
        val parameters = WorkerParameters(UUID(1, 2), Data(mapOf("file" to film.path, "key" to key)))
        val stopped = UploadWorker(Context(folder), parameters).apply { stopAfterQuestions = 800 }
        assertEquals("retry", stopped.doWork().name)
        assertTrue(File(folder, "${UUID(1, 2)}.upload").exists())
        assertEquals("success", UploadWorker(Context(folder), parameters).doWork().name)
        assertTrue(film.readBytes().contentEquals(Local.read(key).first))
    }

    @Test
    fun `the worker of the page waits for a sign-in that failed`() {
        val film = made(folder, "film.mp4", 33 * MIB)
        val values = Data(mapOf("file" to film.path, "key" to "users/alice/waiting.mp4"))
        val parameters = WorkerParameters(UUID(5, 6), values)
        val stopped = UploadWorker(Context(folder), parameters).apply { stopAfterQuestions = 800 }
        assertEquals("retry", stopped.doWork().name)
        App.signIn.isOffline = true
        assertEquals("retry", UploadWorker(Context(folder), parameters).doWork().name)
        App.signIn.isOffline = false
        assertTrue(File(folder, "${UUID(5, 6)}.upload").exists())
        assertEquals("success", UploadWorker(Context(folder), parameters).doWork().name)
    }

    @Test
    fun `the worker of the page leaves no parts when it gives up`() {
        val film = made(folder, "film.mp4", 33 * MIB)
        val values = Data(mapOf("file" to film.path, "key" to "users/alice/given-up.mp4"))
        val parameters = WorkerParameters(UUID(3, 4), values)
        val stopped = UploadWorker(Context(folder), parameters).apply { stopAfterQuestions = 800 }
        assertEquals("retry", stopped.doWork().name)
        assertTrue(film.delete())
        assertEquals("failure", UploadWorker(Context(folder), parameters).doWork().name)
        assertEquals(emptyList<String>(), folder.list()!!.toList())
    }
}
