<?php // An app with its own sign-in, a form, an upload, a redirect of its own and a cookie named `sid`, as PHP programs are written.
session_save_path(getenv("SESSIONS"));
session_set_cookie_params(["httponly" => true, "path" => "/"]);
session_start();
$path = parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH);
$here = "http://" . $_SERVER["HTTP_HOST"];
$said = fn($id, $text) => "<p id=$id>" . htmlspecialchars((string) $text) . "</p>";
$sid = $_COOKIE["sid"] ?? "none";
echo "<link rel=icon href=data:,>";

if ($path === "/desk/enter") {
    session_regenerate_id(true);
    $_SESSION["name"] = $_POST["name"];
    header("Location: $here/desk/form");
} elseif (!isset($_SESSION["name"])) {
    echo "<form method=post action=/desk/enter><input id=name name=name><input id=password name=password type=password><button>Enter</button></form>";
} elseif ($path === "/desk/form" && $_SERVER["REQUEST_METHOD"] === "POST") {
    [$_SESSION["word"], $_SESSION["size"]] = [$_POST["word"], filesize($_FILES["file"]["tmp_name"])];
    header("Location: $here/desk/done");
} elseif ($path === "/desk/form") {
    setcookie("sid", "of-" . $_SESSION["name"], ["httponly" => true, "path" => "/desk"]);
    echo "<form method=post action=form enctype=multipart/form-data><input id=word name=word><input id=file name=file type=file>";
    echo "<button>Send</button></form>", $said("sid", $sid);
} elseif ($path === "/desk/done") {
    echo $said("told", $_SERVER["HTTP_REMOTE_USER"]), $said("name", $_SESSION["name"]);
    echo $said("word", $_SESSION["word"]), $said("size", $_SESSION["size"]), $said("sid", $sid);
} else {
    http_response_code(404);
}
