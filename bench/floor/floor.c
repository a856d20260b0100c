/*
 * The floor: the cost of a request without the work of a server.
 *
 *     floor PORT [--close] [--edge] [--file PATH]
 *
 * One thread, epoll, no parser. It reads until there is an empty line and sends
 * a constant answer. Its own cost is the kernel's, and can only be saved by fewer
 * system calls; the cost of a server beyond this is the server's own.
 *
 *   (nothing)    level-triggered, as in the example of epoll(7)
 *   --edge       edge-triggered, registered once, one recv an event
 *   --close      one request a connection: answer, close. A plain accept loop,
 *                without TCP_DEFER_ACCEPT
 *   --file PATH  the answer's body; up to 256 KiB it is kept in memory, above
 *                that sendfile sends it. The default is Hello, World!
 *
 * It is not a usable server: it answers 200 to anything with an empty line, and
 * has no deadlines, no limits and a constant date.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	IN_MEMORY = 256 << 10, /* from here on, sendfile is cheaper than a copy */
	ONE_SENDFILE = 1 << 20,
};

/* A connection takes 16 bytes, in a table by descriptor. */
struct conn {
	uint64_t owed;     /* bytes of answers that the socket has not taken */
	uint8_t end;       /* bytes of an empty line at the end of the last read */
	bool room_watched; /* EPOLLOUT is registered */
};

static int ep;
static bool edge, one_request;
static struct conn *conns;
static char in[64 << 10];

/*
 * All answers are equal, so the number of owed bytes alone determines the next
 * byte of a connection's output.
 */
static char *answers;   /* many copies, back to back; only the head if there is a file */
static size_t in_block; /* bytes of answers */
static size_t period;   /* bytes of one answer, with its body */
static size_t head;     /* bytes of its head */
static int file = -1;   /* for sendfile, or -1 */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void prepare(const char *path)
{
	char *body = "Hello, World!", text[512];
	size_t length = strlen(body);

	if (path) {
		struct stat st;
		if ((file = open(path, O_RDONLY)) < 0 || fstat(file, &st))
			fail(path);
		length = st.st_size;
		if (length <= IN_MEMORY) {
			body = malloc(length + 1);
			if (!body || read(file, body, length) != (ssize_t)length)
				fail(path);
			close(file);
			file = -1;
		}
	}
	head = snprintf(text, sizeof text,
		"HTTP/1.1 200 OK\r\n"
		"Server: floor\r\n"
		"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
		"Content-Type: %s\r\n"
		"Content-Length: %zu\r\n"
		"%s\r\n",
		path ? "application/octet-stream" : "text/plain", length,
		one_request ? "Connection: close\r\n" : "");
	period = head + length;

	size_t copies = file >= 0 ? 1 : 1 + (64 << 10) / period;
	size_t one = file >= 0 ? head : period;
	in_block = copies * one;
	if (!(answers = malloc(in_block)))
		fail("malloc");
	for (size_t i = 0; i < copies; i++) {
		memcpy(answers + i * one, text, head);
		if (file < 0)
			memcpy(answers + i * one + head, body, length);
	}
}

static void watch(int fd, int op, uint32_t what)
{
	struct epoll_event e = {.events = what, .data.fd = fd};
	if (epoll_ctl(ep, op, fd, &e))
		fail("epoll_ctl");
}

/* step takes one byte and returns whether an empty line ends with it. */
static bool step(struct conn *c, char b)
{
	if (b != "\r\n\r\n"[c->end]) {
		c->end = b == '\r';
		return false;
	}
	c->end = (c->end + 1) & 3;
	return c->end == 0;
}

/* requests counts the empty lines that end in p, also those begun earlier. */
static size_t requests(struct conn *c, const char *p, size_t n)
{
	const char *limit = p + n, *q;
	size_t found = 0;

	while (c->end && p < limit)
		found += step(c, *p++);
	while ((q = memmem(p, limit - p, "\r\n\r\n", 4))) {
		found++;
		p = q + 4;
	}
	if (limit - p > 3)
		p = limit - 3;
	while (p < limit)
		step(c, *p++);
	return found;
}

/* put sends the next piece. It returns a count, 0 without room, or -1 on an error. */
static ssize_t put(int fd, struct conn *c, bool *full)
{
	size_t at = (period - c->owed % period) % period, most;
	ssize_t n;

	if (file < 0 || at < head) {
		most = in_block - at;
		if (most > c->owed)
			most = c->owed;
		n = send(fd, answers + at, most, MSG_NOSIGNAL | (file < 0 ? 0 : MSG_MORE));
		*full = n < (ssize_t)most;
	} else {
		off_t from = at - head;
		most = period - at;
		if (most > ONE_SENDFILE)
			most = ONE_SENDFILE;
		n = sendfile(fd, file, &from, most);
		*full = n <= 0;
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return n;
}

/* flush sends as much as the socket takes, and returns whether the connection stays open. */
static bool flush(int fd, struct conn *c)
{
	bool full = false;

	while (c->owed && !full) {
		ssize_t n = put(fd, c, &full);
		if (n < 0)
			return false;
		c->owed -= n;
	}
	if (!edge && c->room_watched != (c->owed > 0)) {
		c->room_watched = c->owed > 0;
		watch(fd, EPOLL_CTL_MOD, EPOLLIN | (c->room_watched ? EPOLLOUT : 0));
	}
	return !(one_request && c->owed == 0);
}

/* hear reads requests, and returns whether the connection stays open. */
static bool hear(int fd, struct conn *c, bool to_the_end)
{
	for (;;) {
		ssize_t n = recv(fd, in, sizeof in, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		size_t k = requests(c, in, n);
		if (k) {
			c->owed += k * period;
			if (!flush(fd, c))
				return false;
		}
		/* After a short read the socket is empty, unless the peer has closed. */
		if (!edge || (n < (ssize_t)sizeof in && !to_the_end))
			return true;
	}
}

static void admit(int door)
{
	for (;;) {
		int fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		conns[fd] = (struct conn){0};
		watch(fd, EPOLL_CTL_ADD, edge ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN);
	}
}

static int open_door(int port)
{
	int on = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(door, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
	if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 4096))
		fail("listen");
	return door;
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	struct rlimit limit;
	const char *path = NULL;

	if (argc < 2) {
		fprintf(stderr, "usage: floor PORT [--close] [--edge] [--file PATH]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--edge"))
			edge = true;
		else if (!strcmp(argv[i], "--close"))
			one_request = true;
		else if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else {
			fprintf(stderr, "floor: %s?\n", argv[i]);
			return 2;
		}
	}
	signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
	prepare(path);
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1 << 20)
		limit.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_NOFILE, &limit); /* so no descriptor is beyond the table */
	if (!(conns = calloc(limit.rlim_cur, sizeof *conns)))
		fail("calloc");

	int door = open_door(atoi(argv[1]));
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) < 0)
		fail("epoll_create1");
	watch(door, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			uint32_t what = events[i].events;
			if (fd == door) {
				admit(door);
				continue;
			}
			/*
			 * A descriptor is in a batch once and closed by its own
			 * event only, so none of these is stale.
			 */
			struct conn *c = &conns[fd];
			bool lives = true;
			if (what & EPOLLOUT && c->owed)
				lives = flush(fd, c);
			if (lives && what & ~EPOLLOUT)
				lives = hear(fd, c, what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
			if (!lives)
				close(fd);
		}
	}
}
