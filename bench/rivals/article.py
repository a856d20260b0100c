"""The server of many tutorials: one connection at a time, from start to end.

It accepts, reads, answers, closes, and only then accepts the next one, so a
client that connects and sends nothing delays all others. bobbin solves that
problem, and so this server is among its rivals.

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
    """Reads one request and answers it. Waits for the client without a limit."""
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
    # Tutorials have 5 here. With 5, most connections of a benchmark would never
    # be accepted, and the figure would be that of a timeout.
    door.listen(4096)
    while True:
        connection, _ = door.accept()
        try:
            talk(connection)
        except ConnectionError:
            pass  # the client has disconnected
        finally:
            connection.close()


main()
