<?php
// How many bytes of a body came, read by its length, as CGI has it.
header('Content-Type: text/plain');
echo strlen(substr(file_get_contents('php://input'), 0, (int) ($_SERVER['CONTENT_LENGTH'] ?? 0)));
