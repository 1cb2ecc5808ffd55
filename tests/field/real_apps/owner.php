<?php // Says for whom the session began; /app/logout ends it.
session_set_cookie_params(["path" => getenv("COOKIE_PATH"), "domain" => getenv("COOKIE_DOMAIN")]);
session_save_path(getenv("SESSIONS"));
session_start();
if (str_ends_with($_SERVER["REQUEST_URI"], "/logout")) {
    session_destroy();
    header("Location: /");
    return;
}
$user = $_SERVER["HTTP_REMOTE_USER"] ?? "null";
$_SESSION["owner"] ??= $user;
echo "<link rel=icon href=data:,><p id=who>" . htmlspecialchars($user) . "</p><p id=owner>" . htmlspecialchars($_SESSION["owner"]) . "</p>";
