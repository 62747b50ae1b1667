import presign.Local

// The names that the samples of docs/clients-mobile.md take from the app that they stand in.

class SignIn {
    fun token(refresh: Boolean): String = if (refresh) error("The token was refused.") else Local.token
}

object App {
    val PRESIGN_ENDPOINT = Local.endpoint
    val signIn = SignIn()
}
