import java.io.File
import presign.PresignClient

/** `endpoint` is `https://<hostname>/presigner/v1/presign`. */
class Photos(endpoint: String, signIn: SignIn) {
    private val files = PresignClient(endpoint, token = { refresh -> signIn.token(refresh) })

    fun store(photo: File) {
        files.upload(photo, "users/alice/photo.jpg", "image/jpeg") { done, total -> println("$done of $total bytes") }
    }

    fun read(copy: File) {
        files.download("users/alice/photo.jpg", copy)
    }

    fun names(): List<String> = files.list("users/alice/", delimiter = "/").map { it.key }.toList()

    fun link(): String = files.share("users/alice/photo.jpg", expiresInSeconds = 600).url
}
