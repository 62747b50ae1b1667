import java.io.IOException
import presign.Local

// The names that the samples of docs/clients-mobile.md take from the app that they stand in.

class SignIn {
    var isOffline = false

    fun token(refresh: Boolean): String {
        if (isOffline) throw IOException("The device is offline.")
        return if (refresh) error("The token was refused.") else Local.token
    }
}

object App {
    val PRESIGN_ENDPOINT = Local.endpoint
    val signIn = SignIn()
}
