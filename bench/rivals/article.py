"""The server of many an introduction: one connection at a time, start to end.

It accepts, reads, answers, closes, and only then looks at the next one, so a
client that connects and says nothing keeps everybody else waiting. That is what
bobbin is an answer to, and why it is among its rivals.

    article.py PORT
"""

import socket
import sys

BODY = b"Hello, World!"


def answer(status, body):
    """Returns a whole answer, head and body."""
    head = [
        "HTTP/1.1 " + status,
        "Content-Type: text/plain",
        "Content-Length: %d" % len(body),
        "Connection: close",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def talk(connection):
    """Hears one request and answers it. Waits as long as the client likes."""
    request = connection.recv(4096).decode("latin-1")
    if not request:
        return
    words = request.split("\r\n")[0].split(" ")
    if len(words) == 3 and words[1] == "/bench":
        connection.sendall(answer("200 OK", BODY))
    else:
        connection.sendall(answer("404 Not Found", b"There is nothing here."))


def main():
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", int(sys.argv[1])))
    # An introduction has 5 here. With it, most of what a benchmark opens is
    # never let in, and the figure would be that of a timeout.
    door.listen(4096)
    while True:
        connection, _ = door.accept()
        try:
            talk(connection)
        except ConnectionError:
            pass  # it went away, which is its right
        finally:
            connection.close()


main()
